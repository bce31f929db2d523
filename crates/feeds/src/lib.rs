//! Vendors' documents into advisory records.
//!
//! Comes in: documents as bytes, each with a name for errors, and which feed they are of. Goes out: records,
//! and which releases they speak of. Parsers only: no socket, no file, no clock. Half a document is an error,
//! never fewer rows. What each state of a vendor means is in the module of that vendor; how severities map is in
//! `docs/severity.md`.

mod alpine;
mod cvss;
mod debian;
mod description;
mod entries;
mod error;
mod osv;
mod parse;

pub use description::{Description, DescriptionError, Parser, descriptions};
pub use error::FeedError;
pub use parse::{Input, Parsed, parse};
