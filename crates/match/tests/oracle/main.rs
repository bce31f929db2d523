//! Verdicts of the whole path (parser, database, judgement) against slow references that read the vendors' documents
//! straight, know nothing of our code, and ask dpkg or follow rpm for the order of versions.

#![expect(clippy::print_stdout, reason = "what was compared, and what could not be")]

mod alpine;
mod amazon;
mod azurelinux;
mod common;
mod debian;
mod fedora;
mod kin;
mod oracle_linux;
mod photon;
mod plain;
mod rebuilds;
mod redhat;
mod rpm;
mod suse;
mod traps;
mod ubuntu;
