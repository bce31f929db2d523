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
use crate::history::{self, History, Known};
use crate::ids::{self, RowId};
use crate::layout::assemble;
use crate::scope;
use crate::section::Section;
use hashbrown::HashMap;
use jiff::Timestamp;
use std::cmp::Reverse;
use std::collections::BTreeSet;

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
pub(crate) fn encode(distribution: &str, draft: SegmentDraft, now: Timestamp) -> Result<Encoded, BuildError> {
    sections(distribution, Ranked::of(draft, now))
        .map_err(|TooLarge(what)| super::too_large(distribution, what))
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
    let (mut filed, histories) = filing.keys()?;
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
    sections.extend(history_sections(&filed, &histories)?);
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
        for row in ranked.rows() {
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

/// What becomes an entry of `HistoryPlaces`.
struct KeyHistory {
    name: u32,
    scope: u32,
    history: History,
}

/// The sections of histories, where there are any; `filed` as in the file.
fn history_sections(filed: &[Filed], histories: &[KeyHistory]) -> Fit<Vec<(Section, Vec<u8>)>> {
    if histories.is_empty() {
        return Ok(Vec::new());
    }
    let of_history = |history: &History| {
        let current = history.current.iter().map(|(_, known)| *known).chain([history.rest]);
        let past = history.past.iter().flat_map(|(_, _, rows)| rows.iter().copied());
        current
            .chain(past)
            .flat_map(|known| [known.from, known.first_observed, known.until])
            .flatten()
            .collect::<Vec<_>>()
    };
    let instants: BTreeSet<Timestamp> = histories.iter().flat_map(|key| of_history(&key.history)).collect();
    let instants = Vec::from_iter(instants);
    let mut order: Vec<&KeyHistory> = histories.iter().collect();
    order.sort_unstable_by_key(|key| (key.name, key.scope));
    let (mut places, mut shared) = (Vec::new(), Shared::default());
    for key in order {
        let number = filed.binary_search_by_key(&(key.name, key.scope), |filed| (filed.name, filed.scope));
        let place = shared.put(&history::encode(&key.history, &instants)).ok_or(TooLarge("history"))?;
        places.extend(fit(number.unwrap_or_default(), "keys")?.to_le_bytes());
        places.extend(place.to_le_bytes());
    }
    Ok(vec![
        (Section::Instants, history::encode_instants(&instants)),
        (Section::HistoryPlaces, places),
        (Section::History, shared.section),
    ])
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
    /// Every key that has rows or had some, and the histories of those that have one.
    fn keys(&mut self) -> Fit<(Vec<Filed>, Vec<KeyHistory>)> {
        let merged = &self.ranked.merged;
        let (mut filed, mut histories) = (Vec::new(), Vec::new());
        let (mut rows, mut past, mut known) = (&merged.rows[..], &merged.past[..], &merged.known[..]);
        let mut place = 0;
        while let Some(key) =
            [rows.first(), past.first().map(|(row, _)| row)].into_iter().flatten().map(|row| row.key).min()
        {
            let (of_key, left) = rows.split_at(rows.partition_point(|row| row.key == key));
            let (past_of_key, past_left) = past.split_at(past.partition_point(|(row, _)| row.key == key));
            let end = place + of_key.len();
            let (known_of_key, known_left) = known.split_at(known.partition_point(|(row, _)| *row < end));
            let Some((scope, name)) = self.ranked.keys.get(key as usize).copied() else { break };
            let (group, details) = self.rows(of_key)?;
            filed.push(Filed { name, scope, group, details });
            if !known_of_key.is_empty() || !past_of_key.is_empty() {
                let known = known_of_key.iter().map(|(row, known)| ((row - place) as u32, *known)).collect();
                let history = self.history(of_key.len(), known, past_of_key)?;
                histories.push(KeyHistory { name, scope, history });
            }
            (rows, past, known, place) = (left, past_left, known_left, end);
        }
        Ok((filed, histories))
    }

    fn history(&mut self, rows: usize, known: Vec<(u32, Known)>, past: &[(RowDraft, Known)]) -> Fit<History> {
        let mut history = History { current: known, ..History::default() };
        // Mostly a key is new with all its rows.
        if let [(_, first), others @ ..] = &history.current[..]
            && history.current.len() == rows
            && others.iter().all(|(_, known)| known == first)
        {
            history = History { rest: *first, ..History::default() };
        }
        if !past.is_empty() {
            let rows: Vec<RowDraft> = past.iter().map(|(row, _)| *row).collect();
            let (group, details) = self.rows(&rows)?;
            history.past = Some((group, details, past.iter().map(|(_, known)| *known).collect()));
        }
        Ok(history)
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
