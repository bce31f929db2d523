//! Rows, borrowed from the map.
//!
//! ```text
//! group  rows, to the end of the blob, by id
//! row    judgement u8 (`codes`) · parts u8 (which of the following are there) · id, as distance from the row
//!        before · feeds · [fixed version] · [introduced] · [module] · [architectures] · [detail] ·
//!        [stream]
//! ```
//!
//! All but the first two are varints: offsets in `Strings`, `Lists`, `Details`. Since texts are sorted there, ids
//! of one group stand in ascending order.

use crate::codec::Cursor;
use crate::codes::Judgement;
use crate::detail::Detail;
use crate::error::{Damage, KnowledgeError};
use crate::section::Section;
use crate::segment::{Found, Segment};
use imagescan_model::{
    AdvisoryRecord, AdvisoryState, HiddenReason, MatchedBy, PackageType, Release, Severity,
};
use std::iter::FusedIterator;

/// Bits of a row's second byte.
pub(crate) mod part {
    pub(crate) const FIXED: u8 = 1;
    pub(crate) const INTRODUCED: u8 = 2;
    pub(crate) const MODULE: u8 = 4;
    pub(crate) const ARCHITECTURES: u8 = 8;
    pub(crate) const DETAIL: u8 = 16;
    pub(crate) const STREAM: u8 = 32;
    pub(crate) const ALL: u8 = 63;
}

/// What rows are filed under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key<'a> {
    /// The release.
    pub release: &'a Release,
    /// The package manager.
    pub package_type: &'a PackageType,
    /// Whether `package` is a source or a binary name.
    pub matched_by: MatchedBy,
    /// The package's name.
    pub package: &'a str,
}

/// One record: what matching reads is at hand and borrowed, the rest is decoded when asked for.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// What it is filed under.
    pub key: Key<'a>,
    /// The CVE, or the advisory's own id.
    pub id: &'a str,
    /// What holds below `fixed_version`, or for any version when there is none.
    pub state: AdvisoryState,
    /// First version that is not affected.
    pub fixed_version: Option<&'a str>,
    /// First version that is affected.
    pub introduced: Option<&'a str>,
    /// Module `name:stream`.
    pub module: Option<&'a str>,
    /// Part of the distribution it speaks of.
    pub stream: Option<&'a str>,
    /// Severity on our scale.
    pub severity: Severity,
    /// Why a table may leave it out.
    pub hidden: Option<HiddenReason>,
    feeds: u32,
    architectures: Option<u32>,
    detail: Option<u32>,
    segment: &'a Segment,
}

/// A record as it was filed, and who gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FiledRecord {
    /// What is said.
    pub record: AdvisoryRecord,
    /// The ids of the feeds that say it, sorted.
    pub feeds: Vec<String>,
}

impl<'a> Row<'a> {
    /// Architectures it speaks of, sorted; empty: all. Allocates only where there are some.
    pub fn architectures(&self) -> Result<Vec<&'a str>, KnowledgeError> {
        let Some(offset) = self.architectures else {
            return Ok(Vec::new());
        };
        self.list(offset).map_err(|damage| self.segment.damaged(damage))
    }

    /// The ids of the feeds that say it, sorted.
    pub fn feeds(&self) -> Result<Vec<&'a str>, KnowledgeError> {
        self.list(self.feeds).map_err(|damage| self.segment.damaged(damage))
    }

    fn list(&self, offset: u32) -> Result<Vec<&'a str>, Damage> {
        let malformed = Damage::Malformed { section: Section::Lists, offset: offset.into() };
        let mut cursor = Cursor::new(self.segment.blob(Section::Lists, offset)?);
        let mut list = Vec::new();
        while !cursor.is_empty() {
            list.push(self.segment.text(cursor.offset().ok_or(malformed)?)?);
        }
        Ok(list)
    }

    /// Aliases, title, announcements and dates.
    pub fn detail(&self) -> Result<Detail<'a>, KnowledgeError> {
        let Some(offset) = self.detail else {
            return Ok(Detail::default());
        };
        Detail::read(self.segment, offset).map_err(|damage| self.segment.damaged(damage))
    }

    /// The record that was filed, and who gave it.
    pub fn to_filed(&self) -> Result<FiledRecord, KnowledgeError> {
        let feeds = self.feeds()?.into_iter().map(str::to_owned).collect();
        Ok(FiledRecord { record: self.to_record()?, feeds })
    }

    /// The record that was filed.
    pub fn to_record(&self) -> Result<AdvisoryRecord, KnowledgeError> {
        let detail = self.detail()?;
        let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
        Ok(AdvisoryRecord {
            release: self.key.release.clone(),
            package_type: self.key.package_type.clone(),
            package: self.key.package.into(),
            matched_by: self.key.matched_by,
            id: self.id.into(),
            aliases: owned(detail.aliases),
            state: self.state,
            fixed_version: self.fixed_version.map(str::to_owned),
            introduced: self.introduced.map(str::to_owned),
            architectures: owned(self.architectures()?),
            module: self.module.map(str::to_owned),
            stream: self.stream.map(str::to_owned),
            severity: self.severity,
            severity_source: detail.severity_source.map(str::to_owned),
            hidden: self.hidden,
            title: detail.title.map(str::to_owned),
            advisories: detail.advisories.iter().map(|announcement| announcement.to_reference()).collect(),
            disclosed: detail.disclosed,
            fix_available: detail.fix_available,
        })
    }
}

/// The rows of one key, by id. After an error there is nothing more.
#[derive(Clone)]
pub struct Rows<'a> {
    filed: Option<(Key<'a>, &'a Segment)>,
    rest: Cursor<'a>,
    last_id: u32,
    /// Where the group lies, for errors.
    group: u32,
}

impl<'a> Rows<'a> {
    /// No rows: the key is not there.
    pub(crate) fn none() -> Self {
        Self { filed: None, rest: Cursor::new(&[]), last_id: 0, group: 0 }
    }

    pub(crate) fn of(segment: &'a Segment, found: Found<'a>) -> Self {
        let Found { scope, name, group, offset } = found;
        let key = Key {
            release: &scope.release,
            package_type: &scope.package_type,
            matched_by: scope.matched_by,
            package: name,
        };
        Self { filed: Some((key, segment)), rest: Cursor::new(group), last_id: 0, group: offset }
    }

    /// What they are filed under; `None` where there are none.
    #[must_use]
    pub fn key(&self) -> Option<Key<'a>> {
        self.filed.map(|(key, _)| key)
    }

    fn decode(&mut self, key: Key<'a>, segment: &'a Segment) -> Result<Row<'a>, Damage> {
        let draft = Draft::read(&mut self.rest, self.last_id)
            .ok_or(Damage::Malformed { section: Section::Groups, offset: self.group.into() })?;
        self.last_id = draft.id;
        let text = |offset: Option<u32>| offset.map(|offset| segment.text(offset)).transpose();
        Ok(Row {
            key,
            id: segment.text(draft.id)?,
            state: draft.judgement.state,
            fixed_version: text(draft.fixed_version)?,
            introduced: text(draft.introduced)?,
            module: text(draft.module)?,
            stream: text(draft.stream)?,
            severity: draft.judgement.severity,
            hidden: draft.judgement.hidden,
            feeds: draft.feeds,
            architectures: draft.architectures,
            detail: draft.detail,
            segment,
        })
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = Result<Row<'a>, KnowledgeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (key, segment) = self.filed?;
        if self.rest.is_empty() {
            return None;
        }
        let row = self.decode(key, segment);
        if row.is_err() {
            self.rest = Cursor::new(&[]);
        }
        Some(row.map_err(|damage| segment.damaged(damage)))
    }
}

impl FusedIterator for Rows<'_> {}

/// A row as numbers: what the file holds, and what the builder sorts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Draft {
    pub(crate) id: u32,
    pub(crate) judgement: Judgement,
    pub(crate) fixed_version: Option<u32>,
    pub(crate) introduced: Option<u32>,
    pub(crate) module: Option<u32>,
    pub(crate) architectures: Option<u32>,
    pub(crate) detail: Option<u32>,
    pub(crate) stream: Option<u32>,
    pub(crate) feeds: u32,
}

impl Draft {
    fn parts(&self) -> [(u8, Option<u32>); 6] {
        [
            (part::FIXED, self.fixed_version),
            (part::INTRODUCED, self.introduced),
            (part::MODULE, self.module),
            (part::ARCHITECTURES, self.architectures),
            (part::DETAIL, self.detail),
            (part::STREAM, self.stream),
        ]
    }

    /// Appends the row; `last_id` is the id of the row before, 0 for the first.
    pub(crate) fn write(&self, out: &mut Vec<u8>, last_id: u32) {
        let parts = self.parts();
        out.push(self.judgement.code());
        out.push(parts.iter().filter(|(_, value)| value.is_some()).fold(0, |mask, (bit, _)| mask | bit));
        crate::codec::put_varint(out, self.id.saturating_sub(last_id).into());
        crate::codec::put_varint(out, self.feeds.into());
        for (_, value) in parts {
            if let Some(value) = value {
                crate::codec::put_varint(out, value.into());
            }
        }
    }

    fn read(cursor: &mut Cursor<'_>, last_id: u32) -> Option<Self> {
        let judgement = Judgement::of_code(cursor.byte()?)?;
        let mask = cursor.byte()?;
        if mask & !part::ALL != 0 {
            return None;
        }
        let id = last_id.checked_add(cursor.offset()?)?;
        let feeds = cursor.offset()?;
        let mut next = |bit| {
            if mask & bit == 0 { Some(None) } else { cursor.offset().map(Some) }
        };
        Some(Self {
            id,
            judgement,
            fixed_version: next(part::FIXED)?,
            introduced: next(part::INTRODUCED)?,
            module: next(part::MODULE)?,
            architectures: next(part::ARCHITECTURES)?,
            detail: next(part::DETAIL)?,
            stream: next(part::STREAM)?,
            feeds,
        })
    }
}
