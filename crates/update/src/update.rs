//! A database brought up to date from where its feeds are published.
//!
//! All that is wanted is fetched side by side into unlinked files, then read feed by feed, and written beside what
//! stands, which is replaced at the end. What was not fetched anew is carried over from the database before.

use crate::build;
use crate::documents::{self, Give};
use crate::download::{Allowance, Download, download};
use crate::error::UpdateError;
use crate::sources::{How, Source, Wanted, sources};
use crate::state::{FeedState, State, Validators};
use imagescan_feeds::Description;
use imagescan_fetch::{Client, Request, Url};
use imagescan_knowledge::{Builder, Knowledge, KnowledgeError, Row};
use imagescan_model::{FeedInfo, KnowledgeInfo, Release};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of a text that leads to documents.
const LEAD_BYTES: u64 = 4 << 20;

/// What is to be done.
pub struct Update<'a> {
    /// The feeds to fetch; others are carried over.
    pub feeds: &'a [Description],
    /// Of which releases, where a feed has documents for each.
    pub wanted: Wanted<'a>,
    /// What fetches.
    pub client: &'a Client,
    /// The database's folder.
    pub folder: &'a Path,
    /// Where unlinked files are made.
    pub spool: &'a Path,
    /// Now.
    pub now: Timestamp,
    /// What may be fetched in all.
    pub allowance: &'a Allowance,
    /// Documents that are fetched at the same time.
    pub jobs: usize,
    /// Told what happens.
    pub tell: &'a (dyn Fn(Event<'_>) + Sync),
}

/// Something that happened.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A document is asked for.
    Asked {
        /// Whose.
        feed: &'a str,
        /// From where.
        url: &'a str,
    },
    /// So many bytes of it came.
    Bytes(u64),
    /// A feed's documents are being read.
    Reads(&'a str),
}

/// What became of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Its rows are new.
    New,
    /// No document had changed.
    Unchanged,
    /// It keeps the rows that it had, if it had any, for this reason.
    Failed(String),
}

/// What came of it all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The database that stands now.
    pub info: KnowledgeInfo,
    /// By feed.
    pub fates: BTreeMap<String, Fate>,
}

/// A document that is here, or is as it was.
struct Got {
    /// As it was asked for, and where it came from.
    asked: String,
    url: String,
    download: Download,
}

impl Update<'_> {
    /// Fetches, builds and swaps.
    ///
    /// # Errors
    /// [`UpdateError`] where nothing could be built at all: the database before then stands.
    pub fn run(&self) -> Result<Outcome, UpdateError> {
        let previous = match Knowledge::open(self.folder) {
            Err(KnowledgeError::Missing { .. }) => None,
            opened => Some(opened?),
        };
        let mut state = State::read(self.folder);
        let fetched = self.fetch(previous.as_ref(), &state);
        let mut builder = Builder::new(self.now);
        if let Some(previous) = &previous {
            builder.descends_from(previous)?;
        }
        let (mut fates, mut fresh) = (BTreeMap::new(), BTreeMap::new());
        for (feed, got) in self.feeds.iter().zip(fetched) {
            let fate = match got.and_then(|got| self.take_in(feed, got, &mut builder)) {
                Ok(Some((info, feed_state))) => {
                    state.feeds.insert(feed.id.clone(), feed_state);
                    fresh.insert(feed.id.clone(), info);
                    Fate::New
                }
                Ok(None) => Fate::Unchanged,
                Err(error) => Fate::Failed(error.told()),
            };
            fates.insert(feed.id.clone(), fate);
        }
        if let Some(previous) = &previous {
            self.carry_over(previous, &fates, &mut fresh, &mut builder)?;
        }
        for info in fresh.into_values() {
            builder.feed(info);
        }
        let info = builder.write(self.folder)?;
        state.write(self.folder);
        Ok(Outcome { info, fates })
    }

    /// The documents of each feed, or why not all of them could be had.
    fn fetch(&self, previous: Option<&Knowledge>, state: &State) -> Vec<Result<Vec<Got>, UpdateError>> {
        let known = |feed: &Description| {
            let info =
                previous?.info().feeds.iter().find(|info| info.id == feed.id && info.stale.is_none())?;
            state.of(&feed.id, &info.digest)
        };
        let items: Vec<(usize, Source, Option<&FeedState>)> = self
            .feeds
            .iter()
            .enumerate()
            .flat_map(|(index, feed)| {
                let known = known(feed);
                sources(feed, self.wanted, self.now).into_iter().map(move |source| (index, source, known))
            })
            .collect();
        let mut fetched: Vec<Result<Vec<Got>, UpdateError>> =
            self.feeds.iter().map(|_| Ok(Vec::new())).collect();
        for ((index, ..), got) in items.iter().zip(self.side_by_side(&items)) {
            let Some(slot) = fetched.get_mut(*index) else { continue };
            match (slot, got) {
                (Ok(gathered), Ok(got)) => gathered.push(got),
                (slot @ Ok(_), Err(error)) => *slot = Err(error),
                (Err(_), _) => {}
            }
        }
        let whole = |(got, feed): (Result<Vec<Got>, UpdateError>, &Description)| match got? {
            got if got.is_empty() => Err(UpdateError::NoDocuments { feed: feed.id.clone() }),
            got => self.whole(feed, got),
        };
        fetched.into_iter().zip(self.feeds).map(whole).collect()
    }

    fn side_by_side(&self, items: &[(usize, Source, Option<&FeedState>)]) -> Vec<Result<Got, UpdateError>> {
        let next = AtomicUsize::new(0);
        let done = Mutex::new(BTreeMap::new());
        std::thread::scope(|scope| {
            let work = || {
                while let Some((index, (feed, source, known))) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    items.get(index).map(|item| (index, item))
                } {
                    let id = self.feeds.get(*feed).map_or("", |feed| feed.id.as_str());
                    let known = known.and_then(|known| known.documents.get(&source.url));
                    let got = self.get(id, source, known);
                    done.lock().unwrap_or_else(PoisonError::into_inner).insert(index, got);
                }
            };
            for _ in 1..self.jobs.min(items.len()) {
                if std::thread::Builder::new().spawn_scoped(scope, work).is_err() {
                    break;
                }
            }
            work();
        });
        done.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
    }

    /// Where some documents of a feed changed, the others are needed, too: no copies are kept.
    fn whole(&self, feed: &Description, got: Vec<Got>) -> Result<Vec<Got>, UpdateError> {
        let is_new = |got: &Got| matches!(got.download, Download::New(..));
        if !got.iter().any(is_new) {
            return Ok(got);
        }
        let again = |got: Got| {
            if is_new(&got) {
                return Ok(got);
            }
            let source =
                sources(feed, self.wanted, self.now).into_iter().find(|source| source.url == got.asked);
            source.map_or(Ok(got), |source| self.get(&feed.id, &source, None))
        };
        got.into_iter().map(again).collect()
    }

    fn get(&self, feed: &str, source: &Source, known: Option<&Validators>) -> Result<Got, UpdateError> {
        let Lead { url, checksum } = self.follow(source)?;
        (self.tell)(Event::Asked { feed, url: &url });
        let progress = |bytes| (self.tell)(Event::Bytes(bytes));
        let mut download = download(self.client, &url, known, self.spool, self.allowance, &progress)?;
        if let (Download::New(file, _), Some(stated)) = (&mut download, checksum) {
            checksum::compare(file, &url, &stated)?;
        }
        Ok(Got { asked: source.url.clone(), url, download })
    }

    /// Where the document itself is.
    fn follow(&self, source: &Source) -> Result<Lead, UpdateError> {
        let url = &source.url;
        let leads = |why| UpdateError::Leads { url: url.clone(), why };
        match source.how {
            How::Direct => Ok(Lead { url: url.clone(), checksum: None }),
            How::Latest => {
                let text = self.text(url)?;
                let name = text.lines().next().map(str::trim).filter(|name| !name.is_empty());
                let name = name.ok_or_else(|| leads("is empty: it should name a document"))?;
                let url = join(url, name).ok_or_else(|| leads("names no document beside it"))?;
                Ok(Lead { url, checksum: None })
            }
            How::Repository => self.repository(url),
            How::Mirrors => {
                let text = self.text(url)?;
                let first = text.lines().map(str::trim).find(|line| line.starts_with("http"));
                let first = first.ok_or_else(|| leads("lists no repository"))?;
                self.repository(&format!("{}/repodata/repomd.xml", first.trim_end_matches('/')))
            }
        }
    }

    /// The `updateinfo` of an rpm repository.
    fn repository(&self, url: &str) -> Result<Lead, UpdateError> {
        let leads = |why| UpdateError::Leads { url: url.into(), why };
        let text = self.text(url)?;
        let listed = imagescan_feeds::updateinfo(url, text.as_bytes())?;
        let listed = listed.ok_or_else(|| leads("lists no updateinfo"))?;
        let base = join(url, "..").ok_or_else(|| leads("is no address of a repository"))?;
        let url = join(&base, &listed.location).ok_or_else(|| leads("names no document below it"))?;
        Ok(Lead { url, checksum: Some(listed.sha256) })
    }

    fn text(&self, url: &str) -> Result<String, UpdateError> {
        let bytes = self.client.send(&Request::get(url)?)?.success()?.bytes(LEAD_BYTES)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Reads a feed's documents into the builder; `None`: none of them changed.
    fn take_in(
        &self,
        feed: &Description,
        mut got: Vec<Got>,
        builder: &mut Builder,
    ) -> Result<Option<(FeedInfo, FeedState)>, UpdateError> {
        if got.iter().all(|got| matches!(got.download, Download::Unchanged)) && !got.is_empty() {
            return Ok(None);
        }
        (self.tell)(Event::Reads(&feed.id));
        // What fails half-way must leave nothing behind: read once for nothing.
        build::read(feed, &mut Builder::new(self.now), |give| each(&mut got, give))?;
        let summary = build::read(feed, builder, |give| each(&mut got, give))?;
        let documents = got.into_iter().filter_map(|got| match got.download {
            Download::New(_, validators) => Some((got.asked, validators)),
            Download::Unchanged => None,
        });
        let state = FeedState { digest: Some(summary.digest.clone()), documents: documents.collect() };
        Ok(Some((build::info(feed, summary, self.now, Some(self.now)), state)))
    }

    /// Rows and descriptions of what was not read anew.
    fn carry_over(
        &self,
        previous: &Knowledge,
        fates: &BTreeMap<String, Fate>,
        fresh: &mut BTreeMap<String, FeedInfo>,
        builder: &mut Builder,
    ) -> Result<(), UpdateError> {
        // A feed with documents for each release keeps those that were not asked for.
        let renewed: BTreeMap<String, BTreeSet<Release>> = fresh
            .iter()
            .map(|(id, info)| {
                (id.clone(), info.coverage.iter().map(|covered| covered.release.clone()).collect())
            })
            .collect();
        let stays = |feed: &str, row: &Row<'_>| match (renewed.get(feed), self.wanted) {
            (None, _) => true,
            (Some(_), Wanted::All) => false,
            (Some(releases), Wanted::Releases(_)) => !releases.contains(row.key.release),
        };
        for rows in previous.keys() {
            for row in rows? {
                let row = row?;
                for feed in row.feeds()?.into_iter().filter(|feed| stays(feed, &row)) {
                    builder.record(feed, &row.to_record()?)?;
                }
            }
        }
        carry_facts(previous, |feed| !renewed.contains_key(feed), builder)?;
        for info in &previous.info().feeds {
            let mut info = info.clone();
            match (fates.get(&info.id), fresh.get_mut(&info.id)) {
                (_, Some(fresh)) if matches!(self.wanted, Wanted::Releases(_)) => {
                    let renewed = renewed.get(&info.id);
                    let kept = info
                        .coverage
                        .into_iter()
                        .filter(|covered| renewed.is_none_or(|renewed| !renewed.contains(&covered.release)));
                    let kept: Vec<_> = kept.collect();
                    // The oldest part says how old all of it is.
                    if !kept.is_empty() {
                        fresh.as_of = fresh.as_of.min(info.as_of);
                    }
                    fresh.coverage.extend(kept);
                    continue;
                }
                (_, Some(_)) => continue,
                (Some(Fate::Unchanged), None) => {
                    (info.as_of, info.fetched_at, info.stale) = (self.now, Some(self.now), None);
                }
                (Some(Fate::Failed(why)), None) => info.stale = Some(why.clone()),
                _ => {}
            }
            fresh.insert(info.id.clone(), info);
        }
        Ok(())
    }
}

/// Facts of feeds that `stays` takes. They do not name their feed, but who says them: what no feed is called came with
/// NVD, which passes on what others say.
fn carry_facts(
    previous: &Knowledge,
    stays: impl Fn(&str) -> bool,
    builder: &mut Builder,
) -> Result<(), UpdateError> {
    let feeds: BTreeSet<&str> = previous.info().feeds.iter().map(|info| info.id.as_str()).collect();
    for record in previous.cves() {
        let record = record?;
        let feed = feeds.get(record.source.as_str()).copied().unwrap_or("nvd");
        if stays(feed) {
            builder.fact(&record)?;
        }
    }
    for record in previous.lifecycles() {
        if stays("lifecycles") {
            builder.lifecycle(&record?)?;
        }
    }
    for record in previous.repositories() {
        if stays("redhat") {
            builder.repository(&record?);
        }
    }
    Ok(())
}

/// Where a document is, and the SHA-256 that it must have.
struct Lead {
    url: String,
    checksum: Option<String>,
}

/// `name` as seen from `url`, on the same server.
fn join(url: &str, name: &str) -> Option<String> {
    let base = Url::parse(url).ok()?;
    let joined = base.join(name).ok()?;
    let same = (joined.scheme(), joined.host(), joined.port()) == (base.scheme(), base.host(), base.port());
    same.then(|| joined.into())
}

/// Gives each document of what was fetched, from its start.
fn each(got: &mut [Got], give: &mut Give<'_>) -> Result<(), UpdateError> {
    for Got { url, download, .. } in got {
        let Download::New(file, _) = download else { continue };
        let size = rewound(file).map_err(UpdateError::io(url.as_str()))?;
        documents::each_in(url, file, size, give)?;
    }
    Ok(())
}

fn rewound(file: &mut File) -> std::io::Result<u64> {
    std::io::Seek::rewind(file)?;
    Ok(file.metadata()?.len())
}

mod checksum {
    use super::{File, Read, UpdateError, rewound};
    use imagescan_model::Digest;
    use sha2::{Digest as _, Sha256};

    /// That the file has the SHA-256 `stated`, in hexadecimal.
    pub(super) fn compare(file: &mut File, url: &str, stated: &str) -> Result<(), UpdateError> {
        let mut hasher = Sha256::new();
        let mut hash = || -> std::io::Result<()> {
            rewound(file)?;
            let mut buffer = vec![0; 64 << 10];
            loop {
                let count = file.read(&mut buffer)?;
                if count == 0 {
                    return Ok(());
                }
                hasher.update(buffer.get(..count).unwrap_or_default());
            }
        };
        hash().map_err(UpdateError::io(url))?;
        let got = Digest::from_sha256(&hasher.finalize().into());
        if got.hex().eq_ignore_ascii_case(stated) {
            return Ok(());
        }
        Err(UpdateError::Checksum { url: url.into(), stated: stated.into(), got: got.hex().into() })
    }
}
