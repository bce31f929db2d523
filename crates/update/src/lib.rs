//! Feeds, from where they are published or lie, into a database.
//!
//! Comes in: descriptions of feeds, and either files ([`build()`]) or an HTTP client ([`Update`]). Goes out: a database
//! that takes the place of the one before when it is whole. Each feed stands for itself: one that cannot be had or
//! read keeps the rows it had, and says why.
//!
//! Nothing that is fetched is kept but as rows: what is downloaded goes to unlinked files.

#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

mod build;
mod documents;
mod download;
mod error;
mod sources;
mod state;
mod update;

pub use build::{FeedFiles, build};
pub use download::Allowance;
pub use error::UpdateError;
pub use sources::Wanted;
pub use update::{Event, Fate, Outcome, Update};
