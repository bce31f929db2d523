//! What vendors say, as files that are mapped and never parsed whole.
//!
//! Comes in: [`imagescan_model::AdvisoryRecord`]s and what the feeds say of themselves. Goes out: a folder with
//! one `manifest` and immutable segments named by their SHA-256, one a distribution; and from such a folder the
//! rows of one (release, package type, source or binary, name) at a time, borrowed from the map.
//!
//! [`Builder`] writes, [`Knowledge`] reads, [`verify()`] proves. `docs/database-format.md` tells the format.
//!
//! What is trusted: that nobody writes into a segment in place while it is mapped (`mapped`). The bytes
//! themselves are not: each 64 KiB block is compared with its checksum before anything in it is believed, and
//! what lies under a right checksum is still read with bounds. No clock, no network, no environment.

#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

mod blocks;
mod build;
mod codec;
mod codes;
mod container;
mod context;
mod detail;
mod diff;
mod error;
mod facts;
mod group;
mod history;
#[cfg(test)]
mod hostile;
mod ids;
mod knowledge;
mod layout;
mod manifest;
mod mapped;
mod row;
mod rows;
mod scope;
mod section;
mod segment;
mod texts;
mod verify;

pub use build::{BuildError, Builder};
pub use detail::Detail;
pub use diff::{ChangedKey, Changes, diff};
pub use error::{Damage, KnowledgeError};
pub use ids::RowId;
pub use knowledge::Knowledge;
pub use row::{FiledRecord, Key, Row};
pub use rows::Rows;
pub use section::Section;
pub use verify::{Verified, verify};
