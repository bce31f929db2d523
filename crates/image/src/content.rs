//! Kept files: in memory while they are small, beyond that in an unlinked file, and no piece twice.
//!
//! A build changes a package database once per layer, so an image of forty layers carries forty copies that
//! differ in a few kilobytes. Files are therefore cut where their content says so (a rolling hash, so that an
//! insertion moves no later cut), and a piece that any layer already brought is not kept again.

use crate::ReadAt;
use crate::limits::{LimitError, Limits};
use hashbrown::HashMap;
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Pieces are cut between these lengths; the average is 64 KiB.
const PIECE_MIN: usize = 16 << 10;
pub(crate) const PIECE_MAX: usize = 256 << 10;
const CUT_MASK: u64 = 0xffff << 48;

/// What a piece counts for at least.
const PIECE_COST: u64 = 4 << 10;

/// Bytes of pieces held in memory; later ones go to the unlinked file.
const IN_MEMORY: u64 = 8 << 20;

/// Where kept pieces lie. Shared by all layers of a scan.
pub(crate) struct Store {
    state: Mutex<State>,
    spill: Arc<OnceLock<File>>,
    folder: PathBuf,
    kept_bytes: u64,
    file_bytes: u64,
    entries: AtomicU64,
    entries_bound: u64,
}

#[derive(Default)]
struct State {
    pieces: HashMap<[u8; 32], Piece>,
    memory: u64,
    spilled: u64,
    charged: u64,
}

/// A stretch of a kept file.
#[derive(Clone)]
pub(crate) enum Piece {
    Memory(Arc<[u8]>),
    Spilled { offset: u64, length: u32 },
}

impl Piece {
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::Spilled { length, .. } => u64::from(*length),
        }
    }
}

/// Why a file could not be kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeepError {
    #[error(transparent)]
    Limit(#[from] LimitError),
    #[error("cannot write to the private cache: {0}")]
    Io(#[from] io::Error),
}

impl Store {
    /// A store that spills into an unlinked file in `folder`.
    pub(crate) fn new(folder: PathBuf, limits: &Limits) -> Self {
        Self {
            state: Mutex::default(),
            spill: Arc::default(),
            folder,
            kept_bytes: limits.kept_bytes,
            file_bytes: limits.file_bytes,
            entries: AtomicU64::new(0),
            entries_bound: limits.entries,
        }
    }

    /// Counts entries of any layer: each costs 16 bytes for as long as the scan lasts.
    pub(crate) fn count_entries(&self, more: u64) -> Result<(), LimitError> {
        let count = self.entries.fetch_add(more, Ordering::Relaxed).saturating_add(more);
        if count > self.entries_bound {
            return Err(LimitError::new(self.entries_bound, "files in all layers", "--max-entries"));
        }
        Ok(())
    }

    /// Takes back what was counted.
    pub(crate) fn forget_entries(&self, count: u64) {
        self.entries.fetch_sub(count, Ordering::Relaxed);
    }

    /// Bytes in the unlinked file.
    #[cfg(test)]
    pub(crate) fn spilled(&self) -> u64 {
        self.state().spilled
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while holding the lock leaves at worst a piece that nobody refers to.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The most that one file may have.
    pub(crate) fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    /// Keeps a piece: `digest` is its SHA-256.
    pub(crate) fn keep(&self, bytes: &[u8], digest: [u8; 32]) -> Result<Piece, KeepError> {
        let mut state = self.state();
        if let Some(piece) = state.pieces.get(&digest) {
            return Ok(piece.clone());
        }
        let length = bytes.len() as u64;
        // However small, a piece costs its entry in the table.
        state.charged += length.max(PIECE_COST);
        if state.charged > self.kept_bytes {
            return Err(LimitError::new(self.kept_bytes, "bytes of kept files", "--max-kept-bytes").into());
        }
        let piece = if state.memory + length <= IN_MEMORY {
            state.memory += length;
            Piece::Memory(bytes.into())
        } else {
            let file = match self.spill.get() {
                Some(file) => file,
                None => {
                    let file = crate::private::unlinked_file(&self.folder)?;
                    self.spill.get_or_init(|| file)
                }
            };
            let offset = state.spilled;
            file.write_all_at(bytes, offset)?;
            state.spilled += length;
            Piece::Spilled { offset, length: u32::try_from(bytes.len()).unwrap_or(u32::MAX) }
        };
        state.pieces.insert(digest, piece.clone());
        Ok(piece)
    }
}

/// Takes the bytes of one file as they stream by.
pub(crate) struct Keeper {
    buffer: Vec<u8>,
    rolling: u64,
    pieces: Vec<(u64, Piece)>,
    length: u64,
    digest: Sha256,
}

impl Keeper {
    pub(crate) fn new() -> Self {
        Self { buffer: Vec::new(), rolling: 0, pieces: Vec::new(), length: 0, digest: Sha256::new() }
    }

    pub(crate) fn push(&mut self, store: &Store, mut bytes: &[u8]) -> Result<(), KeepError> {
        if self.length + bytes.len() as u64 > store.file_bytes {
            return Err(LimitError::new(store.file_bytes, "bytes in a kept file", "--max-file-bytes").into());
        }
        self.length += bytes.len() as u64;
        while !bytes.is_empty() {
            let cut = self.cut(bytes);
            let (now, later) = bytes.split_at(cut.unwrap_or(bytes.len()));
            self.buffer.extend_from_slice(now);
            bytes = later;
            if cut.is_some() {
                self.flush(store)?;
            }
        }
        Ok(())
    }

    /// How many of `bytes` complete the current piece, if they do.
    fn cut(&mut self, bytes: &[u8]) -> Option<usize> {
        let have = self.buffer.len();
        for (index, byte) in bytes.iter().enumerate() {
            self.rolling = (self.rolling << 1).wrapping_add(GEAR[usize::from(*byte)]);
            let length = have + index + 1;
            if length >= PIECE_MAX || (length >= PIECE_MIN && self.rolling & CUT_MASK == 0) {
                return Some(index + 1);
            }
        }
        None
    }

    fn flush(&mut self, store: &Store) -> Result<(), KeepError> {
        let digest: [u8; 32] = Sha256::digest(&self.buffer).into();
        self.digest.update(digest);
        let start = self.pieces.last().map_or(0, |(start, piece)| start + piece.len());
        self.pieces.push((start, store.keep(&self.buffer, digest)?));
        self.buffer.clear();
        self.rolling = 0;
        Ok(())
    }

    pub(crate) fn finish(mut self, store: &Store) -> Result<Content, KeepError> {
        if !self.buffer.is_empty() {
            self.flush(store)?;
        }
        Ok(Content {
            length: self.length,
            digest: self.digest.finalize().into(),
            pieces: self.pieces.into(),
            spill: Arc::clone(&store.spill),
        })
    }
}

impl Content {
    /// The file whose pieces are these, each with its SHA-256.
    pub(crate) fn assembled(pieces: &[([u8; 32], Piece)], store: &Store) -> Self {
        let mut digest = Sha256::new();
        let mut length = 0;
        let mut placed = Vec::with_capacity(pieces.len());
        for (name, piece) in pieces {
            digest.update(name);
            placed.push((length, piece.clone()));
            length += piece.len();
        }
        let digest = digest.finalize().into();
        Self { length, digest, pieces: placed.into(), spill: Arc::clone(&store.spill) }
    }

    /// The same in another store.
    pub(crate) fn kept_in(&self, store: &Store) -> Result<Self, KeepError> {
        let mut keeper = Keeper::new();
        let mut buffer = Vec::new();
        for (start, length) in self.pieces() {
            buffer.resize(usize::try_from(length).map_err(io::Error::other)?, 0);
            self.read_exact_at(&mut buffer, start)?;
            keeper.push(store, &buffer)?;
        }
        keeper.finish(store)
    }

    /// Bytes of it that are held in memory.
    pub(crate) fn in_memory(&self) -> u64 {
        let held = |(_, piece): &(u64, Piece)| match piece {
            Piece::Memory(bytes) => bytes.len() as u64,
            Piece::Spilled { .. } => 0,
        };
        self.pieces.iter().map(held).sum()
    }

    /// Where its pieces begin, and their lengths.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = (u64, u64)> {
        self.pieces.iter().map(|(start, piece)| (*start, piece.len()))
    }
}

/// A kept file's bytes.
#[derive(Clone)]
pub struct Content {
    length: u64,
    digest: [u8; 32],
    /// Each with the offset it begins at.
    pieces: Arc<[(u64, Piece)]>,
    spill: Arc<OnceLock<File>>,
}

impl std::fmt::Debug for Content {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Content({} bytes)", self.length)
    }
}

impl Content {
    /// Bytes that are already in memory.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let digest: [u8; 32] = Sha256::digest(bytes).into();
        let pieces = (!bytes.is_empty()).then(|| (0, Piece::Memory(bytes.into())));
        Self {
            length: bytes.len() as u64,
            digest,
            pieces: pieces.into_iter().collect(),
            spill: Arc::default(),
        }
    }

    /// Equal for equal bytes that came the same way; no name for anybody else.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// All bytes. For files that are known to be small: see [`ReadAt::len`].
    ///
    /// # Errors
    /// What reading the private cache says.
    pub fn bytes(&self) -> io::Result<Cow<'_, [u8]>> {
        if let [(_, Piece::Memory(bytes))] = &*self.pieces {
            return Ok(Cow::Borrowed(bytes));
        }
        let length = usize::try_from(self.length).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let mut bytes = vec![0; length];
        self.read_exact_at(&mut bytes, 0)?;
        Ok(Cow::Owned(bytes))
    }
}

impl ReadAt for Content {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_exact_at(&self, mut buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64).ok_or(io::ErrorKind::UnexpectedEof)?;
        if end > self.length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let first = self.pieces.partition_point(|(start, piece)| start + piece.len() <= offset);
        let mut at = offset;
        for (start, piece) in self.pieces.iter().skip(first) {
            if buffer.is_empty() {
                break;
            }
            let skip = at - start;
            let take = buffer.len().min(usize::try_from(piece.len() - skip).unwrap_or(usize::MAX));
            let (now, later) = buffer.split_at_mut(take);
            match piece {
                Piece::Memory(bytes) => bytes.read_exact_at(now, skip)?,
                Piece::Spilled { offset, .. } => {
                    let file = self.spill.get().ok_or(io::ErrorKind::NotFound)?;
                    file.read_exact_at(now, offset + skip)?;
                }
            }
            at += take as u64;
            buffer = later;
        }
        Ok(())
    }
}

/// 256 fixed numbers for the rolling hash (splitmix64 of the index).
static GEAR: [u64; 256] = gear();

const fn gear() -> [u64; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        table[index] = value ^ (value >> 31);
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(length: usize, mut seed: u64) -> Vec<u8> {
        std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 56) as u8
        })
        .take(length)
        .collect()
    }

    fn keep(store: &Store, bytes: &[u8], step: usize) -> Content {
        let mut keeper = Keeper::new();
        for chunk in bytes.chunks(step) {
            keeper.push(store, chunk).unwrap();
        }
        keeper.finish(store).unwrap()
    }

    #[test]
    fn content_reads_back_at_any_offset_from_memory_and_from_the_spill_file() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().into(), &Limits::default());
        let bytes = noise(20 << 20, 7);
        let content = keep(&store, &bytes, 100_003);
        assert!(store.state().spilled > 0, "the test must reach the spill file");
        assert_eq!(content.bytes().unwrap(), bytes);
        for (offset, length) in [(0, 1), (8 << 20, 1 << 20), (bytes.len() - 5, 5), (12_345_678, 300_000)] {
            let mut buffer = vec![0; length];
            content.read_exact_at(&mut buffer, offset as u64).unwrap();
            assert_eq!(buffer, bytes[offset..offset + length]);
        }
        assert!(content.read_exact_at(&mut [0; 2], content.len() - 1).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the spill file has no name");
    }

    #[test]
    fn forty_versions_of_a_database_take_little_more_than_one() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().into(), &Limits::default());
        let mut bytes = noise(4 << 20, 1);
        for version in 0..40 {
            keep(&store, &bytes, 65_536);
            bytes.splice(version * 1000..version * 1000, noise(500, version as u64));
        }
        let state = store.state();
        assert!(state.memory + state.spilled < 16 << 20, "{} + {}", state.memory, state.spilled);
    }

    #[test]
    fn equal_bytes_have_equal_digests_however_they_arrive() {
        let store = Store::new(PathBuf::new(), &Limits::default());
        let bytes = noise(300_000, 3);
        assert_eq!(keep(&store, &bytes, 7).digest(), keep(&store, &bytes, 1 << 20).digest());
        assert_ne!(keep(&store, &bytes, 7).digest(), keep(&store, &bytes[1..], 7).digest());
    }

    #[test]
    fn bounds_are_errors_that_name_their_option() {
        let limits = Limits { file_bytes: 10, ..Limits::default() };
        let store = Store::new(PathBuf::new(), &limits);
        let error = Keeper::new().push(&store, &[0; 11]).unwrap_err();
        assert!(error.to_string().contains("--max-file-bytes"), "{error}");
    }
}
