//! Vendors' documents into advisory records.
//!
//! Comes in: documents as bytes, each with a name for errors, and which feed they are of. Goes out: records one by
//! one, what was left out and why, and which releases the feed speaks of. Parsers only: no socket, no file, no
//! clock. Half a document is an error, never fewer rows. What each state of a vendor means is in the module of that vendor; how severities map is in
//! `docs/severity.md`.

mod almalinux;
mod alpine;
mod amazon;
mod announced;
mod arch;
mod azurelinux;
mod csaf;
mod csv;
mod cve;
mod cvss;
mod debian;
mod description;
mod document;
mod entries;
mod epss;
mod error;
mod fedora;
mod instant;
mod kev;
mod lifecycles;
mod list;
mod nvd;
mod oracle;
mod osv;
mod oval;
mod oval_checks;
mod parse;
mod photon;
mod reader;
mod rebuild;
mod redhat;
mod repomd;
mod rocky;
mod suse;
#[cfg(test)]
mod testing;
mod text;
mod ubuntu;
mod updateinfo;
mod xml;

pub use description::{Description, DescriptionError, Parser, descriptions};
pub use error::FeedError;
pub use parse::{Input, Parsed, parse};
pub use reader::{Reader, Record, Summary};
pub use repomd::{Listed, updateinfo};
