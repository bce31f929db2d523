//! Inventories against advisories.
//!
//! Comes in: an [`imagescan_model::Inventory`] and an opened [`imagescan_knowledge::Knowledge`]. Goes out: what is
//! wrong with each package, and with our knowledge of the image: a release that nothing covers is a finding, not
//! the absence of findings. Of a package only its [`imagescan_model::MatchKey`] is read. No clock, no network.

mod coverage;
mod findings;
mod judge;

pub use findings::{Options, judge};
pub use judge::{Judgement, judge_key};
