//! Since when rows are known, and the rows that were known before: only of keys in which something has changed.
//!
//! ```text
//! instants        of builds, ascending: seconds since 1970 i64, nanoseconds i32
//! history places  of each key that has changed: its number u32 · place of its history u32; ascending
//! history         known from · first observed: of each row of which nothing else is said; count · of so many rows:
//!                 distance of its place in the group from the one before · known from · first observed; then, if rows
//!                 were known before: group u32 · details u32 · of each known from · first observed · known until
//! ```
//!
//! Known from, first observed and known until are 1 + the place of an instant in `Instants`; 0: from the beginning, or
//! nobody can say.

use crate::codec::{Cursor, put_varint};
use crate::error::Damage;
use crate::section::Section;
use crate::segment::{PAIR, Segment};
use jiff::Timestamp;

/// Bytes of an instant.
const INSTANT: usize = 12;

/// The instants of a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Known {
    /// The build that first had the row as it is; `None`: the first of all.
    pub(crate) from: Option<Timestamp>,
    /// The build that first had a row of this id and fixed version; `None`: the first of all, or nobody looked before.
    pub(crate) first_observed: Option<Timestamp>,
    /// The build that no longer had the row.
    pub(crate) until: Option<Timestamp>,
}

impl Known {
    /// Whether the row was known at `instant`.
    pub(crate) fn at(&self, instant: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= instant) && self.until.is_none_or(|until| instant < until)
    }
}

/// The history of a key.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// Of rows that are in the group and not in `current`.
    pub(crate) rest: Known,
    /// Of rows that are in the group, by their place there.
    pub(crate) current: Vec<(u32, Known)>,
    /// Places of the rows that were known before and of their details, and what is known of each.
    pub(crate) past: Option<(u32, u32, Vec<Known>)>,
}

impl History {
    /// What is said of the row at a place of the group.
    pub(crate) fn of_row(&self, ordinal: u32) -> Known {
        let found = self.current.binary_search_by_key(&ordinal, |(place, _)| *place).ok();
        found.and_then(|index| self.current.get(index)).map_or(self.rest, |(_, known)| *known)
    }

    /// The history of a key, if it has one.
    pub(crate) fn read(segment: &Segment, key: u32) -> Result<Option<Self>, Damage> {
        let section = Section::HistoryPlaces;
        let (mut low, mut high) = (0, segment.file().entries(section, PAIR, 0)?);
        while low < high {
            let middle = low + (high - low) / 2;
            let (found, place) = pair(segment, middle)?;
            match found.cmp(&key) {
                std::cmp::Ordering::Equal => return Reader::of(segment, place)?.history().map(Some),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }

    /// Places ascend, and every history can be read.
    pub(crate) fn verify(segment: &Segment) -> Result<(), Damage> {
        let mut last = None;
        for index in 0..segment.file().entries(Section::HistoryPlaces, PAIR, 0)? {
            let (key, _) = pair(segment, index)?;
            if last.replace(key).is_some_and(|last| last >= key) || key as usize >= segment.keys() {
                return Err(Damage::Malformed {
                    section: Section::HistoryPlaces,
                    offset: (index * PAIR) as u64,
                });
            }
            Self::read(segment, key)?;
        }
        Ok(())
    }
}

fn pair(segment: &Segment, index: usize) -> Result<(u32, u32), Damage> {
    let section = Section::HistoryPlaces;
    Ok((segment.file().u32(section, index.saturating_mul(2))?, segment.file().u32(section, index * 2 + 1)?))
}

struct Reader<'a> {
    segment: &'a Segment,
    cursor: Cursor<'a>,
    malformed: Damage,
}

impl<'a> Reader<'a> {
    fn of(segment: &'a Segment, place: u32) -> Result<Self, Damage> {
        let malformed = Damage::Malformed { section: Section::History, offset: place.into() };
        let cursor = Cursor::new(segment.file().blob(Section::History, place)?);
        Ok(Self { segment, cursor, malformed })
    }

    fn history(mut self) -> Result<History, Damage> {
        let rest = Known { from: self.instant()?, first_observed: self.instant()?, until: None };
        let mut history = History { rest, ..History::default() };
        let mut place = 0u32;
        // A count allocates nothing: each entry takes bytes of the blob.
        for _ in 0..self.number()? {
            place = place.checked_add(self.number()?).ok_or(self.malformed)?;
            let known = Known { from: self.instant()?, first_observed: self.instant()?, until: None };
            history.current.push((place, known));
        }
        if self.cursor.is_empty() {
            return Ok(history);
        }
        let places = self.cursor.u32().zip(self.cursor.u32());
        let (group, details) = places.ok_or(self.malformed)?;
        let mut rows = Vec::new();
        while !self.cursor.is_empty() {
            let (from, first_observed) = (self.instant()?, self.instant()?);
            rows.push(Known { from, first_observed, until: self.instant()? });
        }
        history.past = Some((group, details, rows));
        Ok(history)
    }

    fn number(&mut self) -> Result<u32, Damage> {
        self.cursor.offset().ok_or(self.malformed)
    }

    fn instant(&mut self) -> Result<Option<Timestamp>, Damage> {
        match self.number()?.checked_sub(1) {
            None => Ok(None),
            Some(place) => instant(self.segment, place).map(Some),
        }
    }
}

/// The build with this place.
fn instant(segment: &Segment, place: u32) -> Result<Timestamp, Damage> {
    let section = Section::Instants;
    let offset = (place as usize).saturating_mul(INSTANT);
    let mut cursor = Cursor::new(segment.file().read(section, offset, INSTANT)?);
    let read = (|| {
        let seconds = i64::from_le_bytes(cursor.array()?);
        Timestamp::new(seconds, i32::from_le_bytes(cursor.array()?)).ok()
    })();
    read.ok_or(Damage::Malformed { section, offset: offset as u64 })
}

/// The section of instants.
pub(crate) fn encode_instants(instants: &[Timestamp]) -> Vec<u8> {
    let mut out = Vec::new();
    for at in instants {
        out.extend(at.as_second().to_le_bytes());
        out.extend(at.subsec_nanosecond().to_le_bytes());
    }
    out
}

/// The blob of a key; `instants` are sorted and have all that it names.
pub(crate) fn encode(history: &History, instants: &[Timestamp]) -> Vec<u8> {
    let mut out = Vec::new();
    let put = |out: &mut Vec<u8>, at: Option<Timestamp>| {
        let place = at.and_then(|at| instants.binary_search(&at).ok());
        put_varint(out, place.map_or(0, |place| place as u64 + 1));
    };
    put(&mut out, history.rest.from);
    put(&mut out, history.rest.first_observed);
    put_varint(&mut out, history.current.len() as u64);
    let mut last = 0;
    for (place, known) in &history.current {
        put_varint(&mut out, (place - last).into());
        last = *place;
        put(&mut out, known.from);
        put(&mut out, known.first_observed);
    }
    if let Some((group, details, rows)) = &history.past {
        out.extend(group.to_le_bytes());
        out.extend(details.to_le_bytes());
        for known in rows {
            [known.from, known.first_observed, known.until].into_iter().for_each(|at| put(&mut out, at));
        }
    }
    out
}
