//! What servers said of the documents that the database was built from: with it they are asked for again only if they
//! changed.
//!
//! It lies beside the manifest, and each feed's part counts only while the database holds the very rows that came from
//! those documents: a kill between two writes costs a download, never a row.

use imagescan_model::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// How a server recognises a version of a document (RFC 9110, 8.8).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Validators {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

/// Of one feed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FeedState {
    /// Of the feed's documents, as the manifest has it.
    pub digest: Option<Digest>,
    /// By the URL that was asked for.
    pub documents: BTreeMap<String, Validators>,
}

/// Of all feeds, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub feeds: BTreeMap<String, FeedState>,
}

fn path(folder: &Path) -> PathBuf {
    folder.join("fetched.json")
}

impl State {
    /// What is known; damaged or absent: nothing.
    pub(crate) fn read(folder: &Path) -> Self {
        std::fs::read(path(folder))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    /// Replaces the file. That it cannot be written costs a download.
    pub(crate) fn write(&self, folder: &Path) {
        let written = || -> std::io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(&serde_json::to_vec(self)?)?;
            file.persist(path(folder))?;
            Ok(())
        };
        if let Err(error) = written() {
            tracing::info!("what servers said of documents is not kept: {error}");
        }
    }

    /// What is known of `feed`, if the database holds just that.
    pub(crate) fn of(&self, feed: &str, digest: &Digest) -> Option<&FeedState> {
        self.feeds.get(feed).filter(|state| state.digest.as_ref() == Some(digest))
    }
}
