//! gzip and zstd, recognised by their first bytes and read to their very end.
//!
//! The output window is large (512 KiB): most tar headers then lie in one piece, and bodies are stepped over in
//! few steps. A gzip file may have several members (RFC 1952, 2.2), a zstd file several frames (RFC 8878, 3.1);
//! zeros after the last are padding, anything else is not a layer that a runtime would take.

use crate::blob::Blob;
use crate::layer::LayerError;
use flate2::{Decompress, FlushDecompress, Status};
use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

const INPUT: usize = 256 << 10;
const WINDOW: usize = 512 << 10;
/// zstd's own default bound: 128 MiB of history would be asked for by no layer writer we know.
const ZSTD_WINDOW_LOG: u32 = 27;

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

/// Inflates all of `blob`; `give` gets each window, and how many compressed bytes were read so far.
pub(crate) fn inflate(
    blob: &Blob,
    compression: Compression,
    give: impl FnMut(&[u8], u64) -> Result<(), LayerError>,
) -> Result<(), LayerError> {
    let input = Input { blob, buffer: vec![0; INPUT], filled: 0, taken: 0, offset: 0 };
    match compression {
        Compression::Zstd => zstd_frames(input, give),
        _ => gzip_members(input, give),
    }
}

/// Compressed bytes, a buffer at a time.
struct Input<'a> {
    blob: &'a Blob,
    buffer: Vec<u8>,
    filled: usize,
    taken: usize,
    /// Of the next buffer in the blob.
    offset: u64,
}

impl Input<'_> {
    /// Bytes not yet taken; empty only at the end.
    fn bytes(&mut self) -> Result<&[u8], LayerError> {
        if self.taken == self.filled {
            self.filled = self.blob.read_at(&mut self.buffer, self.offset)?;
            self.offset += self.filled as u64;
            self.taken = 0;
        }
        Ok(self.buffer.get(self.taken..self.filled).unwrap_or_default())
    }

    fn take(&mut self, count: usize) {
        self.taken += count;
    }

    /// How many bytes of the blob were taken.
    fn position(&self) -> u64 {
        self.offset - (self.filled - self.taken) as u64
    }

    /// The next byte.
    fn byte(&mut self) -> Result<u8, LayerError> {
        let at = self.position();
        let first = self.bytes()?.first().copied();
        self.take(usize::from(first.is_some()));
        first.ok_or_else(|| LayerError::Inflate(format!("its gzip data ends too early, at byte {at}")))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], LayerError> {
        let mut array = [0; N];
        for byte in &mut array {
            *byte = self.byte()?;
        }
        Ok(array)
    }

    /// A member's header (RFC 1952, 2.3), which is stepped over: names and comments of any length.
    fn gzip_header(&mut self) -> Result<(), LayerError> {
        let at = self.position();
        let [_, _, method, flags, ..]: [u8; 10] = self.array()?;
        if method != 8 || flags & 0xe0 != 0 {
            return Err(LayerError::Inflate(format!("damaged gzip header at byte {at}")));
        }
        if flags & 4 != 0 {
            for _ in 0..u16::from_le_bytes(self.array()?) {
                self.byte()?;
            }
        }
        for text in [8, 16] {
            while flags & text != 0 && self.byte()? != 0 {}
        }
        if flags & 2 != 0 {
            self.array::<2>()?;
        }
        Ok(())
    }

    /// After a member or frame: `true` when another begins, `false` at the end or in padding up to it.
    fn more(&mut self, expected: Compression) -> Result<bool, LayerError> {
        // Magic numbers may straddle two buffers.
        let mut head = [0; 4];
        let at = self.position();
        let count = self.blob.read_at(&mut head, at)?;
        if count == 0 {
            return Ok(false);
        }
        if recognise(head.get(..count).unwrap_or_default()) == expected {
            return Ok(true);
        }
        loop {
            let bytes = self.bytes()?;
            if bytes.is_empty() {
                return Ok(false);
            }
            if bytes.iter().any(|byte| *byte != 0) {
                let count = self.blob.len() - at;
                return Err(LayerError::Inflate(format!(
                    "{count} bytes that belong to nothing follow its compressed data at byte {at}"
                )));
            }
            let count = bytes.len();
            self.take(count);
        }
    }
}

fn gzip_members(
    mut input: Input<'_>,
    mut give: impl FnMut(&[u8], u64) -> Result<(), LayerError>,
) -> Result<(), LayerError> {
    let mut window = vec![0; WINDOW];
    loop {
        input.gzip_header()?;
        gzip_member(&mut input, &mut window, &mut give)?;
        if !input.more(Compression::Gzip)? {
            return Ok(());
        }
    }
}

/// The deflate data of one member, and its trailer (RFC 1952, 2.3.1): CRC-32 and length of what it held.
fn gzip_member(
    input: &mut Input<'_>,
    window: &mut [u8],
    give: &mut impl FnMut(&[u8], u64) -> Result<(), LayerError>,
) -> Result<(), LayerError> {
    // The checksum is ours: by the processor's instructions, where the decoder's is software.
    let mut decoder = Decompress::new(false);
    let mut checksum = crc32fast::Hasher::new();
    let mut filled = 0;
    loop {
        let bytes = input.bytes()?;
        let end = bytes.is_empty();
        let (before_in, before_out) = (decoder.total_in(), decoder.total_out());
        let output = window.get_mut(filled..).unwrap_or_default();
        let status = decoder.decompress(bytes, output, FlushDecompress::None);
        let taken = usize::try_from(decoder.total_in() - before_in).unwrap_or_default();
        let made = usize::try_from(decoder.total_out() - before_out).unwrap_or_default();
        filled += made;
        input.take(taken);
        let at = input.position();
        let status = status
            .map_err(|error| LayerError::Inflate(format!("damaged gzip data before byte {at}: {error}")))?;
        let over = status == Status::StreamEnd;
        if filled == window.len() || over {
            let inflated = window.get(..filled).unwrap_or_default();
            checksum.update(inflated);
            give(inflated, at)?;
            filled = 0;
        }
        if over {
            break;
        }
        if end && made == 0 {
            return Err(LayerError::Inflate(format!("its gzip data ends too early, at byte {at}")));
        }
        if taken == 0 && made == 0 && filled != 0 {
            return Err(LayerError::Inflate(format!("damaged gzip data at byte {at}")));
        }
    }
    let trailer: [u8; 8] = input.array()?;
    let [crc, length] = [0, 4].map(|at| {
        trailer.get(at..at + 4).and_then(|field| field.try_into().ok()).map_or(0, u32::from_le_bytes)
    });
    let inflated = decoder.total_out() & u64::from(u32::MAX);
    if checksum.finalize() != crc || inflated != u64::from(length) {
        let at = input.position();
        return Err(LayerError::Inflate(format!(
            "damaged gzip data before byte {at}: its checksum is wrong"
        )));
    }
    Ok(())
}

fn zstd_frames(
    mut input: Input<'_>,
    mut give: impl FnMut(&[u8], u64) -> Result<(), LayerError>,
) -> Result<(), LayerError> {
    let mut window = vec![0; WINDOW];
    let mut decoder = Decoder::new()?;
    decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG))?;
    loop {
        let bytes = input.bytes()?;
        let end = bytes.is_empty();
        let mut source = InBuffer::around(bytes);
        let mut output = OutBuffer::around(window.as_mut_slice());
        let status = decoder.run(&mut source, &mut output);
        let (taken, made) = (source.pos(), output.pos());
        input.take(taken);
        let at = input.position();
        let hint = status
            .map_err(|error| LayerError::Inflate(format!("damaged zstd data before byte {at}: {error}")))?;
        give(window.get(..made).unwrap_or_default(), at)?;
        if hint == 0 {
            if !input.more(Compression::Zstd)? {
                return Ok(());
            }
            decoder.reinit()?;
        } else if end && made == 0 {
            return Err(LayerError::Inflate(format!("its zstd data ends too early, at byte {at}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn inflated(bytes: &[u8]) -> Result<Vec<u8>, LayerError> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let mut out = Vec::new();
        let blob = Blob::whole(file).unwrap();
        inflate(&blob, recognise(bytes), |window, _| {
            out.extend_from_slice(window);
            Ok(())
        })?;
        Ok(out)
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
            [zstd::encode_all(&first[..], 3).unwrap(), zstd::encode_all(&b"x"[..], 3).unwrap()].concat();
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
