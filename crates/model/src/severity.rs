//! Severity, on the one scale every source is mapped to (`docs/severity.md`).

use serde::{Deserialize, Serialize};
use std::fmt;

/// How bad, lowest first; `Unknown` is not low: nobody has said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// No source gives a severity, or it is not yet assigned.
    #[default]
    Unknown,
    /// Affects nothing in practice.
    Negligible,
    /// Low.
    Low,
    /// Medium, or Red Hat's Moderate.
    Medium,
    /// High, or Red Hat's Important.
    High,
    /// Critical.
    Critical,
}

impl Severity {
    /// All, lowest first.
    pub const ALL: [Self; 6] =
        [Self::Unknown, Self::Negligible, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The name in reports: lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Negligible => "negligible",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}
