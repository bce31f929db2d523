//! zstd (RFC 8878): frames one after the other, by the reference implementation.

use super::input::Input;
use super::{Compression, recognise};
use crate::layer::LayerError;
use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

/// Bytes between two hand-overs.
const WINDOW: usize = 512 << 10;
/// zstd's own default bound: 128 MiB of history would be asked for by no layer writer we know.
const WINDOW_LOG: u32 = 27;

/// All frames, and zeros after them.
pub(super) fn frames(
    mut input: Input<'_>,
    mut give: impl FnMut(&[u8], u64) -> Result<(), LayerError>,
) -> Result<(), LayerError> {
    let mut window = vec![0; WINDOW];
    let mut decoder = Decoder::new()?;
    decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG))?;
    loop {
        let bytes = input.bytes()?;
        let end = bytes.is_empty();
        let mut source = InBuffer::around(bytes);
        let mut output = OutBuffer::around(window.as_mut_slice());
        let status = decoder.run(&mut source, &mut output);
        let (taken, made) = (source.pos(), output.pos());
        input.take(taken, 0);
        let at = input.position();
        let hint = status
            .map_err(|error| LayerError::Inflate(format!("damaged zstd data before byte {at}: {error}")))?;
        give(window.get(..made).unwrap_or_default(), at)?;
        if hint == 0 {
            if !input.more(|head| recognise(head) == Compression::Zstd)? {
                return Ok(());
            }
            decoder.reinit()?;
        } else if end && made == 0 {
            return Err(LayerError::Inflate(format!("its zstd data ends too early, at byte {at}")));
        }
    }
}
