//! What feeds can say of a release, and so what it means that they say nothing.

use crate::{FeedInfo, KnowledgeInfo, PackageType, Release};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What a feed can say of the packages of one manager in one release.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FeedCoverage {
    /// The release.
    pub release: Release,
    /// The package manager.
    #[serde(rename = "type")]
    pub package_type: PackageType,
    /// What it can say of a package there.
    pub states: BTreeSet<CoveredState>,
    /// Repositories of the release that it was read for; empty: the feed is not divided by repositories.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub repositories: BTreeSet<String>,
    /// Repositories of the release that the vendor has documents of, and none was read.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub missing: BTreeSet<String>,
}

/// What can be said of a package and an id: [`crate::AdvisoryState`], with and without a fix told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoveredState {
    /// Not affected.
    NotAffected,
    /// Affected below the version that fixes it.
    Fixed,
    /// Affected, and there is no fix yet.
    Unfixed,
    /// Affected, and a fix will come with some later update.
    FixDeferred,
    /// Affected, and no fix will come.
    WillNotFix,
    /// Not supported any more.
    EndOfLife,
    /// Nobody knows yet.
    UnderInvestigation,
}

impl CoveredState {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::NotAffected,
        Self::Fixed,
        Self::Unfixed,
        Self::FixDeferred,
        Self::WillNotFix,
        Self::EndOfLife,
        Self::UnderInvestigation,
    ];
}

/// What silence about a package means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// Nothing of it was ever fixed: what has no fix is not told.
    FixesOnly,
    /// Nothing is listed: it is not told what is not affected, nor whether the list is whole.
    ListedOnly,
    /// The vendor knows of nothing.
    Full,
}

impl FeedCoverage {
    /// What its states come to.
    #[must_use]
    pub fn extent(&self) -> Extent {
        let says = |state| self.states.contains(&state);
        match (says(CoveredState::Unfixed), says(CoveredState::NotAffected)) {
            (false, _) => Extent::FixesOnly,
            (true, false) => Extent::ListedOnly,
            (true, true) => Extent::Full,
        }
    }
}

/// What all feeds of a database can say of the packages of one manager in one release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage<'a> {
    /// The feeds that speak of them, by id; at least one.
    pub feeds: Vec<&'a FeedInfo>,
    /// The most that any of them says.
    pub extent: Extent,
    /// Repositories of the release that some feed was read for.
    pub repositories: BTreeSet<&'a str>,
    /// Repositories of the release that no feed was read for.
    pub missing: BTreeSet<&'a str>,
    /// The instant of the oldest of these feeds.
    pub as_of: Timestamp,
}

impl KnowledgeInfo {
    /// What is known of packages of `package_type` in `release`; `None`: no feed speaks of them, so nothing can
    /// be judged.
    #[must_use]
    pub fn coverage(&self, release: &Release, package_type: &PackageType) -> Option<Coverage<'_>> {
        let is_asked =
            |covered: &&FeedCoverage| covered.release == *release && covered.package_type == *package_type;
        let covered: Vec<(&FeedInfo, &FeedCoverage)> =
            self.feeds.iter().filter_map(|feed| Some((feed, feed.coverage.iter().find(is_asked)?))).collect();
        let names = |of: fn(&FeedCoverage) -> &BTreeSet<String>| -> BTreeSet<&str> {
            covered.iter().flat_map(|(_, covered)| of(covered)).map(String::as_str).collect()
        };
        let repositories = names(|covered| &covered.repositories);
        let mut missing = names(|covered| &covered.missing);
        missing.retain(|name| !repositories.contains(name));
        Some(Coverage {
            extent: covered.iter().map(|(_, covered)| covered.extent()).max()?,
            as_of: covered.iter().map(|(feed, _)| feed.as_of).min()?,
            feeds: covered.into_iter().map(|(feed, _)| feed).collect(),
            repositories,
            missing,
        })
    }
}
