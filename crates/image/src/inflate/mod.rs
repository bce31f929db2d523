//! gzip and zstd, recognised by their first bytes and read to their very end.
//!
//! A gzip file may have several members (RFC 1952, 2.2), a zstd file several frames (RFC 8878, 3.1); zeros after
//! the last are padding, anything else is not a layer that a runtime would take.

mod deflate;
mod gzip;
mod input;
mod zlib;
mod zstd;

use crate::blob::Blob;
use crate::layer::LayerError;
use crate::work::Threads;
use deflate::Window;
#[cfg(fuzzing)]
pub use deflate::agreement::agreed;
use input::Input;
use std::fmt::Display;
use std::io::Read;

/// Which decoder reads gzip layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Inflater {
    /// Our own.
    #[default]
    Own,
    /// zlib-rs: slower, and another opinion where one is wanted.
    ZlibRs,
}

/// A decoder of deflate data that stops and goes on at any byte.
trait Inflate {
    /// What it says of bytes that are not in the format.
    type Damage: Display;

    /// Decodes from `input` into `window` until one of the two or the data is at an end.
    fn decode(&mut self, input: &[u8], window: &mut Window) -> Result<Step, Self::Damage>;
}

/// How far a decoder got.
struct Step {
    /// Bytes of the input that it has.
    taken: usize,
    /// Bytes at the end of what it ever took that belong to what follows the data: at most seven.
    surplus: usize,
    status: Status,
}

/// Why it stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    /// It needs more input.
    Input,
    /// The window has to be read and advanced.
    Window,
    /// The data is over.
    End,
}

/// How bytes are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstd,
    /// One we know the name of, and no layer may have.
    Other(&'static str),
}

/// The compression that `head`, the first bytes, shows. Media types lie; magic numbers do not.
pub(crate) fn recognise(head: &[u8]) -> Compression {
    match head {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        // A zstd frame, or a skippable one before it.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
        [b'B', b'Z', b'h', ..] => Compression::Other("bzip2"),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => Compression::Other("xz"),
        [0x04, 0x22, 0x4d, 0x18, ..] => Compression::Other("lz4"),
        _ => Compression::None,
    }
}

/// Inflates all of `source`; `give` gets each window, and how many compressed bytes were read so far.
///
/// Where the same bytes lie in `file`, threads that are idle may help.
pub(crate) fn inflate(
    source: &mut dyn Read,
    file: Option<(&Blob, &Threads)>,
    compression: Compression,
    inflater: Inflater,
    give: impl FnMut(&[u8], u64) -> Result<(), LayerError>,
) -> Result<(), LayerError> {
    let input = Input::new(source);
    match compression {
        Compression::Zstd => zstd::frames(input, file, give),
        Compression::None => plain(input, give),
        _ => gzip::members(input, inflater, give),
    }
}

/// Bytes that are not compressed.
fn plain(
    mut input: Input<'_>,
    mut give: impl FnMut(&[u8], u64) -> Result<(), LayerError>,
) -> Result<(), LayerError> {
    loop {
        let bytes = input.bytes()?;
        let count = bytes.len();
        if count == 0 {
            return Ok(());
        }
        input.take(count, 0);
        let at = input.position();
        give(input.taken(count), at)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn inflated(bytes: &[u8]) -> Result<Vec<u8>, LayerError> {
        let read = |inflater| {
            let mut out = Vec::new();
            inflate(&mut &bytes[..], None, recognise(bytes), inflater, |window, _| {
                out.extend_from_slice(window);
                Ok(())
            })
            .map(|()| out)
        };
        let (ours, theirs) = (read(Inflater::Own), read(Inflater::ZlibRs));
        assert_eq!(ours.is_ok(), theirs.is_ok());
        ours
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::GzBuilder::new()
            .extra(&b"extra"[..])
            .filename("layer.tar")
            .comment("of a builder")
            .write(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn text(length: usize) -> Vec<u8> {
        (0..length).map(|index| (index * index / 97) as u8).collect()
    }

    #[test]
    fn headers_members_and_padding_are_read() {
        let [first, second] = [text(3 << 20), text(1000)];
        let members = [gzip(&first), gzip(&second), gzip(b""), vec![0; 700]].concat();
        assert_eq!(inflated(&members).unwrap(), [first.clone(), second].concat());
        let frames =
            [::zstd::encode_all(&first[..], 3).unwrap(), ::zstd::encode_all(&b"x"[..], 3).unwrap()].concat();
        assert_eq!(inflated(&frames).unwrap(), [&first[..], b"x"].concat());
    }

    #[test]
    fn damage_is_found_wherever_it_is() {
        let whole = gzip(&text(20_000));
        for end in (10..whole.len()).step_by(97) {
            assert!(inflated(&whole[..end]).is_err(), "cut at {end}");
        }
        // Flags and method, data, checksum, length; the header's own date, system and names say nothing.
        for at in [2, 60, whole.len() / 2, whole.len() - 8, whole.len() - 1] {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x40;
            assert!(inflated(&damaged).is_err(), "flipped at {at}");
        }
        assert!(inflated(&[&whole[..], b"garbage"].concat()).is_err());
    }
}
