//! Real documents, straight from the archives in `../shared/feeds`.

use imagescan_feeds::{Input, descriptions, parse};
use imagescan_model::AdvisoryRecord;
use std::fs;
use std::io::{Cursor, Read};
use std::path::Path;

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/feeds");

/// A document and its name.
pub(crate) type File = (String, Vec<u8>);

/// All files of an archive, those of archives within it too; `None` where the archive is not at hand.
pub(crate) fn files(archive: &str) -> Option<Vec<File>> {
    let Ok(bytes) = fs::read(Path::new(SHARED).join(archive)) else {
        println!("skipped: no ../shared/feeds/{archive}");
        return None;
    };
    let mut files = Vec::new();
    unpack(archive.into(), bytes, &mut files);
    Some(files)
}

fn unpack(name: String, bytes: Vec<u8>, files: &mut Vec<File>) {
    let mut plain = Vec::new();
    match bytes.as_slice() {
        [0x1f, 0x8b, ..] => read(flate2::read::MultiGzDecoder::new(&*bytes), &mut plain),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => read(zstd::Decoder::new(&*bytes).unwrap(), &mut plain),
        [b'B', b'Z', b'h', ..] => read(bzip2::read::MultiBzDecoder::new(&*bytes), &mut plain),
        _ if bytes.get(257..262) == Some(b"ustar") => return members(&name, bytes, files),
        _ => return files.push((name, bytes)),
    }
    unpack(name, plain, files);
}

fn read(mut source: impl Read, plain: &mut Vec<u8>) {
    source.read_to_end(plain).unwrap();
}

fn members(name: &str, bytes: Vec<u8>, files: &mut Vec<File>) {
    let mut archive = tar::Archive::new(Cursor::new(bytes));
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.header().entry_type().is_file() {
            let mut bytes = Vec::new();
            let path = entry.path().unwrap().display().to_string();
            entry.read_to_end(&mut bytes).unwrap();
            unpack(format!("{name}:{path}"), bytes, files);
        }
    }
}

/// The records of a feed's sample.
pub(crate) fn sample(feed: &str) -> Vec<AdvisoryRecord> {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vuln-feeds/samples");
    let feed = descriptions().into_iter().find(|description| description.id == feed).unwrap();
    let entries = fs::read_dir(samples.join(&feed.id)).unwrap();
    let documents: Vec<Vec<u8>> = entries.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
    let inputs: Vec<Input<'_>> = documents.iter().map(|bytes| Input { name: "x", bytes }).collect();
    parse(&feed, &inputs).unwrap().records
}

/// What a record states: all but the words, and architectures, of which a sample may leave out some.
pub(crate) fn fact(record: &AdvisoryRecord) -> (String, String) {
    let mut stated = record.clone();
    stated.title = None;
    stated.architectures.clear();
    (record.id.clone(), format!("{stated:?}"))
}
