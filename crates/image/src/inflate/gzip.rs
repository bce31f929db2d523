//! gzip (RFC 1952): members one after the other, each with a header and a trailer.

use super::deflate::{Decoder, Window};
use super::input::Input;
use super::zlib::Zlib;
use super::{Compression, Inflate, Inflater, Status, recognise};
use crate::layer::LayerError;

/// All members, and zeros after them.
pub(super) fn members(
    mut input: Input<'_>,
    inflater: Inflater,
    mut give: impl FnMut(&[u8], u64) -> Result<(), LayerError>,
) -> Result<(), LayerError> {
    let mut window = Window::new();
    loop {
        header(&mut input)?;
        match inflater {
            Inflater::Own => member(&mut input, Decoder::new(), &mut window, &mut give)?,
            Inflater::ZlibRs => member(&mut input, Zlib::new(), &mut window, &mut give)?,
        }
        if !input.more(|head| recognise(head) == Compression::Gzip)? {
            return Ok(());
        }
    }
}

/// A member's header (RFC 1952, 2.3), which is stepped over: names and comments of any length.
fn header(input: &mut Input<'_>) -> Result<(), LayerError> {
    let at = input.position();
    let [_, _, method, flags, ..]: [u8; 10] = input.array()?;
    if method != 8 || flags & 0xe0 != 0 {
        return Err(LayerError::Inflate(format!("damaged gzip header at byte {at}")));
    }
    if flags & 4 != 0 {
        for _ in 0..u16::from_le_bytes(input.array()?) {
            input.array::<1>()?;
        }
    }
    for text in [8, 16] {
        while flags & text != 0 && input.array()? != [0] {}
    }
    if flags & 2 != 0 {
        input.array::<2>()?;
    }
    Ok(())
}

/// The deflate data of one member, and its trailer (RFC 1952, 2.3.1): CRC-32 and length of what it held.
fn member(
    input: &mut Input<'_>,
    mut decoder: impl Inflate,
    window: &mut Window,
    give: &mut impl FnMut(&[u8], u64) -> Result<(), LayerError>,
) -> Result<(), LayerError> {
    window.restart();
    // The checksum is ours: by the processor's instructions, where a decoder's is software.
    let mut checksum = crc32fast::Hasher::new();
    let mut length = 0_u64;
    loop {
        let bytes = input.bytes()?;
        let at_end = bytes.is_empty();
        let step = decoder.decode(bytes, window);
        let step = step.map_err(|damage| {
            LayerError::Inflate(format!("damaged gzip data after byte {}: {damage}", input.position()))
        })?;
        input.take(step.taken, step.surplus);
        let at = input.position();
        match step.status {
            Status::Input if at_end => {
                return Err(LayerError::Inflate(format!("its gzip data ends too early, at byte {at}")));
            }
            Status::Input => {}
            Status::Window | Status::End => {
                let fresh = window.fresh();
                checksum.update(fresh);
                length += fresh.len() as u64;
                give(fresh, at)?;
                window.advance();
            }
        }
        if step.status == Status::End {
            break;
        }
    }
    let [expected_checksum, expected_length] =
        [input.array()?, input.array()?].map(|field: [u8; 4]| u32::from_le_bytes(field));
    if checksum.finalize() != expected_checksum || length & 0xffff_ffff != u64::from(expected_length) {
        let at = input.position();
        return Err(LayerError::Inflate(format!(
            "damaged gzip data before byte {at}: its checksum is wrong"
        )));
    }
    Ok(())
}
