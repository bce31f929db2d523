//! Texts that only people read, in compressed blocks: a file of its own, read when something is shown.
//!
//! ```text
//! offsets  of each block: number of its first text u32 · place in `Blocks` u32 · bytes before compression u32;
//!          at the end count of texts u32 · end of `Blocks` u32 · 0 u32
//! blocks   zstd frames, each of texts as blobs
//! ```

use crate::codec::{Cursor, put_blob};
use crate::container::Container;
use crate::error::{Damage, KnowledgeError};
use crate::mapped;
use crate::section::Section;
use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Bytes after which a block ends.
const BLOCK: usize = 32 * 1024;
/// No block claims more, so that a hostile one costs little.
pub(crate) const LONGEST: usize = 16 << 20;
/// Blocks that are kept decompressed.
const KEPT: usize = 1024;
const ENTRY: usize = 12;
const LEVEL: i32 = 9;

/// The sections of `texts`; `None`: one of them, or all, are too long.
pub(crate) fn encode<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<Vec<(Section, Vec<u8>)>> {
    let (mut offsets, mut blocks, mut raw) = (Vec::new(), Vec::new(), Vec::new());
    let (mut first, mut count) = (0u32, 0u32);
    let mut entry = |first: u32, blocks: &[u8], raw: usize| {
        let place = u32::try_from(blocks.len()).ok()?;
        [first, place, raw as u32].iter().for_each(|number| offsets.extend(number.to_le_bytes()));
        Some(())
    };
    let mut compressor = zstd::bulk::Compressor::new(LEVEL).ok()?;
    let mut flush = |raw: &mut Vec<u8>, first: u32, blocks: &mut Vec<u8>| {
        entry(first, blocks, raw.len())?;
        blocks.extend(compressor.compress(raw).ok()?);
        raw.clear();
        Some(())
    };
    for text in texts {
        if !raw.is_empty() && raw.len() + text.len() > BLOCK {
            flush(&mut raw, first, &mut blocks)?;
            first = count;
        }
        put_blob(&mut raw, text.as_bytes());
        if raw.len() > LONGEST {
            return None;
        }
        count = count.checked_add(1)?;
    }
    if !raw.is_empty() {
        flush(&mut raw, first, &mut blocks)?;
    }
    entry(count, &blocks, 0)?;
    Some(vec![(Section::Offsets, offsets), (Section::Blocks, blocks)])
}

/// A file of texts. It is held open and read when something is shown: most that open a database show nothing of it.
pub(crate) struct Texts {
    held: File,
    path: PathBuf,
    size: u64,
    header: u64,
    file: OnceLock<Mapped>,
}

/// What was made of the file.
struct Mapped {
    file: Container,
    blocks: usize,
    /// What was decompressed, by block.
    kept: Mutex<BTreeMap<usize, Arc<Block>>>,
}

/// A decompressed block, and where each of its texts lies.
struct Block {
    bytes: Vec<u8>,
    texts: Vec<Range<usize>>,
}

impl Block {
    /// `None`: they are no texts.
    fn of(bytes: Vec<u8>) -> Option<Self> {
        let mut cursor = Cursor::new(&bytes);
        let mut texts = Vec::new();
        while !cursor.is_empty() {
            let text = cursor.text()?;
            let end = bytes.len() - cursor.left();
            texts.push(end - text.len()..end);
        }
        Some(Self { bytes, texts })
    }

    fn text(&self, index: usize) -> Option<&str> {
        str::from_utf8(self.bytes.get(self.texts.get(index)?.clone())?).ok()
    }
}

#[derive(Clone, Copy)]
struct Entry {
    first: u32,
    place: u32,
    raw: u32,
}

impl Texts {
    pub(crate) fn open(path: &Path, size: u64, header: u64) -> Result<Self, KnowledgeError> {
        let held = mapped::open(path, size)?;
        Ok(Self { held, path: path.into(), size, header, file: OnceLock::new() })
    }

    fn mapped(&self) -> Result<&Mapped, KnowledgeError> {
        if let Some(mapped) = self.file.get() {
            return Ok(mapped);
        }
        let needed = [Section::Offsets, Section::Blocks];
        let file = Container::of(&self.held, &self.path, self.size, self.header, &needed)?;
        let entries = file.entries(Section::Offsets, ENTRY, 1).map_err(|damage| file.damaged(damage))?;
        // Two threads may both have opened it: one of them has done so in vain.
        Ok(self.file.get_or_init(|| Mapped { file, blocks: entries - 1, kept: Mutex::default() }))
    }

    /// The text with this number.
    pub(crate) fn get(&self, number: u32) -> Result<String, KnowledgeError> {
        let mapped = self.mapped()?;
        mapped.find(number).map_err(|damage| mapped.file.damaged(damage))
    }

    /// There is a text with this number.
    pub(crate) fn has(&self, number: u32) -> Result<bool, KnowledgeError> {
        let mapped = self.mapped()?;
        let end = mapped.entry(mapped.blocks).map_err(|damage| mapped.file.damaged(damage))?;
        Ok(number < end.first)
    }

    /// Every block is what its entry says.
    pub(crate) fn verify(&self) -> Result<(), KnowledgeError> {
        let mapped = self.mapped()?;
        mapped.verify().map_err(|damage| mapped.file.damaged(damage))
    }
}

impl Mapped {
    fn find(&self, number: u32) -> Result<String, Damage> {
        let (mut low, mut high) = (0, self.blocks);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.entry(middle)?.first <= number { low = middle + 1 } else { high = middle }
        }
        let malformed = Damage::Malformed { section: Section::Offsets, offset: number.into() };
        let index = low.checked_sub(1).ok_or(malformed)?;
        let place = number - self.entry(index)?.first;
        self.block(index)?.text(place as usize).map(str::to_owned).ok_or(malformed)
    }

    fn entry(&self, index: usize) -> Result<Entry, Damage> {
        let bytes = self.file.read(Section::Offsets, index.saturating_mul(ENTRY), ENTRY)?;
        let mut cursor = Cursor::new(bytes);
        (|| Some(Entry { first: cursor.u32()?, place: cursor.u32()?, raw: cursor.u32()? }))()
            .ok_or(Damage::Extent { section: Section::Offsets })
    }

    fn block(&self, index: usize) -> Result<Arc<Block>, Damage> {
        // A panic elsewhere leaves nothing half done here.
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&index).cloned();
        if let Some(block) = kept {
            return Ok(block);
        }
        let block = Arc::new(self.decompress(index)?);
        let mut blocks = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if blocks.len() >= KEPT {
            blocks.clear();
        }
        blocks.insert(index, Arc::clone(&block));
        Ok(block)
    }

    fn decompress(&self, index: usize) -> Result<Block, Damage> {
        let (entry, next) = (self.entry(index)?, self.entry(index + 1)?);
        let malformed = Damage::Malformed { section: Section::Blocks, offset: entry.place.into() };
        let length = next.place.checked_sub(entry.place).ok_or(malformed)? as usize;
        let raw = entry.raw as usize;
        let bytes = self.file.read(Section::Blocks, entry.place as usize, length)?;
        if raw > LONGEST {
            return Err(malformed);
        }
        let block = zstd::bulk::decompress(bytes, raw).map_err(|_| malformed)?;
        Some(block).filter(|block| block.len() == raw).and_then(Block::of).ok_or(malformed)
    }

    fn verify(&self) -> Result<(), Damage> {
        self.file.check_all_blocks()?;
        let malformed = Damage::Extent { section: Section::Offsets };
        let mut first = 0;
        for index in 0..self.blocks {
            let entry = self.entry(index)?;
            let count = self.decompress(index)?.texts.len() as u32;
            if entry.first != first || count == 0 || (index == 0 && entry.place != 0) {
                return Err(malformed);
            }
            first += count;
        }
        let end = self.entry(self.blocks)?;
        let whole =
            end.first == first && end.place as usize == self.file.length(Section::Blocks) && end.raw == 0;
        if whole { Ok(()) } else { Err(malformed) }
    }
}
