//! Evidence into an entry's bytes.

use super::cursor::Writer;
use super::format::{HEADER, Header, INDEX};
use super::key::Key;
use crate::content::{Content, PIECE_MAX};
use crate::evidence::{Cost, LayerEvidence, Node};
use crate::read_at::ReadAt;
use hashbrown::HashMap;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use xxhash_rust::xxh3::xxh3_128;

/// Writes the entry of `evidence` into `file`, which is empty.
pub(super) fn write(file: &File, key: &Key, evidence: &LayerEvidence) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(256 << 10, file);
    out.write_all(&[0; HEADER])?;
    let mut pieces = Pieces::default();
    let mut nodes = Writer::default();
    nodes.count(evidence.nodes.len());
    for (path, node) in &evidence.nodes {
        nodes.text(path);
        match node {
            Node::File { content, modified } => {
                let numbers = pieces.of(content, &mut out)?;
                nodes.u8(0);
                nodes.i64(*modified);
                nodes.list(numbers.iter(), |out, number| out.u32(*number));
            }
            Node::HardLink(target) => {
                nodes.u8(1);
                nodes.text(target);
            }
            Node::Symlink(target) => {
                nodes.u8(2);
                nodes.text(target);
            }
            Node::Folder => nodes.u8(3),
            Node::Other => nodes.u8(4),
        }
    }
    let index = index(key, evidence, &pieces, &nodes)?;
    out.write_all(&index)?;
    out.flush()?;
    let header = Header {
        read: evidence.read,
        name: key.name(),
        contents: pieces.written,
        index: index.len() as u64,
        checksum: xxh3_128(&index),
    };
    file.write_all_at(&header.encode(), 0)
}

/// The pieces written so far.
#[derive(Default)]
struct Pieces {
    numbers: HashMap<[u8; 32], u32>,
    table: Writer,
    written: u64,
}

impl Pieces {
    /// The numbers of the pieces of `content`, which are written unless they are there.
    fn of(&mut self, content: &Content, out: &mut impl Write) -> io::Result<Vec<u32>> {
        let mut buffer = Vec::new();
        let mut numbers = Vec::new();
        for (start, length) in content.pieces() {
            let length = usize::try_from(length).ok().filter(|length| *length <= PIECE_MAX);
            buffer.resize(length.ok_or(io::ErrorKind::FileTooLarge)?, 0);
            content.read_exact_at(&mut buffer, start)?;
            let digest: [u8; 32] = Sha256::digest(&buffer).into();
            let next = u32::try_from(self.numbers.len()).map_err(io::Error::other)?;
            let number = *self.numbers.entry(digest).or_insert(next);
            if number == next {
                self.table.bytes(&digest);
                self.table.u128(xxh3_128(&buffer));
                self.table.count(buffer.len());
                out.write_all(&buffer)?;
                self.written += buffer.len() as u64;
            }
            numbers.push(number);
        }
        Ok(numbers)
    }
}

fn index(key: &Key, evidence: &LayerEvidence, pieces: &Pieces, nodes: &Writer) -> io::Result<Vec<u8>> {
    let mut out = Writer::default();
    out.text(&key.digest.to_string());
    out.u64(key.size);
    let Cost { inflated, files, names, marker_names, cut: _ } = evidence.cost;
    [inflated, files, names, marker_names].into_iter().for_each(|number| out.u64(number));
    out.count(pieces.numbers.len());
    out.bytes(&pieces.table.0);
    out.list(evidence.modified.pairs().iter(), |out, (hash, seconds)| {
        out.u64(*hash);
        out.i64(*seconds);
    });
    out.u8(u8::from(evidence.newest_modified.is_some()));
    out.i64(evidence.newest_modified.unwrap_or_default());
    out.bytes(&nodes.0);
    out.list(evidence.whiteouts.iter(), |out, path| out.text(path));
    out.list(evidence.opaque.iter(), |out, path| out.text(path));
    out.list(evidence.markers.iter(), |out, (kind, path)| {
        out.text(kind);
        out.text(path);
    });
    out.list(evidence.markers_beyond.iter(), |out, (kind, count)| {
        out.text(kind);
        out.u64(*count);
    });
    let incomplete = serde_json::to_string(&evidence.incomplete)?;
    out.text(&incomplete);
    if out.0.len() as u64 > INDEX {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(out.0)
}
