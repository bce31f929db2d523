//! Debian: the security tracker's JSON, and the lists of DSAs and DLAs beside it.
//!
//! The JSON says for each source package, id and supported release what holds there, but no dates, and nothing
//! of releases that support has left. The lists say which advisory fixed what in which release, and when. An
//! advisory's fix goes over the tracker's: it is what was published.

mod lists;
mod tracker;

use crate::document::Document;
use crate::error::FeedError;
use crate::reader::{Out, Parser};
use imagescan_model::{
    AdvisoryRecord, AdvisoryReference, AdvisoryState, CoveredState, DateKind, DatedAs, HiddenReason,
    MatchedBy, PackageType, Release, Severity,
};
use imagescan_version::Order;
use lists::{Advisory, Listed};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// What is said of (release, source package, id).
type Key = (Release, String, String);

/// What was read so far. All of it is needed before the first record is known.
pub(crate) struct Tracker {
    feed: String,
    records: BTreeMap<Key, AdvisoryRecord>,
    advisories: Vec<Advisory>,
    tracked: BTreeSet<Release>,
}

impl Tracker {
    pub(crate) fn new(feed: &str) -> Self {
        let feed = feed.into();
        Self { feed, records: BTreeMap::new(), advisories: Vec::new(), tracked: BTreeSet::new() }
    }
}

impl Parser for Tracker {
    fn read(&mut self, document: &mut Document<'_>, _out: &mut Out<'_>) -> Result<(), FeedError> {
        match document.first()? {
            Some(b'{') => {
                for record in tracker::parse(document)? {
                    if !self.tracked.contains(&record.release) {
                        self.tracked.insert(record.release.clone());
                    }
                    add(&mut self.records, record, document)?;
                }
            }
            Some(b'[') => self.advisories.extend(lists::parse(document)?),
            _ => {
                let expected = "the tracker's JSON, data/DSA/list or data/DLA/list";
                return Err(document.unrecognised(&self.feed, expected));
            }
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Out<'_>) -> Result<(), FeedError> {
        lists::adopt_ids(&mut self.advisories);
        // Oldest first: what was said last stays.
        self.advisories.sort_by(|a, b| (a.date, &a.id).cmp(&(b.date, &b.id)));
        for advisory in &self.advisories {
            advisory.fixes.iter().for_each(|fix| apply(&mut self.records, advisory, fix));
        }
        // What only the lists speak of: fixes, and nothing of what was never fixed.
        let releases: BTreeSet<&Release> = self.records.keys().map(|(release, ..)| release).collect();
        for release in releases {
            let all: &[CoveredState] = if self.tracked.contains(release) {
                &CoveredState::ALL
            } else {
                &[CoveredState::NotAffected, CoveredState::Fixed, CoveredState::EndOfLife]
            };
            out.covers(release, &PackageType::Deb, all.iter().copied());
        }
        std::mem::take(&mut self.records).into_values().for_each(|record| out.advisory(record));
        Ok(())
    }
}

/// Adds what the tracker says. Two documents, or two places of one, that contradict each other are an error:
/// nobody could tell which of them holds.
fn add(
    records: &mut BTreeMap<Key, AdvisoryRecord>,
    record: AdvisoryRecord,
    document: &Document<'_>,
) -> Result<(), FeedError> {
    match records.entry((record.release.clone(), record.package.clone(), record.id.clone())) {
        Entry::Vacant(new) => {
            new.insert(record);
        }
        Entry::Occupied(known) if *known.get() == record => {}
        Entry::Occupied(_) => {
            let value = format!("{} {} {}", record.release, record.package, record.id);
            return Err(document.value(CONTRADICTS, value));
        }
    }
    Ok(())
}

const CONTRADICTS: &str = "two statements contradict each other about";

/// Puts one line of an advisory over what the tracker says.
fn apply(records: &mut BTreeMap<Key, AdvisoryRecord>, advisory: &Advisory, fix: &lists::Fix) {
    let own = std::slice::from_ref(&advisory.id);
    let ids = if advisory.ids.is_empty() { own } else { &advisory.ids };
    for id in ids {
        let entry = records.entry((fix.release.clone(), fix.source.clone(), id.clone()));
        let record = entry.or_insert_with(|| empty(&fix.release, &fix.source, id));
        let reference = AdvisoryReference {
            id: advisory.id.clone(),
            url: Some(format!("https://security-tracker.debian.org/tracker/{}", advisory.id)),
            date: Some(advisory.date),
        };
        // The tracker found out later that the release was never affected.
        let dismissed = record.state == AdvisoryState::NotAffected && is_tracked(record);
        let published = record.fix_available.is_some();
        match &fix.listed {
            Listed::Version(_) if dismissed && record.advisories.is_empty() => continue,
            Listed::Version(version) => {
                let known = record.fixed_version.as_deref().filter(|_| published);
                // Of several advisories the highest version is the whole fix.
                if known.is_none_or(|known| Order::Deb.compare(version, known).is_gt()) {
                    record.state = AdvisoryState::Affected;
                    record.fixed_version = Some(version.clone());
                    record.fix_available = Some(DatedAs { at: advisory.date, kind: DateKind::Advisory });
                }
            }
            // A fix that was published stays one, whatever a later advisory is about.
            Listed::Unfixed(_) if published => continue,
            Listed::Unfixed(state) if is_final(*state) || !is_tracked(record) => {
                (record.state, record.fixed_version) = (*state, None);
            }
            Listed::Unfixed(_) => continue,
        }
        if !record.advisories.contains(&reference) {
            record.advisories.push(reference);
            record.advisories.sort();
        }
    }
}

/// What an advisory says for good; the rest is the tracker's to say, which changes.
fn is_final(state: AdvisoryState) -> bool {
    matches!(state, AdvisoryState::NotAffected | AdvisoryState::EndOfLife)
}

/// Whether the tracker itself speaks of it, rather than the lists alone.
fn is_tracked(record: &AdvisoryRecord) -> bool {
    record.severity_source.is_some()
}

fn empty(release: &Release, source: &str, id: &str) -> AdvisoryRecord {
    AdvisoryRecord::new(release.clone(), PackageType::Deb, MatchedBy::Source, source, id)
}

/// A release by its codename. One that is newer than this program keeps its codename.
fn release(codename: &str) -> Release {
    Release::debian_codename(codename).unwrap_or_else(|| Release::new("debian", codename))
}

/// Severity and hiding of an urgency; stars mark automatic values in old data.
fn severity(urgency: &str) -> Option<(Severity, Option<HiddenReason>)> {
    Some(match urgency.trim_end_matches('*') {
        "high" => (Severity::High, None),
        "medium" => (Severity::Medium, None),
        "low" => (Severity::Low, None),
        "unimportant" => (Severity::Negligible, Some(HiddenReason::Unimportant)),
        "not yet assigned" | "end-of-life" | "" => (Severity::Unknown, None),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
