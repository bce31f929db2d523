//! Compressed bytes as they come, a buffer at a time, with a step back for decoders that took too many.

use crate::layer::LayerError;
use std::io::Read;

const SIZE: usize = 256 << 10;
/// Bytes that stay readable when the buffer is filled anew: a decoder gives back fewer.
const KEPT: usize = 8;

/// A source of compressed bytes.
pub(super) struct Input<'a> {
    source: &'a mut dyn Read,
    buffer: Vec<u8>,
    taken: usize,
    filled: usize,
    /// Where in the layer the bytes end that the source has given.
    read: u64,
}

impl<'a> Input<'a> {
    pub(super) fn new(source: &'a mut dyn Read) -> Self {
        Self { source, buffer: vec![0; KEPT + SIZE], taken: 0, filled: 0, read: 0 }
    }

    /// A source of the bytes of a layer from `start` on.
    pub(super) fn from(source: &'a mut dyn Read, start: u64) -> Self {
        Self { read: start, ..Self::new(source) }
    }

    /// Bytes not yet taken; empty only at the end.
    pub(super) fn bytes(&mut self) -> Result<&[u8], LayerError> {
        self.at_least(1)
    }

    /// Bytes not yet taken, `count` or more unless the source ends.
    pub(super) fn at_least(&mut self, count: usize) -> Result<&[u8], LayerError> {
        if self.filled - self.taken < count {
            let start = self.taken.saturating_sub(KEPT);
            self.buffer.copy_within(start..self.filled, 0);
            self.taken -= start;
            self.filled -= start;
            while self.filled - self.taken < count {
                let got = self.source.read(self.buffer.get_mut(self.filled..).unwrap_or_default())?;
                if got == 0 {
                    break;
                }
                self.filled += got;
                self.read += got as u64;
            }
        }
        Ok(self.buffer.get(self.taken..self.filled).unwrap_or_default())
    }

    /// Takes `count` bytes but for the last `surplus`, which may have been taken before: at most [`KEPT`].
    pub(super) fn take(&mut self, count: usize, surplus: usize) {
        self.taken = (self.taken + count).saturating_sub(surplus);
    }

    /// The last `count` bytes that were taken, before more are asked for.
    pub(super) fn taken(&self, count: usize) -> &[u8] {
        self.buffer.get(self.taken - count..self.taken).unwrap_or_default()
    }

    /// How many bytes were taken.
    pub(super) fn position(&self) -> u64 {
        self.read - (self.filled - self.taken) as u64
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], LayerError> {
        let array = self.at_least(N)?.first_chunk().copied();
        self.take(N, 0);
        array.ok_or_else(|| {
            LayerError::Inflate(format!("its gzip data ends too early, at byte {}", self.read))
        })
    }

    /// After a member or frame: `true` when another begins, as `begins` says of at most four bytes, `false` at the
    /// end or in padding up to it.
    pub(super) fn more(&mut self, begins: impl Fn(&[u8]) -> bool) -> Result<bool, LayerError> {
        let at = self.position();
        let head = self.at_least(4)?;
        if !head.is_empty() && begins(head.get(..4).unwrap_or(head)) {
            return Ok(true);
        }
        loop {
            let bytes = self.bytes()?;
            if bytes.is_empty() {
                return Ok(false);
            }
            if bytes.iter().any(|byte| *byte != 0) {
                return Err(LayerError::Inflate(format!(
                    "bytes that belong to nothing follow its compressed data at byte {at}"
                )));
            }
            let count = bytes.len();
            self.take(count, 0);
        }
    }
}
