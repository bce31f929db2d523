//! The sqlite database of rpm 4.16 and later: table `Packages` (hnum, blob), found through the schema.
//!
//! From SQLite's "Database File Format": b-tree pages (1.6), records (2.1), overflow chains (1.6.1.1), the
//! write-ahead log (4). A page is read once at most; rowids must ascend over the whole walk; and `Name`, the
//! index of names that rpm keeps beside, must know the same packages. What disagrees is a problem, so that a
//! lost page never reads as fewer packages.

use super::Blobs;
use super::bytes::Endian;
use super::header;
use imagescan_image::ReadAt;
use std::collections::{BTreeMap, BTreeSet};

const MAGIC: &[u8] = b"SQLite format 3\0";
const BIG: Endian = Endian::Big;
/// Levels of a b-tree; with two keys a page, 2³² pages have 32.
const DEPTH: usize = 40;

/// Reads all headers of `file`, as its log `wal` has changed it.
pub(crate) fn read(file: &dyn ReadAt, wal: Option<&dyn ReadAt>) -> Blobs {
    let mut blobs = Blobs::default();
    if let Err(why) = tables(file, wal, &mut blobs) {
        blobs.problems.push(why);
    }
    blobs
}

fn tables(file: &dyn ReadAt, wal: Option<&dyn ReadAt>, blobs: &mut Blobs) -> Result<(), String> {
    let mut pages = Pages::open(file, wal)?;
    let mut roots = BTreeMap::new();
    pages.walk(1, &mut |_, record| {
        let columns = columns(record).ok_or("a row of its schema is damaged")?;
        let [(kind, b"table"), (_, name), _, (root_kind, root), ..] = columns[..] else { return Ok(()) };
        if kind >= 13 {
            roots.insert(name.to_vec(), number(root_kind, root).unwrap_or_default());
        }
        Ok(())
    })?;
    let root = |name: &str| roots.get(name.as_bytes()).copied().and_then(|root| u32::try_from(root).ok());
    let packages = root("Packages").ok_or("it has no table Packages: it is no rpm database, or damaged")?;
    let mut known = BTreeSet::new();
    let walked = pages.walk(packages, &mut |rowid, record| {
        known.insert(rowid);
        let columns = columns(record).ok_or_else(|| format!("row {rowid} is damaged"))?;
        match columns[..] {
            [_, (kind, blob), ..] if kind >= 12 && kind % 2 == 0 => blobs.take(blob, &format!("row {rowid}")),
            _ => return Err(format!("row {rowid} holds no header")),
        }
        Ok(())
    });
    walked?;
    if let Some(names) = root("Name") {
        let mut named = BTreeSet::new();
        pages.walk(names, &mut |_, record| {
            let columns = columns(record).ok_or("a row of its index of names is damaged")?;
            if let [_, (kind, hnum), ..] = columns[..] {
                named.extend(number(kind, hnum));
            }
            Ok(())
        })?;
        if named != known {
            let (names, packages) = (named.len(), known.len());
            return Err(format!("its index names {names} packages, but it holds {packages}: it is damaged"));
        }
    }
    Ok(())
}

/// The pages of a database.
struct Pages<'a> {
    file: &'a dyn ReadAt,
    wal: Option<(&'a dyn ReadAt, BTreeMap<u32, u64>)>,
    size: usize,
    usable: usize,
    count: u32,
    seen: BTreeSet<u32>,
}

/// Looks at one row: its rowid and its record.
type Row<'a> = &'a mut dyn FnMut(i64, &[u8]) -> Result<(), String>;

impl<'a> Pages<'a> {
    fn open(file: &'a dyn ReadAt, wal: Option<&'a dyn ReadAt>) -> Result<Self, String> {
        let mut head = [0; 100];
        file.read_exact_at(&mut head, 0).map_err(|_| "it is shorter than a database's header".to_string())?;
        if !head.starts_with(MAGIC) {
            return Err("it does not begin like a sqlite database".into());
        }
        let size = match BIG.u16(&head, 16) {
            Some(1) => 65_536,
            Some(size) if size.is_power_of_two() && size >= 512 => usize::from(size),
            _ => return Err("its page size is invalid".into()),
        };
        let reserved = usize::from(head.get(20).copied().unwrap_or_default());
        if size - reserved < 480 {
            return Err("its page size is invalid".into());
        }
        let log = wal.map(|wal| committed(wal, size)).transpose()?.flatten();
        let in_file = u32::try_from(file.len().div_ceil(size as u64)).unwrap_or(u32::MAX);
        // The count in the header is valid only when the change counters agree (1.3.7).
        let stated =
            BIG.u32(&head, 28).filter(|_| BIG.u32(&head, 24) == BIG.u32(&head, 92)).unwrap_or(in_file);
        let count = log.as_ref().map_or(stated, |(_, count)| *count);
        if log.is_none() && (u64::from(stated) * size as u64 != file.len()) {
            let got = file.len();
            return Err(format!(
                "it has {got} bytes, but its header says {stated} pages of {size}: it is cut"
            ));
        }
        let wal = wal.zip(log.map(|(pages, _)| pages));
        Ok(Self { file, wal, size, usable: size - reserved, count, seen: BTreeSet::new() })
    }

    /// Page `number`, which nobody may have asked for before.
    fn page(&mut self, number: u32) -> Result<Vec<u8>, String> {
        if number == 0 || number > self.count {
            return Err(format!("it refers to page {number}, but has {}", self.count));
        }
        if !self.seen.insert(number) {
            return Err(format!("page {number} is part of two things: it is damaged"));
        }
        let mut page = vec![0; self.size];
        let logged = self.wal.as_ref().and_then(|(wal, pages)| Some((*wal, *pages.get(&number)?)));
        let (source, offset) = logged.unwrap_or((self.file, u64::from(number - 1) * self.size as u64));
        source.read_exact_at(&mut page, offset).map_err(|error| format!("page {number}: {error}"))?;
        page.truncate(self.usable);
        Ok(page)
    }

    /// Shows every row of the table with root `root` to `row`, by ascending rowid.
    fn walk(&mut self, root: u32, row: Row<'_>) -> Result<(), String> {
        self.seen.clear();
        let mut last = i64::MIN;
        let mut todo = vec![(root, 0)];
        while let Some((number, depth)) = todo.pop() {
            if depth > DEPTH {
                return Err("its b-tree is too deep".into());
            }
            let page = self.page(number)?;
            let damaged = || format!("page {number} is damaged");
            let start = if number == 1 { 100 } else { 0 };
            let kind = page.get(start).copied().unwrap_or_default();
            let cells = usize::from(BIG.u16(&page, start + 3).ok_or_else(damaged)?);
            let leaf = match kind {
                0x0d => true,
                0x05 => false,
                _ => return Err(damaged()),
            };
            let pointers = start + if leaf { 8 } else { 12 };
            let mut children = Vec::new();
            for cell in 0..cells {
                let at = usize::from(BIG.u16(&page, pointers + 2 * cell).ok_or_else(damaged)?);
                if at < pointers + 2 * cells {
                    return Err(damaged());
                }
                if leaf {
                    let (length, at) = varint(&page, at).ok_or_else(damaged)?;
                    let (rowid, at) = varint(&page, at).ok_or_else(damaged)?;
                    if rowid <= last && last != i64::MIN {
                        return Err(format!("rows of page {number} are not in order: it is damaged"));
                    }
                    last = rowid;
                    let record =
                        self.payload(&page, at, length).map_err(|why| format!("row {rowid}: {why}"))?;
                    row(rowid, &record)?;
                } else {
                    children.push(BIG.u32(&page, at).ok_or_else(damaged)?);
                }
            }
            if !leaf {
                children.push(BIG.u32(&page, start + 8).ok_or_else(damaged)?);
            }
            todo.extend(children.into_iter().rev().map(|child| (child, depth + 1)));
        }
        Ok(())
    }

    /// A cell's payload of `length` bytes, which begins at `at` and may go on in overflow pages (1.6.1.1).
    fn payload(&mut self, page: &[u8], at: usize, length: i64) -> Result<Vec<u8>, String> {
        let length = usize::try_from(length).ok().filter(|length| *length <= header::LONGEST + 64);
        let length = length.ok_or("its length is absurd")?;
        let most = self.usable - 35;
        let local = if length <= most {
            length
        } else {
            let least = (self.usable - 12) * 32 / 255 - 23;
            let fitting = least + (length - least) % (self.usable - 4);
            if fitting <= most { fitting } else { least }
        };
        let cut = "its page ends inside it";
        let mut payload = page.get(at..at + local).ok_or(cut)?.to_vec();
        let mut next = if local < length { BIG.u32(page, at + local).ok_or(cut)? } else { 0 };
        while payload.len() < length {
            let page = self.page(next)?;
            let take = (length - payload.len()).min(self.usable - 4);
            payload.extend(page.get(4..4 + take).ok_or(cut)?);
            next = BIG.u32(&page, 0).ok_or(cut)?;
        }
        if next != 0 {
            return Err("more follows than its length says".into());
        }
        Ok(payload)
    }
}

/// The last committed state of a log: where its pages lie, and how many the database has then.
type Committed = (BTreeMap<u32, u64>, u32);

/// What of `wal` was committed, if anything.
fn committed(wal: &dyn ReadAt, size: usize) -> Result<Option<Committed>, String> {
    let mut head = [0; 32];
    if wal.len() < 32 {
        return Ok(None);
    }
    wal.read_exact_at(&mut head, 0).map_err(|error| error.to_string())?;
    let order = match BIG.u32(&head, 0) {
        Some(0x377f_0682) => Endian::Little,
        Some(0x377f_0683) => Endian::Big,
        _ => return Err("its write-ahead log does not begin like one".into()),
    };
    if BIG.u32(&head, 8) != u32::try_from(size).ok() {
        return Err("its write-ahead log has another page size".into());
    }
    let mut sum = checksum(order, (0, 0), head.get(..24).unwrap_or_default());
    if Some(sum) != BIG.u32(&head, 24).zip(BIG.u32(&head, 28)) {
        return Err("its write-ahead log has a wrong checksum".into());
    }
    let mut committed = None;
    let mut pending = BTreeMap::new();
    let mut frame = vec![0; 24 + size];
    let mut offset = 32;
    while wal.read_exact_at(&mut frame, offset).is_ok() {
        let (info, page) = frame.split_at(24);
        if info.get(8..16) != head.get(16..24) {
            break;
        }
        sum = checksum(order, checksum(order, sum, info.get(..8).unwrap_or_default()), page);
        if Some(sum) != BIG.u32(info, 16).zip(BIG.u32(info, 20)) {
            break;
        }
        pending.insert(BIG.u32(info, 0).unwrap_or_default(), offset + 24);
        let count = BIG.u32(info, 4).unwrap_or_default();
        if count != 0 {
            committed = Some((pending.clone(), count));
        }
        offset += frame.len() as u64;
    }
    Ok(committed)
}

/// The log's checksum (4.2).
fn checksum(order: Endian, (mut a, mut b): (u32, u32), bytes: &[u8]) -> (u32, u32) {
    for pair in bytes.chunks_exact(8) {
        a = a.wrapping_add(order.u32(pair, 0).unwrap_or_default()).wrapping_add(b);
        b = b.wrapping_add(order.u32(pair, 4).unwrap_or_default()).wrapping_add(a);
    }
    (a, b)
}

/// A varint and where it ends.
fn varint(bytes: &[u8], at: usize) -> Option<(i64, usize)> {
    let mut value: u64 = 0;
    for step in 0..9 {
        let byte = *bytes.get(at + step)?;
        if step == 8 {
            return Some(((value << 8 | u64::from(byte)).cast_signed(), at + 9));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            return Some((value.cast_signed(), at + step + 1));
        }
    }
    None
}

/// The columns of a record: (serial type, bytes).
fn columns(record: &[u8]) -> Option<Vec<(i64, &[u8])>> {
    let (length, mut at) = varint(record, 0)?;
    let length = usize::try_from(length).ok().filter(|length| *length <= record.len())?;
    let mut body = length;
    let mut columns = Vec::new();
    while at < length {
        let (kind, next) = varint(record, at)?;
        let width = match kind {
            0 | 8 | 9 => 0,
            1..=4 => usize::try_from(kind).ok()?,
            5 => 6,
            6 | 7 => 8,
            12.. => usize::try_from((kind - 12) / 2).ok()?,
            _ => return None,
        };
        let end = body.checked_add(width)?;
        columns.push((kind, record.get(body..end)?));
        (at, body) = (next, end);
    }
    (body == record.len() && at == length).then_some(columns)
}

/// An integer column.
fn number(kind: i64, bytes: &[u8]) -> Option<i64> {
    match kind {
        8 => Some(0),
        9 => Some(1),
        1..=6 => {
            let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
            let start: i64 = if negative { -1 } else { 0 };
            Some(bytes.iter().fold(start, |value, byte| value << 8 | i64::from(*byte)))
        }
        _ => None,
    }
}
