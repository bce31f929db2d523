//! zstd:chunked (containers/storage, `pkg/chunked/internal/minimal/compression.go`): each file, or each chunk of one, is
//! zstd frames of its own; the table is JSON in a frame within a skippable one. Annotations say where that lies and which
//! digest the compressed table has. The footer behind it says the same again, unverified, and is not read.

use super::table::{Json, Table, WITHIN};
use super::{Job, Ranges, misfit};
use crate::inflate::{self, Compression};
use crate::layer::{LayerError, Verified};
use imagescan_model::Digest;
use std::collections::BTreeMap;

/// What annotations begin with: skopeo 1.9 still writes the second.
const PREFIXES: [&str; 2] = ["io.github.containers.zstd-chunked.", "io.containers.zstd-chunked."];

/// The only type of table: that of CRFS, which eStargz has too.
const TYPE: u64 = 1;

/// Bytes before a skippable frame's content: its magic number and length.
const FRAME: u64 = 8;

/// What the annotations say of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Of the compressed table.
    pub checksum: Digest,
    /// Of the table itself, where the writer was eStargz's.
    pub json: Option<Digest>,
    pub offset: u64,
    pub length: u64,
    pub inflated: u64,
}

/// What the annotations give, if they do. `None`: it is not understood.
#[expect(clippy::option_option, reason = "absent is another thing than wrong")]
pub(super) fn announced(annotations: &BTreeMap<String, String>) -> Option<Option<Place>> {
    let get = |prefix: &str, name: &str| annotations.get(&format!("{prefix}{name}"));
    let found = PREFIXES.iter().find_map(|prefix| Some((prefix, get(prefix, "manifest-checksum")?)));
    let Some((prefix, checksum)) = found else { return Some(None) };
    let position = get(prefix, "manifest-position")?;
    let numbers: Option<Vec<u64>> = position.split(':').map(|number| number.parse().ok()).collect();
    match numbers?.as_slice() {
        [offset, length, inflated, TYPE] => Some(Some(Place {
            checksum: checksum.parse().ok()?,
            json: None,
            offset: *offset,
            length: *length,
            inflated: *inflated,
        })),
        _ => None,
    }
}

/// Fetches the table.
pub(super) fn open(source: &dyn Ranges, place: &Place, job: &Job<'_>) -> Result<Table, LayerError> {
    let Place { offset, length, inflated, .. } = *place;
    let end = offset.checked_add(length).filter(|end| *end <= source.len());
    let (Some(end), Some(files_end), true) =
        (end, offset.checked_sub(FRAME), WITHIN.contains(&length) && WITHIN.contains(&inflated))
    else {
        return Err(misfit("its table lies outside of it, or is too large"));
    };
    let mut stream = Verified::new(source.range(offset, end), &place.checksum);
    job.reading.meter.read(length);
    let mut json = Json::new(place.json.as_ref(), job);
    inflate::inflate(&mut stream, None, Compression::Zstd, job.reading.inflater, |window, _| {
        json.push(window)
    })?;
    stream.finish()?;
    Ok(Table { json: json.finish()?, files_end, fetched: length, compression: Compression::Zstd })
}
