//! What the database before leaves this one: since when each row is known, and the rows that are no more.

use super::draft::RowDraft;
use crate::history::Known;
use imagescan_model::{PackageType, Release};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// What the database before says of a distribution.
#[derive(Default)]
pub(crate) struct Previous {
    pub(crate) rows: Vec<(RowDraft, Known)>,
    /// Which feeds it had read for which packages: what these say now and did not say then is news.
    pub(crate) read: BTreeSet<(Release, PackageType, String)>,
}

/// The rows of all keys, and what is known of them.
#[derive(Default)]
pub(crate) struct Merged {
    pub(crate) rows: Vec<RowDraft>,
    /// By place in `rows`, where there is something to say.
    pub(crate) known: Vec<(usize, Known)>,
    /// Sorted by key, id and the rest.
    pub(crate) past: Vec<(RowDraft, Known)>,
}

/// Joins sorted `rows` with those of the database `before`. `is_news` says of a row that was not there whether its
/// feed had been read.
pub(crate) fn merge(
    rows: Vec<RowDraft>,
    mut before: Vec<(RowDraft, Known)>,
    now: Timestamp,
    is_news: impl Fn(&RowDraft) -> bool,
) -> Merged {
    before.sort_unstable();
    let mut merged = Merged::default();
    let mut rest = &before[..];
    let mut place = 0;
    for of_key in rows.chunk_by(|one, other| one.key == other.key) {
        let Some(key) = of_key.first().map(|row| row.key) else { continue };
        let (gone, left) = rest.split_at(rest.partition_point(|(row, _)| row.key < key));
        merged.past.extend(gone.iter().filter_map(|(row, known)| ended(row, known, now)));
        let (same_key, left) = left.split_at(left.partition_point(|(row, _)| row.key == key));
        rest = left;
        for row in of_key {
            let known = known_of(row, same_key, now, &is_news);
            if known != Known::default() {
                merged.known.push((place, known));
            }
            place += 1;
        }
        let is_gone =
            |(row, known): &&(RowDraft, Known)| known.until.is_some() || find(of_key, row).is_none();
        merged.past.extend(same_key.iter().filter(is_gone).filter_map(|(row, known)| ended(row, known, now)));
    }
    merged.past.extend(rest.iter().filter_map(|(row, known)| ended(row, known, now)));
    merged.past.sort_unstable();
    merged.rows = rows;
    merged
}

/// The row that states the same, among sorted ones.
fn find<'a>(rows: &'a [RowDraft], wanted: &RowDraft) -> Option<&'a RowDraft> {
    let place = rows.partition_point(|row| RowDraft { feeds: 0, ..*row } < RowDraft { feeds: 0, ..*wanted });
    rows.get(place).filter(|row| row.states_what(wanted))
}

fn known_of(
    row: &RowDraft,
    before: &[(RowDraft, Known)],
    now: Timestamp,
    is_news: impl Fn(&RowDraft) -> bool,
) -> Known {
    let of_id = before.partition_point(|(other, _)| other.id < row.id);
    let of_id = before.get(of_id..).unwrap_or_default();
    let of_id = of_id.get(..of_id.partition_point(|(other, _)| other.id == row.id)).unwrap_or_default();
    let still = of_id.iter().find(|(other, known)| known.until.is_none() && other.states_what(row));
    if let Some((_, known)) = still {
        return *known;
    }
    // `None` is the earliest: it was there from the beginning.
    let observed =
        of_id.iter().filter(|(other, _)| other.fixed == row.fixed).map(|(_, known)| known.first_observed);
    let first_observed = observed.min().unwrap_or_else(|| is_news(row).then_some(now));
    Known { from: Some(now), first_observed, until: None }
}

/// A row that is no more; `None`: no instant knew it.
fn ended(row: &RowDraft, known: &Known, now: Timestamp) -> Option<(RowDraft, Known)> {
    let until = known.until.unwrap_or(now);
    known.from.is_none_or(|from| from < until).then_some((*row, Known { until: Some(until), ..*known }))
}
