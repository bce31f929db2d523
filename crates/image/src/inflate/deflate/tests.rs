//! Streams of every kind, given to our decoder and to zlib-rs.

use super::agreement::{agreed, decoded};
use super::*;
use proptest::prelude::*;

fn deflated(bytes: &[u8], level: u32) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(level));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Writes bits as the format has them, so that streams which no encoder makes can be made.
#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    bits: u64,
    count: u32,
}

impl Writer {
    fn put(&mut self, value: u32, width: u32) -> &mut Self {
        self.bits |= u64::from(value) << self.count;
        self.count += width;
        while self.count >= 8 {
            self.bytes.push(self.bits as u8);
            self.bits >>= 8;
            self.count -= 8;
        }
        self
    }

    /// A code, whose first bit is its highest.
    fn code(&mut self, code: u32, width: u32) -> &mut Self {
        (0..width).rev().for_each(|bit| {
            self.put(code >> bit & 1, 1);
        });
        self
    }

    /// A symbol in the fixed code.
    fn fixed(&mut self, symbol: u32) -> &mut Self {
        match symbol {
            0..=143 => self.code(0x30 + symbol, 8),
            144..=255 => self.code(0x190 + symbol - 144, 9),
            256..=279 => self.code(symbol - 256, 7),
            _ => self.code(0xc0 + symbol - 280, 8),
        }
    }

    fn stored(&mut self, bytes: &[u8], last: bool) -> &mut Self {
        self.put(u32::from(last), 1).put(0, 2).align();
        self.put(bytes.len() as u32, 16).put(!(bytes.len() as u32) & 0xffff, 16);
        self.bytes.extend_from_slice(bytes);
        self
    }

    fn align(&mut self) -> &mut Self {
        self.put(0, self.count.wrapping_neg() % 8)
    }

    fn finish(&mut self) -> Vec<u8> {
        self.align();
        std::mem::take(&mut self.bytes)
    }
}

/// Bytes with repetitions near and far, of few or of all values.
fn material() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..400),
        proptest::collection::vec(b'a'..b'f', 0..2000),
        (any::<u8>(), 0_usize..5000).prop_map(|(byte, count)| vec![byte; count]),
        (proptest::collection::vec(any::<u8>(), 1..20), 1_usize..400)
            .prop_map(|(pattern, count)| pattern.repeat(count)),
        // Far enough for the longest distances.
        (0_usize..40_000, any::<u32>()).prop_map(|(count, seed)| {
            (0..count as u32).map(|index| (index.wrapping_mul(seed | 1) >> 13) as u8).collect()
        }),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| {
        let first = pieces.first().cloned().unwrap_or_default();
        [pieces.concat(), first].concat()
    })
}

/// `IMAGESCAN_SOAK_STREAMS` in `make soak`.
fn cases() -> ProptestConfig {
    let count = std::env::var("IMAGESCAN_SOAK_STREAMS").ok().and_then(|count| count.parse().ok());
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(count.unwrap_or(400)) }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn streams_of_every_level_and_what_follows_them(bytes in material(), level in 0_u32..10, tail in 0_usize..20) {
        let mut stream = deflated(&bytes, level);
        let length = stream.len();
        stream.extend(std::iter::repeat_n(0xa5, tail));
        prop_assert_eq!(agreed(&stream), Some((bytes, length)));
    }

    #[test]
    fn damaged_streams(bytes in material(), level in 0_u32..10, damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), cut in any::<prop::sample::Index>()) {
        let mut stream = deflated(&bytes, level);
        for (at, mask) in damage {
            let at = at.index(stream.len());
            stream[at] ^= mask;
        }
        agreed(&stream);
        stream.truncate(cut.index(stream.len() + 1));
        agreed(&stream);
    }

    #[test]
    fn bytes_that_nobody_deflated(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), kind in 0_u8..4) {
        // Of the three kinds of block as well as they come.
        if let Some(first) = bytes.first_mut() {
            *first = *first & !7 | kind << 1 | 1;
        }
        agreed(&bytes);
    }

    #[test]
    fn dynamic_blocks_of_any_lengths(lengths in proptest::collection::vec(0_u32..16, 258..316), data in proptest::collection::vec(any::<u8>(), 0..60)) {
        let symbols = lengths.len().min(286);
        let distances = (lengths.len() - symbols).clamp(1, 30);
        let mut writer = Writer::default();
        // Sixteen code lengths of four bits each: every length is then written as itself.
        writer.put(1, 1).put(2, 2).put(symbols as u32 - 257, 5).put(distances as u32 - 1, 5).put(15, 4);
        for symbol in ORDER {
            writer.put(if symbol < 16 { 4 } else { 0 }, 3);
        }
        for index in 0..symbols + distances {
            writer.code(lengths.get(index).copied().unwrap_or(5), 4);
        }
        data.iter().for_each(|byte| { writer.put(u32::from(*byte), 8); });
        agreed(&writer.finish());
    }

    #[test]
    fn dynamic_blocks_of_complete_codes(seed in any::<u64>(), splits in 0_usize..285, data in proptest::collection::vec(any::<u8>(), 0..200)) {
        // Splits a code of one symbol again and again: complete, and as deep as fifteen bits.
        let mut random = seed;
        let mut next = |below: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) as usize % below
        };
        let mut complete = |splits: usize| {
            let mut lengths = vec![1_u32, 1];
            for _ in 0..splits {
                let at = next(lengths.len());
                if lengths[at] < 15 {
                    lengths[at] += 1;
                    let length = lengths[at];
                    let place = next(lengths.len() + 1);
                    lengths.insert(place, length);
                }
            }
            lengths
        };
        let (mut symbols, distances) = (complete(splits), complete(splits % 29));
        let end = symbols.remove(0);
        while symbols.len() < 285 { symbols.push(0); }
        symbols.rotate_right(splits % 285);
        symbols.insert(256, end);
        let mut writer = Writer::default();
        writer.put(1, 1).put(2, 2).put(symbols.len() as u32 - 257, 5).put(distances.len() as u32 - 1, 5).put(15, 4);
        for symbol in ORDER {
            writer.put(if symbol < 16 { 4 } else { 0 }, 3);
        }
        symbols.iter().chain(&distances).for_each(|length| { writer.code(*length, 4); });
        data.iter().for_each(|byte| { writer.put(u32::from(*byte), 8); });
        agreed(&writer.finish());
    }
}

#[test]
fn stored_blocks_begin_at_every_bit() {
    for literals in 0..12 {
        for length in [0, 1, 5, 7, 8, 9, 100, 65_535] {
            let bytes: Vec<u8> = (0..length).map(|index| (index * 7) as u8).collect();
            let mut writer = Writer::default();
            writer.put(0, 1).put(1, 2);
            // Nine bits each: the block after them begins one bit later every time.
            (0..literals).for_each(|_| {
                writer.fixed(200);
            });
            let stream = writer.fixed(256).stored(&bytes, false).stored(&bytes, true).finish();
            let expected = [vec![200; literals], bytes.clone(), bytes].concat();
            assert_eq!(agreed(&stream), Some((expected, stream.len())), "{literals} {length}");
        }
    }
}

#[test]
fn matches_of_every_distance_up_to_the_longest() {
    // RFC 1951, 3.2.5: (first distance, extra bits) of each distance symbol.
    let mut base = 1;
    for symbol in 0_u32..30 {
        let extra = (symbol / 2).saturating_sub(1);
        for offset in [0, (1 << extra) / 2, (1_u32 << extra) - 1] {
            let distance = (base + offset) as usize;
            // Enough bytes for it, or one too few.
            for before in [distance, distance - 1] {
                let history: Vec<u8> = (0..before).map(|index| (index * index / 3) as u8).collect();
                for (length_symbol, length) in [(257, 3), (264, 10), (285, 258)] {
                    let mut writer = Writer::default();
                    writer.stored(&history, false).put(1, 1).put(1, 2);
                    let stream =
                        writer.fixed(length_symbol).code(symbol, 5).put(offset, extra).fixed(256).finish();
                    let mut expected = history.clone();
                    (0..length).for_each(|_| {
                        let byte = expected.len().checked_sub(distance).map(|at| expected[at]);
                        expected.extend(byte);
                    });
                    let result = agreed(&stream).map(|(bytes, _)| bytes);
                    assert_eq!(result, (before == distance).then_some(expected), "{distance} {length}");
                }
            }
        }
        base += 1 << extra;
    }
}

#[test]
fn a_stream_may_end_at_every_offset_from_the_margin() {
    // The loop over many symbols stops some bytes before the end, the careful one goes on: no length may stall.
    for length in 0..200 {
        let bytes: Vec<u8> = (0..length).map(|index| (index * 31 % 251) as u8).collect();
        for level in [0, 1, 9] {
            let stream = deflated(&bytes, level);
            assert_eq!(agreed(&stream), Some((bytes.clone(), stream.len())));
            for end in 0..stream.len() {
                assert_eq!(agreed(&stream[..end]), None, "{length} cut at {end}");
            }
        }
    }
}

#[test]
fn output_that_crosses_the_window_at_every_offset() {
    // Matches of 258 bytes one after the other, from each start in such a step.
    for start in (0..300).step_by(7) {
        let bytes: Vec<u8> =
            (0..start).map(|index| index as u8).chain(std::iter::repeat_n(7, 1_200_000)).collect();
        let stream = deflated(&bytes, 6);
        let result = decoded(Decoder::new(), &stream, || usize::MAX / 2);
        assert!(result == Some((bytes, stream.len())), "{start}");
    }
}

#[test]
fn a_stream_after_another_has_no_history() {
    let mut writer = Writer::default();
    let stream = writer.put(1, 1).put(1, 2).fixed(257).code(0, 5).fixed(256).finish();
    let mut window = Window::new();
    window.space()[..4].fill(1);
    window.add(4);
    window.restart();
    assert_eq!(Decoder::new().decode(&stream, &mut window).err(), Some(Damage::Distance));
}
