//! What a policy can say, with its defaults.

use crate::duration::Duration;
use imagescan_model::{Digest, PolicyInfo};

/// A policy, complete: every key has its default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub(crate) name: String,
    pub(crate) digest: Option<Digest>,
    pub(crate) lifespan: Lifespan,
    pub(crate) no_packages: RuleLevel,
    pub(crate) lazy_layers: RuleLevel,
}

/// `[lifespan]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifespan {
    /// What `max_age` does.
    pub level: RuleLevel,
    /// How old an image may be.
    pub max_age: Duration,
    /// By which clock.
    pub clock: ClockChoice,
    /// What follows where the age cannot be shown.
    pub unknown_age: UnknownAge,
    /// From how long before the end on it warns.
    pub warn_before: Duration,
    /// How long after the end it still only warns.
    pub grace: Duration,
    /// How old the base may be.
    pub max_base_age: Option<Duration>,
}

/// `[lifespan] clock`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockChoice {
    /// The older of build and packages.
    Strictest,
    /// When it was built.
    Build,
    /// When its packages were refreshed.
    Packages,
    /// When its base was built.
    Base,
    /// When it was pushed.
    Pushed,
}

/// What a rule does where it bites.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleLevel {
    /// Fails the image.
    Deny,
    /// Shown.
    Warn,
    /// Could not be decided.
    Inconclusive,
    /// Nothing.
    Off,
}

/// `[lifespan] unknown_age`; there is no allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownAge {
    /// Fails the image.
    Deny,
    /// Shown.
    Warn,
    /// Could not be decided.
    Inconclusive,
}

impl Default for Policy {
    /// What holds without a policy file.
    fn default() -> Self {
        Self {
            name: "default".into(),
            digest: None,
            lifespan: Lifespan::default(),
            no_packages: RuleLevel::Inconclusive,
            lazy_layers: RuleLevel::Off,
        }
    }
}

impl Default for Lifespan {
    fn default() -> Self {
        Self {
            level: RuleLevel::Deny,
            max_age: Duration::months(6),
            clock: ClockChoice::Strictest,
            unknown_age: UnknownAge::Deny,
            warn_before: Duration::days(30),
            grace: Duration::days(0),
            max_base_age: None,
        }
    }
}

impl Policy {
    /// What a report says of it.
    #[must_use]
    pub fn info(&self) -> PolicyInfo {
        PolicyInfo { name: self.name.clone(), digest: self.digest.clone() }
    }
}
