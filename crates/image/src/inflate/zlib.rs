//! zlib-rs behind the same interface as our own decoder: its oracle, and what a user can fall back on.

use super::deflate::Window;
use super::{Inflate, Status, Step};
use flate2::{Decompress, FlushDecompress};

/// A stream of deflate data, as far as zlib-rs has read it.
pub(crate) struct Zlib(Decompress);

impl Zlib {
    pub(crate) fn new() -> Self {
        Self(Decompress::new(false))
    }
}

impl Inflate for Zlib {
    type Damage = flate2::DecompressError;

    fn decode(&mut self, input: &[u8], window: &mut Window) -> Result<Step, Self::Damage> {
        let (taken_before, made_before) = (self.0.total_in(), self.0.total_out());
        let space = window.space();
        let room = space.len();
        let status = self.0.decompress(input, space, FlushDecompress::None)?;
        let taken = usize::try_from(self.0.total_in() - taken_before).unwrap_or_default();
        let made = usize::try_from(self.0.total_out() - made_before).unwrap_or_default();
        window.add(made);
        let status = match status {
            flate2::Status::StreamEnd => Status::End,
            _ if made == room => Status::Window,
            _ => Status::Input,
        };
        Ok(Step { taken, surplus: 0, status })
    }
}
