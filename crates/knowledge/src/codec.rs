//! Numbers and blobs as bytes: LEB128 varints, and a cursor that cannot leave its slice.

use jiff::Timestamp;
use jiff::civil::Date;

/// Appends `value`, seven bits a byte, lowest first, the top bit set where more follow.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Appends a signed number so that small magnitudes stay short: 0, -1, 1, -2 … become 0, 1, 2, 3 …
pub(crate) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_varint(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

/// Appends length and bytes.
pub(crate) fn put_blob(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends seconds since 1970, then nanoseconds.
pub(crate) fn put_instant(out: &mut Vec<u8>, at: Timestamp) {
    put_signed(out, at.as_second());
    put_signed(out, at.subsec_nanosecond().into());
}

/// Appends year, month and day as one number: year · 512 + month · 32 + day.
pub(crate) fn put_date(out: &mut Vec<u8>, date: Date) {
    put_signed(out, i64::from(date.year()) << 9 | i64::from(date.month()) << 5 | i64::from(date.day()));
}

/// Reads forward; `None` where the bytes end or make no sense.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes not yet read.
    pub(crate) fn left(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Option<u64> {
        match self.0.split_first() {
            Some((first, rest)) if *first < 0x80 => {
                self.0 = rest;
                Some((*first).into())
            }
            // Most distances of ids take two bytes.
            Some((first, [second, rest @ ..])) if *second < 0x80 => {
                self.0 = rest;
                Some(u64::from(*first & 0x7f) | u64::from(*second) << 7)
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            let shifted = bits << shift;
            if shifted >> shift != bits {
                return None;
            }
            value |= shifted;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    pub(crate) fn signed(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
    }

    pub(crate) fn instant(&mut self) -> Option<Timestamp> {
        let seconds = self.signed()?;
        Timestamp::new(seconds, self.signed()?.try_into().ok()?).ok()
    }

    pub(crate) fn date(&mut self) -> Option<Date> {
        let packed = self.signed()?;
        let low = |bits: i64| i8::try_from(bits).ok();
        Date::new((packed >> 9).try_into().ok()?, low(packed >> 5 & 15)?, low(packed & 31)?).ok()
    }

    /// A place in a section.
    pub(crate) fn offset(&mut self) -> Option<u32> {
        self.varint()?.try_into().ok()
    }

    pub(crate) fn blob(&mut self) -> Option<&'a [u8]> {
        let length = self.varint()?.try_into().ok()?;
        self.take(length)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        str::from_utf8(self.blob()?).ok()
    }

    /// A number of `N` bytes, as they stand.
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            let mut cursor = Cursor::new(&bytes);
            assert_eq!((cursor.varint(), cursor.is_empty()), (Some(value), true));
        }
        for value in [0, -1, 1, i64::MIN, i64::MAX] {
            let mut bytes = Vec::new();
            put_signed(&mut bytes, value);
            assert_eq!(Cursor::new(&bytes).signed(), Some(value));
        }
    }

    #[test]
    fn what_ends_early_or_overflows_is_nothing() {
        let overflow = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02];
        for bytes in [&b""[..], &b"\x80"[..], &overflow[..], &[0x80; 20][..]] {
            assert_eq!(Cursor::new(bytes).varint(), None, "{bytes:x?}");
        }
        assert_eq!(Cursor::new(&[0xff, 0xff, 0xff, 0xff, 0x7f]).offset(), None);
        assert_eq!(Cursor::new(&[5, 1, 2]).blob(), None);
        assert_eq!(Cursor::new(&[1, 0xff]).text(), None);
    }
}
