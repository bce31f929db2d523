//! What a vendor says of a package in a release, whatever format said it.

use crate::{PackageType, Release, Severity};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One statement: (release, package, id) and what holds there. Several fixes of one id are several records.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AdvisoryRecord {
    /// Release it speaks of.
    pub release: Release,
    /// Package manager, which decides the version order.
    pub package_type: PackageType,
    /// Name it is filed under, of the kind that `matched_by` says.
    pub package: String,
    /// Whether `package` is a source or a binary name.
    pub matched_by: MatchedBy,
    /// The CVE; the advisory's own id where there is no CVE.
    pub id: String,
    /// Other names of the same thing, sorted.
    pub aliases: Vec<String>,
    /// What holds for a version below `fixed_version`, or for any when there is none.
    pub state: AdvisoryState,
    /// First version that is not affected. Only with [`AdvisoryState::Affected`].
    pub fixed_version: Option<String>,
    /// First version that is affected; `None`: from the beginning.
    pub introduced: Option<String>,
    /// Architectures it speaks of, sorted; empty: all.
    pub architectures: Vec<String>,
    /// Module `name:stream` it speaks of.
    pub module: Option<String>,
    /// Part of the distribution it speaks of, in the vendor's word: a CPE of Red Hat, `esm-infra` of Ubuntu, a
    /// repository of Amazon, a flavour of Oracle, a product of SUSE. `None`: the distribution itself.
    pub stream: Option<String>,
    /// Severity on our scale, by the source named next.
    pub severity: Severity,
    /// Who says so: `debian`, `nvd` …
    pub severity_source: Option<String>,
    /// Why a table may leave it out.
    pub hidden: Option<HiddenReason>,
    /// One line for people.
    pub title: Option<String>,
    /// Advisories that announce it, sorted by id.
    pub advisories: Vec<AdvisoryReference>,
    /// When it became public.
    pub disclosed: Option<DatedAs>,
    /// When a fix could be had.
    pub fix_available: Option<DatedAs>,
}

impl AdvisoryRecord {
    /// A record that says of any version of `package` that it is affected, and nothing else.
    #[must_use]
    pub fn new(
        release: Release,
        package_type: PackageType,
        matched_by: MatchedBy,
        package: impl Into<String>,
        id: impl Into<String>,
    ) -> Self {
        Self {
            release,
            package_type,
            package: package.into(),
            matched_by,
            id: id.into(),
            aliases: Vec::new(),
            state: AdvisoryState::Affected,
            fixed_version: None,
            introduced: None,
            architectures: Vec::new(),
            module: None,
            stream: None,
            severity: Severity::Unknown,
            severity_source: None,
            hidden: None,
            title: None,
            advisories: Vec::new(),
            disclosed: None,
            fix_available: None,
        }
    }
}

/// What a vendor says. A package that no record names is a further state: unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdvisoryState {
    /// No version is affected.
    NotAffected,
    /// Affected; `fixed_version` says whether a fix exists.
    Affected,
    /// A fix will come with some later update (Debian no-dsa and postponed).
    FixDeferred,
    /// No fix will come.
    WillNotFix,
    /// The package or release has no security support any more.
    EndOfLife,
    /// Nobody knows yet.
    UnderInvestigation,
}

/// Which of a package's names and versions a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MatchedBy {
    /// Source package (Debian, Ubuntu, Alpine's origin).
    Source,
    /// Binary package (Red Hat and its kin).
    Binary,
}

/// Why a finding is only counted in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HiddenReason {
    /// Debian urgency `unimportant`: affects nothing in the binary packages.
    Unimportant,
    /// Headers of a kernel that does not run from this image.
    KernelHeaders,
}

/// A published advisory, such as a DSA.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AdvisoryReference {
    /// `DSA-5532-1`.
    pub id: String,
    /// Where to read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When it was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Timestamp>,
}

/// An instant and what kind of evidence gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DatedAs {
    /// The instant.
    pub at: Timestamp,
    /// What it is the date of.
    pub kind: DateKind,
}

/// Kinds of date that must never be mistaken for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DateKind {
    /// The vulnerability became public.
    Disclosed,
    /// An advisory announced the fix.
    Advisory,
    /// The fixing version was uploaded or built.
    Upload,
    /// Our own builds first saw the row.
    FirstObserved,
}
