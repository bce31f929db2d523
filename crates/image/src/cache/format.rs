//! The form of an entry, format 1. Little-endian; a text is its length (u32) and UTF-8, a list its count (u32)
//! and its items.
//!
//! ```text
//! header    magic "iscanlay" · format u32 · read u32 (how the layer was first read; 0: as a whole, 1: lazily) ·
//!           name (32 bytes: SHA-256 of question version and layer digest, and of that and the table's digest if read lazily) · contents' length u64 ·
//!           index's length u64 · index's xxh3-128 · xxh3-128 of all before
//! contents  the pieces of kept files, each once
//! index     the layer's digest and size, which were compared · what reading took of the bounds ·
//!           pieces (SHA-256, xxh3-128, length u32) · modification times (hash u64, seconds i64; sorted) ·
//!           nodes · whiteouts · opaque folders · markers · markers beyond · incomplete (JSON)
//! ```
//!
//! The header's checksum covers the index's, and the index has one for each piece: a bit altered anywhere is found
//! before anything that it touches is believed. The checksums find damage, not malice: whoever may write to the
//! folder is the user, which [`super::files::open`] makes sure of. Still no entry can make a reader panic, or hold
//! more than the entry's bytes and what [`crate::Limits`] allow.
//!
//! The index comes last, so that it is written once all pieces are; the header is filled in after it. An entry
//! of another format has another name, for the format is part of the question's version.

use super::cursor::{Cursor, Damaged, Writer};
use super::key::{EntryName, Key};
use imagescan_model::LayerRead;
use xxhash_rust::xxh3::xxh3_128;

pub(super) const FORMAT: u32 = 1;
pub(super) const HEADER: usize = 96;

const MAGIC: [u8; 8] = *b"iscanlay";

/// Bytes of an index: no layer within the default limits comes near.
pub(super) const INDEX: u64 = 512 << 20;

/// What stands at the start of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub read: LayerRead,
    pub name: EntryName,
    pub contents: u64,
    pub index: u64,
    pub checksum: u128,
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.bytes(&MAGIC);
        out.u32(FORMAT);
        out.u32(match self.read {
            LayerRead::Whole => 0,
            LayerRead::Lazy => 1,
        });
        out.bytes(&self.name.0);
        out.u64(self.contents);
        out.u64(self.index);
        out.u128(self.checksum);
        let checksum = xxh3_128(&out.0);
        out.u128(checksum);
        out.0
    }

    /// The header of an entry for `key`, of `length` bytes in all.
    pub(super) fn decode(bytes: &[u8; HEADER], key: &Key, length: u64) -> Result<Self, Damaged> {
        let mut cursor = Cursor::new(bytes);
        if cursor.array()? != MAGIC {
            return Err(Damaged("it does not begin as an entry does"));
        }
        if cursor.u32()? != FORMAT {
            return Err(Damaged("it has another format than its name says"));
        }
        let read = match cursor.u32()? {
            0 => LayerRead::Whole,
            1 => LayerRead::Lazy,
            _ => return Err(Damaged("it does not say how the layer was read")),
        };
        let name = EntryName(cursor.array()?);
        let header =
            Self { read, name, contents: cursor.u64()?, index: cursor.u64()?, checksum: cursor.u128()? };
        let covered = bytes.len() - size_of::<u128>();
        if cursor.u128()? != xxh3_128(bytes.get(..covered).unwrap_or_default()) {
            return Err(Damaged("its header's checksum is wrong"));
        }
        cursor.end()?;
        if read != key.read {
            return Err(Damaged("the layer was read in another way than its name says"));
        }
        if name != key.name() {
            return Err(Damaged("it is about another layer"));
        }
        let stated = header.contents.checked_add(header.index).and_then(|sum| sum.checked_add(HEADER as u64));
        if stated != Some(length) || header.index > INDEX {
            return Err(Damaged("it has another length than it says"));
        }
        Ok(header)
    }
}
