//! A stream's next bits, least significant first (RFC 1951, 3.1.1), in one wide word.

/// Up to 63 bits that were taken from the input and not yet used.
///
/// The low six bits of `count` say how many; what stands in `bits` above them is either zero or what the input
/// has there, so that reading the same bytes again changes nothing. Higher bits of `count` mean nothing: so a
/// table entry can be subtracted as it is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bits {
    bits: u64,
    count: u32,
}

impl Bits {
    /// How many there are.
    #[inline(always)]
    pub(super) fn count(self) -> u32 {
        self.count & 63
    }

    /// All of them, the next lowest.
    #[inline(always)]
    pub(super) fn peek(self) -> u64 {
        self.bits
    }

    /// Fills up to at least 56 from the next eight bytes, and says how many of those are used up.
    #[inline(always)]
    pub(super) fn refill(&mut self, next: [u8; 8]) -> usize {
        self.bits |= u64::from_le_bytes(next) << self.count();
        let taken = 7 - (self.count() >> 3) as usize;
        self.count |= 56;
        taken
    }

    /// Fills up from `input` as far as that goes, a byte at a time, and says how many were used.
    pub(super) fn fill(&mut self, input: &[u8]) -> usize {
        *self = self.exact();
        let room = (63 - self.count) as usize / 8;
        let next = input.get(..room).unwrap_or(input);
        for byte in next {
            self.bits |= u64::from(*byte) << self.count;
            self.count += 8;
        }
        next.len()
    }

    /// Uses as many as the low six bits of `entry` say, which must be there.
    #[inline(always)]
    pub(super) fn consume(&mut self, entry: u32) {
        self.bits >>= entry & 63;
        self.count = self.count.wrapping_sub(entry);
    }

    /// The same if there are so many.
    pub(super) fn try_consume(&mut self, entry: u32) -> bool {
        let are_there = entry & 63 <= self.count();
        if are_there {
            self.consume(entry);
        }
        are_there
    }

    /// The next `width` bits, at most 32, if there are so many.
    pub(super) fn take(&mut self, width: u32) -> Option<u32> {
        if self.count() < width {
            return None;
        }
        let value = low(self.bits, width) as u32;
        self.consume(width);
        Some(value)
    }

    /// The same with nothing but zeros above the count.
    pub(super) fn exact(self) -> Self {
        Self { bits: low(self.bits, self.count()), count: self.count() }
    }
}

/// The lowest `width` bits, at most 63.
#[inline(always)]
pub(super) fn low(bits: u64, width: u32) -> u64 {
    bits & ((1 << (width & 63)) - 1)
}
