//! An entry's bytes into evidence, if they are what was written.

use super::cursor::{Cursor, Damaged};
use super::format::{HEADER, Header};
use super::key::Key;
use crate::collect::name_budgets;
use crate::content::{Content, PIECE_MAX, Piece, Store};
use crate::evidence::{Cost, LayerEvidence, ModificationTimes, Node};
use crate::languages;
use crate::layer::LayerError;
use crate::read_at::ReadAt;
use imagescan_model::{Incomplete, LayerRead};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use xxhash_rust::xxh3::xxh3_128;

/// Why an entry gives no evidence.
#[derive(Debug, thiserror::Error)]
pub(super) enum DecodeError {
    #[error(transparent)]
    Damaged(#[from] Damaged),
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Whole and right, but read with more room than there is now, or under another size.
    #[error("it answers another question")]
    Other,
    /// Reading the layer would end in the same way.
    #[error(transparent)]
    Layer(#[from] LayerError),
}

/// Reads the entry of `key` in `file`. `layers` are to be read in all; `charge` counts what it costs.
pub(super) fn read(
    file: &File,
    key: &Key,
    layers: usize,
    store: &Store,
    charge: impl FnOnce(&Cost) -> Result<(), LayerError>,
) -> Result<LayerEvidence, DecodeError> {
    let length = file.metadata()?.len();
    let mut reader = BufReader::with_capacity(256 << 10, file);
    let mut header = [0; HEADER];
    whole(reader.read_exact(&mut header))?;
    let header = Header::decode(&header, key, length)?;
    let contents = i64::try_from(header.contents).map_err(|_| Damaged("it is too large"))?;
    reader.seek_relative(contents)?;
    let mut index = Vec::new();
    (&mut reader).take(header.index).read_to_end(&mut index)?;
    if index.len() as u64 != header.index || xxh3_128(&index) != header.checksum {
        return Err(Damaged("its index's checksum is wrong").into());
    }
    let mut cursor = Cursor::new(&index);
    if cursor.text()? != key.digest.to_string() {
        return Err(Damaged("it is about another layer").into());
    }
    if cursor.u64()? != key.size {
        return Err(DecodeError::Other);
    }
    let cost = Cost {
        inflated: cursor.u64()?,
        files: cursor.u64()?,
        names: cursor.u64()?,
        marker_names: cursor.u64()?,
        cut: false,
    };
    let (names, marker_names) = name_budgets(layers);
    if cost.names > names || cost.marker_names > marker_names {
        return Err(DecodeError::Other);
    }
    charge(&cost)?;
    reader.seek(SeekFrom::Start(HEADER as u64))?;
    let pieces = pieces(&mut cursor, &mut reader.take(header.contents), store)?;
    let mut evidence = evidence(&mut cursor, &pieces, cost, store)?;
    evidence.read = header.read;
    cursor.end()?;
    Ok(evidence)
}

/// An end that comes early is damage, not an error of the machine.
fn whole(result: io::Result<()>) -> Result<(), DecodeError> {
    result.map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Damaged("it ends early").into(),
        _ => error.into(),
    })
}

/// Keeps the pieces that the index lists, one after the other.
fn pieces(
    cursor: &mut Cursor<'_>,
    contents: &mut impl Read,
    store: &Store,
) -> Result<Vec<([u8; 32], Piece)>, DecodeError> {
    let mut pieces = Vec::new();
    let mut buffer = Vec::new();
    for _ in 0..cursor.count()? {
        let digest = cursor.array()?;
        let checksum = cursor.u128()?;
        let length = cursor.count()?;
        if !(1..=PIECE_MAX).contains(&length) {
            return Err(Damaged("a piece is too large").into());
        }
        buffer.resize(length, 0);
        whole(contents.read_exact(&mut buffer))?;
        if xxh3_128(&buffer) != checksum {
            return Err(Damaged("a piece's checksum is wrong").into());
        }
        pieces.push((digest, store.keep(&buffer, digest).map_err(LayerError::from)?));
    }
    if contents.read(&mut [0])? > 0 {
        return Err(Damaged("it holds bytes that nothing refers to").into());
    }
    Ok(pieces)
}

pub(super) fn evidence(
    cursor: &mut Cursor<'_>,
    pieces: &[([u8; 32], Piece)],
    cost: Cost,
    store: &Store,
) -> Result<LayerEvidence, Damaged> {
    let count = cursor.count()?;
    let times = cursor.take(count.checked_mul(16).ok_or(Damaged("it ends early"))?)?;
    let pair = |[hash, seconds]: &[[u8; 8]; 2]| (u64::from_le_bytes(*hash), i64::from_le_bytes(*seconds));
    let pairs = times.as_chunks::<8>().0.as_chunks::<2>().0.iter().map(pair).collect();
    let modified = ModificationTimes::from_pairs(pairs).ok_or(Damaged("its times are not sorted"))?;
    let some = cursor.flag()?;
    let newest_modified = Some(cursor.i64()?).filter(|_| some);
    let nodes = cursor.list(|cursor| Ok((cursor.text()?.into(), node(cursor, pieces, store)?)))?;
    let whiteouts = cursor.list(|cursor| cursor.text().map(String::from))?;
    let opaque = cursor.list(|cursor| cursor.text().map(String::from))?;
    let markers = cursor.list(|cursor| Ok((kind(cursor)?, cursor.text()?.into())))?;
    let markers_beyond: BTreeMap<_, _> = cursor.list(|cursor| Ok((kind(cursor)?, cursor.u64()?)))?;
    let incomplete: Vec<Incomplete> = serde_json::from_str(cursor.text()?)
        .map_err(|_| Damaged("its list of what could not be read is no such list"))?;
    Ok(LayerEvidence {
        read: LayerRead::Whole,
        nodes,
        whiteouts,
        opaque,
        modified,
        newest_modified,
        markers,
        markers_beyond,
        incomplete,
        cost,
    })
}

fn kind(cursor: &mut Cursor<'_>) -> Result<&'static str, Damaged> {
    languages::kind(cursor.text()?).ok_or(Damaged("a marker is of no kind that there is"))
}

fn node(cursor: &mut Cursor<'_>, pieces: &[([u8; 32], Piece)], store: &Store) -> Result<Node, Damaged> {
    Ok(match cursor.u8()? {
        0 => {
            let modified = cursor.i64()?;
            let piece = |number: u32| pieces.get(usize::try_from(number).ok()?).cloned();
            let absent = Damaged("a file has a piece that is not there");
            let own: Vec<_> = cursor.list(|cursor| piece(cursor.u32()?).ok_or(absent))?;
            let content = Content::assembled(&own, store);
            if content.len() <= store.file_bytes() {
                Node::File { content, modified }
            } else {
                return Err(Damaged("a file is larger than any that is kept"));
            }
        }
        1 => Node::HardLink(cursor.text()?.into()),
        2 => Node::Symlink(cursor.text()?.into()),
        3 => Node::Folder,
        4 => Node::Other,
        _ => return Err(Damaged("a node is of no kind that there is")),
    })
}
