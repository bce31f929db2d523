//! One mapped file, whatever it is of: its sections, compared with their checksums as they are read.

use crate::blocks::{CHECKSUM_SIZE, Checked, Table};
use crate::codec::Cursor;
use crate::error::{Damage, KnowledgeError};
use crate::layout::{FORMAT_MAJOR, HeaderError, Layout};
use crate::mapped::{self, Mapped};
use crate::section::Section;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Longest varint of a u32.
const LONGEST_LENGTH: usize = 5;

/// A file that was opened: the header is right, all else is compared when it is read.
pub(crate) struct Container {
    path: PathBuf,
    file: Mapped,
    layout: Layout,
    checked: Checked,
}

impl Container {
    /// Opens a file of which the manifest says the size and the header's checksum, and which must have the sections
    /// `needed`.
    pub(crate) fn open(
        path: &Path,
        size: u64,
        header: u64,
        needed: &[Section],
    ) -> Result<Self, KnowledgeError> {
        Self::of(&mapped::open(path, size)?, path, size, header, needed)
    }

    /// The same of a file that is open.
    pub(crate) fn of(
        file: &File,
        path: &Path,
        size: u64,
        header: u64,
        needed: &[Section],
    ) -> Result<Self, KnowledgeError> {
        let file = Mapped::of(file, path, size)?;
        let damaged = |damage| KnowledgeError::Damaged { path: path.into(), damage };
        let layout = Layout::parse(file.bytes(), header).map_err(|error| match error {
            HeaderError::Damage(damage) => damaged(damage),
            HeaderError::Format(found) => {
                KnowledgeError::Format { path: path.into(), found, supported: FORMAT_MAJOR.into() }
            }
        })?;
        layout.require(needed).map_err(damaged)?;
        let checked = Checked::none(layout.table.len().div_ceil(CHECKSUM_SIZE));
        Ok(Self { path: path.into(), file, layout, checked })
    }

    pub(crate) fn damaged(&self, damage: Damage) -> KnowledgeError {
        KnowledgeError::Damaged { path: self.path.clone(), damage }
    }

    /// For those who check all of it.
    pub(crate) fn check_all_blocks(&self) -> Result<(), Damage> {
        let body = self.body();
        self.checked.compare(body, self.table(), 0, body.len())
    }

    fn body(&self) -> &[u8] {
        self.file.bytes().get(self.layout.body..).unwrap_or_default()
    }

    fn table(&self) -> Table<'_> {
        let bytes = self.file.bytes().get(self.layout.table.clone()).unwrap_or_default();
        Table { bytes, checksum: self.layout.table_checksum }
    }

    /// Bytes of a section.
    pub(crate) fn length(&self, section: Section) -> usize {
        self.layout.place(section).1
    }

    /// Entries of a table whose entries have `size` bytes; it must be of whole ones, and have at least `least`.
    pub(crate) fn entries(&self, section: Section, size: usize, least: usize) -> Result<usize, Damage> {
        let length = self.length(section);
        if !length.is_multiple_of(size) || length / size < least {
            return Err(Damage::Extent { section });
        }
        Ok(length / size)
    }

    /// Bytes of a section, from checked blocks.
    #[inline]
    pub(crate) fn read(&self, section: Section, offset: usize, length: usize) -> Result<&[u8], Damage> {
        let (start, section_length) = self.layout.place(section);
        let malformed = Damage::Malformed { section, offset: offset as u64 };
        if length > section_length || offset > section_length - length {
            return Err(malformed);
        }
        let start = start + offset;
        let bytes = self.body().get(start..start + length).ok_or(malformed)?;
        if !self.checked.is_right(start, length) {
            self.checked.compare(self.body(), self.table(), start, length)?;
        }
        Ok(bytes)
    }

    /// A number of a table of them.
    #[inline]
    pub(crate) fn u32(&self, section: Section, index: usize) -> Result<u32, Damage> {
        let offset = index.saturating_mul(4);
        let bytes = self.read(section, offset, 4)?;
        Cursor::new(bytes).u32().ok_or(Damage::Malformed { section, offset: offset as u64 })
    }

    /// The blob at `offset` of a section.
    #[inline]
    pub(crate) fn blob(&self, section: Section, offset: u32) -> Result<&[u8], Damage> {
        let start = offset as usize;
        let (first, section_length) = self.layout.place(section);
        // The length counts only once the blocks are compared in which it and what it speaks of lie.
        let whole = self.body().get(first..first + section_length).unwrap_or_default();
        let mut cursor = Cursor::new(whole);
        let found = cursor.take(start).and_then(|_| {
            let (left, length) = (cursor.left(), cursor.offset()? as usize);
            let prefix = left - cursor.left();
            (length <= cursor.left()).then_some((prefix, length))
        });
        let Some((prefix, length)) = found else {
            // Where the length's own block is damaged, that is what to say.
            let left = section_length.saturating_sub(start);
            self.read(section, start, left.min(LONGEST_LENGTH))?;
            return Err(Damage::Malformed { section, offset: offset.into() });
        };
        let bytes = self.read(section, start, prefix + length)?;
        bytes.get(prefix..).ok_or(Damage::Malformed { section, offset: offset.into() })
    }

    /// The text at `offset` of a section of texts.
    #[inline]
    pub(crate) fn text(&self, section: Section, offset: u32) -> Result<&str, Damage> {
        let bytes = self.blob(section, offset)?;
        str::from_utf8(bytes).map_err(|_| Damage::Malformed { section, offset: offset.into() })
    }
}
