//! Under which conditions rows hold, and who says so: a few hundred combinations that millions of rows share.
//!
//! ```text
//! context  parts u8 (1 severity source, 2 module, 4 stream) · those that are there · count of feeds, feeds ·
//!          architectures, to the end
//! ```
//!
//! All texts are places in `Strings`.

use crate::codec::{Cursor, put_varint};
use crate::error::Damage;
use crate::section::Section;
use crate::segment::Segment;

const SOURCE: u8 = 1;
const MODULE: u8 = 2;
const STREAM: u8 = 4;

/// What a context says; lists are read when asked for.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) severity_source: Option<&'a str>,
    pub(crate) module: Option<&'a str>,
    pub(crate) stream: Option<&'a str>,
    pub(crate) lists: Lists<'a>,
}

/// The feeds and architectures of a context, not yet read.
#[derive(Clone, Copy)]
pub(crate) struct Lists<'a>(Cursor<'a>);

/// Which of them, a row does not remember.
const MALFORMED: Damage = Damage::Malformed { section: Section::Contexts, offset: 0 };

impl<'a> Context<'a> {
    pub(crate) fn read(segment: &'a Segment, number: u32) -> Result<Self, Damage> {
        let offset = segment.file().u32(Section::ContextPlaces, number as usize)?;
        let malformed = Damage::Malformed { section: Section::Contexts, offset: offset.into() };
        let mut cursor = Cursor::new(segment.file().blob(Section::Contexts, offset)?);
        let parts = cursor.byte().ok_or(malformed)?;
        let mut part = |bit: u8| {
            if parts & bit == 0 {
                return Ok(None);
            }
            segment.text(cursor.offset().ok_or(malformed)?).map(Some)
        };
        let (severity_source, module, stream) = (part(SOURCE)?, part(MODULE)?, part(STREAM)?);
        if parts & !(SOURCE | MODULE | STREAM) != 0 {
            return Err(malformed);
        }
        Ok(Self { severity_source, module, stream, lists: Lists(cursor) })
    }
}

impl<'a> Lists<'a> {
    /// The feeds, sorted.
    pub(crate) fn feeds(&self, segment: &'a Segment) -> Result<Vec<&'a str>, Damage> {
        let mut lists = self.0;
        let count = lists.offset().ok_or(MALFORMED)?;
        let mut feeds = Vec::new();
        for _ in 0..count {
            feeds.push(segment.text(lists.offset().ok_or(MALFORMED)?)?);
        }
        Ok(feeds)
    }

    /// The architectures, sorted; none: all.
    pub(crate) fn architectures(
        &self,
        segment: &'a Segment,
    ) -> Result<impl Iterator<Item = Result<&'a str, Damage>>, Damage> {
        let mut lists = self.0;
        for _ in 0..lists.offset().ok_or(MALFORMED)? {
            lists.offset().ok_or(MALFORMED)?;
        }
        let mut failed = false;
        Ok(std::iter::from_fn(move || {
            if failed || lists.is_empty() {
                return None;
            }
            let text = lists.offset().ok_or(MALFORMED).and_then(|offset| segment.text(offset));
            failed = text.is_err();
            Some(text)
        }))
    }
}

/// What a context is made of; `T` stands for a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ContextDraft<T> {
    pub(crate) severity_source: Option<T>,
    pub(crate) module: Option<T>,
    pub(crate) stream: Option<T>,
    pub(crate) architectures: Vec<T>,
}

impl<T: Copy> ContextDraft<T> {
    pub(crate) fn of_texts<U>(&self, text: impl Fn(T) -> U) -> ContextDraft<U> {
        ContextDraft {
            severity_source: self.severity_source.map(&text),
            module: self.module.map(&text),
            stream: self.stream.map(&text),
            architectures: self.architectures.iter().map(|architecture| text(*architecture)).collect(),
        }
    }

    pub(crate) fn texts(&self) -> impl Iterator<Item = T> {
        let parts = [self.severity_source, self.module, self.stream];
        parts.into_iter().flatten().chain(self.architectures.iter().copied())
    }
}

impl ContextDraft<u32> {
    /// The blob's bytes.
    pub(crate) fn encode(&self, feeds: &[u32]) -> Vec<u8> {
        let parts = [(SOURCE, self.severity_source), (MODULE, self.module), (STREAM, self.stream)];
        let mut out =
            vec![parts.iter().filter(|(_, text)| text.is_some()).fold(0, |mask, (bit, _)| mask | bit)];
        parts.iter().filter_map(|(_, text)| *text).for_each(|text| put_varint(&mut out, text.into()));
        put_varint(&mut out, feeds.len() as u64);
        feeds.iter().chain(&self.architectures).for_each(|text| put_varint(&mut out, (*text).into()));
        out
    }
}
