//! Literals and matches: the loop in which nearly all of the time goes, and its careful twin for the edges.

use super::bits::Bits;
use super::code::{DistanceCode, SymbolCode};
use super::window::{MARGIN, copy_match};
use super::{Damage, State, Window};

/// Bits that one round uses at most before it refills: two looks that say literals, and a length of 15 bits with
/// 5 extra bits. Then the first look at a distance still sees real bits.
const _: () = assert!(2 * SymbolCode::WIDTH + 20 + DistanceCode::WIDTH <= 56);
/// A distance at its longest, and the next look.
const DISTANCE_AND_LOOK: u32 = 15 + 13 + SymbolCode::WIDTH;

/// Decodes while at least eight bytes of input are there for each refill, and room for whatever a symbol makes.
/// Gives how many bytes were taken, and whether the block ended.
///
/// The next look is always done before the refill: the bits that it needs are there already, and so the refill is
/// not waited for.
#[inline(never)]
pub(super) fn many(
    kept_bits: &mut Bits,
    symbols: &SymbolCode,
    distances: &DistanceCode,
    input: &[u8],
    window: &mut Window,
) -> Result<(usize, bool), Damage> {
    // A round refills twice, and looks at eight bytes where it takes seven.
    let Some(last_start) = input.len().checked_sub(24) else { return Ok((0, false)) };
    let (bytes, mut filled) = window.parts();
    let last_filled = bytes.len() - MARGIN;
    let mut bits = kept_bits.exact();
    let mut at = 0;
    macro_rules! refill {
        () => {{
            let mut next = [0; 8];
            next.copy_from_slice(&input[at..at + 8]);
            at += bits.refill(next);
        }};
    }
    let mut before;
    // Takes what a look saw: its literals are written, of which there may be none.
    macro_rules! take {
        ($symbol:ident) => {{
            before = bits;
            bits.consume($symbol.bits());
            bytes[filled..filled + 2].copy_from_slice(&$symbol.literals());
            filled += $symbol.count();
        }};
    }
    refill!();
    let mut symbol = symbols.look(bits.peek());
    let result = loop {
        if at > last_start || filled > last_filled {
            break Ok(false);
        }
        take!(symbol);
        if symbol.is_literals() {
            symbol = symbols.look(bits.peek());
            take!(symbol);
            if symbol.is_literals() {
                symbol = symbols.look(bits.peek());
                take!(symbol);
                if symbol.is_literals() {
                    symbol = symbols.look(bits.peek());
                    refill!();
                    continue;
                }
            }
        }
        if symbol.is_other() {
            if let Some(index) = symbol.second(bits.peek()) {
                symbol = symbols.look_again(index);
                take!(symbol);
                if symbol.is_literals() {
                    symbol = symbols.look(bits.peek());
                    refill!();
                    continue;
                }
            }
            if symbol.is_end() {
                break Ok(true);
            }
            if symbol.is_other() {
                break Err(Damage::Symbol);
            }
        }
        let length = symbol.length(before.peek());
        let mut distance = distances.look(bits.peek());
        if bits.count() < DISTANCE_AND_LOOK {
            refill!();
        }
        if distance.is_other() {
            let used = distance.bits();
            let Some(index) = distance.second(bits.peek() >> DistanceCode::WIDTH) else {
                break Err(Damage::Symbol);
            };
            bits.consume(used);
            distance = distances.look_again(index);
            if distance.is_other() {
                break Err(Damage::Symbol);
            }
        }
        let back = distance.distance(bits.peek());
        bits.consume(distance.bits());
        if back > filled {
            break Err(Damage::Distance);
        }
        symbol = symbols.look(bits.peek());
        refill!();
        copy_match(bytes, filled, back, length);
        filled += length;
    };
    *kept_bits = bits.exact();
    window.set_filled(filled);
    result.map(|ended| (at, ended))
}

/// Decodes one symbol with whatever bits there are: at the edges of input and window. `None`: they do not do.
pub(super) fn one(
    kept_bits: &mut Bits,
    symbols: &SymbolCode,
    distances: &DistanceCode,
    window: &mut Window,
) -> Result<Option<State>, Damage> {
    // Nothing is kept of a symbol that is not all there.
    let mut bits = kept_bits.exact();
    let mut symbol = symbols.look(bits.peek());
    if let Some(index) = symbol.second(bits.peek() >> SymbolCode::WIDTH) {
        if !bits.try_consume(symbol.bits()) {
            return Ok(None);
        }
        symbol = symbols.look_again(index);
    }
    let before = bits;
    if !bits.try_consume(symbol.bits()) {
        return Ok(None);
    }
    if symbol.is_other() && !symbol.is_end() {
        return Err(Damage::Symbol);
    }
    let (bytes, filled) = window.parts();
    bytes[filled..filled + 2].copy_from_slice(&symbol.literals());
    let after_literals = filled + symbol.count();
    let mut end = after_literals;
    if !symbol.is_literals() && !symbol.is_end() {
        let mut distance = distances.look(bits.peek());
        if let Some(index) = distance.second(bits.peek() >> DistanceCode::WIDTH) {
            if !bits.try_consume(distance.bits()) {
                return Ok(None);
            }
            distance = distances.look_again(index);
        }
        let at_distance = bits;
        if !bits.try_consume(distance.bits()) {
            return Ok(None);
        }
        if distance.is_other() {
            return Err(Damage::Symbol);
        }
        let back = distance.distance(at_distance.peek());
        if back > after_literals {
            return Err(Damage::Distance);
        }
        let length = symbol.length(before.peek());
        copy_match(bytes, after_literals, back, length);
        end += length;
    }
    window.set_filled(end);
    *kept_bits = bits;
    Ok(Some(if symbol.is_end() { State::BlockEnd } else { State::Symbols }))
}
