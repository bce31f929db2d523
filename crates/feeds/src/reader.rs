//! A feed's documents, one after the other, by the feed's parser.

use crate::description::{Description, Parser as Kind};
use crate::document::{Document, failed};
use crate::error::FeedError;
use crate::{
    almalinux, alpine, amazon, arch, azurelinux, debian, epss, fedora, kev, lifecycles, nvd, oracle, osv,
    photon, redhat, rocky, suse, ubuntu,
};
use imagescan_model::{
    AdvisoryRecord, CoveredState, CveRecord, Digest, FeedCoverage, LifecycleRecord, PackageType, Release,
    RepositoryRecord,
};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{self, BufReader, Read};

/// Something that a feed says.
#[expect(clippy::large_enum_variant, reason = "nearly all are the large one, and none is kept")]
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Record {
    /// Of a package in a release.
    Advisory(AdvisoryRecord),
    /// Of a CVE.
    Cve(CveRecord),
    /// Of a release.
    Lifecycle(LifecycleRecord),
    /// Of a repository.
    Repository(RepositoryRecord),
}

/// What a feed says of itself, when all of its documents were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// How many records it gave.
    pub records: u64,
    /// What its documents hold that is no record of ours, by reason, with counts. Nothing is left out unsaid.
    pub dropped: BTreeMap<String, u64>,
    /// Releases it speaks of, sorted.
    pub coverage: Vec<FeedCoverage>,
    /// SHA-256 over the contents of the documents, sorted: their names and order do not count.
    pub digest: Digest,
}

/// Reads one feed.
pub struct Reader {
    feed: String,
    parser: Box<dyn Parser>,
    said: Said,
    digests: Vec<[u8; 32]>,
}

/// One vendor's format. Documents come in any order, and what comes out must not depend on it.
pub(crate) trait Parser {
    /// Reads one document. Records go out now, or when all documents are known.
    fn read(&mut self, document: &mut Document<'_>, out: &mut Out<'_>) -> Result<(), FeedError>;

    /// Gives what needed all documents.
    fn finish(&mut self, _out: &mut Out<'_>) -> Result<(), FeedError> {
        Ok(())
    }
}

/// Where a parser puts what it found.
pub(crate) struct Out<'a> {
    sink: &'a mut dyn FnMut(Record),
    said: &'a mut Said,
}

#[derive(Default)]
struct Said {
    records: u64,
    dropped: BTreeMap<String, u64>,
    coverage: BTreeMap<(Release, PackageType), FeedCoverage>,
}

impl Out<'_> {
    pub(crate) fn advisory(&mut self, record: AdvisoryRecord) {
        self.record(Record::Advisory(record));
    }

    pub(crate) fn record(&mut self, record: Record) {
        self.said.records += 1;
        (self.sink)(record);
    }

    /// Counts what is no record of ours. `reason` is one of few fixed texts: it ends up in `db info`.
    pub(crate) fn dropped(&mut self, reason: &str) {
        match self.said.dropped.get_mut(reason) {
            Some(count) => *count += 1,
            None => {
                self.said.dropped.insert(reason.into(), 1);
            }
        }
    }

    /// Says what the feed can express of a release.
    pub(crate) fn covers(
        &mut self,
        release: &Release,
        package_type: &PackageType,
        states: impl IntoIterator<Item = CoveredState>,
    ) -> &mut FeedCoverage {
        let covered = match self.said.coverage.entry((release.clone(), package_type.clone())) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(FeedCoverage {
                release: release.clone(),
                package_type: package_type.clone(),
                states: Default::default(),
                repositories: Default::default(),
                missing: Default::default(),
            }),
        };
        covered.states.extend(states);
        covered
    }
}

impl Reader {
    /// A reader of `feed`'s documents.
    #[must_use]
    pub fn new(feed: &Description) -> Self {
        let parser: Box<dyn Parser> = match feed.parser {
            Kind::Almalinux => Box::new(almalinux::Almalinux::new(&feed.id)),
            Kind::Amazon => Box::new(amazon::Amazon::new(&feed.id)),
            Kind::Arch => Box::new(arch::Arch::new(&feed.id)),
            Kind::Azurelinux => Box::new(azurelinux::Azurelinux::new(&feed.id)),
            Kind::DebianTracker => Box::new(debian::Tracker::new(&feed.id)),
            Kind::Fedora => Box::new(fedora::Fedora::new(&feed.id)),
            Kind::Oracle => Box::new(oracle::Oracle::new(&feed.id)),
            Kind::Photon => Box::new(photon::Photon::new(&feed.id)),
            Kind::Rocky => Box::new(rocky::Rocky::new(&feed.id)),
            Kind::Secdb => Box::new(alpine::Secdb::new(&feed.id)),
            Kind::Epss => Box::new(epss::Epss::new(&feed.id)),
            Kind::Kev => Box::new(kev::Kev::new(&feed.id)),
            Kind::Lifecycles => Box::new(lifecycles::Lifecycles::new(&feed.id)),
            Kind::Nvd => Box::new(nvd::Nvd::new(&feed.id)),
            Kind::Osv => Box::new(osv::Osv::new(&feed.id)),
            Kind::RedHat => Box::new(redhat::RedHat::new(&feed.id)),
            Kind::Suse => Box::new(suse::Suse::new(&feed.id)),
            Kind::Ubuntu => Box::new(ubuntu::Ubuntu::new(&feed.id)),
            Kind::UbuntuCveTracker => Box::new(ubuntu::Tracker::new(&feed.id)),
        };
        Self { feed: feed.id.clone(), parser, said: Said::default(), digests: Vec::new() }
    }

    /// Reads one document to its end; `sink` gets what it says.
    ///
    /// # Errors
    /// [`FeedError`] for a document that is damaged, unknown, or says what no rule covers. Nothing that the sink
    /// got of this feed may then be used.
    pub fn read(
        &mut self,
        name: &str,
        source: &mut dyn Read,
        sink: &mut dyn FnMut(Record),
    ) -> Result<(), FeedError> {
        let mut source = BufReader::with_capacity(64 << 10, Hashed { source, hasher: Sha256::new() });
        let mut out = Out { sink, said: &mut self.said };
        self.parser.read(&mut Document::new(name, &mut source), &mut out)?;
        io::copy(&mut source, &mut io::sink()).map_err(|source| failed(name, source))?;
        self.digests.push(source.into_inner().hasher.finalize().into());
        Ok(())
    }

    /// Gives the rest, and what the feed says of itself.
    ///
    /// # Errors
    /// As [`Self::read`]; also when the documents held no record at all.
    pub fn finish(self, sink: &mut dyn FnMut(Record)) -> Result<Summary, FeedError> {
        let feed = self.feed.clone();
        let summary = self.summary(sink)?;
        if summary.records == 0 { Err(FeedError::Empty(feed)) } else { Ok(summary) }
    }

    /// The same, where nothing to say is no error.
    pub(crate) fn summary(mut self, sink: &mut dyn FnMut(Record)) -> Result<Summary, FeedError> {
        self.parser.finish(&mut Out { sink, said: &mut self.said })?;
        self.digests.sort_unstable();
        Ok(Summary {
            records: self.said.records,
            dropped: self.said.dropped,
            coverage: self.said.coverage.into_values().collect(),
            digest: Digest::from_sha256(&Sha256::digest(self.digests.concat()).into()),
        })
    }
}

struct Hashed<'a> {
    source: &'a mut dyn Read,
    hasher: Sha256,
}

impl Read for Hashed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.hasher.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

/// The first line of a text for people, without control characters.
pub(crate) fn title(text: &str) -> Option<String> {
    const LONGEST: usize = 240;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let mut title: String = line.chars().filter(|c| !c.is_control()).take(LONGEST + 1).collect();
    if title.chars().count() > LONGEST {
        title.pop();
        title.push('…');
    }
    Some(title)
}
