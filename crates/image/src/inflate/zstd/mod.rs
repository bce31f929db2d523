//! zstd (RFC 8878): frames one after the other, by the reference implementation.

mod ahead;
mod frames;
#[cfg(test)]
mod tests;

use super::input::Input;
use super::{Compression, recognise};
use crate::blob::Blob;
use crate::layer::LayerError;
use crate::work::Idle;
use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

/// Bytes between two hand-overs.
const WINDOW: usize = 512 << 10;
/// zstd's own default bound: 128 MiB of history would be asked for by no layer writer we know.
const WINDOW_LOG: u32 = 27;

/// What gets each window, and how many compressed bytes were read so far.
type Give<'g> = dyn FnMut(&[u8], u64) -> Result<(), LayerError> + 'g;

/// All frames, and zeros after them. In a file, those after the first are decoded on cores that are idle, too.
pub(super) fn frames(
    mut input: Input<'_>,
    file: Option<(&Blob, &Idle)>,
    mut give: impl FnMut(&[u8], u64) -> Result<(), LayerError>,
) -> Result<(), LayerError> {
    let mut decoder = Frame::decoder()?;
    while decoder.frame(&mut input, &mut give)? {
        if let Some((blob, idle)) = file {
            return ahead::frames(blob, input.position(), idle, &mut give);
        }
    }
    Ok(())
}

fn is_frame(head: &[u8]) -> bool {
    recognise(head) == Compression::Zstd
}

/// A decoder that streams frame by frame.
struct Frame {
    decoder: Decoder<'static>,
    window: Vec<u8>,
}

impl Frame {
    fn decoder() -> Result<Self, LayerError> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG))?;
        Ok(Self { decoder, window: vec![0; WINDOW] })
    }

    /// Decodes one frame. Whether another follows.
    fn frame(&mut self, input: &mut Input<'_>, give: &mut Give<'_>) -> Result<bool, LayerError> {
        loop {
            let bytes = input.bytes()?;
            let end = bytes.is_empty();
            let mut source = InBuffer::around(bytes);
            let mut output = OutBuffer::around(self.window.as_mut_slice());
            let status = self.decoder.run(&mut source, &mut output);
            let (taken, made) = (source.pos(), output.pos());
            input.take(taken, 0);
            let at = input.position();
            let hint = status.map_err(|error| {
                LayerError::Inflate(format!("damaged zstd data before byte {at}: {error}"))
            })?;
            give(self.window.get(..made).unwrap_or_default(), at)?;
            if hint == 0 {
                self.decoder.reinit()?;
                return input.more(is_frame);
            }
            if end && made == 0 {
                return Err(LayerError::Inflate(format!("its zstd data ends too early, at byte {at}")));
            }
        }
    }
}
