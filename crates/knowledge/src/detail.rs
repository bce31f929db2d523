//! What a row says that matching does not read. Equal details are stored once, whatever rows have them.
//!
//! ```text
//! detail  parts u8 · [severity source] · [title] · [disclosed] · [fix available] · count, aliases ·
//!         count, announcements
//! date    kind u8 (`codes`) · instant
//! instant seconds since 1970, then nanoseconds: signed varints
//! announcement  parts u8 · id · [url] · [instant]
//! ```

use crate::build::Id;
use crate::codec::{Cursor, put_instant, put_varint};
use crate::codes::{date_kind_code, date_kind_of_code};
use crate::error::Damage;
use crate::section::Section;
use crate::segment::Segment;
use imagescan_model::{AdvisoryReference, DatedAs};
use jiff::Timestamp;

const SEVERITY_SOURCE: u8 = 1;
const TITLE: u8 = 2;
const DISCLOSED: u8 = 4;
const FIX_AVAILABLE: u8 = 8;
const URL: u8 = 1;
const DATE: u8 = 2;

/// The slow half of a record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Detail<'a> {
    /// Other names of the same thing, sorted.
    pub aliases: Vec<&'a str>,
    /// Who gives the severity.
    pub severity_source: Option<&'a str>,
    /// One line for people.
    pub title: Option<&'a str>,
    /// Advisories that announce it, sorted by id.
    pub advisories: Vec<Announcement<'a>>,
    /// When it became public.
    pub disclosed: Option<DatedAs>,
    /// When a fix could be had.
    pub fix_available: Option<DatedAs>,
}

/// A published advisory, borrowed: [`AdvisoryReference`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announcement<'a> {
    /// `DSA-5532-1`.
    pub id: &'a str,
    /// Where to read it.
    pub url: Option<&'a str>,
    /// When it was published.
    pub date: Option<Timestamp>,
}

impl Announcement<'_> {
    /// The same, owned.
    #[must_use]
    pub fn to_reference(&self) -> AdvisoryReference {
        AdvisoryReference { id: self.id.into(), url: self.url.map(str::to_owned), date: self.date }
    }
}

impl<'a> Detail<'a> {
    pub(crate) fn read(segment: &'a Segment, offset: u32) -> Result<Self, Damage> {
        let malformed = Damage::Malformed { section: Section::Details, offset: offset.into() };
        let cursor = Cursor::new(segment.blob(Section::Details, offset)?);
        Reader { segment, cursor, malformed }.detail()
    }
}

struct Reader<'a> {
    segment: &'a Segment,
    cursor: Cursor<'a>,
    malformed: Damage,
}

impl<'a> Reader<'a> {
    fn detail(mut self) -> Result<Detail<'a>, Damage> {
        let parts = self.byte()?;
        let mut detail = Detail {
            severity_source: self.text_if(parts & SEVERITY_SOURCE)?,
            title: self.text_if(parts & TITLE)?,
            disclosed: self.date_if(parts & DISCLOSED)?,
            fix_available: self.date_if(parts & FIX_AVAILABLE)?,
            ..Detail::default()
        };
        // A count allocates nothing: each entry takes at least a byte of the blob.
        for _ in 0..self.number()? {
            detail.aliases.push(self.text()?);
        }
        for _ in 0..self.number()? {
            detail.advisories.push(self.announcement()?);
        }
        if parts & !(SEVERITY_SOURCE | TITLE | DISCLOSED | FIX_AVAILABLE) != 0 || !self.cursor.is_empty() {
            return Err(self.malformed);
        }
        Ok(detail)
    }

    fn announcement(&mut self) -> Result<Announcement<'a>, Damage> {
        let parts = self.byte()?;
        if parts & !(URL | DATE) != 0 {
            return Err(self.malformed);
        }
        let id = self.text()?;
        let url = self.text_if(parts & URL)?;
        let date = if parts & DATE == 0 { None } else { Some(self.instant()?) };
        Ok(Announcement { id, url, date })
    }

    fn byte(&mut self) -> Result<u8, Damage> {
        self.cursor.byte().ok_or(self.malformed)
    }

    fn number(&mut self) -> Result<u32, Damage> {
        self.cursor.offset().ok_or(self.malformed)
    }

    fn text(&mut self) -> Result<&'a str, Damage> {
        let offset = self.number()?;
        self.segment.text(offset)
    }

    fn text_if(&mut self, part: u8) -> Result<Option<&'a str>, Damage> {
        if part == 0 { Ok(None) } else { self.text().map(Some) }
    }

    fn date_if(&mut self, part: u8) -> Result<Option<DatedAs>, Damage> {
        if part == 0 {
            return Ok(None);
        }
        let kind = date_kind_of_code(self.byte()?).ok_or(self.malformed)?;
        Ok(Some(DatedAs { at: self.instant()?, kind }))
    }

    fn instant(&mut self) -> Result<Timestamp, Damage> {
        self.cursor.instant().ok_or(self.malformed)
    }
}

/// A detail whose texts are the builder's numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct DetailDraft {
    pub(crate) aliases: Vec<Id>,
    pub(crate) severity_source: Option<Id>,
    pub(crate) title: Option<Id>,
    pub(crate) advisories: Vec<(Id, Option<Id>, Option<Timestamp>)>,
    pub(crate) disclosed: Option<DatedAs>,
    pub(crate) fix_available: Option<DatedAs>,
}

impl DetailDraft {
    /// The blob's bytes, where `offset` says where a text lies.
    pub(crate) fn encode(&self, offset: impl Fn(Id) -> u32) -> Vec<u8> {
        let mut out = vec![
            flag(self.severity_source, SEVERITY_SOURCE)
                | flag(self.title, TITLE)
                | flag(self.disclosed, DISCLOSED)
                | flag(self.fix_available, FIX_AVAILABLE),
        ];
        let put_text = |out: &mut Vec<u8>, text: Id| put_varint(out, offset(text).into());
        for text in [self.severity_source, self.title].into_iter().flatten() {
            put_text(&mut out, text);
        }
        for date in [self.disclosed, self.fix_available].into_iter().flatten() {
            out.push(date_kind_code(date.kind));
            put_instant(&mut out, date.at);
        }
        put_varint(&mut out, self.aliases.len() as u64);
        for alias in &self.aliases {
            put_text(&mut out, *alias);
        }
        put_varint(&mut out, self.advisories.len() as u64);
        for (id, url, date) in &self.advisories {
            out.push(flag(*url, URL) | flag(*date, DATE));
            put_text(&mut out, *id);
            if let Some(url) = url {
                put_text(&mut out, *url);
            }
            if let Some(date) = date {
                put_instant(&mut out, *date);
            }
        }
        out
    }
}

fn flag<T>(value: Option<T>, bit: u8) -> u8 {
    if value.is_some() { bit } else { 0 }
}
