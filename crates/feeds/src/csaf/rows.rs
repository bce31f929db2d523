//! Statements of one vulnerability that differ in their architecture only, as one record.

use crate::reader::Out;
use imagescan_model::{
    AdvisoryRecord, AdvisoryReference, AdvisoryState, CoveredState, DateKind, DatedAs, MatchedBy,
    PackageType, Release, Severity,
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// What makes a record another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) release: Release,
    pub(crate) matched_by: MatchedBy,
    pub(crate) package: String,
    pub(crate) module: Option<String>,
    pub(crate) stream: Option<String>,
    // Last, so that what is said of one package stands together, `NotAffected` first.
    pub(crate) state: AdvisoryState,
    pub(crate) fixed_version: Option<String>,
}

impl Key {
    fn is_about_the_same(&self, other: &Self) -> bool {
        self.package == other.package
            && (self.matched_by, &self.release) == (other.matched_by, &other.release)
            && (&self.module, &self.stream) == (&other.module, &other.stream)
    }
}

/// The rest of a record.
#[derive(Debug, Default)]
pub(crate) struct Row {
    architectures: BTreeSet<String>,
    every_architecture: bool,
    pub(crate) severity: Severity,
    advisories: BTreeMap<String, AdvisoryReference>,
    fix_available: Option<Timestamp>,
}

impl Row {
    /// Names an advisory that announced the fix; the earliest dates it.
    pub(crate) fn announce(&mut self, advisory: Option<AdvisoryReference>, date: Option<Timestamp>) {
        self.fix_available = self.fix_available.into_iter().chain(date).min();
        if let Some(advisory) = advisory {
            self.advisories.insert(advisory.id.clone(), advisory);
        }
    }
}

/// What all records of a vulnerability have in common.
#[derive(Debug)]
pub(crate) struct Common<'a> {
    pub(crate) feed: &'a str,
    pub(crate) id: &'a str,
    pub(crate) title: Option<String>,
    pub(crate) disclosed: Option<Timestamp>,
}

/// Records of one vulnerability.
#[derive(Debug, Default)]
pub(crate) struct Rows(BTreeMap<Key, Row>);

impl Rows {
    /// The row of `key`, which now speaks of these architectures, too; none: of all.
    pub(crate) fn add(&mut self, key: Key, architectures: &[impl AsRef<str>]) -> &mut Row {
        let row = self.0.entry(key).or_default();
        row.every_architecture |= architectures.is_empty();
        for name in architectures.iter().map(AsRef::as_ref) {
            if !row.architectures.contains(name) {
                row.architectures.insert(name.into());
            }
        }
        row
    }

    /// The releases it speaks of, each once.
    pub(crate) fn releases(&self) -> BTreeSet<&Release> {
        self.0.keys().map(|key| &key.release).collect()
    }

    /// What is said of each release.
    pub(crate) fn states(&self) -> BTreeSet<(&Release, CoveredState)> {
        let state = |key: &Key| match (key.state, &key.fixed_version) {
            (AdvisoryState::NotAffected, _) => CoveredState::NotAffected,
            (AdvisoryState::Affected, Some(_)) => CoveredState::Fixed,
            (AdvisoryState::Affected, None) => CoveredState::Unfixed,
            (AdvisoryState::FixDeferred, _) => CoveredState::FixDeferred,
            (AdvisoryState::WillNotFix, _) => CoveredState::WillNotFix,
            (AdvisoryState::EndOfLife, _) => CoveredState::EndOfLife,
            (AdvisoryState::UnderInvestigation, _) => CoveredState::UnderInvestigation,
        };
        self.0.keys().map(|key| (&key.release, state(key))).collect()
    }

    /// Gives the records. That a package is not affected is left out where some version of it is: the vendors say
    /// it of single builds, and a record is about all of them.
    pub(crate) fn give(self, common: &Common<'_>, out: &mut Out<'_>) {
        let mut rows = self.0.into_iter().peekable();
        while let Some((key, row)) = rows.next() {
            let contradicted = rows.peek().is_some_and(|(next, _)| next.is_about_the_same(&key));
            if key.state == AdvisoryState::NotAffected && contradicted {
                out.dropped("some build is not affected, though another of the same package is");
            } else {
                out.advisory(record(common, key, row));
            }
        }
    }
}

fn record(common: &Common<'_>, key: Key, row: Row) -> AdvisoryRecord {
    let dated = |at: Option<Timestamp>, kind| at.map(|at| DatedAs { at, kind });
    let every = row.every_architecture;
    AdvisoryRecord {
        state: key.state,
        fixed_version: key.fixed_version,
        architectures: if every { Vec::new() } else { row.architectures.into_iter().collect() },
        module: key.module,
        stream: key.stream,
        severity: row.severity,
        severity_source: (row.severity != Severity::Unknown).then(|| common.feed.into()),
        title: common.title.clone(),
        advisories: row.advisories.into_values().collect(),
        disclosed: dated(common.disclosed, DateKind::Disclosed),
        fix_available: dated(row.fix_available, DateKind::Advisory),
        ..AdvisoryRecord::new(key.release, PackageType::Rpm, key.matched_by, key.package, common.id)
    }
}
