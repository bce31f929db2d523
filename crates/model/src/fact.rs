//! What is known of a CVE, a release or a repository, whatever package is asked about.

use crate::{Release, Severity};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// What one source says of a CVE. Sources are never merged: each keeps its own severity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CveRecord {
    /// The CVE.
    pub id: String,
    /// Who says it: the feed's id, or the authority that the feed names (`nvd`, a CNA).
    pub source: String,
    /// The CVE was withdrawn: nothing is affected by it.
    pub rejected: bool,
    /// When the CVE became public.
    pub published: Option<Timestamp>,
    /// The source's own word on our scale; [`Severity::Unknown`]: it gives none.
    pub severity: Severity,
    /// CVSS vectors with their scores, sorted.
    pub cvss: Vec<Cvss>,
    /// One line for people.
    pub title: Option<String>,
    /// It is exploited.
    pub exploited: Option<Exploited>,
    /// How likely it is to be exploited.
    pub epss: Option<Epss>,
}

impl CveRecord {
    /// A record that says nothing yet.
    #[must_use]
    pub fn new(id: impl Into<String>, source: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            source: source.into(),
            rejected: false,
            published: None,
            severity: Severity::Unknown,
            cvss: Vec::new(),
            title: None,
            exploited: None,
            epss: None,
        }
    }
}

/// A CVSS base score.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cvss {
    /// As given: `CVSS:3.1/AV:N/…`; version 2 vectors have no prefix.
    pub vector: String,
    /// In tenths, 0 to 100.
    pub score: u8,
}

/// An entry of CISA's list of exploited vulnerabilities (KEV).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Exploited {
    /// When it was listed.
    pub added: Date,
    /// By when agencies must have acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Date>,
    /// Used in ransomware campaigns.
    pub ransomware: bool,
}

/// FIRST's estimate that a CVE is exploited within 30 days (EPSS).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Epss {
    /// Probability, in hundred-thousandths.
    pub score: u32,
    /// Share of CVEs with at most this score, in hundred-thousandths; old files have none.
    pub percentile: Option<u32>,
    /// The day it was computed for.
    pub date: Date,
}

/// When the support of a release ends, by one source. All days are the last of the support.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LifecycleRecord {
    /// The release.
    pub release: Release,
    /// Who says it.
    pub source: String,
    /// When it was released.
    pub released: Option<Date>,
    /// Last day of standard support.
    pub standard_end: Option<Date>,
    /// Last day of extended support that everybody gets (Debian LTS, Red Hat maintenance).
    pub extended_end: Option<Date>,
    /// Last day of support that is paid for (Ubuntu Pro, ELS, LTSS).
    pub paid_end: Option<Date>,
}

/// Which products a vendor's repository belongs to (Red Hat's repository-to-cpe.json).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RepositoryRecord {
    /// Distribution whose repository it is.
    pub distribution: String,
    /// The repository's name, which is a content set: `rhel-8-for-x86_64-baseos-rpms`.
    pub repository: String,
    /// The products' CPE names, sorted.
    pub cpes: Vec<String>,
}
