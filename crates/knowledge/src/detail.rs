//! What a row says that matching does not read. What depends on the id alone stands once an id, what depends on the
//! fix once a fix; a key's details only say which of them its rows have.
//!
//! ```text
//! details  count of issues · bytes of a variant u8 (0, 1, 2 or 4) · issues, u32 each ·
//!          of each row the number of its issue among these (no bytes where there is but one, else 1, 2 or 4) ·
//!          of each row which variant of its id's subjects it has
//! subjects of an id: blobs, the variants, most used first
//! subject  parts u8 (1 title, 2 disclosed) · [title] · [date] · aliases, to the end
//! issue    parts u8 (1 fix available) · [date] · announcements, to the end
//! announcement  parts u8 (1 url, 2 date) · id · [url] · [date, of kind 0]
//! date     kind in the lower 2 bits, 4 if a time follows, 8 if nanoseconds do: u8 · days since 1970, signed ·
//!          [seconds of the day] · [nanoseconds]
//! ```
//!
//! A title, alias, advisory's id or url is a number in the distribution's texts. An issue, or a place of subjects, of
//! all bits set: nothing is said.

use crate::codec::{Cursor, put_blob, put_signed, put_varint};
use crate::codes::{date_kind_code, date_kind_of_code};
use crate::error::Damage;
use crate::section::Section;
use crate::segment::Segment;
use imagescan_model::{AdvisoryReference, DateKind, DatedAs};
use jiff::Timestamp;

/// Nothing is said.
pub(crate) const NONE: u32 = u32::MAX;
const TITLE: u8 = 1;
const DISCLOSED: u8 = 2;
const FIX_AVAILABLE: u8 = 1;
const URL: u8 = 1;
const DATE: u8 = 2;
const TIME: u8 = 4;
const NANOSECONDS: u8 = 8;
const DAY: i64 = 86_400;

/// The slow half of a record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Detail {
    /// Other names of the same thing, sorted.
    pub aliases: Vec<String>,
    /// One line for people.
    pub title: Option<String>,
    /// Advisories that announce it, sorted by id.
    pub advisories: Vec<AdvisoryReference>,
    /// When it became public.
    pub disclosed: Option<DatedAs>,
    /// When a fix could be had.
    pub fix_available: Option<DatedAs>,
}

/// The part of an id; `T` stands for a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Subject<T> {
    pub(crate) title: Option<T>,
    pub(crate) disclosed: Option<DatedAs>,
    pub(crate) aliases: Vec<T>,
}

/// The part of a fix; `T` stands for a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Issue<T> {
    pub(crate) fix_available: Option<DatedAs>,
    /// Id, url and date of each.
    pub(crate) advisories: Vec<(T, Option<T>, Option<Timestamp>)>,
}

impl<T> Default for Subject<T> {
    fn default() -> Self {
        Self { title: None, disclosed: None, aliases: Vec::new() }
    }
}

impl<T> Default for Issue<T> {
    fn default() -> Self {
        Self { fix_available: None, advisories: Vec::new() }
    }
}

impl<T: Copy> Subject<T> {
    pub(crate) fn of_texts<U>(&self, mut text: impl FnMut(T) -> U) -> Subject<U> {
        Subject {
            title: self.title.map(&mut text),
            disclosed: self.disclosed,
            aliases: self.aliases.iter().map(|alias| text(*alias)).collect(),
        }
    }
}

impl<T: Copy> Issue<T> {
    pub(crate) fn of_texts<U>(&self, mut text: impl FnMut(T) -> U) -> Issue<U> {
        let advisories = self.advisories.iter().map(|(id, url, date)| (text(*id), url.map(&mut text), *date));
        Issue { fix_available: self.fix_available, advisories: advisories.collect() }
    }
}

impl Subject<u32> {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let mut blob = vec![flag(self.title.is_some(), TITLE) | flag(self.disclosed.is_some(), DISCLOSED)];
        self.title.iter().for_each(|title| put_varint(&mut blob, (*title).into()));
        self.disclosed.iter().for_each(|date| put_date(&mut blob, *date));
        self.aliases.iter().for_each(|alias| put_varint(&mut blob, (*alias).into()));
        put_blob(out, &blob);
    }

    fn read(cursor: &mut Cursor<'_>) -> Option<Self> {
        let parts = cursor.byte()?;
        if parts & !(TITLE | DISCLOSED) != 0 {
            return None;
        }
        let title = if parts & TITLE == 0 { None } else { Some(cursor.offset()?) };
        let disclosed = if parts & DISCLOSED == 0 { None } else { Some(date(cursor)?) };
        let mut aliases = Vec::new();
        while !cursor.is_empty() {
            aliases.push(cursor.offset()?);
        }
        Some(Self { title, disclosed, aliases })
    }
}

impl Issue<u32> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![flag(self.fix_available.is_some(), FIX_AVAILABLE)];
        self.fix_available.iter().for_each(|date| put_date(&mut out, *date));
        for (id, url, date) in &self.advisories {
            out.push(flag(url.is_some(), URL) | flag(date.is_some(), DATE));
            put_varint(&mut out, (*id).into());
            url.iter().for_each(|url| put_varint(&mut out, (*url).into()));
            date.iter().for_each(|at| put_date(&mut out, DatedAs { at: *at, kind: DateKind::Disclosed }));
        }
        out
    }

    fn read(cursor: &mut Cursor<'_>) -> Option<Self> {
        let parts = cursor.byte()?;
        if parts & !FIX_AVAILABLE != 0 {
            return None;
        }
        let fix_available = if parts & FIX_AVAILABLE == 0 { None } else { Some(date(cursor)?) };
        let mut advisories = Vec::new();
        while !cursor.is_empty() {
            let parts = cursor.byte()?;
            if parts & !(URL | DATE) != 0 {
                return None;
            }
            let id = cursor.offset()?;
            let url = if parts & URL == 0 { None } else { Some(cursor.offset()?) };
            let date = if parts & DATE == 0 { None } else { Some(date(cursor)?.at) };
            advisories.push((id, url, date));
        }
        Some(Self { fix_available, advisories })
    }
}

fn flag(present: bool, bit: u8) -> u8 {
    if present { bit } else { 0 }
}

fn put_date(out: &mut Vec<u8>, date: DatedAs) {
    // `jiff` counts nanoseconds towards zero, a day here begins at its midnight.
    let nanoseconds = i64::from(date.at.subsec_nanosecond());
    let seconds = date.at.as_second() - i64::from(nanoseconds < 0);
    let nanoseconds = nanoseconds.rem_euclid(1_000_000_000).cast_unsigned();
    let time = seconds.rem_euclid(DAY).cast_unsigned();
    out.push(date_kind_code(date.kind) | flag(time > 0, TIME) | flag(nanoseconds > 0, NANOSECONDS));
    put_signed(out, seconds.div_euclid(DAY));
    [time, nanoseconds].into_iter().filter(|part| *part > 0).for_each(|part| put_varint(out, part));
}

fn date(cursor: &mut Cursor<'_>) -> Option<DatedAs> {
    let parts = cursor.byte()?;
    let kind = date_kind_of_code(parts & 3).filter(|_| parts < 16)?;
    let days = cursor.signed()?;
    let mut part = |bit: u8| if parts & bit == 0 { Some(0) } else { cursor.offset() };
    let (time, nanoseconds) = (part(TIME)?, part(NANOSECONDS)?);
    let seconds = days.checked_mul(DAY)?.checked_add(time.into())?;
    Some(DatedAs { at: Timestamp::new(seconds, nanoseconds.try_into().ok()?).ok()?, kind })
}

/// Bytes that the number of one of `count` takes.
fn width(count: usize) -> usize {
    match count {
        0 | 1 => 0,
        2..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 4,
    }
}

/// The details of a key from (place of the issue, variant of the subject) of each row.
pub(crate) fn encode(rows: &[(u32, u32)]) -> Vec<u8> {
    let mut issues: Vec<u32> = rows.iter().map(|(issue, _)| *issue).collect();
    issues.sort_unstable();
    issues.dedup();
    let variant = width(rows.iter().map(|(_, variant)| *variant as usize + 1).max().unwrap_or(0));
    let mut out = Vec::new();
    put_varint(&mut out, issues.len() as u64);
    out.push(variant as u8);
    issues.iter().for_each(|issue| out.extend(issue.to_le_bytes()));
    let column =
        |out: &mut Vec<u8>, number: usize, width: usize| out.extend(number.to_le_bytes().iter().take(width));
    for (issue, _) in rows {
        column(&mut out, issues.binary_search(issue).unwrap_or_default(), width(issues.len()));
    }
    rows.iter().for_each(|(_, chosen)| column(&mut out, *chosen as usize, variant));
    out
}

/// The details of a key that were read.
#[derive(Clone, Copy)]
pub(crate) struct Details<'a> {
    table: &'a [[u8; 4]],
    issues: &'a [u8],
    issue_width: usize,
    variants: &'a [u8],
    variant_width: usize,
    pub(crate) malformed: Damage,
}

impl<'a> Details<'a> {
    /// Those at `offset`, of rows of which there are `rows`; `None`: nothing is said of any.
    pub(crate) fn read(segment: &'a Segment, offset: u32) -> Result<Option<Self>, Damage> {
        if offset == NONE {
            return Ok(None);
        }
        let malformed = Damage::Malformed { section: Section::Details, offset: offset.into() };
        let blob = segment.file().blob(Section::Details, offset)?;
        Self::parse(blob, malformed).map(Some).ok_or(malformed)
    }

    fn parse(blob: &'a [u8], malformed: Damage) -> Option<Self> {
        let mut cursor = Cursor::new(blob);
        let count = cursor.offset()? as usize;
        let variant_width = usize::from(cursor.byte()?);
        let table = cursor.take(count.checked_mul(4)?)?.as_chunks::<4>().0;
        let issue_width = width(count);
        // Both columns have an entry a row, so their shares of what is left are known.
        let rest = cursor.take(cursor.left())?;
        let rows = rest.len().checked_div(issue_width + variant_width).unwrap_or_default();
        let (issues, variants) = rest.split_at_checked(rows * issue_width)?;
        let whole =
            matches!(variant_width, 0 | 1 | 2 | 4) && count > 0 && variants.len() == rows * variant_width;
        whole.then_some(Self { table, issues, issue_width, variants, variant_width, malformed })
    }

    /// Place of the issue, and variant of the subject, of a row.
    pub(crate) fn of_row(&self, row: u32) -> Result<(u32, u32), Damage> {
        let number = |bytes: &[u8], width: usize| {
            let start = (row as usize).checked_mul(width)?;
            let mut number = [0; 4];
            for (to, from) in number.iter_mut().zip(bytes.get(start..start.checked_add(width)?)?) {
                *to = *from;
            }
            Some(u32::from_le_bytes(number))
        };
        let chosen = number(self.issues, self.issue_width).and_then(|issue| self.table.get(issue as usize));
        let issue = u32::from_le_bytes(*chosen.ok_or(self.malformed)?);
        Ok((issue, number(self.variants, self.variant_width).ok_or(self.malformed)?))
    }
}

/// What is said of an id, in one of its variants.
pub(crate) fn subject(segment: &Segment, id: u32, variant: u32) -> Result<Subject<u32>, Damage> {
    let offset = segment.file().u32(Section::SubjectPlaces, id as usize)?;
    if offset == NONE {
        return Ok(Subject::default());
    }
    let malformed = Damage::Malformed { section: Section::Subjects, offset: offset.into() };
    let mut cursor = Cursor::new(segment.file().blob(Section::Subjects, offset)?);
    for _ in 0..variant {
        cursor.blob().ok_or(malformed)?;
    }
    let blob = cursor.blob().ok_or(malformed)?;
    Subject::read(&mut Cursor::new(blob)).ok_or(malformed)
}

/// The issue at a place.
pub(crate) fn issue(segment: &Segment, offset: u32) -> Result<Issue<u32>, Damage> {
    if offset == NONE {
        return Ok(Issue::default());
    }
    let malformed = Damage::Malformed { section: Section::Issues, offset: offset.into() };
    let mut cursor = Cursor::new(segment.file().blob(Section::Issues, offset)?);
    Issue::read(&mut cursor).ok_or(malformed)
}
