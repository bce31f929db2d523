//! Where frames begin and end, and what they ask for, by their headers alone (RFC 8878, 3.1.1).

use super::WINDOW_LOG;
use crate::blob::Blob;
use std::io;

const MAGIC: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();
/// Bytes of the longest header.
pub(super) const HEADER: usize = 18;
/// Bytes that are read at once to look at headers: what lies between two blocks is stepped over.
const GLANCE: usize = 512;
/// Bytes that a compressed block decodes to, at most.
const BLOCK: u64 = 128 << 10;

/// What the header of a frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Bytes of the header.
    length: u64,
    /// Bytes of history that decoding asks for.
    pub window: u64,
    /// Bytes it decodes to, if it says so.
    content: Option<u64>,
    has_checksum: bool,
    has_dictionary: bool,
}

impl Header {
    /// Reads the header at the start of `bytes`; `None`: it is none, or is cut.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (magic, bytes) = bytes.split_first_chunk()?;
        let (descriptor, bytes) = bytes.split_first()?;
        if *magic != MAGIC || descriptor & 0x08 != 0 {
            return None;
        }
        let is_single = descriptor & 0x20 != 0;
        let (window, bytes) = if is_single {
            (None, bytes)
        } else {
            let (window, bytes) = bytes.split_first()?;
            let base = 1_u64 << (10 + (window >> 3));
            (Some(base + base / 8 * u64::from(window & 7)), bytes)
        };
        let dictionary = [0, 1, 2, 4].get(usize::from(descriptor & 3)).copied().unwrap_or_default();
        let bytes = bytes.get(dictionary..)?;
        let (size, content) = match descriptor >> 6 {
            0 if !is_single => (0, None),
            0 => (1, Some(u64::from(*bytes.first()?))),
            1 => (2, Some(u64::from(u16::from_le_bytes(*bytes.first_chunk()?)) + 256)),
            2 => (4, Some(u64::from(u32::from_le_bytes(*bytes.first_chunk()?)))),
            _ => (8, Some(u64::from_le_bytes(*bytes.first_chunk()?))),
        };
        Some(Self {
            length: 5 + u64::from(!is_single) + dictionary as u64 + size,
            window: window.or(content)?,
            content,
            has_checksum: descriptor & 0x04 != 0,
            has_dictionary: dictionary > 0,
        })
    }
}

/// A frame that is whole.
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

    /// The bytes from `offset` on: `count`, or as many as there are.
    fn bytes(&mut self, offset: u64, count: usize) -> io::Result<&[u8]> {
        let is_there = offset >= self.start && offset + count as u64 <= self.start + self.filled as u64;
        if !is_there {
            // Until it succeeds there is nothing.
            self.filled = 0;
            self.filled = self.blob.read_at(&mut self.buffer, offset)?;
            self.start = offset;
        }
        let from = usize::try_from(offset - self.start).unwrap_or(GLANCE);
        let bytes = self.buffer.get(from..self.filled).unwrap_or_default();
        Ok(bytes.get(..count).unwrap_or(bytes))
    }

    /// The frame that begins at `start`; `None`: none does, or not a whole one, which the decoder will tell.
    pub(super) fn frame(&mut self, start: u64) -> io::Result<Option<Extent>> {
        let length = self.blob.len();
        let head = self.bytes(start, HEADER)?;
        if let [0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d, ..] = *head {
            let end = start + 8 + u64::from(u32::from_le_bytes([a, b, c, d]));
            return Ok((end <= length).then_some(Extent { end, content: Some(0) }));
        }
        let Some(header) = Header::parse(head) else { return Ok(None) };
        let Some((end, most)) = self.blocks(start + header.length)? else { return Ok(None) };
        let end = end + if header.has_checksum { 4 } else { 0 };
        let is_given = header.window <= 1 << WINDOW_LOG && !header.has_dictionary;
        let content = Some(header.content.unwrap_or(most)).filter(|_| is_given);
        Ok((end <= length).then_some(Extent { end, content }))
    }

    /// Where the last of the blocks from `at` on ends, and what all decode to, at most.
    fn blocks(&mut self, mut at: u64) -> io::Result<Option<(u64, u64)>> {
        let mut most = 0;
        loop {
            let [a, b, c] = *self.bytes(at, 3)? else { return Ok(None) };
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
