//! Checksums of 64 KiB blocks, compared the first time anything in the block is read.
//!
//! The list of checksums itself is compared before the first of them counts: not when the file is opened, because most
//! files of a database are opened and not read.
//!
//! A bitmap remembers what was compared, so that later reads cost one load. Two threads may compare the same
//! block at once: both find the same.

use crate::error::Damage;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use xxhash_rust::xxh3::xxh3_64;

/// Bytes of a block; the last one may be shorter.
pub(crate) const BLOCK_SIZE: usize = 64 * 1024;

/// Bytes that one checksum takes in the list.
pub(crate) const CHECKSUM_SIZE: usize = 8;

/// The checksums of `body`, block by block, as the file holds them.
pub(crate) fn checksums(body: &[u8]) -> Vec<u8> {
    body.chunks(BLOCK_SIZE).flat_map(|block| xxh3_64(block).to_le_bytes()).collect()
}

/// The list of a file's checksums, and the checksum that it should have.
#[derive(Clone, Copy)]
pub(crate) struct Table<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) checksum: u64,
}

/// What was found right so far: the list, and which blocks.
pub(crate) struct Checked {
    table: AtomicBool,
    blocks: Box<[AtomicU64]>,
}

impl Checked {
    /// Nothing compared yet of `blocks` blocks.
    pub(crate) fn none(blocks: usize) -> Self {
        let words = (0..blocks.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Self { table: AtomicBool::new(false), blocks: words }
    }

    /// Whether all blocks in which these bytes lie were found right before.
    #[inline]
    pub(crate) fn is_right(&self, start: usize, length: usize) -> bool {
        let (first, last) = (start / BLOCK_SIZE, (start + length.saturating_sub(1)) / BLOCK_SIZE);
        // Relaxed: the bit says something of bytes that never change, it publishes nothing.
        let is_right = |index: usize| {
            let word = self.blocks.get(index / 64);
            word.is_some_and(|word| word.load(Ordering::Relaxed) & 1 << (index % 64) != 0)
        };
        is_right(first) && (first == last || (first + 1..=last).all(is_right))
    }

    /// Compares the blocks of `body` in which these bytes lie with `table`, but those that were right before.
    #[cold]
    pub(crate) fn compare(
        &self,
        body: &[u8],
        table: Table<'_>,
        start: usize,
        length: usize,
    ) -> Result<(), Damage> {
        if length == 0 {
            return Ok(());
        }
        if !self.table.load(Ordering::Relaxed) {
            if xxh3_64(table.bytes) != table.checksum {
                return Err(Damage::BlockTable);
            }
            self.table.store(true, Ordering::Relaxed);
        }
        for index in start / BLOCK_SIZE..=(start + length - 1) / BLOCK_SIZE {
            let damage = Damage::Block { index };
            let word = self.blocks.get(index / 64).ok_or(damage)?;
            let bit = 1 << (index % 64);
            if word.load(Ordering::Relaxed) & bit == 0 {
                if !matches(body, table.bytes, index) {
                    return Err(damage);
                }
                word.fetch_or(bit, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

fn matches(body: &[u8], table: &[u8], index: usize) -> bool {
    let block = body.chunks(BLOCK_SIZE).nth(index);
    let expected = table.as_chunks::<CHECKSUM_SIZE>().0.get(index);
    match (block, expected) {
        (Some(block), Some(expected)) => xxh3_64(block).to_le_bytes() == *expected,
        _ => false,
    }
}
