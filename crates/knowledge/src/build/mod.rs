//! Records in, a database folder out.
//!
//! Records are taken apart as they come, texts are kept once (`intern`), so that a million rows fit in some
//! ten megabytes. What comes out depends on the set of records alone, not on their order: texts, details and
//! groups are sorted before anything is numbered (`encode`). `write` puts the files in place so that a reader,
//! or a kill at any instant, meets the old database or the new one.

mod draft;
mod encode;
mod facts;
mod index;
mod intern;
mod lineage;
mod ranked;
mod stored;
mod told;
mod write;

use crate::error::KnowledgeError;
use crate::history::Known;
use crate::knowledge::Knowledge;
use crate::manifest::{self, Kind, Manifest, SegmentEntry};
use crate::row::FiledRecord;
use draft::SegmentDraft;
use facts::{CveDrafts, LifecycleDrafts, RepositoryDrafts};
use imagescan_model::{
    AdvisoryRecord, CveRecord, Digest, FeedInfo, KnowledgeInfo, LifecycleRecord, PackageType, Release,
    RepositoryRecord,
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
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
    /// The database before cannot be read.
    #[error("cannot read the database that this one should descend from")]
    Previous(#[source] KnowledgeError),
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
    cves: CveDrafts,
    lifecycles: LifecycleDrafts,
    repositories: BTreeMap<String, RepositoryDrafts>,
    known_since: Timestamp,
    previous_feeds: Vec<FeedInfo>,
    kept: BTreeSet<String>,
}

impl Builder {
    /// A build for the instant `built_at`, which the caller takes from its clock or `--as-of`.
    #[must_use]
    pub fn new(built_at: Timestamp) -> Self {
        Self {
            built_at,
            lineage: Vec::new(),
            feeds: Vec::new(),
            segments: BTreeMap::new(),
            cves: CveDrafts::default(),
            lifecycles: LifecycleDrafts::default(),
            repositories: BTreeMap::new(),
            known_since: built_at,
            previous_feeds: Vec::new(),
            kept: BTreeSet::new(),
        }
    }

    /// Makes this the successor of `earlier`: it remembers which rows are new and which are no more, and keeps those of
    /// releases that no feed speaks of now. Once, before anything is written.
    pub fn descends_from(&mut self, earlier: &Knowledge) -> Result<&mut Self, BuildError> {
        let info = earlier.info();
        self.lineage = [&info.digest].into_iter().chain(&info.lineage).cloned().collect();
        self.known_since = earlier.known_since();
        self.previous_feeds = info.feeds.clone();
        for rows in earlier.keys() {
            let rows = rows.map_err(BuildError::Previous)?;
            let past = rows.past().map_err(BuildError::Previous)?;
            for (row, known) in past {
                self.previous(&row.to_filed().map_err(BuildError::Previous)?, known)?;
            }
            let history = rows.history().map_err(BuildError::Previous)?;
            for (place, row) in (0..).zip(rows) {
                let filed = row.and_then(|row| row.to_filed()).map_err(BuildError::Previous)?;
                self.previous(&filed, history.of_row(place))?;
            }
        }
        Ok(self)
    }

    fn previous(&mut self, filed: &FiledRecord, known: Known) -> Result<(), BuildError> {
        let distribution = filed.record.release.distribution.as_str();
        if !self.segments.contains_key(distribution) {
            self.segments.insert(distribution.to_owned(), SegmentDraft::default());
        }
        match self.segments.get_mut(distribution) {
            Some(segment) => segment.add_previous(filed, known),
            None => Ok(()),
        }
    }

    /// Keeps the rows that `feed` gave the database before: it could not be read now.
    pub fn keep(&mut self, feed: &str) -> &mut Self {
        self.kept.insert(feed.to_owned());
        self
    }

    /// Takes over what no feed speaks of now, and says which feeds left it.
    fn carry_over(&mut self) -> Vec<FeedInfo> {
        let mut covered: BTreeSet<(Release, PackageType)> = BTreeSet::new();
        for feed in &self.feeds {
            covered.extend(feed.coverage.iter().map(|of| (of.release.clone(), of.package_type.clone())));
        }
        let read: BTreeSet<_> = self
            .previous_feeds
            .iter()
            .flat_map(|feed| {
                feed.coverage.iter().map(|of| (of.release.clone(), of.package_type.clone(), feed.id.clone()))
            })
            .collect();
        let mut carried = BTreeSet::new();
        for segment in self.segments.values_mut().filter(|_| !self.lineage.is_empty()) {
            let mut now = covered.clone();
            now.extend(segment.scopes_with_rows());
            let kept = &self.kept;
            carried.extend(segment.carry_over(|scope, feeds| {
                let key = (scope.release.clone(), scope.package_type.clone());
                !now.contains(&key) || feeds.iter().any(|feed| kept.contains(*feed))
            }));
            segment.previous.get_or_insert_default().read.extend(read.iter().cloned());
        }
        let mut feeds = self.previous_feeds.clone();
        for feed in &mut feeds {
            let is_kept = self.kept.contains(&feed.id);
            feed.coverage.retain(|of| {
                let left = (of.release.clone(), of.package_type.clone());
                is_kept || (!covered.contains(&left) && carried.contains(&left))
            });
        }
        feeds.retain(|feed| !feed.coverage.is_empty());
        feeds
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

    /// Adds what a source says of a CVE.
    pub fn fact(&mut self, record: &CveRecord) -> Result<(), BuildError> {
        self.cves.add(record).ok_or_else(|| too_large("facts", "texts"))
    }

    /// Adds when a release's support ends.
    pub fn lifecycle(&mut self, record: &LifecycleRecord) -> Result<(), BuildError> {
        if record.release.distribution.contains('\0') {
            return Err(BuildError::Release { release: record.release.to_string() });
        }
        self.lifecycles.add(record);
        Ok(())
    }

    /// Adds which products a repository belongs to.
    pub fn repository(&mut self, record: &RepositoryRecord) {
        self.repositories.entry(record.distribution.clone()).or_default().add(record);
    }

    /// Writes the database to the folder `dir`, replacing the one that is there: segments that did not change are
    /// left alone, and files that neither this database nor the one before names are removed.
    pub fn write(mut self, dir: &Path) -> Result<KnowledgeInfo, BuildError> {
        let carried = self.carry_over();
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
            let encoded = encode::encode(&name, segment, self.built_at)?;
            segments.push(put(&folder, Kind::Advisories(&name), &encoded.segment)?);
            if let Some(texts) = encoded.texts {
                segments.push(put(&folder, Kind::Texts(&name), &texts)?);
            }
        }
        let too_large = || too_large("facts", "records");
        let [known, texts, estimated] = self.cves.encode().ok_or_else(too_large)?;
        let lifecycles = self.lifecycles.encode().ok_or_else(too_large)?;
        let kinds = [Kind::Cves, Kind::FactTexts, Kind::Epss, Kind::Lifecycles];
        for (kind, file) in kinds.into_iter().zip([known, texts, estimated, lifecycles]) {
            if let Some(file) = file {
                segments.push(put(&folder, kind, &file)?);
            }
        }
        for (distribution, repositories) in &self.repositories {
            let file = repositories.encode().ok_or_else(too_large)?;
            segments.push(put(&folder, Kind::Repositories(distribution), &file)?);
        }
        segments.sort_by(|one, other| one.name.cmp(&other.name));
        let manifest = Manifest {
            lineage: self.lineage,
            carried,
            known_since: self.known_since,
            ..Manifest::new(self.built_at, segments, feeds)
        };
        let file = manifest.encode().map_err(BuildError::Json)?;
        folder.put_manifest(&file, &manifest)?;
        Ok(manifest.info(manifest::sha256(&file)))
    }
}

fn too_large(distribution: &str, what: &'static str) -> BuildError {
    BuildError::TooLarge { distribution: distribution.into(), what }
}

fn put(folder: &Folder, kind: Kind<'_>, file: &[u8]) -> Result<SegmentEntry, BuildError> {
    let digest = manifest::sha256(file);
    folder.put_segment(&digest, file)?;
    let header = format!("{:016x}", crate::layout::header_checksum(file).unwrap_or_default());
    Ok(SegmentEntry { name: kind.name(), digest, size: file.len() as u64, header })
}
