//! A file of lines, read in pieces: of 200 MB only a few hundred kilobytes are in memory at a time.

use imagescan_image::ReadAt;
use std::io;
use std::ops::Range;

/// Bytes read at a time.
const PIECE: usize = 64 << 10;
/// Bytes of a line that are given; the rest of a longer one is stepped over.
pub(crate) const LONGEST_LINE: usize = 64 << 10;

/// One line, without its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    pub bytes: &'a [u8],
    /// It is longer than what is given.
    pub is_cut: bool,
}

/// The lines of a file, ended by `\n` or `\r\n`.
pub(crate) struct Lines<'a> {
    file: &'a dyn ReadAt,
    offset: u64,
    buffer: Vec<u8>,
    start: usize,
    /// The rest of a line that was cut comes next.
    is_inside: bool,
    has_zeros: bool,
    is_unended: bool,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(file: &'a dyn ReadAt) -> Self {
        let (offset, buffer, start) = (0, Vec::new(), 0);
        Self { file, offset, buffer, start, is_inside: false, has_zeros: false, is_unended: false }
    }

    /// Whether a zero byte was met: no text holds one.
    pub(crate) fn has_zeros(&self) -> bool {
        self.has_zeros
    }

    /// Whether the last line had no end.
    pub(crate) fn is_unended(&self) -> bool {
        self.is_unended
    }

    /// The next line. `None`: there is none.
    ///
    /// # Errors
    /// What reading the file says.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        let mut seen = 0;
        let (line, is_cut) = loop {
            let rest = self.buffer.get(self.start..).unwrap_or_default();
            match rest.get(seen..).unwrap_or_default().iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    let mut line = self.take(seen + end, 1);
                    if !std::mem::take(&mut self.is_inside) {
                        let is_cut = line.len() > LONGEST_LINE;
                        line.end = line.end.min(line.start + LONGEST_LINE);
                        break (line, is_cut);
                    }
                    seen = 0;
                }
                None if self.is_inside => {
                    self.take(rest.len(), 0);
                    if !self.fill()? {
                        self.is_unended = true;
                        return Ok(None);
                    }
                }
                None if rest.len() > LONGEST_LINE => {
                    self.is_inside = true;
                    break (self.take(LONGEST_LINE, 0), true);
                }
                None => {
                    seen = rest.len();
                    if !self.fill()? {
                        self.is_unended |= seen > 0;
                        if seen == 0 {
                            return Ok(None);
                        }
                        break (self.take(seen, 0), false);
                    }
                }
            }
        };
        let bytes = self.buffer.get(line).unwrap_or_default();
        Ok(Some(Line { bytes: bytes.strip_suffix(b"\r").unwrap_or(bytes), is_cut }))
    }

    /// Takes `length` bytes and steps over `end` more.
    fn take(&mut self, length: usize, end: usize) -> Range<usize> {
        let line = self.start..self.start + length;
        self.start = line.end + end;
        line
    }

    /// Reads the next piece; `false` at the end of the file.
    fn fill(&mut self) -> io::Result<bool> {
        let left = self.file.len().saturating_sub(self.offset);
        let piece = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        self.buffer.drain(..self.start);
        self.start = 0;
        let kept = self.buffer.len();
        self.buffer.resize(kept + piece, 0);
        let Some(new) = self.buffer.get_mut(kept..) else { return Ok(false) };
        self.file.read_exact_at(new, self.offset)?;
        self.has_zeros |= new.contains(&0);
        self.offset += piece as u64;
        Ok(piece > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(bytes: &[u8]) -> (Vec<(Vec<u8>, bool)>, bool) {
        let bytes = bytes.to_vec();
        let mut lines = Lines::new(&bytes);
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push((line.bytes.to_vec(), line.is_cut));
        }
        (found, lines.is_unended())
    }

    #[test]
    fn a_long_line_is_cut_and_the_next_one_whole() {
        for length in [LONGEST_LINE, LONGEST_LINE + 1, 3 * PIECE, 3 * PIECE + 1] {
            let long = vec![b'x'; length];
            let (lines, is_unended) = all(&[b"a\r\n", &long[..], b"\n\nlast"].concat());
            let cut = length > LONGEST_LINE;
            let given = (long[..length.min(LONGEST_LINE)].to_vec(), cut);
            assert!(lines == [(b"a".to_vec(), false), given, (vec![], false), (b"last".to_vec(), false)]);
            assert!(is_unended);
        }
        assert!(all(&vec![b'x'; 3 * PIECE]).1 && !all(b"").1 && !all(b"a\n").1);
    }

    proptest! {
        #[test]
        fn lines_are_those_of_split(texts in proptest::collection::vec("[a-z]{0,9}", 0..40), copies in 1..2000_usize) {
            let text = format!("{}\n", texts.join("\n")).repeat(copies);
            let (lines, is_unended) = all(text.as_bytes());
            prop_assert!(!is_unended);
            let expected: Vec<_> = text.split_terminator('\n').map(|line| (line.as_bytes().to_vec(), false)).collect();
            prop_assert!(lines == expected);
        }
    }
}
