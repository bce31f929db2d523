//! A distribution's advisories: from a key to the bytes of its rows.
//!
//! Everything of variable length is a blob (varint length, bytes) and is referred to by its offset in its
//! section. A name is found by open addressing: slot (lower 32 bits of `xxh3(name)`) · (number of slots) / 2^32, then
//! the next ones until an empty one (0); a slot holds the upper 8 bits of the hash above 1 + the name's place in `Names`.

use crate::codec::Cursor;
use crate::container::Container;
use crate::detail::NONE;
use crate::error::{Damage, KnowledgeError};
use crate::group::GroupReader;
use crate::ids::{Ids, RowId};
use crate::scope::{self, Scope};
use crate::section::Section;
use crate::texts::Texts;
use imagescan_model::{MatchedBy, PackageType, Release};
use std::path::Path;
use std::sync::OnceLock;
use xxhash_rust::xxh3::xxh3_64;

/// Bytes of an entry of `Names`: two u32.
pub(crate) const PAIR: usize = 8;
/// Bytes of an entry of `Keys`: the scope as u16, the group as u32.
pub(crate) const KEY: usize = 6;
/// Bits of a slot that are a name's number.
pub(crate) const SLOT_BITS: u32 = 24;
/// All scopes are held in memory, so their section is bounded.
const LONGEST_SCOPES: usize = 1 << 20;

/// What such a segment has.
const SECTIONS: [Section; 17] = [
    Section::Scopes,
    Section::Slots,
    Section::Names,
    Section::NameTexts,
    Section::Keys,
    Section::Groups,
    Section::Versions,
    Section::Contexts,
    Section::ContextPlaces,
    Section::Strings,
    Section::Ids,
    Section::OddIds,
    Section::KeyDetails,
    Section::Details,
    Section::SubjectPlaces,
    Section::Subjects,
    Section::Issues,
];

/// The upper 8 bits of the hash of `name` in their place in a slot, and the slot where the search for it begins.
pub(crate) fn slot_of(name: &str, slots: usize) -> (u32, usize) {
    let hash = xxh3_64(name.as_bytes());
    let start = (hash & u64::from(u32::MAX)).wrapping_mul(slots as u64) >> 32;
    (((hash >> 56) as u32) << SLOT_BITS, start as usize)
}

/// A distribution's segment that was opened.
pub(crate) struct Segment {
    file: Container,
    /// A file of its own; there is none where no row has texts.
    texts: Option<Texts>,
    /// Read with the first lookup.
    scopes: OnceLock<Result<Vec<Scope>, Damage>>,
    distribution: String,
    ids: Ids,
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
        texts: Option<Texts>,
    ) -> Result<Self, KnowledgeError> {
        let file = Container::open(path, size, header, &SECTIONS)?;
        let (ids, [slots, names, keys]) = Self::tables(&file).map_err(|damage| file.damaged(damage))?;
        let distribution = distribution.into();
        Ok(Self { file, texts, scopes: OnceLock::new(), distribution, ids, slots, names, keys })
    }

    fn tables(file: &Container) -> Result<(Ids, [usize; 3]), Damage> {
        let ids = Ids::open(file)?;
        let slots = file.entries(Section::Slots, 4, 1)?;
        let names = file.entries(Section::Names, PAIR, 1)? - 1;
        let keys = file.entries(Section::Keys, KEY, 0)?;
        for (section, count) in [(Section::KeyDetails, keys), (Section::SubjectPlaces, ids.len())] {
            if file.entries(section, 4, 0)? != count {
                return Err(Damage::Extent { section });
            }
        }
        Ok((ids, [slots, names, keys]))
    }

    pub(crate) fn scopes(&self) -> Result<&[Scope], Damage> {
        let scopes = self.scopes.get_or_init(|| scopes(&self.file, &self.distribution));
        scopes.as_deref().map_err(|damage| *damage)
    }

    pub(crate) fn file(&self) -> &Container {
        &self.file
    }

    pub(crate) fn damaged(&self, damage: Damage) -> KnowledgeError {
        self.file.damaged(damage)
    }

    /// How many names it has.
    pub(crate) fn names(&self) -> usize {
        self.names
    }

    /// How many keys it has.
    pub(crate) fn keys(&self) -> usize {
        self.keys
    }

    /// The text at `offset` of `Strings`.
    pub(crate) fn text(&self, offset: u32) -> Result<&str, Damage> {
        self.file.text(Section::Strings, offset)
    }

    /// The version at `place` of `Versions`.
    #[inline]
    pub(crate) fn version(&self, place: Option<u32>) -> Result<Option<&str>, Damage> {
        place.map(|place| self.file.text(Section::Versions, place)).transpose()
    }

    /// The id with this number.
    #[inline]
    pub(crate) fn id(&self, number: u32) -> Result<RowId<'_>, Damage> {
        self.ids.get(&self.file, number as usize)
    }

    /// There is a text with this number.
    pub(crate) fn is_told(&self, number: u32) -> Result<(), KnowledgeError> {
        if let Some(texts) = &self.texts
            && texts.has(number)?
        {
            return Ok(());
        }
        Err(self.damaged(Damage::Malformed { section: Section::Subjects, offset: number.into() }))
    }

    /// A text that is read apart.
    pub(crate) fn told(&self, number: u32) -> Result<String, KnowledgeError> {
        match &self.texts {
            Some(texts) => texts.get(number),
            None => {
                Err(self.damaged(Damage::Malformed { section: Section::Subjects, offset: number.into() }))
            }
        }
    }

    /// The name with number `index`, and its keys as a range of `Keys`.
    pub(crate) fn name(&self, index: usize) -> Result<(&str, std::ops::Range<usize>), Damage> {
        let pair = |index: usize| {
            let bytes = self.file.read(Section::Names, index.saturating_mul(PAIR), PAIR)?;
            let mut cursor = Cursor::new(bytes);
            cursor.u32().zip(cursor.u32()).ok_or(Damage::Extent { section: Section::Names })
        };
        let (text, first) = pair(index)?;
        let (_, end) = pair(index.saturating_add(1))?;
        if first > end || end as usize > self.keys {
            return Err(Damage::Malformed { section: Section::Names, offset: (index * PAIR) as u64 });
        }
        Ok((self.file.text(Section::NameTexts, text)?, first as usize..end as usize))
    }

    /// The number of `name`, if any row has it.
    pub(crate) fn find_name(&self, name: &str) -> Result<Option<usize>, Damage> {
        let (tag, start) = slot_of(name, self.slots);
        for step in 0..self.slots {
            let place = start + step;
            let place = if place < self.slots { place } else { place - self.slots };
            let slot = self.file.u32(Section::Slots, place)?;
            if slot == 0 {
                return Ok(None);
            }
            let index = (slot & !(u32::MAX << SLOT_BITS)).checked_sub(1);
            let index = index.ok_or(Damage::Malformed { section: Section::Slots, offset: place as u64 })?;
            if slot & u32::MAX << SLOT_BITS == tag && self.name(index as usize)?.0 == name {
                return Ok(Some(index as usize));
            }
        }
        Ok(None)
    }

    /// A key, if any row has it.
    pub(crate) fn find(
        &self,
        release: &Release,
        package_type: &PackageType,
        matched_by: MatchedBy,
        name: &str,
    ) -> Result<Option<Found<'_>>, Damage> {
        let Some(index) = self.find_name(name)? else {
            return Ok(None);
        };
        let Some(wanted) = scope::find(self.scopes()?, release, package_type, matched_by) else {
            return Ok(None);
        };
        let (name, keys) = self.name(index)?;
        let bytes = self.file.read(Section::Keys, keys.start * KEY, keys.len() * KEY)?;
        let entries = bytes.as_chunks::<KEY>().0;
        let place = entries
            .binary_search_by_key(&wanted, |[low, high, ..]| usize::from(u16::from_le_bytes([*low, *high])));
        let Ok(place) = place else { return Ok(None) };
        self.found(name, keys.start + place).map(Some)
    }

    /// The key with number `key`, which is one of `name`.
    pub(crate) fn found<'a>(&'a self, name: &'a str, key: usize) -> Result<Found<'a>, Damage> {
        let malformed = Damage::Malformed { section: Section::Keys, offset: (key * KEY) as u64 };
        let mut cursor = Cursor::new(self.file.read(Section::Keys, key.saturating_mul(KEY), KEY)?);
        let (scope, group) = cursor.array().map(u16::from_le_bytes).zip(cursor.u32()).ok_or(malformed)?;
        let scope = self.scopes()?.get(usize::from(scope)).ok_or(malformed)?;
        Ok(Found { scope, name, key: key as u32, group })
    }

    /// The scope's number of a key.
    pub(crate) fn scope_of(&self, key: usize) -> Result<u16, Damage> {
        let bytes = self.file.read(Section::Keys, key.saturating_mul(KEY), 2)?;
        let malformed = Damage::Malformed { section: Section::Keys, offset: (key * KEY) as u64 };
        Cursor::new(bytes).array().map(u16::from_le_bytes).ok_or(malformed)
    }

    /// The rows at `offset` of `Groups`.
    pub(crate) fn group(&self, offset: u32) -> Result<GroupReader<'_>, Damage> {
        let malformed = Damage::Malformed { section: Section::Groups, offset: offset.into() };
        GroupReader::new(self.file.blob(Section::Groups, offset)?).ok_or(malformed)
    }

    /// Where the details of a key lie.
    pub(crate) fn details_of(&self, key: u32) -> Result<u32, Damage> {
        self.file.u32(Section::KeyDetails, key as usize)
    }

    /// Checksums are right and ids ascend.
    pub(crate) fn verify(&self) -> Result<(), KnowledgeError> {
        let damaged = |damage| self.damaged(damage);
        self.file.check_all_blocks().map_err(damaged)?;
        self.ids.verify(&self.file).map_err(damaged)?;
        self.scopes().map_err(damaged)?;
        for id in 0..self.ids.len() {
            // Which variants there are, rows say; the first one is there in any case.
            if self.file.u32(Section::SubjectPlaces, id).map_err(damaged)? != NONE {
                crate::detail::subject(self, id as u32, 0).map_err(damaged)?;
            }
        }
        match &self.texts {
            Some(texts) => texts.verify(),
            None => Ok(()),
        }
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
    pub(crate) key: u32,
    /// Where its rows lie.
    pub(crate) group: u32,
}
