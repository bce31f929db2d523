//! The table's JSON, a record at a time: `estargz.md`, "TOC and TOCEntries", and `FileMetadata` of containers/storage,
//! which adds `endOffset`. Neither is taken to be well meant: only its digest was compared.

use super::misfit;
use crate::content::Content;
use crate::layer::LayerError;
use crate::read_at::ReadAt;
use crate::tar::{Entry, EntryKind};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::io::{self, BufReader, Read};

/// What Go's zero time says: the year 1, in seconds since 1970. In archives it is written as 1970.
const GO_ZERO: i64 = -62_135_596_800;

/// An entry of the archive, or a further chunk of the one before.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Record {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: Type,
    pub size: u64,
    modtime: Option<String>,
    #[serde(rename = "linkName")]
    pub link: String,
    mode: u64,
    /// Where a member or frame begins that holds its bytes, `inner_offset` into what that inflates to.
    pub offset: u64,
    pub inner_offset: u64,
    /// Where the file's last frame ends; 0: before the next file's first.
    pub end_offset: u64,
    /// Which bytes of the file these are; a size of 0: to its end.
    pub chunk_offset: u64,
    pub chunk_size: u64,
    pub chunk_digest: String,
    /// Of the whole file.
    pub digest: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Type {
    /// No record is without a type.
    #[default]
    #[serde(skip)]
    Missing,
    Reg,
    Chunk,
    Dir,
    Symlink,
    Hardlink,
    Char,
    Block,
    Fifo,
}

impl Record {
    /// As it would pass in the archive.
    pub(super) fn entry(&self, modified: i64) -> Entry<'_> {
        let kind = match self.kind {
            Type::Reg => EntryKind::Regular,
            Type::Dir => EntryKind::Folder,
            Type::Symlink => EntryKind::Symlink,
            Type::Hardlink => EntryKind::HardLink,
            Type::Char | Type::Block | Type::Fifo | Type::Chunk | Type::Missing => EntryKind::Special,
        };
        Entry {
            kind,
            path: self.name.as_bytes(),
            link: self.link.as_bytes(),
            size: self.size,
            mode: u32::try_from(self.mode).unwrap_or_default(),
            modified,
            body: None,
        }
    }

    /// Seconds since 1970; a missing time is 1970 itself.
    pub(super) fn modified(&self) -> Result<i64, LayerError> {
        let Some(text) = self.modtime.as_deref().filter(|text| !text.is_empty()) else { return Ok(0) };
        let time: Timestamp = text.parse().map_err(|_| misfit("a time of its table is none"))?;
        // Towards the past, as the archive's times are read.
        let seconds = time.as_nanosecond().div_euclid(1_000_000_000).try_into().unwrap_or_default();
        Ok(if seconds == GO_ZERO { 0 } else { seconds })
    }

    fn check(&self) -> Result<(), LayerError> {
        if self.kind == Type::Missing {
            return Err(misfit("an entry of its table has no type"));
        }
        // What stands for bytes that JSON cannot hold.
        if [&self.name, &self.link].into_iter().any(|text| text.contains(char::REPLACEMENT_CHARACTER)) {
            return Err(misfit("a name in its table is not the archive's"));
        }
        Ok(())
    }
}

/// Shows `each` every record of the table in `json`.
pub(super) fn each(
    json: &Content,
    mut each: impl FnMut(&Record) -> Result<(), LayerError>,
) -> Result<(), LayerError> {
    let mut failed = None;
    let mut show =
        |record: &Record| record.check().and_then(|()| each(record)).map_err(|error| failed = Some(error));
    let reader = BufReader::with_capacity(64 << 10, Bytes { json, offset: 0 });
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    let read = deserializer.deserialize_map(Document(&mut show)).and_then(|()| deserializer.end());
    match (failed, read) {
        (Some(error), _) => Err(error),
        (None, Ok(())) => Ok(()),
        (None, Err(error)) => Err(LayerError::Misfit(format!("its table is damaged: {error}"))),
    }
}

/// Kept bytes one after the other.
struct Bytes<'a> {
    json: &'a Content,
    offset: u64,
}

impl Read for Bytes<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.json.len() - self.offset;
        let count = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        self.json.read_exact_at(buffer.get_mut(..count).unwrap_or_default(), self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

/// Takes a record; an error is kept elsewhere.
type Show<'a> = &'a mut dyn FnMut(&Record) -> Result<(), ()>;

/// `{"version": 1, "entries": […]}`.
struct Document<'a>(Show<'a>);

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a table of contents")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let (mut version, mut entries) = (None, false);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "version" if version.is_none() => version = Some(map.next_value::<u64>()?),
                "entries" if !entries => {
                    entries = true;
                    map.next_value_seed(Entries(&mut *self.0))?;
                }
                // Two tables are two readings.
                "version" | "entries" => return Err(M::Error::custom("a key stands there twice")),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        match version {
            Some(1) => Ok(()),
            _ => Err(M::Error::custom("its version is not 1")),
        }
    }
}

struct Entries<'a>(Show<'a>);

impl<'de> DeserializeSeed<'de> for Entries<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of entries")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<(), S::Error> {
        while let Some(record) = list.next_element::<Record>()? {
            self.0(&record).map_err(|()| S::Error::custom("stopped"))?;
        }
        Ok(())
    }
}
