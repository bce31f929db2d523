//! The rules there are, and how one that has something to say is put down.

use imagescan_model::{Level, RuleOutcome, fingerprint};

/// Every rule and check, by the id that reports and `docs/policy.md` use.
pub const RULES: [&str; 12] = [
    MAX_AGE,
    UNKNOWN_AGE,
    MAX_BASE_AGE,
    NO_PACKAGES,
    LAZY_LAYERS,
    CREATED_INCONSISTENT,
    INCOMPLETE,
    NO_KNOWLEDGE,
    END_OF_LIFE,
    NOT_COVERED,
    UNKNOWN_SYSTEM,
    STALE_KNOWLEDGE,
];

pub(crate) const MAX_AGE: &str = "lifespan.max_age";
pub(crate) const UNKNOWN_AGE: &str = "lifespan.unknown_age";
pub(crate) const MAX_BASE_AGE: &str = "lifespan.max_base_age";
pub(crate) const NO_PACKAGES: &str = "os.no_packages";
pub(crate) const LAZY_LAYERS: &str = "trust.lazy_layers";
pub(crate) const CREATED_INCONSISTENT: &str = "created-inconsistent";
pub(crate) const INCOMPLETE: &str = "incomplete";
pub(crate) const NO_KNOWLEDGE: &str = "no-knowledge";
pub(crate) const END_OF_LIFE: &str = "os.eol";
pub(crate) const NOT_COVERED: &str = "not-covered";
pub(crate) const UNKNOWN_SYSTEM: &str = "unknown-system";
pub(crate) const STALE_KNOWLEDGE: &str = "stale-knowledge";

/// An outcome of `rule` about `subject`, to be completed.
pub(crate) fn outcome(rule: &str, level: Level, subject: &str) -> RuleOutcome {
    RuleOutcome {
        rule: rule.into(),
        level,
        subject: subject.into(),
        actual: None,
        limit: None,
        since: None,
        due: None,
        evidence: Vec::new(),
        layer: None,
        fix: None,
        fingerprint: fingerprint(["rule", subject, "", "", "", rule]),
    }
}
