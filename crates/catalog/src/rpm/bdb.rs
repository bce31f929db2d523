//! The Berkeley DB hash `Packages` of rpm before 4.16 (Oracle's `dbinc/db_page.h`, `hash.h` describe the pages).
//!
//! Hash pages hold pairs of key and value; a header hardly ever fits, so the value is a reference to a chain of
//! overflow pages. Every page is looked at, and every page must belong to something: a hash page, a chain, the
//! free list, or the unused rest of a bucket array. One that is left over was lost by damage.

use super::Blobs;
use super::bytes::{Endian, index};
use super::header;
use imagescan_image::ReadAt;
use std::collections::BTreeSet;

const HASH_MAGIC: u32 = 0x0006_1561;
/// Bytes before a page's items.
const HEAD: usize = 26;

mod page {
    pub(super) const INVALID: u8 = 0;
    pub(super) const HASH_UNSORTED: u8 = 2;
    pub(super) const OVERFLOW: u8 = 7;
    pub(super) const HASH_META: u8 = 8;
    pub(super) const HASH: u8 = 13;
}

mod item {
    pub(super) const KEY_DATA: u8 = 1;
    pub(super) const OFF_PAGE: u8 = 3;
}

/// Reads all headers of `file`.
pub(crate) fn read(file: &dyn ReadAt) -> Blobs {
    let mut blobs = Blobs::default();
    if let Err(why) = Database::open(file).and_then(|mut database| database.pages(&mut blobs)) {
        blobs.problems.push(why);
    }
    blobs
}

struct Database<'a> {
    file: &'a dyn ReadAt,
    endian: Endian,
    size: usize,
    last: u32,
    free: u32,
    /// Pages of chains and of the free list.
    used: BTreeSet<u32>,
}

impl<'a> Database<'a> {
    fn open(file: &'a dyn ReadAt) -> Result<Self, String> {
        let mut meta = [0; 512];
        file.read_exact_at(&mut meta, 0)
            .map_err(|_| "it is shorter than a database's first page".to_string())?;
        let magic = |endian: Endian| endian.u32(&meta, 12) == Some(HASH_MAGIC);
        let endian = [Endian::Little, Endian::Big].into_iter().find(|endian| magic(*endian));
        let endian = endian.ok_or("it does not begin like a Berkeley DB hash")?;
        let field = |at| endian.u32(&meta, at).unwrap_or_default();
        if !(7..=10).contains(&field(16)) {
            return Err(format!("its version is {}: versions 7 to 10 are known", field(16)));
        }
        if meta.get(24) != Some(&0) {
            return Err("it is encrypted".into());
        }
        if meta.get(25) != Some(&page::HASH_META) {
            return Err("its first page is no hash's".into());
        }
        let size = index(field(20));
        if !size.is_power_of_two() || !(512..=65_536).contains(&size) {
            return Err("its page size is invalid".into());
        }
        let last = field(32);
        if (u64::from(last) + 1) * size as u64 != file.len() {
            let got = file.len();
            return Err(format!(
                "it has {got} bytes, but should have {last} pages of {size} and one: it is cut"
            ));
        }
        Ok(Self { file, endian, size, last, free: field(28), used: BTreeSet::new() })
    }

    fn page(&self, number: u32) -> Result<Vec<u8>, String> {
        if number == 0 || number > self.last {
            return Err(format!("it refers to page {number}, but has {}", self.last));
        }
        let mut page = vec![0; self.size];
        let offset = u64::from(number) * self.size as u64;
        self.file.read_exact_at(&mut page, offset).map_err(|error| format!("page {number}: {error}"))?;
        let zero = page.iter().all(|byte| *byte == 0);
        if !zero && self.endian.u32(&page, 8) != Some(number) {
            return Err(format!("page {number} has another number: it is damaged"));
        }
        Ok(page)
    }

    fn pages(&mut self, blobs: &mut Blobs) -> Result<(), String> {
        let mut next = self.free;
        while next != 0 {
            self.claim(next)?;
            let page = self.page(next)?;
            next = self.endian.u32(&page, 16).unwrap_or_default();
        }
        let mut overflow = BTreeSet::new();
        let mut keys = BTreeSet::new();
        for number in 1..=self.last {
            let page = self.page(number)?;
            match page.get(25).copied().unwrap_or_default() {
                page::HASH | page::HASH_UNSORTED => self.items(number, &page, &mut keys, blobs)?,
                page::OVERFLOW => {
                    overflow.insert(number);
                }
                // Freed, or a bucket that was never used.
                page::INVALID if self.used.contains(&number) || page.iter().all(|byte| *byte == 0) => {}
                _ => return Err(format!("page {number} is of no kind that belongs there: it is damaged")),
            }
        }
        match overflow.difference(&self.used).next() {
            Some(lost) => Err(format!("page {lost} belongs to no package: it is damaged")),
            None => Ok(()),
        }
    }

    fn claim(&mut self, number: u32) -> Result<(), String> {
        if self.used.insert(number) {
            Ok(())
        } else {
            Err(format!("page {number} is part of two things: it is damaged"))
        }
    }

    /// The pairs of one hash page.
    fn items(
        &mut self,
        number: u32,
        page: &[u8],
        keys: &mut BTreeSet<Vec<u8>>,
        blobs: &mut Blobs,
    ) -> Result<(), String> {
        let damaged = || format!("page {number} is damaged");
        let count = usize::from(self.endian.u16(page, 20).ok_or_else(damaged)?);
        if count % 2 == 1 {
            return Err(damaged());
        }
        let mut items = Vec::with_capacity(count.min(self.size / 2));
        let mut end = self.size;
        for entry in 0..count {
            // Items grow from the end of the page, each up to where the one before begins.
            let start = usize::from(self.endian.u16(page, HEAD + 2 * entry).ok_or_else(damaged)?);
            if start < HEAD + 2 * count || start >= end {
                return Err(damaged());
            }
            items.push(page.get(start..end).ok_or_else(damaged)?);
            end = start;
        }
        for pair in items.chunks_exact(2) {
            let [[item::KEY_DATA, key @ ..], value] = pair else { return Err(damaged()) };
            if !keys.insert(key.to_vec()) {
                return Err(format!("a key of page {number} is there twice: it is damaged"));
            }
            let name = format!("page {number}");
            match value {
                // The entry with key 0 counts the packages that ever were.
                _ if key.iter().all(|byte| *byte == 0) => {}
                [item::KEY_DATA, header @ ..] => blobs.take(header, &name),
                [item::OFF_PAGE, _, _, _, ..] => {
                    let first = self.endian.u32(value, 4).ok_or_else(damaged)?;
                    let length = index(self.endian.u32(value, 8).ok_or_else(damaged)?);
                    match self.chain(first, length) {
                        Ok(header) => blobs.take(&header, &name),
                        Err(why) => blobs.problems.push(format!("{name}: {why}")),
                    }
                }
                _ => return Err(damaged()),
            }
        }
        Ok(())
    }

    /// `length` bytes of a chain of overflow pages.
    fn chain(&mut self, first: u32, length: usize) -> Result<Vec<u8>, String> {
        if length > header::LONGEST {
            return Err(format!("a header of {length} bytes is no package's"));
        }
        let mut bytes = Vec::new();
        let mut next = first;
        while next != 0 {
            self.claim(next)?;
            let page = self.page(next)?;
            if page.get(25) != Some(&page::OVERFLOW) {
                return Err(format!("page {next} is not the rest of it: it is damaged"));
            }
            let used = usize::from(self.endian.u16(&page, 22).unwrap_or_default());
            bytes.extend(page.get(HEAD..HEAD + used).ok_or_else(|| format!("page {next} is damaged"))?);
            if bytes.len() > length {
                return Err("more follows than its length says".into());
            }
            next = self.endian.u32(&page, 16).unwrap_or_default();
        }
        if bytes.len() != length {
            return Err(format!("it has {} bytes of {length}: it is damaged", bytes.len()));
        }
        Ok(bytes)
    }
}
