//! The whole report: facts of every image with what was judged of them.

use crate::{FeedCoverage, Finding, Inventory, Tool, Verdict};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The document `imagescan scan` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// [`crate::REPORT_SCHEMA`].
    pub schema: String,
    /// Who wrote it.
    pub tool: Tool,
    /// The instant judged at.
    pub as_of: Timestamp,
    /// What was known; absent where no database was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub knowledge: Option<KnowledgeInfo>,
    /// What was asked for.
    pub policy: PolicyInfo,
    /// One entry an image, in the order asked for.
    pub images: Vec<ImageReport>,
}

/// One image: its facts, with judgements inside, and what they come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageReport {
    /// The facts; `system.lifecycle` and `age.judged` are filled in.
    #[serde(flatten)]
    pub inventory: Inventory,
    /// Sorted by package as the packages are, then id.
    pub findings: Vec<Finding>,
    /// The verdict.
    pub verdict: Verdict,
}

/// The policy that judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyInfo {
    /// `name` of the file, or `default`.
    pub name: String,
    /// SHA-256 of the file's bytes; absent for the built-in default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<crate::Digest>,
}

/// The database that was looked into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnowledgeInfo {
    /// SHA-256 of the manifest.
    pub digest: crate::Digest,
    /// Instant the build was made for (`--as-of` of the build).
    pub built_at: Timestamp,
    /// Digests of the manifests it descends from, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lineage: Vec<crate::Digest>,
    /// Sorted by name.
    pub segments: Vec<SegmentInfo>,
    /// Sorted by id.
    pub feeds: Vec<FeedInfo>,
}

/// One immutable file of the database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SegmentInfo {
    /// `debian`, `alpine` …
    pub name: String,
    /// SHA-256 of the file.
    pub digest: crate::Digest,
    /// Bytes of the file.
    pub size: u64,
}

/// One feed that went into the database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FeedInfo {
    /// `debian`, `alpine` …
    pub id: String,
    /// The instant the data is of: the vendor's own date where there is one, else the build's.
    pub as_of: Timestamp,
    /// When it was fetched; absent for local files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetched_at: Option<Timestamp>,
    /// Why it could not be fetched when the database was built: its rows are those it had before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale: Option<String>,
    /// How many records it gave.
    pub records: u64,
    /// Licence of the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// What its documents hold that is no record of ours, by reason, with counts.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub dropped: std::collections::BTreeMap<String, u64>,
    /// SHA-256 over the feed's inputs.
    pub digest: crate::Digest,
    /// Which releases it speaks of, sorted.
    pub coverage: Vec<FeedCoverage>,
}
