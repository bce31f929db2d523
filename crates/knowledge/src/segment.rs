//! One mapped file: from a key to the bytes of its group, from a reference to a text.
//!
//! Everything of variable length is a blob (varint length, bytes) and is referred to by its offset in its
//! section. A name is found by open addressing: slot `xxh3(name)` modulo the number of slots, then the next ones
//! until an empty one; a slot holds the upper half of the hash and 1 + the name's place in `Names`.

use crate::codec::Cursor;
use crate::container::Container;
use crate::error::{Damage, KnowledgeError};
use crate::scope::{self, Scope};
use crate::section::Section;
use imagescan_model::{MatchedBy, PackageType, Release};
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64;

/// Bytes of an entry of `Slots`, `Names` and `Keys`: two u32 each.
pub(crate) const PAIR: usize = 8;
/// All scopes are held in memory, so their section is bounded.
const LONGEST_SCOPES: usize = 1 << 20;

/// The upper half of the hash of `name`, and the slot where the search for it begins.
pub(crate) fn slot_of(name: &str, slots: usize) -> (u32, usize) {
    let hash = xxh3_64(name.as_bytes());
    let start = hash.checked_rem(slots as u64).unwrap_or_default();
    ((hash >> 32) as u32, start as usize)
}

/// What a segment of advisories has.
const SECTIONS: [Section; 8] = [
    Section::Scopes,
    Section::Slots,
    Section::Names,
    Section::Keys,
    Section::Groups,
    Section::Lists,
    Section::Details,
    Section::Strings,
];

/// A distribution's segment that was opened.
pub(crate) struct Segment {
    file: Container,
    scopes: Vec<Scope>,
    slots: usize,
    names: usize,
    keys: usize,
}

impl Segment {
    /// Opens the file of `distribution`, of which the manifest says the size and the header's checksum.
    pub(crate) fn open(
        path: &Path,
        distribution: &str,
        size: u64,
        header: u64,
    ) -> Result<Self, KnowledgeError> {
        let file = Container::open(path, size, header, &SECTIONS)?;
        let parts = (|| {
            let names = file.entries(Section::Names, PAIR, 1)? - 1;
            let slots = file.entries(Section::Slots, PAIR, 1)?;
            let keys = file.entries(Section::Keys, PAIR, 0)?;
            Ok((scopes(&file, distribution)?, slots, names, keys))
        })();
        match parts {
            Ok((scopes, slots, names, keys)) => Ok(Self { file, scopes, slots, names, keys }),
            Err(damage) => Err(file.damaged(damage)),
        }
    }

    pub(crate) fn damaged(&self, damage: Damage) -> KnowledgeError {
        self.file.damaged(damage)
    }

    /// For those who check all of it.
    pub(crate) fn check_all_blocks(&self) -> Result<(), Damage> {
        self.file.check_all_blocks()
    }

    /// How many names it has.
    pub(crate) fn names(&self) -> usize {
        self.names
    }

    /// How many keys it has.
    pub(crate) fn keys(&self) -> usize {
        self.keys
    }

    /// An entry of a table.
    fn pair(&self, section: Section, index: usize) -> Result<(u32, u32), Damage> {
        let bytes = self.file.read(section, index.saturating_mul(PAIR), PAIR)?;
        pair_of(bytes).ok_or(Damage::Malformed { section, offset: index as u64 * PAIR as u64 })
    }

    /// The blob at `offset` of a section.
    #[inline]
    pub(crate) fn blob(&self, section: Section, offset: u32) -> Result<&[u8], Damage> {
        self.file.blob(section, offset)
    }

    /// The text at `offset` of `Strings`.
    pub(crate) fn text(&self, offset: u32) -> Result<&str, Damage> {
        self.file.text(Section::Strings, offset)
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
        let slots = self.slots;
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
        let bytes = self.file.read(Section::Keys, keys.start * PAIR, keys.len() * PAIR)?;
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

fn scopes(file: &Container, distribution: &str) -> Result<Vec<Scope>, Damage> {
    let section = Section::Scopes;
    let length = file.length(section);
    if length > LONGEST_SCOPES {
        return Err(Damage::Extent { section });
    }
    let bytes = file.read(section, 0, length)?;
    scope::decode(bytes, distribution).ok_or(Damage::Malformed { section, offset: 0 })
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
