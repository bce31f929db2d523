//! What is said of a name: a sorted table, searched in place.
//!
//! ```text
//! offsets  of each entry in `Records`, u32, in the order of the names
//! records  blobs: the name as blob, then what is said of it, to the end
//! ```

use crate::codec::{Cursor, put_blob};
use crate::container::Container;
use crate::error::{Damage, KnowledgeError};
use crate::section::Section;
use std::cmp::Ordering;
use std::path::Path;

const SECTIONS: [Section; 3] = [Section::Offsets, Section::Records, Section::Strings];

/// The sections of entries in the order of their names; `None`: they are too long.
pub(crate) fn encode<'a>(
    entries: impl IntoIterator<Item = (&'a [u8], Vec<u8>)>,
    strings: Vec<u8>,
) -> Option<Vec<(Section, Vec<u8>)>> {
    let (mut offsets, mut records) = (Vec::new(), Vec::new());
    for (name, said) in entries {
        offsets.extend(u32::try_from(records.len()).ok()?.to_le_bytes());
        let mut record = Vec::with_capacity(name.len() + said.len() + 2);
        put_blob(&mut record, name);
        record.extend(said);
        put_blob(&mut records, &record);
    }
    Some(vec![(Section::Offsets, offsets), (Section::Records, records), (Section::Strings, strings)])
}

/// Such a table.
pub(crate) struct Names {
    pub(crate) file: Container,
    count: usize,
}

impl Names {
    pub(crate) fn open(path: &Path, size: u64, header: u64) -> Result<Self, KnowledgeError> {
        let file = Container::open(path, size, header, &SECTIONS)?;
        let count = file.entries(Section::Offsets, 4, 0).map_err(|damage| file.damaged(damage))?;
        Ok(Self { file, count })
    }

    /// Name and rest of an entry.
    fn entry(&self, index: usize) -> Result<(&[u8], Said<'_>), Damage> {
        let offset = self.file.u32(Section::Offsets, index)?;
        let malformed = Damage::Malformed { section: Section::Records, offset: offset.into() };
        let mut cursor = Cursor::new(self.file.blob(Section::Records, offset)?);
        let name = cursor.blob().ok_or(malformed)?;
        Ok((name, Said { file: &self.file, cursor, malformed }))
    }

    /// What is said of `name`.
    pub(crate) fn find(&self, name: &[u8]) -> Result<Option<Said<'_>>, Damage> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            let (found, said) = self.entry(middle)?;
            match found.cmp(name) {
                Ordering::Equal => return Ok(Some(said)),
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }

    /// All, in the order of the names.
    pub(crate) fn all(&self) -> impl Iterator<Item = Result<(&[u8], Said<'_>), Damage>> {
        (0..self.count).map(|index| self.entry(index))
    }

    /// Checksums are right and names ascend; what is said is for the caller to read.
    pub(crate) fn verify(&self) -> Result<(), Damage> {
        self.file.check_all_blocks()?;
        let mut last = None;
        for entry in self.all() {
            let (name, said) = entry?;
            if last.replace(name).is_some_and(|last| last >= name) {
                return Err(said.malformed);
            }
        }
        Ok(())
    }
}

/// The bytes of one entry, read forward.
pub(crate) struct Said<'a> {
    pub(crate) file: &'a Container,
    pub(crate) cursor: Cursor<'a>,
    pub(crate) malformed: Damage,
}

impl<'a> Said<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.cursor.is_empty()
    }

    /// What `read` makes of the next bytes.
    pub(crate) fn next<T>(&mut self, read: impl FnOnce(&mut Cursor<'a>) -> Option<T>) -> Result<T, Damage> {
        read(&mut self.cursor).ok_or(self.malformed)
    }

    /// A text of `Strings`.
    pub(crate) fn text(&mut self) -> Result<&'a str, Damage> {
        let offset = self.next(Cursor::offset)?;
        self.file.text(Section::Strings, offset)
    }
}
