//! Our decoder and zlib-rs: the same bytes, and the same verdict. For the tests and the fuzz target.

use super::super::zlib::Zlib;
use super::{Decoder, Inflate, Status, Window};

/// What `decoder` makes of `input` in pieces that `split` sizes: bytes and how many of the input belong to the
/// stream, or `None` for damage and for a stream that is not over.
pub(super) fn decoded(
    mut decoder: impl Inflate,
    input: &[u8],
    mut split: impl FnMut() -> usize,
) -> Option<(Vec<u8>, usize)> {
    let mut window = Window::new();
    let (mut out, mut at) = (Vec::new(), 0);
    loop {
        let piece = &input[at..input.len().min(at + split())];
        let step = decoder.decode(piece, &mut window).ok()?;
        at += step.taken;
        if step.status == Status::Input {
            assert_eq!(step.taken, piece.len());
            if at == input.len() {
                return None;
            }
            continue;
        }
        out.extend_from_slice(window.fresh());
        window.advance();
        if step.status == Status::End {
            return Some((out, at - step.surplus));
        }
    }
}

/// What both decoders make of `input`, ours also in small pieces.
///
/// # Panics
/// When they differ.
#[cfg_attr(not(fuzzing), expect(unreachable_pub, reason = "the fuzz target calls it"))]
pub fn agreed(input: &[u8]) -> Option<(Vec<u8>, usize)> {
    let theirs = decoded(Zlib::new(), input, || usize::MAX / 2);
    let ours = decoded(Decoder::new(), input, || usize::MAX / 2);
    assert!(ours == theirs, "ours {:?}, theirs {:?}", sizes(&ours), sizes(&theirs));
    let mut seed = input.len() as u64;
    for most in [1, 7, 40, 4000] {
        let pieces = decoded(Decoder::new(), input, || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            1 + (seed >> 33) as usize % most
        });
        assert!(pieces == theirs, "pieces of {most}: {:?}, theirs {:?}", sizes(&pieces), sizes(&theirs));
    }
    theirs
}

fn sizes(result: &Option<(Vec<u8>, usize)>) -> Option<(usize, usize)> {
    result.as_ref().map(|(bytes, taken)| (bytes.len(), *taken))
}
