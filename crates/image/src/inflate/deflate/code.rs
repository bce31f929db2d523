//! Huffman codes as tables (RFC 1951, 3.2.2): one look at the next bits says the symbol.
//!
//! The main table has an entry for every value of its width of bits; longer codes share a second table, of which
//! there is one for each main entry they begin with. Codes are read from their first bit on, so a table's index is
//! the code reversed, and an entry repeats at every step of its own width.

use super::Damage;
use super::entry::{Distance, Entry, Symbol};

/// Longest code of the format.
const LONGEST: usize = 15;
/// All second tables together: at most 294 entries after 2,048 of literals, 82 after 512 of distances (zlib's
/// `enough` counts them).
const SECOND: usize = 512;

pub(super) type SymbolCode = Code<Symbol, 2048>;
pub(super) type DistanceCode = Code<Distance, 512>;

/// A code's tables, the main one of `MAIN` entries, a power of two.
pub(super) struct Code<E, const MAIN: usize> {
    main: [E; MAIN],
    second: [E; SECOND],
}

/// The symbols that have a code, shorter codes first, each with its code reversed; only those of the main table.
struct Sorted {
    symbols: [u16; 320],
    codes: [u16; 320],
    /// Where the symbols of each length begin, and after the last where they end.
    starts: [u16; LONGEST + 2],
}

impl<E: Entry, const MAIN: usize> Code<E, MAIN> {
    pub(super) const WIDTH: u32 = MAIN.trailing_zeros();

    pub(super) fn new() -> Self {
        Self { main: [E::INVALID; MAIN], second: [E::INVALID; SECOND] }
    }

    /// The entry of the next `bits`.
    #[inline(always)]
    pub(super) fn look(&self, bits: u64) -> E {
        self.main[bits as usize & (MAIN - 1)]
    }

    /// The entry of a second table.
    #[inline(always)]
    pub(super) fn look_again(&self, index: usize) -> E {
        self.second[index & (SECOND - 1)]
    }

    /// Makes the tables of the canonical code whose symbols have these lengths, 0 for none.
    ///
    /// As zlib has it, a code may be incomplete only where it has a single symbol, of one bit, or none.
    #[inline(always)]
    fn build(&mut self, lengths: &[u8]) -> Result<Sorted, Damage> {
        let mut counts = [0_u16; LONGEST + 1];
        for length in lengths {
            counts[usize::from(*length) & LONGEST] += 1;
        }
        counts[0] = 0;
        let mut sorted = Sorted { symbols: [0; 320], codes: [0; 320], starts: [0; LONGEST + 2] };
        let (mut left, mut longest) = (1_i32, 0);
        for (length, count) in counts.iter().enumerate().skip(1) {
            left = left * 2 - i32::from(*count);
            if left < 0 {
                return Err(Damage::Code);
            }
            if *count > 0 {
                longest = length;
            }
            sorted.starts[length + 1] = sorted.starts[length] + count;
        }
        if left > 0 {
            if longest > 1 {
                return Err(Damage::Code);
            }
            self.main.fill(E::INVALID);
            if let Some(symbol) = lengths.iter().position(|length| *length == 1) {
                self.main.iter_mut().step_by(2).for_each(|entry| *entry = E::of(symbol as u16, 1));
            }
            return Ok(Sorted { starts: [0; LONGEST + 2], ..sorted });
        }
        let mut next = sorted.starts;
        for (symbol, length) in lengths.iter().enumerate() {
            if *length > 0 {
                let next = &mut next[usize::from(*length) & LONGEST];
                sorted.symbols[usize::from(*next)] = symbol as u16;
                *next += 1;
            }
        }
        let code = self.fill_main(&counts, &mut sorted);
        self.fill_second(code, longest as u32, &counts, &sorted);
        Ok(sorted)
    }

    /// Codes that fit; gives the next one after them. The table is doubled for each bit, so that entries repeat.
    #[inline(always)]
    fn fill_main(&mut self, counts: &[u16; LONGEST + 1], sorted: &mut Sorted) -> u32 {
        let (mut code, mut filled, mut index) = (0, 1, 0);
        for width in 1..=Self::WIDTH {
            let (done, rest) = self.main.split_at_mut(filled);
            rest[..filled].copy_from_slice(done);
            filled *= 2;
            for _ in 0..counts[width as usize] {
                self.main[code as usize & (MAIN - 1)] = E::of(sorted.symbols[index], width);
                sorted.codes[index] = code as u16;
                index += 1;
                code = after(code, width);
            }
        }
        code
    }

    /// Longer codes, from `code` on.
    #[inline(always)]
    fn fill_second(&mut self, mut code: u32, longest: u32, counts: &[u16; LONGEST + 1], sorted: &Sorted) {
        let mut index = usize::from(sorted.starts[Self::WIDTH as usize + 1]);
        let (mut prefix, mut start, mut end, mut table) = (usize::MAX, 0, 0, 0);
        for width in Self::WIDTH + 1..=longest {
            let longer = width - Self::WIDTH;
            for done in 0..counts[width as usize] {
                if code as usize & (MAIN - 1) != prefix {
                    prefix = code as usize & (MAIN - 1);
                    // As wide as the codes that begin so need.
                    table = longer;
                    let mut room = (1 << table) - i32::from(counts[width as usize] - done);
                    while room > 0 && Self::WIDTH + table < longest {
                        table += 1;
                        room = room * 2 - i32::from(counts[(Self::WIDTH + table) as usize]);
                    }
                    (start, end) = (end, end + (1 << table));
                    self.main[prefix] = E::link(start, table, Self::WIDTH);
                }
                let entry = E::of(sorted.symbols[index], longer);
                let first = (code >> Self::WIDTH) as usize;
                for at in (first..1 << table).step_by(1 << longer) {
                    self.second[(start + at) & (SECOND - 1)] = entry;
                }
                index += 1;
                code = after(code, width);
            }
        }
    }
}

impl SymbolCode {
    /// Literals and lengths. Where a literal and what follows it fit into the main table together, one entry
    /// says both.
    pub(super) fn read(&mut self, lengths: &[u8]) -> Result<(), Damage> {
        let sorted = self.build(lengths)?;
        let with_codes = || sorted.symbols.iter().zip(&sorted.codes);
        let of_width = |width: u32| {
            let [start, end] = [width, width + 1].map(|width| usize::from(sorted.starts[width as usize]));
            with_codes().take(end).skip(start)
        };
        for first_width in 1..Self::WIDTH {
            for (first, first_code) in of_width(first_width).filter(|(first, _)| **first < 256) {
                for second_width in 1..=Self::WIDTH - first_width {
                    let width = first_width + second_width;
                    for (second, second_code) in of_width(second_width) {
                        if let Some(both) = Symbol::and(*first, *second, width) {
                            let start = usize::from(*first_code) | usize::from(*second_code) << first_width;
                            self.main[start..].iter_mut().step_by(1 << width).for_each(|entry| *entry = both);
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

impl DistanceCode {
    /// Distances.
    pub(super) fn read(&mut self, lengths: &[u8]) -> Result<(), Damage> {
        self.build(lengths).map(drop)
    }
}

/// The code of `width` bits after this one, both reversed; after the last, the first.
#[inline(always)]
fn after(code: u32, width: u32) -> u32 {
    let zeros = code ^ ((1 << width) - 1);
    let Some(highest) = zeros.checked_ilog2() else { return 0 };
    code & ((1 << highest) - 1) | 1 << highest
}

/// The code of the code lengths (RFC 1951, 3.2.7): for each value of seven bits its symbol and width, in one byte.
pub(super) fn code_lengths(lengths: &[u8; 19]) -> Result<[u8; 128], Damage> {
    let mut table = [0; 128];
    let (mut code, mut filled) = (0, 1);
    for width in 1..=7 {
        table.copy_within(..filled, filled);
        filled *= 2;
        for (symbol, _) in lengths.iter().enumerate().filter(|(_, length)| **length == width) {
            // After the last code there is none.
            let entry = table.get_mut(code as usize).filter(|_| code < filled as u32).ok_or(Damage::Code)?;
            *entry = (symbol as u8) << 3 | width;
            let next = after(code, u32::from(width));
            code = if next == 0 { u32::MAX } else { next };
        }
    }
    // zlib takes no incomplete code here.
    if code == u32::MAX { Ok(table) } else { Err(Damage::Code) }
}
