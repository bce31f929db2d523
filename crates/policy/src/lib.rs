//! Facts and findings against what the user allows.
//!
//! Comes in: an [`imagescan_model::Inventory`] that `freshness` has dated, the findings of `match`, a [`Policy`] and
//! the instant. Goes out: an [`imagescan_model::Verdict`]. The policy file is read strictly: a key that is not known
//! is an error, never a rule that silently does nothing. `docs/policy.md` has every key and every rule.

mod duration;
mod file;
mod judge;
mod lifespan;
mod outcome;
mod policy;

pub use duration::{Duration, DurationError};
pub use file::PolicyError;
pub use judge::{FailOn, Known, judge};
pub use outcome::RULES;
pub use policy::{ClockChoice, Lifespan, Policy, RuleLevel, UnknownAge};
