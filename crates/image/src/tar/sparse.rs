//! Sparse files: stored pieces back into the file with its holes.

use super::EXTENSION;
use super::pax::decimal;

/// Turns the stored body of a sparse file into the file's bytes.
pub(crate) struct Expander {
    /// Pieces still to come, last first.
    pieces: Vec<(u64, u64)>,
    /// Bytes of the file given so far.
    given: u64,
    size: u64,
    /// The body begins with the map: `COUNT\n`, then `OFFSET\nLENGTH\n` each, padded to a block.
    map: Option<Vec<u8>>,
}

type Give<'a> = &'a mut dyn FnMut(&[u8]) -> bool;

impl Expander {
    /// `None` when pieces overlap, lie out of order or beyond the size.
    pub(crate) fn new(mut map: Vec<(u64, u64)>, size: u64) -> Option<Self> {
        let mut end = 0;
        for (offset, length) in &map {
            if *offset < end {
                return None;
            }
            end = offset.checked_add(*length).filter(|end| *end <= size)?;
        }
        map.reverse();
        Some(Self { pieces: map, given: 0, size, map: None })
    }

    pub(crate) fn with_map_in_body(size: u64) -> Self {
        Self { pieces: Vec::new(), given: 0, size, map: Some(Vec::new()) }
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Takes stored bytes. `false`: they contradict the map, or nobody wants more.
    pub(crate) fn push(&mut self, mut bytes: &[u8], give: Give<'_>) -> bool {
        if let Some(map) = &mut self.map {
            // Byte for byte only until the map is whole; it is small.
            let taken = bytes.iter().position(|byte| {
                map.push(*byte);
                map.len() % 512 == 0 && pairs(map).is_some()
            });
            let Some(last) = taken else {
                return (map.len() as u64) < EXTENSION;
            };
            let Some(whole) = pairs(map).and_then(|pairs| Self::new(pairs, self.size)) else {
                return false;
            };
            *self = whole;
            bytes = bytes.get(last + 1..).unwrap_or_default();
        }
        while !bytes.is_empty() {
            let Some((offset, length)) = self.pieces.pop() else {
                return false;
            };
            if !self.fill(offset, give) {
                return false;
            }
            let take = usize::try_from(length).unwrap_or(usize::MAX).min(bytes.len());
            let (now, later) = bytes.split_at(take);
            if !now.is_empty() && !give(now) {
                return false;
            }
            self.given += take as u64;
            bytes = later;
            let left = length - take as u64;
            if left > 0 {
                self.pieces.push((offset + take as u64, left));
            }
        }
        true
    }

    /// The body is over. `false`: pieces are missing.
    pub(crate) fn finish(mut self, give: Give<'_>) -> bool {
        self.map.is_none() && self.pieces.iter().all(|(_, length)| *length == 0) && self.fill(self.size, give)
    }

    /// Zeros up to `offset`.
    fn fill(&mut self, offset: u64, give: Give<'_>) -> bool {
        static ZEROS: [u8; 4096] = [0; 4096];
        while self.given < offset {
            let count = (offset - self.given).min(ZEROS.len() as u64);
            if !give(ZEROS.get(..usize::try_from(count).unwrap_or_default()).unwrap_or_default()) {
                return false;
            }
            self.given += count;
        }
        true
    }
}

fn pairs(map: &[u8]) -> Option<Vec<(u64, u64)>> {
    let mut numbers = map.split(|byte| *byte == b'\n').map(decimal);
    let count = numbers.next()??;
    let mut pairs = Vec::new();
    for _ in 0..count {
        let pair = (numbers.next()??, numbers.next()??);
        pairs.push(pair);
    }
    // The text after the last newline is not a number that may still grow.
    numbers.next().is_some().then_some(pairs)
}
