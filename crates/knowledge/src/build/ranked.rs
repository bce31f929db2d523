//! A draft in which every number is the rank of what it stands for, so that the order of arrival leaves no trace.

use super::draft::{RowDraft, SegmentDraft};
use super::intern::{Id, of};
use super::lineage::{self, Merged, Previous};
use crate::context::ContextDraft;
use crate::detail::{Issue, Subject};
use crate::ids::RowId;
use crate::scope::Scope;
use jiff::Timestamp;
use std::cmp::Ordering;
use std::sync::Arc;

/// All values are sorted, and rows say their ranks; of what a row may lack, 1 + the rank.
pub(crate) struct Ranked {
    pub(crate) strings: Vec<Arc<str>>,
    /// By name's rank among strings, and scope's.
    pub(crate) keys: Vec<(u32, u32)>,
    pub(crate) scopes: Vec<Arc<Scope>>,
    /// Ranks of the strings that are ids, in the order of ids.
    pub(crate) ids: Vec<u32>,
    pub(crate) contexts: Vec<ContextDraft<u32>>,
    pub(crate) subjects: Vec<Subject<u32>>,
    pub(crate) issues: Vec<Issue<u32>>,
    /// By their bits.
    pub(crate) feeds: Vec<Arc<str>>,
    /// Sorted by scope, name, id, each once.
    pub(crate) merged: Merged,
}

impl Ranked {
    pub(crate) fn of(draft: SegmentDraft, now: Timestamp) -> Self {
        let (strings, text) = sorted(draft.strings.into_values(), Arc::cmp);
        let text = |id: Id| *of(&text, id);
        let (scopes, scope) =
            sorted(draft.scopes.into_values(), |one, other| one.sort_key().cmp(&other.sort_key()));
        let keys =
            draft.keys.into_values().iter().map(|key| (*of(&scope, key.scope), text(key.name))).collect();
        let (keys, key) = sorted(keys, Ord::cmp);
        let contexts = draft.contexts.into_values();
        let (contexts, context) =
            sorted(contexts.iter().map(|draft| draft.of_texts(text)).collect(), Ord::cmp);
        let subjects = draft.subjects.into_values();
        let (subjects, subject) =
            sorted(subjects.iter().map(|draft| draft.of_texts(text)).collect(), Ord::cmp);
        let issues = draft.issues.into_values();
        let (issues, issue) = sorted(issues.iter().map(|draft| draft.of_texts(text)).collect(), Ord::cmp);
        let (feeds, feed) = sorted(draft.feeds.into_values(), Arc::cmp);
        let rank = |ranks: &[u32], number: u32| Id::new(number).map_or(0, |id| *of(ranks, id));
        let version = |number: u32| Id::new(number).map_or(0, |id| text(id) + 1);
        let ranked = |row: &RowDraft| RowDraft {
            key: rank(&key, row.key),
            id: Id::new(row.id).map_or(0, text),
            judgement: row.judgement,
            fixed: version(row.fixed),
            introduced: version(row.introduced),
            context: rank(&context, row.context),
            subject: rank(&subject, row.subject),
            issue: rank(&issue, row.issue),
            feeds: (0..)
                .zip(&feed)
                .filter(|(bit, _)| row.feeds & 1 << bit != 0)
                .fold(0, |set, (_, to)| set | 1 << to),
        };
        let mut rows = draft.rows;
        rows.iter_mut().for_each(|row| *row = ranked(row));
        let mut previous = draft.previous;
        let before = previous.iter_mut().flat_map(|previous| &mut previous.rows);
        before.for_each(|(row, _)| *row = ranked(row));
        let before = previous.iter_mut().flat_map(|previous| &mut previous.rows);
        let ids = number_ids(rows.iter_mut().chain(before.map(|(row, _)| row)), &strings);
        sort(&mut rows);
        let merged = match previous {
            None => Merged { rows, ..Merged::default() },
            Some(previous) => {
                let read = read_before(&previous, &scopes, &feeds);
                let scope_of = |row: &RowDraft| keys.get(row.key as usize).map(|(scope, _)| *scope as usize);
                let is_news = |row: &RowDraft| {
                    scope_of(row).and_then(|scope| read.get(scope)).is_some_and(|read| read & row.feeds != 0)
                };
                lineage::merge(rows, previous.rows, now, is_news)
            }
        };
        Self { strings, keys, scopes, ids, contexts, subjects, issues, feeds, merged }
    }

    /// All rows, those that are no more, too.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &RowDraft> {
        self.merged.rows.iter().chain(self.merged.past.iter().map(|(row, _)| row))
    }

    /// The text with this rank.
    pub(crate) fn text(&self, rank: u32) -> &str {
        self.strings.get(rank as usize).map_or("", |text| text)
    }
}

/// Sorts rows, and makes one of what several feeds state alike.
fn sort(rows: &mut Vec<RowDraft>) {
    rows.sort_unstable();
    rows.dedup_by(|row, kept| {
        let same = row.states_what(kept);
        if same {
            kept.feeds |= row.feeds;
        }
        same
    });
}

/// Ranks of the strings that are ids in the order of ids, whose places there rows get.
fn number_ids<'a>(rows: impl Iterator<Item = &'a mut RowDraft>, strings: &[Arc<str>]) -> Vec<u32> {
    let mut rows: Vec<&mut RowDraft> = rows.collect();
    let mut is_id = vec![false; strings.len()];
    for row in &rows {
        if let Some(mark) = is_id.get_mut(row.id as usize) {
            *mark = true;
        }
    }
    let mut ids: Vec<(RowId<'_>, u32)> = Vec::new();
    for (rank, text) in (0..).zip(strings) {
        if is_id.get(rank as usize) == Some(&true) {
            ids.push((RowId::from(&**text), rank));
        }
    }
    ids.sort_unstable();
    let mut numbers = vec![0; strings.len()];
    for (number, (_, rank)) in (0..).zip(&ids) {
        if let Some(place) = numbers.get_mut(*rank as usize) {
            *place = number;
        }
    }
    for row in &mut rows {
        row.id = numbers.get(row.id as usize).copied().unwrap_or_default();
    }
    ids.into_iter().map(|(_, rank)| rank).collect()
}

/// By scope, a bit for each feed that the database before had read for its packages.
fn read_before(previous: &Previous, scopes: &[Arc<Scope>], feeds: &[Arc<str>]) -> Vec<u32> {
    let of_scope = |scope: &Arc<Scope>| {
        let was_read = |feed: &str| {
            previous.read.contains(&(scope.release.clone(), scope.package_type.clone(), feed.to_owned()))
        };
        (0..).zip(feeds).filter(|(_, feed)| was_read(feed)).fold(0, |set, (bit, _)| set | 1 << bit)
    };
    scopes.iter().map(of_scope).collect()
}

/// The values sorted, and by the place that each had the one that it has.
fn sorted<T>(values: Vec<T>, order: impl Fn(&T, &T) -> Ordering) -> (Vec<T>, Vec<u32>) {
    let mut numbered: Vec<(u32, T)> = (0..).zip(values).collect();
    numbered.sort_unstable_by(|(_, one), (_, other)| order(one, other));
    let mut ranks = vec![0; numbered.len()];
    for (rank, (number, _)) in (0..).zip(&numbered) {
        if let Some(place) = ranks.get_mut(*number as usize) {
            *place = rank;
        }
    }
    (numbered.into_iter().map(|(_, value)| value).collect(), ranks)
}
