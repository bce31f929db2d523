//! Records in, a database folder out.
//!
//! Records are taken apart as they come, texts are kept once (`intern`), so that a million rows fit in some
//! ten megabytes. What comes out depends on the set of records alone, not on their order: texts, details and
//! groups are sorted before anything is numbered (`encode`). `write` puts the files in place so that a reader,
//! or a kill at any instant, meets the old database or the new one.

mod draft;
mod encode;
mod intern;
mod write;

pub(crate) use intern::Id;

use crate::manifest::{self, Manifest, SegmentEntry};
use draft::SegmentDraft;
use imagescan_model::{AdvisoryRecord, Digest, FeedInfo, KnowledgeInfo};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use write::Folder;

/// Why no database was built. The one that was there before is still there.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A release that would not come back from its own name, so that nobody could ask for it.
    #[error("`{}` is not a release that can be looked up", release.escape_debug())]
    Release {
        /// As it would print.
        release: String,
    },
    /// An offset or number no longer fits 32 bits.
    #[error("the knowledge of `{}` is too large: its {what} exceed 32 bits", distribution.escape_debug())]
    TooLarge {
        /// Whose segment.
        distribution: String,
        /// Which part.
        what: &'static str,
    },
    /// Another build is at work in the folder.
    #[error("another build is writing to `{}`", crate::error::escaped(dir))]
    Busy {
        /// The folder.
        dir: PathBuf,
    },
    /// The system would not let us write.
    #[error("cannot {doing} `{}`", crate::error::escaped(path))]
    Write {
        /// `write`, `rename` …
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The manifest has a value that JSON cannot say.
    #[error("cannot write the manifest as JSON")]
    Json(#[source] serde_json::Error),
}

/// Gathers feeds and records, and writes them as a database.
pub struct Builder {
    built_at: Timestamp,
    lineage: Vec<Digest>,
    feeds: Vec<FeedInfo>,
    segments: BTreeMap<String, SegmentDraft>,
}

impl Builder {
    /// A build for the instant `built_at`, which the caller takes from its clock or `--as-of`.
    #[must_use]
    pub fn new(built_at: Timestamp) -> Self {
        Self { built_at, lineage: Vec::new(), feeds: Vec::new(), segments: BTreeMap::new() }
    }

    /// Says that this database descends from `earlier`.
    pub fn descends_from(&mut self, earlier: &KnowledgeInfo) -> &mut Self {
        self.lineage = [&earlier.digest].into_iter().chain(&earlier.lineage).cloned().collect();
        self
    }

    /// Adds what a feed says of itself.
    pub fn feed(&mut self, feed: FeedInfo) -> &mut Self {
        self.feeds.push(feed);
        self
    }

    /// Adds a record that `feed` gave. One that is there already is not added again, but has this feed, too.
    pub fn record(&mut self, feed: &str, record: &AdvisoryRecord) -> Result<(), BuildError> {
        let distribution = record.release.distribution.as_str();
        if !self.segments.contains_key(distribution) {
            self.segments.insert(distribution.to_owned(), SegmentDraft::default());
        }
        match self.segments.get_mut(distribution) {
            Some(segment) => segment.add(record, feed),
            None => Ok(()),
        }
    }

    /// Adds all of them.
    pub fn records(
        &mut self,
        feed: &str,
        records: impl IntoIterator<Item = AdvisoryRecord>,
    ) -> Result<&mut Self, BuildError> {
        records.into_iter().try_for_each(|record| self.record(feed, &record))?;
        Ok(self)
    }

    /// Writes the database to the folder `dir`, replacing the one that is there: segments that did not change are
    /// left alone, and files that neither this database nor the one before names are removed.
    pub fn write(self, dir: &Path) -> Result<KnowledgeInfo, BuildError> {
        let mut feeds = self.feeds;
        for feed in &mut feeds {
            feed.coverage.sort();
            feed.coverage.dedup();
            feed.coverage.iter().try_for_each(|covered| draft::check_release(&covered.release))?;
        }
        feeds.sort();
        feeds.dedup();
        let folder = Folder::open(dir)?;
        let mut segments = Vec::new();
        for (name, segment) in self.segments {
            let file = encode::encode(&name, segment)?;
            let digest = manifest::sha256(&file);
            folder.put_segment(&digest, &file)?;
            let header = crate::layout::header_checksum(&file).unwrap_or_default();
            let size = file.len() as u64;
            segments.push(SegmentEntry { name, digest, size, header: format!("{header:016x}") });
        }
        let manifest = Manifest::new(self.built_at, self.lineage, segments, feeds);
        let file = manifest.encode().map_err(BuildError::Json)?;
        folder.put_manifest(&file, &manifest)?;
        Ok(manifest.info(manifest::sha256(&file)))
    }
}
