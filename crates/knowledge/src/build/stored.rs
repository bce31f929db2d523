//! Texts in a section of blobs.

use crate::codec::put_blob;
use std::collections::{BTreeMap, BTreeSet};

/// Texts sorted, each once, and where each lies.
pub(crate) struct Stored<'a> {
    pub(crate) section: Vec<u8>,
    offsets: BTreeMap<&'a str, u32>,
}

impl<'a> Stored<'a> {
    /// `None`: they do not fit 32 bits.
    pub(crate) fn of(texts: impl Iterator<Item = &'a str>) -> Option<Self> {
        let texts: BTreeSet<&str> = texts.collect();
        let (mut section, mut offsets) = (Vec::new(), BTreeMap::new());
        for text in texts {
            offsets.insert(text, u32::try_from(section.len()).ok()?);
            put_blob(&mut section, text.as_bytes());
        }
        Some(Self { section, offsets })
    }

    /// Of one of them.
    pub(crate) fn offset(&self, text: &str) -> u32 {
        self.offsets.get(text).copied().unwrap_or_default()
    }
}

/// Blobs laid out as they come, equal ones once.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) section: Vec<u8>,
    /// By hash; a blob that meets another's is laid out again.
    offsets: hashbrown::HashMap<u64, (u32, u32)>,
}

impl Shared {
    /// Where `blob` lies; `None`: beyond 32 bits.
    pub(crate) fn put(&mut self, blob: &[u8]) -> Option<u32> {
        let hash = xxhash_rust::xxh3::xxh3_64(blob);
        if let Some((offset, start)) = self.offsets.get(&hash)
            && self.section.get(*start as usize..).is_some_and(|rest| rest.starts_with(blob))
            && self.length(*offset) == Some(blob.len())
        {
            return Some(*offset);
        }
        let offset = u32::try_from(self.section.len()).ok()?;
        put_blob(&mut self.section, blob);
        let start = self.section.len() - blob.len();
        self.offsets.entry(hash).or_insert((offset, u32::try_from(start).ok()?));
        Some(offset)
    }

    fn length(&self, offset: u32) -> Option<usize> {
        let mut cursor = crate::codec::Cursor::new(self.section.get(offset as usize..)?);
        cursor.blob().map(<[u8]>::len)
    }
}
