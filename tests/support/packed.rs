//! Layers with a table of contents, made from a tar: eStargz as `estargz.md` of containerd's stargz-snapshotter describes
//! it, zstd:chunked as containers/storage writes it.

#![allow(dead_code, reason = "each test uses a part")]

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};

/// A layer as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Packed {
    pub bytes: Vec<u8>,
    /// Of its descriptor.
    pub annotations: Value,
    /// Of what it inflates to.
    pub diff_id: String,
    pub table: Value,
    /// Where the table begins.
    pub table_at: usize,
}

/// How files are cut.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    /// Bytes of a chunk.
    pub chunk: usize,
    /// Bytes of a member that no next one is begun before.
    pub member: usize,
}

pub(crate) const USUAL: Cut = Cut { chunk: 4 << 20, member: 0 };

pub(crate) const TABLE: &str = "stargz.index.json";

fn name(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

/// An entry of a tar: its header blocks, with those that extend them, its content, and what a table says of it.
struct Entry {
    header: Vec<u8>,
    content: Vec<u8>,
    record: Value,
}

impl Entry {
    fn padding(&self) -> Vec<u8> {
        vec![0; self.content.len().wrapping_neg() % 512]
    }
}

fn entries(tar: &[u8]) -> Vec<Entry> {
    let mut archive = tar::Archive::new(tar);
    let mut begin = 0;
    let mut entries = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let header = tar[begin..entry.raw_file_position() as usize].to_vec();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        begin = entry.raw_file_position() as usize + content.len().next_multiple_of(512);
        let kind = match entry.header().entry_type() {
            tar::EntryType::Regular => "reg",
            tar::EntryType::Directory => "dir",
            tar::EntryType::Symlink => "symlink",
            tar::EntryType::Link => "hardlink",
            tar::EntryType::Fifo => "fifo",
            other => panic!("{other:?}"),
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut record = json!({"name": text(&entry.path_bytes()), "type": kind, "NumLink": 0, "uid": 0,
            "mode": entry.header().mode().unwrap(), "xattrs": {"user.x": "AA=="}});
        let modified = entry.header().mtime().unwrap() as i64;
        if modified != 0 {
            record["modtime"] = date(modified).into();
        }
        if let Some(link) = entry.link_name_bytes() {
            record["linkName"] = text(&link).into();
        }
        if kind == "reg" {
            record["digest"] = name(&content).into();
        }
        if !content.is_empty() {
            record["size"] = content.len().into();
        }
        entries.push(Entry { header, content, record });
    }
    entries
}

/// RFC 3339 of a date between 1970 and 2100, by counting.
fn date(seconds: i64) -> String {
    let (mut day, second) = (seconds / 86_400, seconds % 86_400);
    let mut year = 1970;
    let length = |year: i64| if year % 4 == 0 { 366 } else { 365 };
    while day >= length(year) {
        day -= length(year);
        year += 1;
    }
    let february = length(year) - 337;
    let mut month = 1;
    for days in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if day < days {
            break;
        }
        day -= days;
        month += 1;
    }
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", day + 1)
}

/// Records of a file's chunks, each where `place` puts it.
fn chunks(entry: &Entry, cut: Cut, records: &mut Vec<Value>, mut place: impl FnMut(&[u8], &mut Value)) {
    let pieces = entry.content.chunks(cut.chunk);
    let count = pieces.len();
    for (index, piece) in pieces.enumerate() {
        let mut record = match index {
            0 => entry.record.clone(),
            _ => json!({"name": entry.record["name"], "type": "chunk", "chunkOffset": index * cut.chunk}),
        };
        if index + 1 < count {
            record["chunkSize"] = piece.len().into();
        }
        record["chunkDigest"] = name(piece).into();
        place(piece, &mut record);
        records.push(record);
    }
}

fn file(path: &str, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_path(path).unwrap();
    header.set_size(content.len() as u64);
    header.set_mode(0);
    header.set_mtime(0);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

/// An eStargz layer of what `tar` holds.
pub(crate) fn estargz(tar: &[u8], cut: Cut) -> Packed {
    let with_mark = [file(".no.prefetch.landmark", &[0xf]), tar.to_vec()].concat();
    let (mut bytes, mut member) = (Vec::new(), Vec::new());
    let mut records = Vec::new();
    for entry in entries(&with_mark) {
        member.extend_from_slice(&entry.header);
        if entry.content.is_empty() {
            records.push(entry.record.clone());
        }
        let is_mark = entry.record["name"] == ".no.prefetch.landmark";
        chunks(&entry, cut, &mut records, |piece, record| {
            if is_mark || member.len() >= cut.member {
                bytes.extend(gzip(&member));
                member.clear();
            }
            record["offset"] = bytes.len().into();
            if !member.is_empty() {
                record["innerOffset"] = member.len().into();
            }
            member.extend_from_slice(piece);
        });
        member.extend(entry.padding());
        if is_mark {
            bytes.extend(gzip(&member));
            member.clear();
        }
    }
    bytes.extend(gzip(&member));
    estargz_of(bytes, json!({"version": 1, "entries": records}))
}

/// An eStargz layer of these members and this table.
pub(crate) fn estargz_of(bytes: Vec<u8>, table: Value) -> Packed {
    let text = serde_json::to_vec_pretty(&table).unwrap();
    Packed { table, ..estargz_with(bytes, &text) }
}

/// An eStargz layer of these members and this text as its table.
pub(crate) fn estargz_with(mut bytes: Vec<u8>, text: &[u8]) -> Packed {
    let table_at = bytes.len();
    bytes.extend(gzip(&[file(TABLE, text), vec![0; 1024]].concat()));
    bytes.extend(footer(table_at as u64));
    let mut inflated = Vec::new();
    flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut inflated).unwrap();
    let annotations = json!({"containerd.io/snapshot/stargz/toc.digest": name(text)});
    Packed { bytes, annotations, diff_id: name(&inflated), table: Value::Null, table_at }
}

/// The 51 bytes at the end.
pub(crate) fn footer(table_at: u64) -> Vec<u8> {
    let head = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x1a\0SG\x16\0";
    [head, format!("{table_at:016x}STARGZ").as_bytes(), b"\x01\0\0\xff\xff", &[0; 8]].concat()
}

/// The 47 bytes of stargz, before it was made to comply with the standard of gzip.
pub(crate) fn old_footer(table_at: u64) -> Vec<u8> {
    let head = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x16\0";
    [head, format!("{table_at:016x}STARGZ").as_bytes(), b"\x01\0\0\xff\xff", &[0; 8]].concat()
}

/// A zstd:chunked layer of what `tar` holds.
pub(crate) fn zstd_chunked(tar: &[u8], cut: Cut) -> Packed {
    let mut bytes = Vec::new();
    let mut records = Vec::new();
    for entry in entries(tar) {
        bytes.extend(zstd(&entry.header));
        let first = records.len();
        if entry.content.is_empty() {
            records.push(entry.record.clone());
        }
        chunks(&entry, cut, &mut records, |piece, record| {
            record["offset"] = bytes.len().into();
            bytes.extend(zstd(piece));
        });
        if !entry.content.is_empty() {
            records[first]["endOffset"] = bytes.len().into();
            // A file of one chunk has its own digest only; of several, the last has its size, too.
            match &mut records[first..] {
                [only] => drop(only.as_object_mut().unwrap().remove("chunkDigest")),
                [.., last] => last["chunkSize"] = ((entry.content.len() - 1) % cut.chunk + 1).into(),
                [] => {}
            }
            bytes.extend(zstd(&entry.padding()));
        }
    }
    bytes.extend(zstd(&[0; 1024]));
    zstd_chunked_of(bytes, json!({"version": 1, "entries": records, "tarSplitDigest": name(b"")}))
}

/// A zstd:chunked layer of these frames and this table.
pub(crate) fn zstd_chunked_of(mut bytes: Vec<u8>, table: Value) -> Packed {
    let diff_id = name(&zstd::decode_all(&bytes[..]).unwrap());
    let text = serde_json::to_vec(&table).unwrap();
    let packed = zstd(&text);
    let skippable =
        |content: &[u8]| [b"\x50\x2a\x4d\x18", &(content.len() as u32).to_le_bytes()[..], content].concat();
    let table_at = bytes.len() + 8;
    bytes.extend(skippable(&packed));
    // What else stands there (the tar's headers, the footer) is not read.
    bytes.extend(skippable(b"tar-split"));
    bytes.extend(skippable(&[7; 64]));
    let position = format!("{table_at}:{}:{}:1", packed.len(), text.len());
    let annotations = json!({"io.github.containers.zstd-chunked.manifest-checksum": name(&packed),
        "io.github.containers.zstd-chunked.manifest-position": position});
    Packed { bytes, annotations, diff_id, table, table_at }
}
