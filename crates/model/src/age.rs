//! How old an image is: three ages, the evidence for each, and the one a lifespan is counted from.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The ages of an image. `build` and `packages` are both needed: a rebuild on cached layers is young by
/// `build` and old by `packages`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Age {
    /// When the image was built.
    pub build: AgeFact,
    /// When its base was built: its lowest layer.
    pub base: AgeFact,
    /// When its operating system packages were last refreshed.
    pub packages: AgeFact,
    /// Judgement: the clock a lifespan counts from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judged: Option<JudgedAge>,
}

/// One age: what decided, and all that was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgeFact {
    /// The instant; absent: unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Whether `at` is the instant or only a bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound: Option<AgeBound>,
    /// Strongest first. What was set aside stays, with the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<AgeEvidence>,
}

/// How an instant bounds an age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgeBound {
    /// It happened then.
    Exact,
    /// It did not happen before then: the age is at most this.
    AtMost,
}

/// One statement about a date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgeEvidence {
    /// Who says it.
    pub source: EvidenceSource,
    /// The instant, where the statement is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// The statement as found, where it is no instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Layer it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<u32>,
    /// Package, file or label it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Why it does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_aside: Option<SetAside>,
}

/// Where a date comes from, in the order of the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceSource {
    /// The registry's push time, said by somebody who knows.
    Pushed,
    /// The image config's `created`.
    ConfigCreated,
    /// `created` of a history entry with a layer.
    HistoryCreated,
    /// Label `org.opencontainers.image.created`.
    LabelCreated,
    /// Manifest or index annotation `org.opencontainers.image.created`.
    AnnotationCreated,
    /// The newest package's build date.
    PackageBuilt,
    /// The newest package's install date.
    PackageInstalled,
    /// Last entry of `/var/log/apt/history.log`.
    AptLog,
    /// Last line of `/var/log/dpkg.log`.
    DpkgLog,
    /// Date of a repository index left in the image.
    RepositoryIndex,
    /// `BUILD_ID` or `IMAGE_VERSION` of os-release, where it is a date.
    OsRelease,
    /// Newest modification time of a regular file in a layer.
    FileModified,
}

/// Why a date does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SetAside {
    /// Not an RFC 3339 instant.
    NotADate,
    /// A value that reproducible builds write: 0001, 1970 or 1980.
    Sentinel,
    /// Before 2013-03-20: there were no container images.
    TooEarly,
    /// More than 24 hours after the report's instant.
    Future,
    /// Older than the newest proof in the content less one day.
    CreatedInconsistent,
}

/// The clock that a lifespan counts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgedAge {
    /// Which of the ages the policy chose.
    pub clock: Clock,
    /// Its instant; absent: unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Whether `at` is the instant or only a bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<AgeBound>,
    /// How sure.
    pub confidence: AgeConfidence,
    /// The last instant that passes, without grace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// The clocks of `[lifespan] clock`; `strictest` resolves to the one that was older.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Clock {
    /// When the image was built.
    Build,
    /// When its packages were refreshed.
    Packages,
    /// When its base was built.
    Base,
    /// When it was pushed.
    Pushed,
}

/// How sure an age is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AgeConfidence {
    /// One unproven statement, or only a bound.
    Low,
    /// A statement that nothing contradicts.
    Medium,
    /// Statements of independent sources agree.
    High,
}
