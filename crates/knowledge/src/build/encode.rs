//! A segment's sections from its draft.

use super::BuildError;
use super::draft::{RowDraft, SegmentDraft};
use super::index::{Filed, index};
use super::ranked::Ranked;
use super::stored::{Shared, Stored};
use super::told::Told;
use crate::codec::put_blob;
use crate::detail::{self, NONE};
use crate::group::{self, Statement};
use crate::ids::{self, RowId};
use crate::layout::assemble;
use crate::scope;
use crate::section::Section;
use std::cmp::Reverse;
use std::collections::HashMap;

/// Something does not fit 32 bits.
pub(crate) struct TooLarge(pub(crate) &'static str);

pub(crate) type Fit<T> = Result<T, TooLarge>;

pub(crate) fn fit(number: usize, what: &'static str) -> Fit<u32> {
    u32::try_from(number).map_err(|_| TooLarge(what))
}

/// The files of a distribution.
pub(crate) struct Encoded {
    pub(crate) segment: Vec<u8>,
    /// There are none where no row has texts.
    pub(crate) texts: Option<Vec<u8>>,
}

/// The files of `distribution`.
pub(crate) fn encode(distribution: &str, draft: SegmentDraft) -> Result<Encoded, BuildError> {
    sections(distribution, Ranked::of(draft)).map_err(|TooLarge(what)| super::too_large(distribution, what))
}

fn sections(distribution: &str, ranked: Ranked) -> Fit<Encoded> {
    let told = Told::of(&ranked)?;
    let contexts = Contexts::of(&ranked)?;
    let mut filing = Filing {
        ranked: &ranked,
        told: &told,
        contexts: &contexts,
        versions: Versions::new(&ranked),
        groups: Shared::default(),
        details: Shared::default(),
    };
    let mut filed = Vec::new();
    for rows in ranked.rows.chunk_by(|one, other| one.key == other.key) {
        filed.extend(filing.key(rows)?);
    }
    // By name, then scope; the rows lie by scope, then name, because one image asks for one release.
    filed.sort_unstable();
    let ids = ranked.ids.iter().map(|rank| RowId::from(ranked.text(*rank)));
    let mut sections =
        vec![(Section::Scopes, scope::encode(distribution, ranked.scopes.iter().map(AsRef::as_ref)))];
    sections.extend(index(&filed, &ranked)?);
    sections.push((Section::Groups, filing.groups.section));
    sections.push((Section::Versions, filing.versions.section));
    sections.extend(ids::encode(ids).ok_or(TooLarge("ids"))?);
    sections.push((Section::Details, filing.details.section));
    sections.extend(contexts.sections);
    sections.extend(told.sections);
    let texts = told.texts.map(|sections| assemble(&sections));
    drop(ranked);
    Ok(Encoded { segment: assemble(&sections), texts })
}

/// Contexts with the feeds that state them, the most used first.
struct Contexts {
    sections: Vec<(Section, Vec<u8>)>,
    /// By context and feeds.
    numbers: HashMap<(u32, u32), u32>,
}

impl Contexts {
    fn of(ranked: &Ranked) -> Fit<Self> {
        let mut counts: HashMap<(u32, u32), u32> = HashMap::new();
        for row in &ranked.rows {
            *counts.entry((row.context, row.feeds)).or_default() += 1;
        }
        let mut order: Vec<_> =
            counts.into_iter().map(|(context, count)| (Reverse(count), context)).collect();
        order.sort_unstable();
        let texts = ranked.contexts.iter().flat_map(|context| context.texts()).map(|text| ranked.text(text));
        let feeds = ranked.feeds.iter().map(AsRef::as_ref);
        let strings = Stored::of(texts.chain(feeds)).ok_or(TooLarge("strings"))?;
        let (mut places, mut section, mut numbers) = (Vec::new(), Vec::new(), HashMap::new());
        for (number, (_, (context, feeds))) in (0..).zip(order) {
            let Some(said) = ranked.contexts.get(context as usize) else { continue };
            let of_feeds: Vec<u32> = (0..)
                .zip(&ranked.feeds)
                .filter(|(bit, _)| feeds & 1 << bit != 0)
                .map(|(_, feed)| strings.offset(feed))
                .collect();
            places.extend(fit(section.len(), "contexts")?.to_le_bytes());
            put_blob(
                &mut section,
                &said.of_texts(|text| strings.offset(ranked.text(text))).encode(&of_feeds),
            );
            numbers.insert((context, feeds), number);
        }
        let sections = vec![
            (Section::Contexts, section),
            (Section::ContextPlaces, places),
            (Section::Strings, strings.section),
        ];
        Ok(Self { sections, numbers })
    }
}

/// Versions in the order in which rows first name them.
struct Versions {
    section: Vec<u8>,
    /// By rank among strings.
    places: Vec<u32>,
}

impl Versions {
    fn new(ranked: &Ranked) -> Self {
        Self { section: Vec::new(), places: vec![NONE; ranked.strings.len()] }
    }

    /// Of 1 + a rank, or 0.
    fn place(&mut self, version: u32, ranked: &Ranked) -> Fit<Option<u32>> {
        let Some(rank) = version.checked_sub(1) else { return Ok(None) };
        let next = fit(self.section.len(), "versions")?;
        Ok(self.places.get_mut(rank as usize).map(|place| {
            if *place == NONE {
                *place = next;
                put_blob(&mut self.section, ranked.text(rank).as_bytes());
            }
            *place
        }))
    }
}

/// Lays out one key after another.
struct Filing<'a> {
    ranked: &'a Ranked,
    told: &'a Told,
    contexts: &'a Contexts,
    versions: Versions,
    groups: Shared,
    details: Shared,
}

impl Filing<'_> {
    fn key(&mut self, rows: &[RowDraft]) -> Fit<Option<Filed>> {
        let place = rows.first().and_then(|first| self.ranked.keys.get(first.key as usize));
        let Some((scope, name)) = place.copied() else { return Ok(None) };
        let (group, details) = self.rows(rows)?;
        Ok(Some(Filed { name, scope, group, details }))
    }

    /// Where the rows of a key and their details lie.
    fn rows(&mut self, rows: &[RowDraft]) -> Fit<(u32, u32)> {
        let mut said = Vec::with_capacity(rows.len());
        let mut parts = Vec::with_capacity(rows.len());
        for row in rows {
            let statement = Statement {
                judgement: row.judgement,
                context: self.contexts.numbers.get(&(row.context, row.feeds)).copied().unwrap_or_default(),
                fixed: self.versions.place(row.fixed, self.ranked)?,
                introduced: self.versions.place(row.introduced, self.ranked)?,
            };
            said.push((row.id, statement));
            parts.push(self.told.of_row(row.id, row.subject, row.issue));
        }
        let mut blob = Vec::new();
        group::encode(said, &mut blob);
        let group = self.groups.put(&blob).ok_or(TooLarge("rows"))?;
        let details = if parts.iter().all(|part| *part == (NONE, 0)) {
            NONE
        } else {
            self.details.put(&detail::encode(&parts)).ok_or(TooLarge("details"))?
        };
        Ok((group, details))
    }
}
