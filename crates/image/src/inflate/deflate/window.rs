//! Where inflated bytes are made and read: one buffer, whose front is the history that matches point into.

/// Matches reach back so far (RFC 1951, 3.2.5).
const HISTORY: usize = 32 << 10;
/// New bytes between two hand-overs: most tar headers then lie in one piece, bodies are stepped over in few steps.
const ROOM: usize = 512 << 10;
/// Free bytes that decoding begins with: four looks of two literals and a match at its longest, whose copy may
/// write up to 32 bytes too many. Those are written over.
pub(super) const MARGIN: usize = 4 * 2 + 258 + 32;

/// Inflated bytes: those that matches may still need, then those that nobody has seen.
pub(crate) struct Window {
    bytes: Box<[u8]>,
    filled: usize,
    seen: usize,
}

impl Window {
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; HISTORY + ROOM + MARGIN].into(), filled: 0, seen: 0 }
    }

    /// What was made since the last [`Window::advance`].
    pub(crate) fn fresh(&self) -> &[u8] {
        self.bytes.get(self.seen..self.filled).unwrap_or_default()
    }

    /// All bytes were seen: makes room, and keeps the history.
    pub(crate) fn advance(&mut self) {
        let start = self.filled.saturating_sub(HISTORY);
        self.bytes.copy_within(start..self.filled, 0);
        self.filled -= start;
        self.seen = self.filled;
    }

    /// Another stream begins: it has no history.
    pub(crate) fn restart(&mut self) {
        self.filled = 0;
        self.seen = 0;
    }

    /// Whether one more symbol might not fit.
    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() - self.filled <= MARGIN
    }

    /// All of the buffer, and where the next byte goes.
    pub(super) fn parts(&mut self) -> (&mut [u8], usize) {
        (&mut self.bytes, self.filled)
    }

    /// What [`Window::parts`] gave out is filled up to here.
    pub(super) fn set_filled(&mut self, filled: usize) {
        self.filled = filled;
    }

    /// Free space up to the margin.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        let end = self.bytes.len() - MARGIN;
        self.bytes.get_mut(self.filled..end).unwrap_or_default()
    }

    /// `count` bytes were written to [`Window::space`].
    pub(crate) fn add(&mut self, count: usize) {
        self.filled += count;
    }
}

/// Writes at `to` what stands `distance` before it, `length` bytes, and up to 32 bytes more after them.
///
/// `distance` is at least 1 and at most `to`. The two may overlap: then the bytes between repeat.
#[inline(always)]
pub(super) fn copy_match(bytes: &mut [u8], to: usize, distance: usize, length: usize) {
    let end = to + length;
    let from = to - distance;
    if distance >= 16 {
        copy::<16>(bytes, from, to);
        copy::<16>(bytes, from + 16, to + 16);
        let mut done = 32;
        while done < length {
            copy::<16>(bytes, from + done, to + done);
            done += 16;
        }
    } else if distance >= 8 {
        let mut done = 0;
        while done < length {
            copy::<8>(bytes, from + done, to + done);
            done += 8;
        }
    } else if distance == 1 {
        let byte = bytes[from];
        bytes[to..end].fill(byte);
    } else {
        // Eight bytes of the pattern first; then as many of its repetitions as eight hold.
        for index in 0..8 {
            bytes[to + index] = bytes[from + index];
        }
        let step = 8 - 8 % distance;
        let mut at = to + step;
        while at < end {
            copy::<8>(bytes, to, at);
            at += step;
        }
    }
}

/// `N` bytes at once: read, then written.
#[inline(always)]
fn copy<const N: usize>(bytes: &mut [u8], from: usize, to: usize) {
    let mut word = [0; N];
    word.copy_from_slice(&bytes[from..from + N]);
    bytes[to..to + N].copy_from_slice(&word);
}
