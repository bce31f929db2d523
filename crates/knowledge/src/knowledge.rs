//! An opened database.

use crate::error::{Damage, KnowledgeError};
use crate::facts::Facts;
use crate::manifest::{Kind, Manifest};
use crate::row::Row;
use crate::rows::Rows;
use crate::section::Section;
use crate::segment::Segment;
use crate::texts::Texts;
use imagescan_model::{
    CveRecord, Digest, Epss, FeedInfo, KnowledgeInfo, LifecycleRecord, MatchedBy, PackageType, Release,
    RepositoryRecord,
};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::Path;

/// How often a manifest may be replaced while we open what it names.
const MOST_ATTEMPTS: usize = 16;

/// A database that was opened: a generation that stays as it is, whatever is built meanwhile.
pub struct Knowledge {
    info: KnowledgeInfo,
    /// By distribution.
    segments: BTreeMap<String, Segment>,
    facts: Facts,
    known_since: Timestamp,
    carried: Vec<FeedInfo>,
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

    pub(crate) fn open_generation(
        dir: &Path,
        (manifest, digest): &(Manifest, Digest),
    ) -> Result<Self, KnowledgeError> {
        let mut knowledge = Self {
            info: manifest.info(digest.clone()),
            segments: BTreeMap::new(),
            facts: Facts::default(),
            known_since: manifest.known_since,
            carried: manifest.carried.clone(),
        };
        let mut texts = BTreeMap::new();
        for entry in &manifest.segments {
            if let Kind::Texts(distribution) = entry.kind() {
                texts.insert(distribution, Texts::open(&entry.path(dir), entry.size, entry.header(dir)?)?);
            }
        }
        for entry in &manifest.segments {
            match entry.kind() {
                Kind::Texts(_) => (),
                Kind::Advisories(distribution) => {
                    let (path, header) = (entry.path(dir), entry.header(dir)?);
                    let texts = texts.remove(distribution);
                    let segment = Segment::open(&path, distribution, entry.size, header, texts)?;
                    knowledge.segments.insert(distribution.into(), segment);
                }
                _ => knowledge.facts.open(dir, entry)?,
            }
        }
        Ok(knowledge)
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
        let rows = segment.find(release, package_type, matched_by, package).and_then(|found| match found {
            Some(found) => Rows::of(segment, found),
            None => Ok(Rows::none()),
        });
        rows.map_err(|damage| segment.damaged(damage))
    }

    /// The same as it was known at `instant`, as far as the lineage reaches: rows that the first build of it had are
    /// known from the beginning ([`Knowledge::known_since`]).
    pub fn lookup_at(
        &self,
        release: &Release,
        package_type: &PackageType,
        matched_by: MatchedBy,
        package: &str,
        instant: Timestamp,
    ) -> Result<Vec<Row<'_>>, KnowledgeError> {
        self.lookup(release, package_type, matched_by, package)?.at(instant)
    }

    /// When the first build of the lineage was made: what was known before, nobody can say.
    #[must_use]
    pub fn known_since(&self) -> Timestamp {
        self.known_since
    }

    /// The feeds that are not part of this build, whose rows an earlier one left it: no feed speaks of their releases
    /// any more, or the feed could not be read. They are among those of [`Knowledge::info`], too.
    #[must_use]
    pub fn carried_over(&self) -> &[FeedInfo] {
        &self.carried
    }

    /// What each source says of a CVE, by source. What EPSS says is a record of its own.
    pub fn cve(&self, id: &str) -> Result<Vec<CveRecord>, KnowledgeError> {
        self.facts.cve(id)
    }

    /// What EPSS says of a CVE.
    pub fn epss(&self, id: &str) -> Result<Option<Epss>, KnowledgeError> {
        self.facts.epss(id)
    }

    /// What each source says of the support of `release`, by source.
    pub fn lifecycle(&self, release: &Release) -> Result<Vec<LifecycleRecord>, KnowledgeError> {
        self.facts.lifecycle(release)
    }

    /// The CPE names of a repository of `distribution`, sorted; `None`: nobody knows the repository.
    pub fn repository(&self, distribution: &str, name: &str) -> Result<Option<Vec<&str>>, KnowledgeError> {
        self.facts.repository(distribution, name)
    }

    /// All that is said of CVEs, in the order of their ids; what EPSS says comes after all else.
    pub fn cves(&self) -> impl Iterator<Item = Result<CveRecord, KnowledgeError>> {
        self.facts.cves()
    }

    /// All lifecycles, by distribution, version and source.
    pub fn lifecycles(&self) -> impl Iterator<Item = Result<LifecycleRecord, KnowledgeError>> {
        self.facts.lifecycles()
    }

    /// All repositories, by distribution and name.
    pub fn repositories(&self) -> impl Iterator<Item = Result<RepositoryRecord, KnowledgeError>> {
        self.facts.repositories()
    }

    /// Bytes of each section of the segments of advisories, all distributions together.
    #[must_use]
    pub fn sizes(&self) -> Vec<(Section, u64)> {
        let sum = |section| self.segments.values().map(|segment| segment.file().length(section) as u64).sum();
        let sizes = Section::ALL.iter().map(|section| (*section, sum(*section)));
        sizes.filter(|(_, size)| *size > 0).collect()
    }

    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    pub(crate) fn distributions(&self) -> impl Iterator<Item = &str> {
        self.segments.keys().map(String::as_str)
    }

    pub(crate) fn segment(&self, distribution: &str) -> Option<&Segment> {
        self.segments.get(distribution)
    }

    pub(crate) fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.segments.values()
    }

    /// The rows of every key: by distribution, package name, then release, package type and matched-by as text.
    /// After an error there is nothing more of that distribution.
    pub fn keys(&self) -> impl Iterator<Item = Result<Rows<'_>, KnowledgeError>> {
        self.segments.values().flat_map(keys_of)
    }
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
            keys.map(move |key| Rows::of(segment, segment.found(name?, key)?))
        })
        .map(|rows: Result<_, Damage>| rows.map_err(|damage| segment.damaged(damage)))
        .take_while(move |rows| !std::mem::replace(&mut failed, rows.is_err()))
}
