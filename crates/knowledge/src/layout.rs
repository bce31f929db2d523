//! A segment's outside: header, block checksums, body of sections.
//!
//! ```text
//! header   magic 8 · major u16 · minor u16 · header length u32 · body length u64 · block size u32 ·
//!          section count u32 · xxh3 of the block checksums u64 ·
//!          sections (id u32, flags u32, offset in body u64, length u64) · xxh3 of all before u64
//! blocks   xxh3 u64 of each 64 KiB of the body
//! body     the sections
//! ```
//!
//! Integers are little-endian. The header's checksum covers the list of block checksums, and those cover the body:
//! so that one number, which the manifest repeats, stands for every bit of the file.

use crate::blocks::{BLOCK_SIZE, CHECKSUM_SIZE, checksums};
use crate::codec::Cursor;
use crate::error::Damage;
use crate::section::Section;
use std::ops::Range;
use xxhash_rust::xxh3::xxh3_64;

const MAGIC: [u8; 8] = *b"iscanseg";
/// Grows when an old reader would misread. The minor grows with optional sections.
pub(crate) const FORMAT_MAJOR: u16 = 3;
const FORMAT_MINOR: u16 = 0;
/// A reader that does not know the section must refuse the file.
const REQUIRED: u32 = 1;
const FIXED_HEADER: usize = 40;
const SECTION_ENTRY: usize = 24;
const LONGEST_HEADER: usize = 4096;

/// A file of these sections, in this order.
pub(crate) fn assemble(sections: &[(Section, Vec<u8>)]) -> Vec<u8> {
    let body_length: usize = sections.iter().map(|(_, bytes)| bytes.len()).sum();
    let header_length = FIXED_HEADER + SECTION_ENTRY * sections.len() + CHECKSUM_SIZE;
    let body = header_length + body_length.div_ceil(BLOCK_SIZE) * CHECKSUM_SIZE;
    let mut file = vec![0; body];
    file.reserve_exact(body_length);
    sections.iter().for_each(|(_, bytes)| file.extend(bytes));
    let table = checksums(file.get(body..).unwrap_or_default());
    let mut front = Vec::with_capacity(body);
    front.extend(MAGIC);
    front.extend(FORMAT_MAJOR.to_le_bytes());
    front.extend(FORMAT_MINOR.to_le_bytes());
    front.extend((header_length as u32).to_le_bytes());
    front.extend((body_length as u64).to_le_bytes());
    front.extend((BLOCK_SIZE as u32).to_le_bytes());
    front.extend((sections.len() as u32).to_le_bytes());
    front.extend(xxh3_64(&table).to_le_bytes());
    let mut offset = 0u64;
    for (section, bytes) in sections {
        front.extend(section.id().to_le_bytes());
        front.extend(REQUIRED.to_le_bytes());
        front.extend(offset.to_le_bytes());
        front.extend((bytes.len() as u64).to_le_bytes());
        offset += bytes.len() as u64;
    }
    front.extend(xxh3_64(&front).to_le_bytes());
    front.extend(table);
    for (place, byte) in file.iter_mut().zip(front) {
        *place = byte;
    }
    file
}

/// The header's own checksum, which stands for the whole file.
pub(crate) fn header_checksum(file: &[u8]) -> Option<u64> {
    header_of(file).map(|(_, checksum)| checksum)
}

/// The header without its checksum, and the checksum.
fn header_of(file: &[u8]) -> Option<(&[u8], u64)> {
    let length = Cursor::new(file.get(12..16)?).u32()? as usize;
    if !(FIXED_HEADER + CHECKSUM_SIZE..=LONGEST_HEADER).contains(&length) {
        return None;
    }
    let (header, checksum) = file.get(..length)?.split_at_checked(length - CHECKSUM_SIZE)?;
    Some((header, Cursor::new(checksum).u64()?))
}

/// Where everything is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The list of block checksums, in the file.
    pub(crate) table: Range<usize>,
    /// What its checksum should be.
    pub(crate) table_checksum: u64,
    /// Where the body begins, in the file.
    pub(crate) body: usize,
    /// Each section that is there, in the body; by the order of [`Section::ALL`].
    sections: [Option<Range<usize>>; Section::ALL.len()],
}

/// Why a header leads nowhere.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HeaderError {
    Format(u32),
    Damage(Damage),
}

impl From<Damage> for HeaderError {
    fn from(damage: Damage) -> Self {
        Self::Damage(damage)
    }
}

impl Layout {
    /// The layout of `file`, whose header must have the checksum `expected`.
    pub(crate) fn parse(file: &[u8], expected: u64) -> Result<Self, HeaderError> {
        let (header, checksum) = header_of(file).ok_or(Damage::Header)?;
        // First of all, so that a flipped bit is never taken for another format.
        if checksum != expected || xxh3_64(header) != checksum {
            return Err(Damage::Header.into());
        }
        Self::of_header(header, file.len())
    }

    fn of_header(header: &[u8], file_length: usize) -> Result<Self, HeaderError> {
        let damage = Damage::Header;
        let mut cursor = Cursor::new(header);
        if cursor.array() != Some(MAGIC) {
            return Err(damage.into());
        }
        let major = cursor.array().map(u16::from_le_bytes).ok_or(damage)?;
        if major != FORMAT_MAJOR {
            return Err(HeaderError::Format(major.into()));
        }
        let _minor: [u8; 2] = cursor.array().ok_or(damage)?;
        let _length = cursor.u32().ok_or(damage)?;
        let body_length = usize::try_from(cursor.u64().ok_or(damage)?).map_err(|_| damage)?;
        let block_size = cursor.u32().ok_or(damage)?;
        let count = cursor.u32().ok_or(damage)?;
        let table_checksum = cursor.u64().ok_or(damage)?;
        let table_start = header.len() + CHECKSUM_SIZE;
        let table_length = body_length.div_ceil(BLOCK_SIZE).saturating_mul(CHECKSUM_SIZE);
        let body = table_start.saturating_add(table_length);
        if block_size as usize != BLOCK_SIZE || body.checked_add(body_length) != Some(file_length) {
            return Err(damage.into());
        }
        let sections = sections(&mut cursor, count, body_length)?;
        Ok(Self { table: table_start..body, table_checksum, body, sections })
    }

    /// Where `section` begins in the body, and its length; of one that is not there, nothing.
    #[inline]
    pub(crate) fn place(&self, section: Section) -> (usize, usize) {
        match self.sections.get(section as usize) {
            Some(Some(extent)) => (extent.start, extent.end - extent.start),
            _ => (0, 0),
        }
    }

    /// All of `needed` are there.
    pub(crate) fn require(&self, needed: &[Section]) -> Result<(), Damage> {
        let is_missing =
            |section: &&Section| self.sections.get(**section as usize).is_none_or(Option::is_none);
        match needed.iter().find(is_missing) {
            Some(section) => Err(Damage::Extent { section: *section }),
            None => Ok(()),
        }
    }
}

fn sections(
    cursor: &mut Cursor<'_>,
    count: u32,
    body_length: usize,
) -> Result<[Option<Range<usize>>; Section::ALL.len()], Damage> {
    let mut found = [const { None }; Section::ALL.len()];
    for _ in 0..count {
        let entry = (|| Some((cursor.u32()?, cursor.u32()?, cursor.u64()?, cursor.u64()?)))();
        let (id, flags, offset, length) = entry.ok_or(Damage::Header)?;
        let Some(section) = Section::ALL.into_iter().find(|section| section.id() == id) else {
            if flags & REQUIRED != 0 {
                return Err(Damage::UnknownSection { id });
            }
            continue;
        };
        let extent = extent(offset, length, body_length).ok_or(Damage::Extent { section })?;
        if let Some(place) = found.get_mut(section as usize) {
            *place = Some(extent);
        }
    }
    Ok(found)
}

fn extent(offset: u64, length: u64, body_length: usize) -> Option<Range<usize>> {
    let start = usize::try_from(offset).ok()?;
    let end = start.checked_add(usize::try_from(length).ok()?)?;
    (end <= body_length).then_some(start..end)
}

/// Makes all checksums of `file`, which [`assemble`] made with so long a header, right again, whatever else was done
/// to it.
#[cfg(test)]
pub(crate) fn reseal(file: &mut [u8], header_length: usize) {
    let (end, table) = (header_length - CHECKSUM_SIZE, header_length);
    let blocks = (file.len() - table).div_ceil(BLOCK_SIZE + CHECKSUM_SIZE);
    let (front, body) = file.split_at_mut(table + blocks * CHECKSUM_SIZE);
    let sums = checksums(body);
    front[table..].copy_from_slice(&sums);
    front[32..40].copy_from_slice(&xxh3_64(&sums).to_le_bytes());
    let checksum = xxh3_64(&front[..end]).to_le_bytes();
    front[end..table].copy_from_slice(&checksum);
}
