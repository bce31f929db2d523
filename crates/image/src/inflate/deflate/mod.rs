//! The deflate format (RFC 1951), decoded as it comes in, into a window that its reader looks into.
//!
//! The method is the one that libdeflate made known: a wide bit buffer that is refilled without a branch, tables
//! whose entries say several things at once, matches copied by words. What is ours: it stops and goes on at any
//! byte of the input, and there is no `unsafe` in it. zlib-rs is its oracle (`tests.rs`, `fuzz/`) and stands behind
//! the same interface ([`super::zlib`]). docs/performance.md has the measurements.
//!
//! Input is hostile: every code is checked for being one, every distance for pointing at bytes that were made.

#[cfg(any(test, fuzzing))]
pub(crate) mod agreement;
mod bits;
mod code;
mod entry;
mod symbols;
#[cfg(test)]
mod tests;
mod window;

pub(crate) use window::Window;

use super::{Inflate, Status, Step};
use bits::Bits;
use code::{DistanceCode, SymbolCode, code_lengths};

/// Why bytes are not in the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Damage {
    #[error("a block of no known type")]
    BlockType,
    #[error("a stored block whose length is said in two ways")]
    StoredLength,
    #[error("a set of code lengths that makes no code")]
    Code,
    #[error("a block without an end")]
    NoEnd,
    #[error("a repetition of code lengths that begins or ends nowhere")]
    Repeat,
    #[error("a code that stands for nothing")]
    Symbol,
    #[error("a match with bytes before the first")]
    Distance,
}

/// Where in the format the next bits are.
#[derive(Debug, Clone, Copy)]
enum State {
    BlockHeader,
    StoredLength,
    /// Bytes left of a stored block.
    Stored(usize),
    /// How many lengths of each kind a dynamic block has.
    Counts,
    /// So many lengths of the code of code lengths are known.
    CodeLengths(usize),
    /// So many code lengths are known.
    Lengths(usize),
    Symbols,
    BlockEnd,
    End,
}

/// A stream, as far as it was read.
pub(crate) struct Decoder {
    bits: Bits,
    state: State,
    is_last: bool,
    symbols: SymbolCode,
    distances: DistanceCode,
    /// Whether the tables are those of a block with fixed codes.
    fixed: bool,
    counts: Counts,
    code_lengths: [u8; 19],
    length_table: [u8; 128],
    lengths: [u8; 320],
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    symbols: usize,
    distances: usize,
    code_lengths: usize,
}

/// In which order code lengths of code lengths are written (RFC 1951, 3.2.7).
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

impl Decoder {
    pub(crate) fn new() -> Self {
        Self {
            bits: Bits::default(),
            state: State::BlockHeader,
            is_last: false,
            symbols: SymbolCode::new(),
            distances: DistanceCode::new(),
            fixed: false,
            counts: Counts::default(),
            code_lengths: [0; 19],
            length_table: [0; 128],
            lengths: [0; 320],
        }
    }

    /// One step from state to state; `None` where more input is needed.
    fn step(&mut self, input: &mut &[u8], window: &mut Window) -> Result<Option<State>, Damage> {
        let taken = self.bits.fill(input);
        *input = input.get(taken..).unwrap_or_default();
        Ok(match self.state {
            State::BlockHeader => return self.block_header(),
            State::StoredLength => {
                let Some(both) = self.bits.take(32) else { return Ok(None) };
                let length = both & 0xffff;
                if length != !(both >> 16) & 0xffff {
                    return Err(Damage::StoredLength);
                }
                Some(State::Stored(length as usize))
            }
            State::Stored(left) => self.stored(left, input, window),
            State::Counts => {
                let Some(counts) = self.bits.take(14) else { return Ok(None) };
                self.counts = Counts {
                    symbols: (counts & 31) as usize + 257,
                    distances: (counts >> 5 & 31) as usize + 1,
                    code_lengths: (counts >> 10) as usize + 4,
                };
                if self.counts.symbols > 286 || self.counts.distances > 30 {
                    return Err(Damage::Code);
                }
                self.code_lengths = [0; 19];
                Some(State::CodeLengths(0))
            }
            State::CodeLengths(known) if known < self.counts.code_lengths => {
                let Some(length) = self.bits.take(3) else { return Ok(None) };
                self.code_lengths[ORDER[known % ORDER.len()]] = length as u8;
                Some(State::CodeLengths(known + 1))
            }
            State::CodeLengths(_) => {
                self.length_table = code_lengths(&self.code_lengths)?;
                Some(State::Lengths(0))
            }
            State::Lengths(known) if known < self.counts.symbols + self.counts.distances => {
                self.length(known)?.map(State::Lengths)
            }
            State::Lengths(known) => {
                let (symbols, distances) = self.lengths[..known].split_at(self.counts.symbols);
                if symbols[256] == 0 {
                    return Err(Damage::NoEnd);
                }
                self.fixed = false;
                self.symbols.read(symbols)?;
                self.distances.read(distances)?;
                Some(State::Symbols)
            }
            State::Symbols => {
                let Self { bits, symbols, distances, .. } = self;
                symbols::one(bits, symbols, distances, window)?
            }
            State::BlockEnd => Some(if self.is_last { State::End } else { State::BlockHeader }),
            State::End => None,
        })
    }

    fn block_header(&mut self) -> Result<Option<State>, Damage> {
        let Some(header) = self.bits.take(3) else { return Ok(None) };
        self.is_last = header & 1 == 1;
        Ok(Some(match header >> 1 {
            0 => {
                self.bits.take(self.bits.count() % 8);
                State::StoredLength
            }
            1 => {
                if !self.fixed {
                    self.fixed = true;
                    self.lengths[..144].fill(8);
                    self.lengths[144..256].fill(9);
                    self.lengths[256..280].fill(7);
                    self.lengths[280..288].fill(8);
                    self.symbols.read(&self.lengths[..288])?;
                    self.distances.read(&[5; 32])?;
                }
                State::Symbols
            }
            2 => State::Counts,
            _ => return Err(Damage::BlockType),
        }))
    }

    /// The code length after `known` ones, or a repetition of lengths; how many are known then.
    fn length(&mut self, known: usize) -> Result<Option<usize>, Damage> {
        let entry = self.length_table[self.bits.peek() as usize & 127];
        let (symbol, width) = (entry >> 3, u32::from(entry & 7));
        let (extra, least) = match symbol {
            16 => (2, 3),
            17 => (3, 3),
            18 => (7, 11),
            _ => (0, 1),
        };
        let Some(both) = self.bits.take(width + extra) else { return Ok(None) };
        let value = match symbol {
            16 => *known.checked_sub(1).and_then(|last| self.lengths.get(last)).ok_or(Damage::Repeat)?,
            17 | 18 => 0,
            length => length,
        };
        let end = known + least + (both >> width) as usize;
        if end > self.counts.symbols + self.counts.distances {
            return Err(Damage::Repeat);
        }
        self.lengths[known..end].fill(value);
        Ok(Some(end))
    }

    /// As much of a stored block as there is input and room for.
    fn stored(&mut self, left: usize, input: &mut &[u8], window: &mut Window) -> Option<State> {
        if left == 0 {
            return Some(State::BlockEnd);
        }
        let space = window.space();
        // The bit buffer holds whole bytes here, and they come first.
        let mut count = 0;
        for byte in space.iter_mut().take(left) {
            let Some(next) = self.bits.take(8) else { break };
            *byte = next as u8;
            count += 1;
        }
        let more = input.len().min(left - count).min(space.len() - count);
        if self.bits.count() == 0 {
            let (now, later) = input.split_at(more);
            space[count..count + more].copy_from_slice(now);
            *input = later;
            count += more;
        }
        window.add(count);
        (count > 0).then_some(State::Stored(left - count))
    }
}

impl Inflate for Decoder {
    type Damage = Damage;

    fn decode(&mut self, input: &[u8], window: &mut Window) -> Result<Step, Damage> {
        let mut rest = input;
        let status = loop {
            if window.is_full() {
                break Status::Window;
            }
            if matches!(self.state, State::Symbols) {
                let Self { bits, symbols, distances, .. } = self;
                let (taken, ended) = symbols::many(bits, symbols, distances, rest, window)?;
                rest = rest.get(taken..).unwrap_or_default();
                if ended {
                    self.state = State::BlockEnd;
                }
                if window.is_full() {
                    break Status::Window;
                }
            }
            match self.step(&mut rest, window)? {
                Some(State::End) => {
                    // Whole bytes that were taken too many belong to what follows.
                    let surplus = self.bits.count() as usize / 8;
                    self.state = State::End;
                    return Ok(Step { taken: input.len() - rest.len(), surplus, status: Status::End });
                }
                Some(state) => self.state = state,
                None => break Status::Input,
            }
        };
        Ok(Step { taken: input.len() - rest.len(), surplus: 0, status })
    }
}
