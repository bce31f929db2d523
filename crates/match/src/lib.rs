//! Inventories against advisories.
//!
//! Comes in: an [`imagescan_model::Inventory`] and an opened [`imagescan_knowledge::Knowledge`]. Goes out: what is
//! wrong with each package, and with our knowledge of the image: a release that nothing covers is a finding, not
//! the absence of findings. Of a package only its [`imagescan_model::MatchKey`] is read. What is
//! particular to a distribution stands in one table, `family`. No clock, no network.

mod branch;
mod coverage;
mod facts;
mod family;
mod findings;
mod judge;
mod lifecycle;
mod stream;

pub use findings::{Options, judge};
pub use judge::{Judgement, judge_key};
pub use lifecycle::lifecycle;
pub use stream::Products;
