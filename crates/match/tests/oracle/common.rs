//! What the references share: documents, a database of them, and our verdicts.

use imagescan_feeds::{Description, Input, descriptions, parse};
use imagescan_knowledge::{Builder, Knowledge};
use imagescan_match::{Options, Products, judge, judge_key};
use imagescan_model::{
    AdvisoryState, FeedInfo, Inventory, MatchKey, MatchedBy, Package, PackageType, SourcePackage, System,
};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read};
use std::path::Path;
use std::process::Command;

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/feeds");
const AS_OF: Timestamp = Timestamp::UNIX_EPOCH;

/// State by id, with the fix.
pub(crate) type Verdicts = BTreeMap<String, (AdvisoryState, Option<String>)>;

/// Documents by their paths, where they were in archives within archives, too.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }

    pub(crate) fn of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// The files of an archive in `../shared/feeds` whose paths `wanted` takes; none, and said so, where it is not there.
pub(crate) fn shared(name: &str, wanted: impl Fn(&str) -> bool) -> Files {
    let Ok(bytes) = fs::read(Path::new(SHARED).join(name)) else {
        println!("skipped: no ../shared/feeds/{name}");
        return Files::new();
    };
    let mut files = Files::new();
    unpack(name.trim_end_matches(".tar.zst").into(), bytes, &mut files);
    files.retain(|path, _| wanted(path));
    files
}

fn unpack(name: String, bytes: Vec<u8>, files: &mut Files) {
    let mut plain = Vec::new();
    let read = match bytes.as_slice() {
        [0x1f, 0x8b, ..] => flate2::read::MultiGzDecoder::new(&*bytes).read_to_end(&mut plain),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => zstd::Decoder::new(&*bytes).unwrap().read_to_end(&mut plain),
        [b'B', b'Z', b'h', ..] => bzip2::read::MultiBzDecoder::new(&*bytes).read_to_end(&mut plain),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => liblzma::read::XzDecoder::new(&*bytes).read_to_end(&mut plain),
        [b'P', b'K', ..] => {
            let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
            for index in 0..archive.len() {
                let mut entry = archive.by_index(index).unwrap();
                let path = format!("{name}/{}", entry.name().unwrap());
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).unwrap();
                unpack(path, bytes, files);
            }
            return;
        }
        _ if bytes.get(257..262) == Some(b"ustar") => {
            for entry in tar::Archive::new(&*bytes).entries().unwrap() {
                let mut entry = entry.unwrap();
                if entry.header().entry_type().is_file() {
                    let path = format!("{name}/{}", entry.path().unwrap().display());
                    let mut bytes = Vec::new();
                    entry.read_to_end(&mut bytes).unwrap();
                    unpack(path, bytes, files);
                }
            }
            return;
        }
        _ => return drop(files.insert(name, bytes)),
    };
    read.unwrap();
    unpack(name, plain, files);
}

/// A database of what `feed` says in `documents`, which are (name, content).
pub(crate) fn database_of<'a>(
    feed: &str,
    documents: impl IntoIterator<Item = (&'a str, &'a [u8])>,
) -> (tempfile::TempDir, Knowledge) {
    let feed: Description = descriptions().into_iter().find(|description| description.id == feed).unwrap();
    let inputs: Vec<Input<'_>> = documents.into_iter().map(|(name, bytes)| Input { name, bytes }).collect();
    let parsed = parse(&feed, &inputs).unwrap();
    let mut builder = Builder::new(AS_OF);
    builder.records(&feed.id, parsed.records.iter().cloned()).unwrap();
    builder.feed(FeedInfo {
        id: feed.id,
        as_of: AS_OF,
        stale: None,
        fetched_at: None,
        records: parsed.records.len() as u64,
        dropped: Default::default(),
        licence: None,
        digest: parsed.digest,
        coverage: parsed.coverage,
    });
    let folder = tempfile::tempdir().unwrap();
    builder.write(folder.path()).unwrap();
    let knowledge = Knowledge::open(folder.path()).unwrap();
    (folder, knowledge)
}

pub(crate) fn database(feed: &str, documents: &[&[u8]]) -> (tempfile::TempDir, Knowledge) {
    database_of(feed, documents.iter().map(|bytes| ("x", *bytes)))
}

/// The whole of some files.
pub(crate) fn all(files: &Files) -> impl Iterator<Item = (&str, &[u8])> {
    files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
}

/// A system by os-release's `ID` and `VERSION_ID`, or the code name where the release has no number.
pub(crate) fn system(id: &str, version: &str) -> System {
    let numeric = version.starts_with(|first: char| first.is_ascii_digit());
    System {
        id: Some(id.into()),
        version_id: numeric.then(|| version.into()),
        codename: (!numeric).then(|| version.into()),
        ..System::default()
    }
}

/// Our verdicts on a package.
pub(crate) fn ours(knowledge: &Knowledge, system: System, package: Package) -> Verdicts {
    let inventory = Inventory { system, packages: vec![package], ..Inventory::default() };
    let options = Options { all: true, ..Options::at(AS_OF) };
    let findings = judge(&inventory, knowledge, &options).unwrap();
    findings
        .into_iter()
        .filter_map(|finding| Some((finding.id, (finding.state?, finding.fixed_version))))
        .collect()
}

/// Our verdicts on a package of an image that has the repositories of some CPE names.
pub(crate) fn ours_with(
    knowledge: &Knowledge,
    system: &System,
    package: &Package,
    cpes: &[&str],
) -> Verdicts {
    let products = Products { cpes: cpes.iter().map(|cpe| String::from(*cpe)).collect() };
    let key = MatchKey::of(system, package);
    let release = key.release.clone().unwrap();
    let mut rows = Vec::new();
    for (matched_by, name) in [(MatchedBy::Binary, &key.name), (MatchedBy::Source, &key.source_name)] {
        let found = knowledge.lookup(&release, &key.package_type, matched_by, name).unwrap();
        rows.extend(found.map(|row| row.unwrap().to_filed().unwrap()));
    }
    rows.sort_by(|a, b| a.record.id.cmp(&b.record.id));
    judge_key(&key, &rows, &products)
        .into_iter()
        .map(|found| (found.row.id.clone(), (found.state, found.fixed_version.map(String::from))))
        .collect()
}

/// Our verdicts on a binary package of a source, whose versions are the same.
pub(crate) fn ours_of_source(
    knowledge: &Knowledge,
    id: &str,
    release: &str,
    kind: PackageType,
    source: &str,
    version: &str,
) -> Verdicts {
    let mut package = Package::new(kind, format!("lib{source}"), version);
    package.source = Some(SourcePackage { name: source.into(), version: None });
    ours(knowledge, system(id, release), package)
}

/// dpkg's own word on `a < b`.
pub(crate) fn dpkg_less(a: &str, b: &str) -> bool {
    Command::new("dpkg").args(["--compare-versions", a, "lt", b]).status().unwrap().success()
}
