//! A segment's sections from its draft: everything sorted, so that the order of arrival leaves no trace.

use super::BuildError;
use super::draft::{KeyDraft, RowDraft, SegmentDraft};
use super::intern::{Id, of};
use crate::codec::{put_blob, put_varint};
use crate::layout::assemble;
use crate::row::Draft;
use crate::scope::{self, Scope};
use crate::section::Section;
use crate::segment::slot_of;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The file of `distribution`.
pub(crate) fn encode(distribution: &str, draft: SegmentDraft) -> Result<Vec<u8>, BuildError> {
    sections(distribution, draft)
        .map(|sections| assemble(&sections))
        .map_err(|TooLarge(what)| BuildError::TooLarge { distribution: distribution.into(), what })
}

/// Something does not fit 32 bits.
struct TooLarge(&'static str);

type Sections = [(Section, Vec<u8>); 8];

fn sections(distribution: &str, mut draft: SegmentDraft) -> Result<Sections, TooLarge> {
    let feeds = feed_lists(&mut draft).ok_or(TooLarge("lists"))?;
    let strings = LaidOut::of(&draft.strings.into_values(), "strings")?;
    let list = |list: Arc<[Id]>| {
        let mut out = Vec::new();
        list.iter().for_each(|text| put_varint(&mut out, strings.offset(*text).into()));
        out
    };
    let lists: Vec<_> = draft.lists.into_values().into_iter().map(list).collect();
    let lists = LaidOut::of(&lists, "lists")?;
    let detail = |text| strings.offset(text);
    let details: Vec<_> = draft.details.into_values().iter().map(|draft| draft.encode(detail)).collect();
    let details = LaidOut::of(&details, "details")?;

    let (scopes, scope_ranks) = sorted_scopes(draft.scopes.into_values());
    let keys = draft.keys.into_values();
    let place = |key: &KeyDraft| (*of(&scope_ranks, key.scope), strings.offset(key.name));
    let places: Vec<_> = keys.iter().map(|key| place(key)).collect();

    let (groups, mut filed) = groups(draft.rows, &places, |row| Draft {
        id: strings.offset(row.id),
        judgement: row.judgement,
        fixed_version: row.fixed_version.map(|text| strings.offset(text)),
        introduced: row.introduced.map(|text| strings.offset(text)),
        module: row.module.map(|text| strings.offset(text)),
        stream: row.stream.map(|text| strings.offset(text)),
        architectures: row.architectures.map(|list| lists.offset(list)),
        detail: row.detail.map(|detail| details.offset(detail)),
        // Every set that a row has was listed.
        feeds: feeds.get(&row.feeds).map_or(0, |list| lists.offset(*list)),
    })?;
    filed.sort_unstable_by_key(|filed| (filed.name, filed.scope));
    let index = index(&filed, &strings.section)?;
    Ok([
        (Section::Scopes, scope::encode(distribution, scopes.iter().map(Arc::as_ref))),
        (Section::Slots, index.slots),
        (Section::Names, index.names),
        (Section::Keys, index.keys),
        (Section::Groups, groups),
        (Section::Lists, lists.section),
        (Section::Details, details.section),
        (Section::Strings, strings.section),
    ])
}

/// Makes one row of what several feeds state alike, then a list of each set of feeds that rows have. `None`: more
/// values than numbers.
fn feed_lists(draft: &mut SegmentDraft) -> Option<BTreeMap<u32, Id>> {
    draft.rows.sort_unstable();
    draft.rows.dedup_by(|row, kept| {
        let same = row.states_what(kept);
        if same {
            kept.feeds |= row.feeds;
        }
        same
    });
    let mut feeds: Vec<(Arc<str>, u32)> = std::mem::take(&mut draft.feeds)
        .into_values()
        .into_iter()
        .zip((0..u32::BITS).map(|bit| 1 << bit))
        .collect();
    feeds.sort_unstable();
    let sets: BTreeSet<u32> = draft.rows.iter().map(|row| row.feeds).collect();
    let mut lists = BTreeMap::new();
    for set in sets {
        let members = feeds.iter().filter(|(_, bit)| set & bit != 0);
        let list: Vec<Id> = members.map(|(feed, _)| draft.strings.intern(&**feed)).collect::<Option<_>>()?;
        lists.insert(set, draft.lists.intern(list)?);
    }
    Some(lists)
}

/// Blobs one after another in sorted order, and where each lies.
struct LaidOut {
    section: Vec<u8>,
    /// By number.
    offsets: Vec<u32>,
}

impl LaidOut {
    fn of<B: Bytes>(blobs: &[B], what: &'static str) -> Result<Self, TooLarge> {
        let mut order: Vec<_> = blobs.iter().enumerate().collect();
        order.sort_unstable_by_key(|(_, blob)| blob.bytes());
        let mut section = Vec::new();
        let mut offsets = vec![0; blobs.len()];
        for (number, blob) in order {
            if let Some(offset) = offsets.get_mut(number) {
                *offset = fit(section.len(), what)?;
            }
            put_blob(&mut section, blob.bytes());
        }
        fit(section.len(), what)?;
        Ok(Self { section, offsets })
    }

    fn offset(&self, id: Id) -> u32 {
        *of(&self.offsets, id)
    }
}

trait Bytes {
    fn bytes(&self) -> &[u8];
}

impl Bytes for Arc<str> {
    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl Bytes for Vec<u8> {
    fn bytes(&self) -> &[u8] {
        self
    }
}

fn fit(number: usize, what: &'static str) -> Result<u32, TooLarge> {
    u32::try_from(number).map_err(|_| TooLarge(what))
}

/// The scopes in their order in the file, and the rank of each number there.
fn sorted_scopes(scopes: Vec<Arc<Scope>>) -> (Vec<Arc<Scope>>, Vec<u32>) {
    let mut order: Vec<_> = scopes.iter().enumerate().collect();
    order.sort_by(|(_, one), (_, other)| one.sort_key().cmp(&other.sort_key()));
    let mut ranks = vec![0; scopes.len()];
    for (rank, (number, _)) in (0..).zip(&order) {
        if let Some(place) = ranks.get_mut(*number) {
            *place = rank;
        }
    }
    (order.iter().map(|(_, scope)| Arc::clone(scope)).collect(), ranks)
}

/// A key in the file: all three are what the file holds.
struct Filed {
    scope: u32,
    name: u32,
    group: u32,
}

/// Groups in the order of release, then name (one image asks for one release); equal ones once.
fn groups(
    mut rows: Vec<RowDraft>,
    places: &[(u32, u32)],
    number: impl Fn(&RowDraft) -> Draft,
) -> Result<(Vec<u8>, Vec<Filed>), TooLarge> {
    rows.sort_unstable_by_key(|row| *of(places, row.key));
    let mut section = Vec::new();
    let mut offsets: HashMap<Vec<u8>, u32> = HashMap::new();
    let mut filed = Vec::with_capacity(places.len());
    for group in rows.chunk_by(|one, other| one.key == other.key) {
        let Some(first) = group.first() else { continue };
        let blob = group_blob(group.iter().map(&number).collect());
        let group = match offsets.get(&blob) {
            Some(offset) => *offset,
            None => {
                let offset = fit(section.len(), "groups")?;
                put_blob(&mut section, &blob);
                offsets.insert(blob, offset);
                offset
            }
        };
        let (scope, name) = *of(places, first.key);
        filed.push(Filed { scope, name, group });
    }
    Ok((section, filed))
}

fn group_blob(mut rows: Vec<Draft>) -> Vec<u8> {
    rows.sort_unstable();
    rows.dedup();
    let mut blob = Vec::new();
    let mut last_id = 0;
    for row in rows {
        row.write(&mut blob, last_id);
        last_id = row.id;
    }
    blob
}

/// The three tables that lead from a name to its groups.
struct Index {
    slots: Vec<u8>,
    names: Vec<u8>,
    keys: Vec<u8>,
}

/// `filed` by name, then scope.
fn index(filed: &[Filed], strings: &[u8]) -> Result<Index, TooLarge> {
    let (mut names, mut keys) = (Vec::new(), Vec::with_capacity(filed.len() * 8));
    let mut texts = Vec::new();
    for of_name in filed.chunk_by(|one, other| one.name == other.name) {
        let Some(first) = of_name.first() else {
            continue;
        };
        texts.push(text_at(strings, first.name));
        put_pair(&mut names, first.name, fit(keys.len() / 8, "keys")?);
        for key in of_name {
            put_pair(&mut keys, key.scope, key.group);
        }
    }
    put_pair(&mut names, 0, fit(keys.len() / 8, "keys")?);
    Ok(Index { slots: slots(&texts)?, names, keys })
}

fn text_at(strings: &[u8], offset: u32) -> &str {
    let mut cursor = crate::codec::Cursor::new(strings.get(offset as usize..).unwrap_or_default());
    cursor.text().unwrap_or_default()
}

/// Two of three slots are taken, so that the search for a name that is not there ends soon.
fn slots(names: &[&str]) -> Result<Vec<u8>, TooLarge> {
    let count = names.len() + names.len() / 2 + 1;
    let mut slots = vec![(0u32, 0u32); count];
    for (number, name) in names.iter().enumerate() {
        let (tag, start) = slot_of(name, count);
        let entry = (tag, fit(number + 1, "names")?);
        let free = (0..count).map(|step| (start + step) % count);
        for place in free {
            if let Some(slot) = slots.get_mut(place).filter(|slot| slot.1 == 0) {
                *slot = entry;
                break;
            }
        }
    }
    let mut out = Vec::with_capacity(count * 8);
    slots.iter().for_each(|(tag, name)| put_pair(&mut out, *tag, *name));
    Ok(out)
}

fn put_pair(out: &mut Vec<u8>, first: u32, second: u32) {
    out.extend(first.to_le_bytes());
    out.extend(second.to_le_bytes());
}
