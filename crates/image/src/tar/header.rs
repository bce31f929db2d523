//! One 512-byte header block.
//!
//! Sources: POSIX pax(1), "ustar Interchange Format"; the GNU tar manual, "Basic Tar Format" and "Storing
//! Sparse Files". Where dialects disagree, Go's archive/tar decides, for it unpacks layers in the runtimes.

use super::TarError;

pub(crate) const BLOCK: usize = 512;
pub(crate) type Block = [u8; BLOCK];

/// What kind of entry a header begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Regular,
    HardLink,
    Symlink,
    Folder,
    /// Devices and pipes.
    Special,
    /// Old GNU sparse file: a map of its pieces in the header.
    Sparse,
    /// GNU: the body is the next entry's path.
    LongPath,
    /// GNU: the body is the next entry's link target.
    LongLink,
    /// PAX records for the next entry.
    Pax,
    /// Bodies that are no files: PAX global records, volume labels, dumps.
    Skipped,
}

/// The fields of a header that matter.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    pub kind: Kind,
    pub path: Vec<u8>,
    pub link: Vec<u8>,
    /// Bytes of the body as stored.
    pub size: u64,
    pub mode: u32,
    pub modified: i64,
}

fn field(block: &Block, start: usize, length: usize) -> &[u8] {
    block.get(start..start + length).unwrap_or_default()
}

/// A field up to its first NUL.
fn text(block: &Block, start: usize, length: usize) -> &[u8] {
    let bytes = field(block, start, length);
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A number as octal digits between blanks, or base 256 when the first bit is set (GNU, star).
pub(crate) fn number(bytes: &[u8]) -> Option<i64> {
    let first = *bytes.first()?;
    if first & 0x80 != 0 {
        let negative = first & 0x40 != 0;
        let mut value: i64 = if negative { -1 } else { 0 };
        for (index, byte) in bytes.iter().enumerate() {
            let byte = if index == 0 && !negative { byte & 0x7f } else { *byte };
            let shifted = value.checked_mul(256)?;
            value = shifted | i64::from(byte);
        }
        return Some(value);
    }
    let digits = bytes.split(|byte| *byte == 0).next().unwrap_or_default().trim_ascii();
    digits.iter().try_fold(0_i64, |value, digit| match digit {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(i64::from(digit - b'0')),
        _ => None,
    })
}

impl Header {
    /// The header in `block`, which lies at `offset` of the archive.
    pub(crate) fn parse(block: &Block, offset: u64) -> Result<Self, TarError> {
        let damaged = |what| TarError::Header { offset, what };
        verify_checksum(block).ok_or_else(|| damaged("checksum"))?;
        let ustar = field(block, 257, 6) == b"ustar\0";
        let mut path = text(block, 0, 100).to_vec();
        if ustar {
            let prefix = text(block, 345, 155);
            if !prefix.is_empty() {
                path = [prefix, b"/", &path].concat();
            }
        }
        let flag = block[156];
        let kind = match flag {
            b'0' | b'7' => Kind::Regular,
            0 if path.ends_with(b"/") => Kind::Folder,
            0 => Kind::Regular,
            b'1' => Kind::HardLink,
            b'2' => Kind::Symlink,
            b'3' | b'4' | b'6' => Kind::Special,
            b'5' => Kind::Folder,
            b'S' => Kind::Sparse,
            b'L' => Kind::LongPath,
            b'K' => Kind::LongLink,
            b'x' | b'X' => Kind::Pax,
            // What holds for all that follows, and labels of GNU tar.
            b'g' | b'V' | b'D' | b'N' => Kind::Skipped,
            // No runtime unpacks a layer with another: what it would be is not known.
            _ => return Err(damaged("type")),
        };
        let size = number(field(block, 124, 12)).ok_or_else(|| damaged("size"))?;
        let size = u64::try_from(size).map_err(|_| damaged("size"))?;
        let bodiless = matches!(kind, Kind::HardLink | Kind::Symlink | Kind::Folder | Kind::Special);
        Ok(Self {
            kind,
            path,
            link: text(block, 157, 100).to_vec(),
            size: if bodiless { 0 } else { size },
            mode: number(field(block, 100, 8)).and_then(|mode| u32::try_from(mode).ok()).unwrap_or_default(),
            modified: number(field(block, 136, 12)).ok_or_else(|| damaged("modification time"))?,
        })
    }
}

/// The sum of all bytes with the checksum's own as blanks; some writers summed signed bytes.
fn verify_checksum(block: &Block) -> Option<()> {
    let stored = number(field(block, 148, 8))?;
    let mut unsigned = 0_i64;
    let mut signed = 0_i64;
    for (index, byte) in block.iter().enumerate() {
        let byte = if (148..156).contains(&index) { b' ' } else { *byte };
        unsigned += i64::from(byte);
        signed += i64::from(byte.cast_signed());
    }
    (stored == unsigned || stored == signed).then_some(())
}

/// Where a sparse file's data lies: (offset, length), in order.
pub(crate) type SparseMap = Vec<(u64, u64)>;

/// Old GNU sparse header: (offset, length) pairs, whether more blocks of them follow, and the full size.
pub(crate) fn sparse_map(block: &Block) -> Option<(SparseMap, bool, u64)> {
    let size = u64::try_from(number(field(block, 483, 12))?).ok()?;
    Some((pairs(field(block, 386, 96))?, block[482] != 0, size))
}

/// A continuation block of a sparse map.
pub(crate) fn sparse_continued(block: &Block) -> Option<(SparseMap, bool)> {
    Some((pairs(field(block, 0, 504))?, block[504] != 0))
}

fn pairs(bytes: &[u8]) -> Option<SparseMap> {
    let mut pairs = Vec::new();
    for pair in bytes.chunks_exact(24) {
        if pair.first() == Some(&0) {
            break;
        }
        let (offset, length) = pair.split_at(12);
        pairs.push((u64::try_from(number(offset)?).ok()?, u64::try_from(number(length)?).ok()?));
    }
    Some(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_base_256() {
        for (bytes, expected) in [
            (&b"0000644\0"[..], Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"\0\0\0\0", Some(0)),
            (b"\x80\0\0\0\0\0\0\0\0\0\x01\0", Some(256)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", Some(-1)),
            (b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", None),
            (b"12x\0", None),
            (b"-1", None),
            (b"777777777777", Some(0o777_777_777_777)),
        ] {
            assert_eq!(number(bytes), expected, "{}", bytes.escape_ascii());
        }
    }
}
