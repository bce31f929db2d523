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
    let mut filled = 0;
    let mut decoder = Decompress::new_gzip(15);
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
            give(window.get(..filled).unwrap_or_default(), at)?;
            filled = 0;
        }
        if over {
            if !input.more(Compression::Gzip)? {
                return Ok(());
            }
            decoder = Decompress::new_gzip(15);
        } else if end && made == 0 {
            return Err(LayerError::Inflate(format!("its gzip data ends too early, at byte {at}")));
        } else if taken == 0 && made == 0 && filled != 0 {
            return Err(LayerError::Inflate(format!("damaged gzip data at byte {at}")));
        }
    }
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
