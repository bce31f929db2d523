//! What is said of a CVE: its packed id, and where the records lie.
//!
//! ```text
//! ids, odd ids  see `ids`
//! offsets       of what is said of each id in `Records`, u32
//! records       blobs: the records of an id, one after another
//! ```

use super::names::Said;
use crate::codec::{Cursor, put_blob};
use crate::container::Container;
use crate::error::{Damage, KnowledgeError};
use crate::ids::{self, Ids, RowId};
use crate::section::Section;
use std::path::Path;

const SECTIONS: [Section; 5] =
    [Ids::SECTIONS[0], Ids::SECTIONS[1], Section::Offsets, Section::Records, Section::Strings];

/// The sections of entries in the order of their ids; `None`: they are too long.
pub(crate) fn encode(entries: &[(RowId<'_>, Vec<u8>)], strings: Vec<u8>) -> Option<Vec<(Section, Vec<u8>)>> {
    let (mut offsets, mut records) = (Vec::new(), Vec::new());
    for (_, said) in entries {
        offsets.extend(u32::try_from(records.len()).ok()?.to_le_bytes());
        put_blob(&mut records, said);
    }
    let mut sections = Vec::from(ids::encode(entries.iter().map(|(id, _)| *id))?);
    sections.extend([(Section::Offsets, offsets), (Section::Records, records), (Section::Strings, strings)]);
    Some(sections)
}

/// Such a table.
pub(crate) struct ById {
    pub(crate) file: Container,
    ids: Ids,
}

impl ById {
    pub(crate) fn open(path: &Path, size: u64, header: u64) -> Result<Self, KnowledgeError> {
        let file = Container::open(path, size, header, &SECTIONS)?;
        let ids = (|| {
            let ids = Ids::open(&file)?;
            let whole = file.entries(Section::Offsets, 4, 0)? == ids.len();
            if whole { Ok(ids) } else { Err(Damage::Extent { section: Section::Offsets }) }
        })();
        match ids {
            Ok(ids) => Ok(Self { file, ids }),
            Err(damage) => Err(file.damaged(damage)),
        }
    }

    /// What is said of `id`.
    pub(crate) fn find(&self, id: &str) -> Result<Option<Said<'_>>, Damage> {
        let found = self.ids.find(&self.file, RowId::from(id))?;
        found.map(|index| self.said(index)).transpose()
    }

    fn said(&self, index: usize) -> Result<Said<'_>, Damage> {
        let offset = self.file.u32(Section::Offsets, index)?;
        let cursor = Cursor::new(self.file.blob(Section::Records, offset)?);
        let malformed = Damage::Malformed { section: Section::Records, offset: offset.into() };
        Ok(Said { file: &self.file, cursor, malformed })
    }

    /// All, in the order of the ids.
    pub(crate) fn all(&self) -> impl Iterator<Item = Result<(RowId<'_>, Said<'_>), Damage>> {
        (0..self.ids.len()).map(|index| Ok((self.ids.get(&self.file, index)?, self.said(index)?)))
    }

    /// Checksums are right and ids ascend; what is said is for the caller to read.
    pub(crate) fn verify(&self) -> Result<(), Damage> {
        self.file.check_all_blocks()?;
        self.ids.verify(&self.file)
    }
}
