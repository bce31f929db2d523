//! A CVE's records as bytes. EPSS stands in a segment of its own: it moves daily, the rest does not.
//!
//! ```text
//! record     parts u8 · severity u8 (`codes`) · source · [published: instant] · [title] ·
//!            [listed: bits u8 (1 due, 2 ransomware), added, [due]] · [count, then (vector, score u8) of each]
//! epss       source · date · score · percentile + 1, or 0 where there is none
//! ```
//!
//! Sources and vectors are offsets in `Strings`, the title is a number in the texts of the facts, dates are
//! year · 512 + month · 32 + day.

use super::names::Said;
use crate::codec::{Cursor, put_date, put_instant, put_varint};
use crate::codes::{severity_code, severity_of_code};
use crate::error::Damage;
use imagescan_model::{CveRecord, Cvss, Epss, Exploited, Severity};
use jiff::Timestamp;

const REJECTED: u8 = 1;
const PUBLISHED: u8 = 2;
const TITLE: u8 = 4;
const EXPLOITED: u8 = 8;
const CVSS: u8 = 16;
const DUE: u8 = 1;
const RANSOMWARE: u8 = 2;

/// A record but for its id and EPSS; `T` stands for a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Facts<T> {
    pub(crate) source: T,
    pub(crate) rejected: bool,
    pub(crate) published: Option<Timestamp>,
    pub(crate) severity: Severity,
    pub(crate) cvss: Vec<(T, u8)>,
    pub(crate) title: Option<T>,
    pub(crate) exploited: Option<Exploited>,
}

impl<T: Copy> Facts<T> {
    /// The same with what `text` gives for each text.
    pub(crate) fn of_texts<U>(&self, text: impl Fn(T) -> U) -> Facts<U> {
        Facts {
            source: text(self.source),
            rejected: self.rejected,
            published: self.published,
            severity: self.severity,
            cvss: self.cvss.iter().map(|(vector, score)| (text(*vector), *score)).collect(),
            title: self.title.map(&text),
            exploited: self.exploited,
        }
    }
}

impl Facts<u32> {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let flag = |present: bool, bit: u8| if present { bit } else { 0 };
        out.push(
            flag(self.rejected, REJECTED)
                | flag(self.published.is_some(), PUBLISHED)
                | flag(self.title.is_some(), TITLE)
                | flag(self.exploited.is_some(), EXPLOITED)
                | flag(!self.cvss.is_empty(), CVSS),
        );
        out.push(severity_code(self.severity));
        put_varint(out, self.source.into());
        if let Some(published) = self.published {
            put_instant(out, published);
        }
        if let Some(title) = self.title {
            put_varint(out, title.into());
        }
        if let Some(listed) = self.exploited {
            out.push(flag(listed.due.is_some(), DUE) | flag(listed.ransomware, RANSOMWARE));
            [Some(listed.added), listed.due].into_iter().flatten().for_each(|date| put_date(out, date));
        }
        if !self.cvss.is_empty() {
            put_varint(out, self.cvss.len() as u64);
        }
        for (vector, score) in &self.cvss {
            put_varint(out, (*vector).into());
            out.push(*score);
        }
    }
}

/// The next record of `id`, with the number of its title.
pub(crate) fn read(said: &mut Said<'_>, id: &str) -> Result<(CveRecord, Option<u32>), Damage> {
    let parts = said.next(Cursor::byte)?;
    let severity = said.next(|cursor| severity_of_code(cursor.byte()?))?;
    let mut record = CveRecord { severity, ..CveRecord::new(id, said.text()?) };
    record.rejected = parts & REJECTED != 0;
    if parts & PUBLISHED != 0 {
        record.published = Some(said.next(Cursor::instant)?);
    }
    let title = if parts & TITLE == 0 { None } else { Some(said.next(Cursor::offset)?) };
    if parts & EXPLOITED != 0 {
        record.exploited = Some(said.next(exploited)?);
    }
    if parts & CVSS != 0 {
        // A count allocates nothing: each entry takes bytes of the record.
        for _ in 0..said.next(Cursor::offset)? {
            let vector = said.text()?.into();
            record.cvss.push(Cvss { vector, score: said.next(Cursor::byte)? });
        }
    }
    if parts & !(REJECTED | PUBLISHED | TITLE | EXPLOITED | CVSS) != 0 {
        return Err(said.malformed);
    }
    Ok((record, title))
}

fn exploited(cursor: &mut Cursor<'_>) -> Option<Exploited> {
    let bits = cursor.byte()?;
    let added = cursor.date()?;
    let due = if bits & DUE == 0 { None } else { Some(cursor.date()?) };
    (bits & !(DUE | RANSOMWARE) == 0).then_some(Exploited { added, due, ransomware: bits & RANSOMWARE != 0 })
}

/// Appends an estimate by the source that stands at `source` of `Strings`.
pub(crate) fn write_epss(out: &mut Vec<u8>, source: u32, epss: &Epss) {
    put_varint(out, source.into());
    put_date(out, epss.date);
    put_varint(out, epss.score.into());
    put_varint(out, epss.percentile.map_or(0, |percentile| u64::from(percentile) + 1));
}

/// The next estimate, and whose it is.
pub(crate) fn read_epss<'a>(said: &mut Said<'a>) -> Result<(&'a str, Epss), Damage> {
    let source = said.text()?;
    let epss = said.next(|cursor| {
        let (date, score) = (cursor.date()?, cursor.offset()?);
        let percentile = match cursor.varint()? {
            0 => None,
            more => Some(u32::try_from(more - 1).ok()?),
        };
        Some(Epss { score, percentile, date })
    })?;
    Ok((source, epss))
}
