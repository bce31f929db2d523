//! zstd (RFC 8878): frames one after the other, by the reference implementation.

mod ahead;
mod frames;
#[cfg(test)]
mod tests;

use super::input::Input;
use super::{Compression, recognise};
use crate::blob::Blob;
use crate::layer::LayerError;
use crate::work::Threads;
use frames::Header;
use std::sync::{Mutex, PoisonError};
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
    file: Option<(&Blob, &Threads)>,
    mut give: impl FnMut(&[u8], u64) -> Result<(), LayerError>,
) -> Result<(), LayerError> {
    let mut decoder = Frame::new();
    while decoder.frame(&mut input, &mut give)? {
        if let Some((blob, threads)) = file {
            return ahead::frames(blob, input.position(), threads, &mut give);
        }
    }
    Ok(())
}

fn is_frame(head: &[u8]) -> bool {
    recognise(head) == Compression::Zstd
}

/// Bytes of history that every layer being read may have. A frame that asks for more waits for its turn.
const HISTORY: u64 = 8 << 20;

/// The turn of the one frame of the process that is decoded with more history.
static MUCH_HISTORY: Mutex<()> = Mutex::new(());

/// A decoder that streams frame by frame.
struct Frame {
    /// Made anew after a frame with much history, which it would keep.
    decoder: Option<Decoder<'static>>,
    window: Vec<u8>,
}

impl Frame {
    fn new() -> Self {
        Self { decoder: None, window: vec![0; WINDOW] }
    }

    /// Decodes one frame. Whether another follows.
    fn frame(&mut self, input: &mut Input<'_>, give: &mut Give<'_>) -> Result<bool, LayerError> {
        let header = Header::parse(input.at_least(frames::HEADER)?);
        let is_large = header.is_some_and(|header| header.window > HISTORY);
        let _turn = is_large.then(|| MUCH_HISTORY.lock().unwrap_or_else(PoisonError::into_inner));
        let mut decoder = self.decoder.take().map_or_else(decoder, Ok)?;
        loop {
            let bytes = input.bytes()?;
            let end = bytes.is_empty();
            let mut source = InBuffer::around(bytes);
            let mut output = OutBuffer::around(self.window.as_mut_slice());
            let status = decoder.run(&mut source, &mut output);
            let (taken, made) = (source.pos(), output.pos());
            input.take(taken, 0);
            let at = input.position();
            let hint = status.map_err(|error| {
                LayerError::Inflate(format!("damaged zstd data before byte {at}: {error}"))
            })?;
            give(self.window.get(..made).unwrap_or_default(), at)?;
            if hint == 0 {
                break;
            }
            if end && made == 0 {
                return Err(LayerError::Inflate(format!("its zstd data ends too early, at byte {at}")));
            }
        }
        if !is_large {
            decoder.reinit()?;
            self.decoder = Some(decoder);
        }
        input.more(is_frame)
    }
}

fn decoder() -> Result<Decoder<'static>, LayerError> {
    let mut decoder = Decoder::new()?;
    decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG))?;
    Ok(decoder)
}
