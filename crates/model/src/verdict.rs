//! What a policy says of an image.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The verdict on one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// In one word.
    pub result: VerdictResult,
    /// The exit code this image alone would give.
    pub exit_code: ExitCode,
    /// What bites, would bite or is excused; sorted by level (deny first), rule, subject.
    pub rules: Vec<RuleOutcome>,
}

/// Results, with the exit code each stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VerdictResult {
    /// 0.
    Passed,
    /// 1.
    Denied,
    /// 4.
    Inconclusive,
    /// 3.
    Error,
}

/// The documented exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum ExitCode {
    /// 0: passed, warnings allowed.
    Passed,
    /// 1: denied by policy.
    Denied,
    /// 2: wrong usage or invalid policy.
    Usage,
    /// 3: could not scan.
    Failed,
    /// 4: inconclusive.
    Inconclusive,
}

impl ExitCode {
    /// The worse of two, in the order 3, 1, 4, 0; a usage error outranks all, for nothing was scanned.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        if self.rank() >= other.rank() { self } else { other }
    }

    fn rank(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Inconclusive => 1,
            Self::Denied => 2,
            Self::Failed => 3,
            Self::Usage => 4,
        }
    }

    /// The result this code stands for.
    #[must_use]
    pub fn result(self) -> VerdictResult {
        match self {
            Self::Passed => VerdictResult::Passed,
            Self::Denied => VerdictResult::Denied,
            Self::Inconclusive => VerdictResult::Inconclusive,
            Self::Usage | Self::Failed => VerdictResult::Error,
        }
    }
}

impl From<ExitCode> for u8 {
    fn from(code: ExitCode) -> Self {
        match code {
            ExitCode::Passed => 0,
            ExitCode::Denied => 1,
            ExitCode::Usage => 2,
            ExitCode::Failed => 3,
            ExitCode::Inconclusive => 4,
        }
    }
}

impl TryFrom<u8> for ExitCode {
    type Error = String;

    fn try_from(code: u8) -> Result<Self, String> {
        Ok(match code {
            0 => Self::Passed,
            1 => Self::Denied,
            2 => Self::Usage,
            3 => Self::Failed,
            4 => Self::Inconclusive,
            _ => return Err(format!("{code} is no exit code of imagescan: 0 to 4")),
        })
    }
}

/// One rule that has something to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleOutcome {
    /// TOML path of the rule (`lifespan.max_age`) or a check's id (`created-inconsistent`).
    pub rule: String,
    /// What it does.
    pub level: Level,
    /// What it is about: the image, a package, a finding's id.
    pub subject: String,
    /// What was found, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<String>,
    /// What the policy allows, as written there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// Since when it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// When it bites, or bit: with grace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// Which evidence decided, for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// Layer it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<u32>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// [`crate::fingerprint`] of it.
    pub fingerprint: String,
}

/// Levels, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Fails the image.
    Deny,
    /// Shown; fails only with `--fail-on warn`.
    Warn,
    /// Could not be decided.
    Inconclusive,
    /// Excused by an exemption.
    Exempt,
    /// For the reader; never changes the exit code.
    Note,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_code_counts_in_the_documented_order() {
        use ExitCode::{Denied, Failed, Inconclusive, Passed};
        assert_eq!(Passed.worse(Inconclusive), Inconclusive);
        assert_eq!(Inconclusive.worse(Denied), Denied);
        assert_eq!(Denied.worse(Failed), Failed);
        assert_eq!(Failed.worse(Passed), Failed);
    }
}
