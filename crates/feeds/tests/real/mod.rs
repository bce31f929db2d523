//! Vendors' real documents, and rows to hold what a parser says against what a plain reader says.

#![allow(
    dead_code,
    clippy::print_stdout,
    reason = "each test takes what it needs, and says what could not be compared"
)]

use imagescan_feeds::{Input, Parsed, descriptions, parse};
use imagescan_model::AdvisoryRecord;
use std::collections::BTreeSet;
use std::fs;
use std::io::{Cursor, Read};
use std::path::Path;

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/feeds");

/// A document with its path, where it was in archives within archives, too.
pub(crate) type File = (String, Vec<u8>);

/// All files of an archive in `../shared/feeds`, archives in it opened.
pub(crate) fn files(archive: &str) -> Option<Vec<File>> {
    let Ok(bytes) = fs::read(Path::new(SHARED).join(archive)) else {
        println!("skipped: no ../shared/feeds/{archive}");
        return None;
    };
    let mut files = Vec::new();
    open(archive.to_owned(), bytes, &mut files);
    files.sort();
    Some(files)
}

fn open(name: String, bytes: Vec<u8>, files: &mut Vec<File>) {
    let mut content = Vec::new();
    let Some((stem, kind)) = name.rsplit_once('.') else { return files.push((name, bytes)) };
    match kind {
        "zst" => zstd::Decoder::new(&*bytes).unwrap().read_to_end(&mut content).unwrap(),
        "gz" => flate2::read::MultiGzDecoder::new(&*bytes).read_to_end(&mut content).unwrap(),
        "bz2" => bzip2::read::BzDecoder::new(&*bytes).read_to_end(&mut content).unwrap(),
        "xz" => liblzma::read::XzDecoder::new(&*bytes).read_to_end(&mut content).unwrap(),
        "tar" => {
            let mut archive = tar::Archive::new(&*bytes);
            for entry in archive.entries().unwrap() {
                let mut entry = entry.unwrap();
                if entry.header().entry_type().is_file() {
                    let name = format!("{stem}/{}", entry.path().unwrap().display());
                    let mut bytes = Vec::new();
                    entry.read_to_end(&mut bytes).unwrap();
                    open(name, bytes, files);
                }
            }
            return;
        }
        "zip" => {
            let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
            for index in 0..archive.len() {
                let mut entry = archive.by_index(index).unwrap();
                let name = format!("{stem}/{}", entry.name().unwrap());
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).unwrap();
                open(name, bytes, files);
            }
            return;
        }
        _ => return files.push((name, bytes)),
    };
    open(stem.to_owned(), content, files);
}

/// What `feed` says in `files`; the order in which they come does not count.
pub(crate) fn parsed(feed: &str, files: &[&File]) -> Parsed {
    let feed = descriptions().into_iter().find(|description| description.id == feed).unwrap();
    let mut inputs: Vec<Input<'_>> = files.iter().map(|(name, bytes)| Input { name, bytes }).collect();
    let found = parse(&feed, &inputs).unwrap();
    inputs.reverse();
    assert!(parse(&feed, &inputs).unwrap() == found, "another order, another result");
    found
}

/// What decides a verdict, in a line.
pub(crate) struct Row<'a> {
    pub(crate) release: &'a str,
    pub(crate) package: &'a str,
    pub(crate) id: &'a str,
    pub(crate) state: &'a str,
    pub(crate) introduced: &'a str,
    pub(crate) fixed: &'a str,
    pub(crate) architectures: &'a str,
    pub(crate) module: &'a str,
    pub(crate) stream: &'a str,
}

impl Default for Row<'_> {
    fn default() -> Self {
        Row {
            release: "",
            package: "",
            id: "",
            state: "Affected",
            introduced: "",
            fixed: "",
            architectures: "",
            module: "",
            stream: "",
        }
    }
}

impl Row<'_> {
    pub(crate) fn line(&self) -> String {
        [
            self.release,
            self.package,
            self.id,
            self.state,
            self.introduced,
            self.fixed,
            self.architectures,
            self.module,
            self.stream,
        ]
        .join("|")
    }
}

pub(crate) fn row(record: &AdvisoryRecord) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    Row {
        release: &record.release.to_string(),
        package: &record.package,
        id: &record.id,
        state: &format!("{:?}", record.state),
        introduced: &text(&record.introduced),
        fixed: &text(&record.fixed_version),
        architectures: &record.architectures.join(" "),
        module: &text(&record.module),
        stream: &text(&record.stream),
    }
    .line()
}

/// Each row that the parser gave is one that the plain reader gave, and the other way round.
pub(crate) fn compare(found: &Parsed, expected: &BTreeSet<String>) {
    let rows: BTreeSet<String> = found.records.iter().map(row).collect();
    let more: Vec<_> = rows.difference(expected).take(5).collect();
    let fewer: Vec<_> = expected.difference(&rows).take(5).collect();
    assert!(
        more.is_empty() && fewer.is_empty(),
        "only the parser: {more:#?}\nonly the plain reader: {fewer:#?}"
    );
    println!("{} records, {} rows, dropped {:?}", found.records.len(), rows.len(), found.dropped);
}

/// What was left out, as `reason: count`.
pub(crate) fn dropped(found: &Parsed) -> Vec<String> {
    found.dropped.iter().map(|(reason, count)| format!("{reason}: {count}")).collect()
}

/// The pieces of `text` between `start` and `end`, as text.
pub(crate) fn between<'a>(text: &'a str, start: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(start).skip(1).map(move |piece| piece.split(end).next().unwrap())
}

/// The value of an attribute in a tag.
pub(crate) fn attribute<'a>(tag: &'a str, name: &str) -> &'a str {
    let Some((_, rest)) = tag.split_once(&format!(" {name}=\"")) else { return "" };
    rest.split('"').next().unwrap()
}

/// `[epoch:]version-release` of a package tag of updateinfo.
pub(crate) fn evr(tag: &str) -> String {
    let rest = format!("{}-{}", attribute(tag, "version"), attribute(tag, "release"));
    match attribute(tag, "epoch") {
        "" | "0" => rest,
        epoch => format!("{epoch}:{rest}"),
    }
}
