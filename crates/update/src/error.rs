//! What can go wrong with a feed, or with all of them.

use imagescan_feeds::FeedError;
use imagescan_fetch::FetchError;
use imagescan_knowledge::{BuildError, KnowledgeError};
use std::io;

/// Why a feed was not taken in, or no database was built.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// Its documents could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// It is published on pages only, or not for what is wanted.
    #[error(
        "feed {feed} has no document that can be fetched for this: give its files to `db build --input {feed}=…`"
    )]
    NoDocuments {
        /// The feed.
        feed: String,
    },
    /// More bytes than are allowed.
    #[error("`{url}` is larger than the {limit} bytes that may be fetched: allow more with --max-download")]
    TooLarge {
        /// What was fetched.
        url: String,
        /// Bytes that were left.
        limit: u64,
    },
    /// The vendor's own checksum says other bytes.
    #[error("`{url}` has not the checksum that its vendor states: {stated}, but {got}")]
    Checksum {
        /// What was fetched.
        url: String,
        /// SHA-256 as stated.
        stated: String,
        /// SHA-256 of what came.
        got: String,
    },
    /// A document that leads to others leads nowhere.
    #[error("`{url}` {why}")]
    Leads {
        /// The document.
        url: String,
        /// What is wrong.
        why: &'static str,
    },
    /// Files here, and the disk.
    #[error("{what}")]
    Io {
        /// What was done to which file.
        what: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Something packed that is damaged or unpacks to too much.
    #[error("`{name}` {why}")]
    Packed {
        /// The document.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// A document that its parser refuses.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The database that stands.
    #[error(transparent)]
    Knowledge(#[from] KnowledgeError),
    /// The new one could not be written.
    #[error(transparent)]
    Build(#[from] BuildError),
}

impl UpdateError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        |source| Self::Io { what, source }
    }

    pub(crate) fn packed(name: &str, why: impl Into<String>) -> Self {
        Self::Packed { name: name.escape_debug().to_string(), why: why.into() }
    }

    /// The error and all its causes, on one line.
    #[must_use]
    pub fn told(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}
