//! Where frames begin and end, by their headers alone (RFC 8878, 3.1.1).

use super::WINDOW_LOG;
use crate::blob::Blob;
use std::io;

const MAGIC: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();
/// Bytes that are read at once to look at headers: what lies between two blocks is stepped over.
const GLANCE: usize = 512;
/// Bytes that a compressed block decodes to, at most.
const BLOCK: u64 = 128 << 10;

/// A frame that can be decoded for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// Where it ends in the layer.
    pub end: u64,
    /// Bytes it decodes to, at most; `None`: it asks for more history than is given, or for a dictionary.
    pub content: Option<u64>,
}

/// Looks at bytes of a blob here and there.
pub(super) struct Glances<'a> {
    blob: &'a Blob,
    buffer: [u8; GLANCE],
    start: u64,
    filled: usize,
}

impl<'a> Glances<'a> {
    pub(super) fn at(blob: &'a Blob) -> Self {
        Self { blob, buffer: [0; GLANCE], start: 0, filled: 0 }
    }

    /// `N` bytes from `offset` on; `None` where there are not so many.
    fn bytes<const N: usize>(&mut self, offset: u64) -> io::Result<Option<[u8; N]>> {
        let known = offset.checked_sub(self.start).and_then(|from| usize::try_from(from).ok());
        let known =
            known.and_then(|from| self.buffer.get(..self.filled)?.get(from..)?.first_chunk().copied());
        if known.is_some() {
            return Ok(known);
        }
        self.start = offset;
        self.filled = self.blob.read_at(&mut self.buffer, offset)?;
        Ok(self.buffer.get(..self.filled).and_then(|bytes| bytes.first_chunk().copied()))
    }

    /// The frame that begins at `start`; `None`: none does, or not a whole one, which the decoder will tell.
    pub(super) fn frame(&mut self, start: u64) -> io::Result<Option<Extent>> {
        let Some([magic @ .., descriptor]) = self.bytes::<5>(start)? else { return Ok(None) };
        if let [0x50..=0x5f, 0x2a, 0x4d, 0x18] = magic {
            let Some(length) = self.bytes(start + 4)? else { return Ok(None) };
            let end = start + 8 + u64::from(u32::from_le_bytes(length));
            return Ok((end <= self.blob.len()).then_some(Extent { end, content: Some(0) }));
        }
        if magic != MAGIC || descriptor & 0x08 != 0 {
            return Ok(None);
        }
        let is_single = descriptor & 0x20 != 0;
        let mut at = start + 5;
        let mut is_bounded = true;
        if !is_single {
            let Some([window]) = self.bytes(at)? else { return Ok(None) };
            let log = 10 + u32::from(window >> 3);
            is_bounded = log < WINDOW_LOG || (log == WINDOW_LOG && window & 7 == 0);
            at += 1;
        }
        let dictionary = [0, 1, 2, 4].get(usize::from(descriptor & 3)).copied().unwrap_or_default();
        at += dictionary;
        let (size, content) = match descriptor >> 6 {
            0 if !is_single => (0, None),
            0 => (1, self.bytes(at)?.map(|[size]| u64::from(size))),
            1 => (2, self.bytes(at)?.map(|size| u64::from(u16::from_le_bytes(size)) + 256)),
            2 => (4, self.bytes(at)?.map(|size| u64::from(u32::from_le_bytes(size)))),
            _ => (8, self.bytes(at)?.map(u64::from_le_bytes)),
        };
        let checksum = if descriptor & 0x04 != 0 { 4 } else { 0 };
        let Some((end, most)) = self.blocks(at + size)? else { return Ok(None) };
        let end = end + checksum;
        let content = Some(content.unwrap_or(most)).filter(|_| is_bounded && dictionary == 0);
        Ok((end <= self.blob.len()).then_some(Extent { end, content }))
    }

    /// Where the last of the blocks from `at` on ends, and what all decode to, at most.
    fn blocks(&mut self, mut at: u64) -> io::Result<Option<(u64, u64)>> {
        let mut most = 0;
        loop {
            let Some([a, b, c]) = self.bytes(at)? else { return Ok(None) };
            let header = u32::from_le_bytes([a, b, c, 0]);
            let size = u64::from(header >> 3);
            let (stored, content) = match header >> 1 & 3 {
                0 => (size, size),
                1 => (1, size),
                2 => (size, BLOCK),
                _ => return Ok(None),
            };
            at += 3 + stored;
            most += content;
            if header & 1 == 1 {
                return Ok(Some((at, most)));
            }
        }
    }
}
