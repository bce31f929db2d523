//! What one look into a table says, packed into 32 bits so that the hot loop tests and shifts little.
//!
//! Both kinds: bits 0–5 how many bits to use up, extra bits included.
//!
//! [`Symbol`], of the literal and length code: bits 6–7 how many literals (0–2); bits 8–15 and 16–23 these, or with
//! bit 31: bits 16–24 a length's base, 25–28 where its extra bits begin. So one look gives up to two literals,
//! or a literal and a length. Bit 30: neither; then bit 29 the end of the block, bit 28 a second table (bits 8–11
//! its width, 12–27 where it begins), none of these a code that stands for nothing.
//!
//! [`Distance`]: bits 8–11 where the extra bits begin, 16–30 the base; bit 15: none; then bit 14 a second table
//! (8–11 its width, 16–30 where it begins), else a code that stands for nothing.

use super::bits::low;

/// What is common to both: how the builder makes entries.
pub(super) trait Entry: Copy {
    /// A code that stands for nothing; it uses one bit.
    const INVALID: Self;

    /// `symbol`, of which `width` bits of code are left to use.
    fn of(symbol: u16, width: u32) -> Self;

    /// A second table, `width` bits wide, after `used` bits.
    fn link(start: usize, width: u32, used: u32) -> Self;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Symbol(u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Distance(u32);

const LENGTH: u32 = 1 << 31;
const OTHER: u32 = 1 << 30;
const END: u32 = 1 << 29;
const LINK: u32 = 1 << 28;
const LENGTH_SHIFT: u32 = 25;
const DISTANCE_OTHER: u32 = 1 << 15;
const DISTANCE_LINK: u32 = 1 << 14;
const DISTANCE_SHIFT: u32 = 8;

/// Entries of the 288 symbols (RFC 1951, 3.2.5) without their codes.
const SYMBOLS: [u32; 288] = {
    let mut entries = [OTHER; 288];
    let mut symbol = 0;
    while symbol < 256 {
        entries[symbol] = 1 << 6 | (symbol as u32) << 8;
        symbol += 1;
    }
    entries[256] = OTHER | END;
    // Eight lengths without extra bits, then four for each number of them; 258 has a symbol of its own.
    let (mut base, mut index) = (3, 0);
    while index < 28 {
        let extra = if index < 8 { 0 } else { index as u32 / 4 - 1 };
        entries[257 + index] = LENGTH | base << 16 | extra;
        base += 1 << extra;
        index += 1;
    }
    entries[285] = LENGTH | 258 << 16;
    entries
};

/// Entries of the 30 distances, and of two codes that stand for nothing.
const DISTANCES: [u32; 32] = {
    let mut entries = [DISTANCE_OTHER; 32];
    let (mut base, mut index) = (1, 0);
    while index < 30 {
        let extra = if index < 4 { 0 } else { index as u32 / 2 - 1 };
        entries[index] = base << 16 | extra;
        base += 1 << extra;
        index += 1;
    }
    entries
};

impl Entry for Symbol {
    const INVALID: Self = Self(OTHER | 1);

    #[inline(always)]
    fn of(symbol: u16, width: u32) -> Self {
        let entry = SYMBOLS[usize::from(symbol) % SYMBOLS.len()];
        // A length has its extra bits above its code.
        Self(entry + width * (1 | (entry >> 31) << LENGTH_SHIFT))
    }

    fn link(start: usize, width: u32, used: u32) -> Self {
        Self(OTHER | LINK | (start as u32) << 12 | width << 8 | used)
    }
}

impl Symbol {
    /// How many bits it uses, in the low six bits.
    #[inline(always)]
    pub(super) fn bits(self) -> u32 {
        self.0
    }

    /// Whether it is literals and nothing else.
    #[inline(always)]
    pub(super) fn is_literals(self) -> bool {
        self.0 & (LENGTH | OTHER) == 0
    }

    /// Whether it is neither literals nor a length.
    #[inline(always)]
    pub(super) fn is_other(self) -> bool {
        self.0 & OTHER != 0
    }

    pub(super) fn is_end(self) -> bool {
        self.0 & (OTHER | END) == OTHER | END
    }

    /// Two bytes, of which the first [`Symbol::count`] are literals.
    #[inline(always)]
    pub(super) fn literals(self) -> [u8; 2] {
        [(self.0 >> 8) as u8, (self.0 >> 16) as u8]
    }

    #[inline(always)]
    pub(super) fn count(self) -> usize {
        (self.0 >> 6 & 3) as usize
    }

    /// The length, whose code and extra bits are the next of `bits`.
    #[inline(always)]
    pub(super) fn length(self, bits: u64) -> usize {
        let extra = low(bits, self.0) >> (self.0 >> LENGTH_SHIFT & 15);
        (self.0 >> 16 & 0x1ff) as usize + extra as usize
    }

    /// Where in the second table to look, for the `bits` after those of the first.
    #[inline(always)]
    pub(super) fn second(self, bits: u64) -> Option<usize> {
        let index = (self.0 >> 12 & 0xffff) as usize + low(bits, self.0 >> 8 & 15) as usize;
        (self.0 & (OTHER | LINK) == OTHER | LINK).then_some(index)
    }

    /// This literal and then `second`, whose code has `width` bits, in one entry; `None` if that cannot be.
    #[inline(always)]
    pub(super) fn and(first: u16, second: u16, width: u32) -> Option<Self> {
        let entry = Self::of(second, width);
        let literal = u32::from(first) << 8;
        if entry.is_literals() {
            return Some(Self(literal | u32::from(second) << 16 | 2 << 6 | width));
        }
        (!entry.is_other()).then_some(Self(entry.0 | literal | 1 << 6))
    }
}

impl Entry for Distance {
    const INVALID: Self = Self(DISTANCE_OTHER | 1);

    #[inline(always)]
    fn of(symbol: u16, width: u32) -> Self {
        Self(DISTANCES[usize::from(symbol) % DISTANCES.len()] + width * (1 | 1 << DISTANCE_SHIFT))
    }

    fn link(start: usize, width: u32, used: u32) -> Self {
        Self(DISTANCE_OTHER | DISTANCE_LINK | (start as u32) << 16 | width << 8 | used)
    }
}

impl Distance {
    /// How many bits it uses, in the low six bits.
    #[inline(always)]
    pub(super) fn bits(self) -> u32 {
        self.0
    }

    /// Whether it is no distance.
    #[inline(always)]
    pub(super) fn is_other(self) -> bool {
        self.0 & DISTANCE_OTHER != 0
    }

    /// The distance, whose code and extra bits are the next of `bits`.
    #[inline(always)]
    pub(super) fn distance(self, bits: u64) -> usize {
        let extra = low(bits, self.0) >> (self.0 >> DISTANCE_SHIFT & 15);
        (self.0 >> 16) as usize + extra as usize
    }

    /// Where in the second table to look, for the `bits` after those of the first.
    pub(super) fn second(self, bits: u64) -> Option<usize> {
        let index = (self.0 >> 16) as usize + low(bits, self.0 >> 8 & 15) as usize;
        (self.0 & (DISTANCE_OTHER | DISTANCE_LINK) == DISTANCE_OTHER | DISTANCE_LINK).then_some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases_and_extra_bits_are_those_of_the_rfc() {
        // RFC 1951, 3.2.5: symbol, extra bits, first and last value.
        let lengths =
            [(257, 0, 3, 3), (264, 0, 10, 10), (265, 1, 11, 12), (284, 5, 227, 258), (285, 0, 258, 258)];
        for (symbol, extra, first, last) in lengths {
            let entry = Symbol::of(symbol, 4);
            assert_eq!(entry.bits() & 63, 4 + extra, "{symbol}");
            // 284 with all extra bits set would be 258 too.
            assert_eq!((entry.length(0), entry.length(u64::MAX)), (first, last), "{symbol}");
        }
        let distances = [(0, 0, 1, 1), (3, 0, 4, 4), (4, 1, 5, 6), (17, 7, 385, 512), (29, 13, 24577, 32768)];
        for (symbol, extra, first, last) in distances {
            let entry = Distance::of(symbol, 5);
            assert_eq!(entry.bits() & 63, 5 + extra, "{symbol}");
            assert_eq!((entry.distance(0), entry.distance(u64::MAX)), (first, last), "{symbol}");
        }
        for symbol in [286, 287] {
            assert!(Symbol::of(symbol, 8).is_other() && !Symbol::of(symbol, 8).is_end());
        }
        assert!(Distance::of(30, 5).is_other() && Distance::of(31, 5).is_other());
    }
}
