//! An opened database.

use crate::error::{Damage, KnowledgeError};
use crate::manifest::{Manifest, SegmentEntry};
use crate::row::Rows;
use crate::segment::Segment;
use imagescan_model::{Digest, KnowledgeInfo, MatchedBy, PackageType, Release};
use std::collections::BTreeMap;
use std::path::Path;

/// How often a manifest may be replaced while we open what it names.
const MOST_ATTEMPTS: usize = 16;

/// A database that was opened: a generation that stays as it is, whatever is built meanwhile.
pub struct Knowledge {
    info: KnowledgeInfo,
    /// By distribution.
    segments: BTreeMap<String, Segment>,
}

impl Knowledge {
    /// Opens the database in `dir`: reads the manifest, maps the segments and checks their headers. What a lookup
    /// then reads is checked as it is read; [`crate::verify()`] checks all.
    pub fn open(dir: &Path) -> Result<Self, KnowledgeError> {
        let mut generation = Manifest::read(dir)?;
        for _ in 1..MOST_ATTEMPTS {
            match Self::open_generation(dir, &generation) {
                // Two builds may have passed since we read the manifest: then there is a newer one.
                Err(error @ KnowledgeError::Damaged { damage: Damage::Absent, .. }) => {
                    let newer = Manifest::read(dir)?;
                    if newer == generation {
                        return Err(error);
                    }
                    generation = newer;
                }
                opened => return opened,
            }
        }
        Self::open_generation(dir, &generation)
    }

    fn open_generation(dir: &Path, (manifest, digest): &(Manifest, Digest)) -> Result<Self, KnowledgeError> {
        let open = |entry: &SegmentEntry| Ok((entry.name.clone(), open_segment(dir, entry)?));
        let segments = manifest.segments.iter().map(open).collect::<Result<_, KnowledgeError>>()?;
        Ok(Self { info: manifest.info(digest.clone()), segments })
    }

    /// What the manifest says.
    #[must_use]
    pub fn info(&self) -> &KnowledgeInfo {
        &self.info
    }

    /// The rows filed under (`release`, `package_type`, `matched_by`, `package`), by id. None is not an error:
    /// [`KnowledgeInfo::coverage`] says whether that means anything.
    pub fn lookup(
        &self,
        release: &Release,
        package_type: &PackageType,
        matched_by: MatchedBy,
        package: &str,
    ) -> Result<Rows<'_>, KnowledgeError> {
        let Some(segment) = self.segments.get(&release.distribution) else {
            return Ok(Rows::none());
        };
        let found = segment
            .find(release, package_type, matched_by, package)
            .map_err(|damage| segment.damaged(damage))?;
        Ok(found.map_or_else(Rows::none, |found| Rows::of(segment, found)))
    }

    /// The rows of every key: by distribution, package name, then release, package type and matched-by as text.
    /// After an error there is nothing more of that distribution.
    pub fn keys(&self) -> impl Iterator<Item = Result<Rows<'_>, KnowledgeError>> {
        self.segments.values().flat_map(keys_of)
    }
}

pub(crate) fn open_segment(dir: &Path, entry: &SegmentEntry) -> Result<Segment, KnowledgeError> {
    let path = entry.path(dir);
    let header = u64::from_str_radix(&entry.header, 16)
        .map_err(|_| KnowledgeError::Damaged { path: path.clone(), damage: Damage::Header })?;
    Segment::open(&path, &entry.name, entry.size, header)
}

/// The rows of every key of a segment.
pub(crate) fn keys_of(segment: &Segment) -> impl Iterator<Item = Result<Rows<'_>, KnowledgeError>> {
    let mut failed = false;
    (0..segment.names())
        .flat_map(move |index| {
            // A name that cannot be read has one turn, to say so.
            let (name, keys) = match segment.name(index) {
                Ok((name, keys)) => (Ok(name), keys),
                Err(damage) => (Err(damage), 0..1),
            };
            keys.map(move |key| Ok(Rows::of(segment, segment.found(name?, key)?)))
        })
        .map(|rows: Result<_, Damage>| rows.map_err(|damage| segment.damaged(damage)))
        .take_while(move |rows| !std::mem::replace(&mut failed, rows.is_err()))
}
