//! One mapped file: from a key to the bytes of its group, from a reference to a text.
//!
//! Everything of variable length is a blob (varint length, bytes) and is referred to by its offset in its
//! section. A name is found by open addressing: slot `xxh3(name)` modulo the number of slots, then the next ones
//! until an empty one; a slot holds the upper half of the hash and 1 + the name's place in `Names`.

use crate::blocks::Checked;
use crate::codec::Cursor;
use crate::error::{Damage, KnowledgeError};
use crate::layout::{FORMAT_MAJOR, HeaderError, Layout, Section};
use crate::mapped::Mapped;
use crate::scope::{self, Scope};
use imagescan_model::{MatchedBy, PackageType, Release};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64;

/// Bytes of an entry of `Slots`, `Names` and `Keys`: two u32 each.
pub(crate) const PAIR: usize = 8;
/// All scopes are held in memory, so their section is bounded.
const LONGEST_SCOPES: usize = 1 << 20;
/// Longest varint of a u32.
const LONGEST_LENGTH: usize = 5;

/// The upper half of the hash of `name`, and the slot where the search for it begins.
pub(crate) fn slot_of(name: &str, slots: usize) -> (u32, usize) {
    let hash = xxh3_64(name.as_bytes());
    let start = hash.checked_rem(slots as u64).unwrap_or_default();
    ((hash >> 32) as u32, start as usize)
}

/// A segment that was opened: header and list of checksums are right, blocks are compared when read.
pub(crate) struct Segment {
    path: PathBuf,
    file: Mapped,
    layout: Layout,
    checked: Checked,
    scopes: Vec<Scope>,
}

impl Segment {
    /// Opens the file of `distribution`, of which the manifest says the size and the header's checksum.
    pub(crate) fn open(
        path: &Path,
        distribution: &str,
        size: u64,
        header: u64,
    ) -> Result<Self, KnowledgeError> {
        let file = Mapped::open(path, size)?;
        let layout = Layout::parse(file.bytes(), header).map_err(|error| match error {
            HeaderError::Damage(damage) => KnowledgeError::Damaged { path: path.into(), damage },
            HeaderError::Format(found) => {
                KnowledgeError::Format { path: path.into(), found, supported: FORMAT_MAJOR.into() }
            }
        })?;
        let checked = Checked::none(layout.table.len().div_ceil(crate::blocks::CHECKSUM_SIZE));
        let mut segment = Self { path: path.into(), file, layout, checked, scopes: Vec::new() };
        segment.scopes = segment.read_scopes(distribution).map_err(|damage| segment.damaged(damage))?;
        segment.check_tables().map_err(|damage| segment.damaged(damage))?;
        Ok(segment)
    }

    fn read_scopes(&self, distribution: &str) -> Result<Vec<Scope>, Damage> {
        let section = Section::Scopes;
        let length = self.layout.section(section).len();
        if length > LONGEST_SCOPES {
            return Err(Damage::Extent { section });
        }
        let bytes = self.read(section, 0, length)?;
        scope::decode(bytes, distribution).ok_or(Damage::Malformed { section, offset: 0 })
    }

    /// Tables are of whole entries, and `Names` ends with one that is no name.
    fn check_tables(&self) -> Result<(), Damage> {
        for (section, least) in [(Section::Slots, 1), (Section::Names, 1), (Section::Keys, 0)] {
            let length = self.layout.section(section).len();
            if !length.is_multiple_of(PAIR) || length / PAIR < least {
                return Err(Damage::Extent { section });
            }
        }
        Ok(())
    }

    pub(crate) fn damaged(&self, damage: Damage) -> KnowledgeError {
        KnowledgeError::Damaged { path: self.path.clone(), damage }
    }

    /// The whole body, for those who check all of it.
    pub(crate) fn check_all_blocks(&self) -> Result<(), Damage> {
        let body = self.body();
        self.checked.read(body, self.table(), 0, body.len()).map(drop)
    }

    /// How many names it has.
    pub(crate) fn names(&self) -> usize {
        self.entries(Section::Names).saturating_sub(1)
    }

    /// How many keys it has.
    pub(crate) fn keys(&self) -> usize {
        self.entries(Section::Keys)
    }

    fn entries(&self, section: Section) -> usize {
        self.layout.section(section).len() / PAIR
    }

    fn body(&self) -> &[u8] {
        self.file.bytes().get(self.layout.body..).unwrap_or_default()
    }

    fn table(&self) -> &[u8] {
        self.file.bytes().get(self.layout.table.clone()).unwrap_or_default()
    }

    /// Bytes of a section, from checked blocks.
    fn read(&self, section: Section, offset: usize, length: usize) -> Result<&[u8], Damage> {
        let malformed = Damage::Malformed { section, offset: offset as u64 };
        let extent = self.layout.section(section);
        let end = offset.checked_add(length).ok_or(malformed)?;
        if end > extent.len() {
            return Err(malformed);
        }
        self.checked.read(self.body(), self.table(), extent.start + offset, length)?.ok_or(malformed)
    }

    /// An entry of a table.
    fn pair(&self, section: Section, index: usize) -> Result<(u32, u32), Damage> {
        let bytes = self.read(section, index.saturating_mul(PAIR), PAIR)?;
        pair_of(bytes).ok_or(Damage::Malformed { section, offset: index as u64 * PAIR as u64 })
    }

    /// The blob at `offset` of a section.
    #[inline]
    pub(crate) fn blob(&self, section: Section, offset: u32) -> Result<&[u8], Damage> {
        let start = offset as usize;
        let left = self.layout.section(section).len().saturating_sub(start);
        let head = self.read(section, start, left.min(LONGEST_LENGTH))?;
        let mut cursor = Cursor::new(head);
        let length = cursor.offset().ok_or(Damage::Malformed { section, offset: offset.into() })?;
        let prefix = head.len() - cursor.left();
        self.read(section, start.saturating_add(prefix), length as usize)
    }

    /// The text at `offset` of `Strings`.
    pub(crate) fn text(&self, offset: u32) -> Result<&str, Damage> {
        let bytes = self.blob(Section::Strings, offset)?;
        str::from_utf8(bytes)
            .map_err(|_| Damage::Malformed { section: Section::Strings, offset: offset.into() })
    }

    /// The name with number `index`, and its keys as a range of `Keys`.
    pub(crate) fn name(&self, index: usize) -> Result<(&str, std::ops::Range<usize>), Damage> {
        let (text, first) = self.pair(Section::Names, index)?;
        let (_, end) = self.pair(Section::Names, index.saturating_add(1))?;
        if first > end || end as usize > self.keys() {
            return Err(Damage::Malformed { section: Section::Names, offset: (index * PAIR) as u64 });
        }
        Ok((self.text(text)?, first as usize..end as usize))
    }

    /// The number of `name`, if any row has it.
    pub(crate) fn find_name(&self, name: &str) -> Result<Option<usize>, Damage> {
        let slots = self.entries(Section::Slots);
        let (tag, start) = slot_of(name, slots);
        for step in 0..slots {
            let (found, index) = self.pair(Section::Slots, (start + step) % slots)?;
            let Some(index) = index.checked_sub(1) else {
                return Ok(None);
            };
            if found == tag && self.name(index as usize)?.0 == name {
                return Ok(Some(index as usize));
            }
        }
        Ok(None)
    }

    /// Scope, name and group of a key, if any row has it.
    pub(crate) fn find(
        &self,
        release: &Release,
        package_type: &PackageType,
        matched_by: MatchedBy,
        name: &str,
    ) -> Result<Option<Found<'_>>, Damage> {
        let Some(wanted) = scope::find(&self.scopes, release, package_type, matched_by) else {
            return Ok(None);
        };
        let Some(index) = self.find_name(name)? else {
            return Ok(None);
        };
        let (name, keys) = self.name(index)?;
        let bytes = self.read(Section::Keys, keys.start * PAIR, keys.len() * PAIR)?;
        let pairs = bytes.as_chunks::<PAIR>().0;
        let place = pairs.binary_search_by_key(&(wanted as u64), |pair| {
            pair_of(pair).map_or(u64::MAX, |(scope, _)| scope.into())
        });
        let Ok(place) = place else { return Ok(None) };
        self.found(name, keys.start + place).map(Some)
    }

    /// The key with number `key`, which is one of `name`.
    pub(crate) fn found<'a>(&'a self, name: &'a str, key: usize) -> Result<Found<'a>, Damage> {
        let (scope, offset) = self.pair(Section::Keys, key)?;
        let malformed = Damage::Malformed { section: Section::Keys, offset: (key * PAIR) as u64 };
        let scope = self.scopes.get(scope as usize).ok_or(malformed)?;
        let group = self.blob(Section::Groups, offset)?;
        Ok(Found { scope, name, group, offset })
    }

    /// The scope's number of a key.
    pub(crate) fn scope_of(&self, key: usize) -> Result<u32, Damage> {
        Ok(self.pair(Section::Keys, key)?.0)
    }
}

/// A key that has rows.
pub(crate) struct Found<'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) name: &'a str,
    pub(crate) group: &'a [u8],
    /// Where the group lies, for errors.
    pub(crate) offset: u32,
}

fn pair_of(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut cursor = Cursor::new(bytes);
    Some((cursor.u32()?, cursor.u32()?))
}
