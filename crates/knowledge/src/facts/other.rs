//! Lifecycles and repositories as bytes.
//!
//! ```text
//! lifecycles    named by distribution, a zero byte, version; records: source · parts u8 · the dates that are there:
//!               released, end of standard, of extended, of paid support
//! repositories  named by the repository; the offsets of its CPE names in `Strings`
//! ```

use super::names::Said;
use crate::codec::{Cursor, put_date, put_varint};
use crate::error::Damage;
use imagescan_model::{LifecycleRecord, Release};
use jiff::civil::Date;

/// A lifecycle's four dates.
pub(crate) type Dates = [Option<Date>; 4];

/// What a release's lifecycles are filed under.
pub(crate) fn release_key(release: &Release) -> Vec<u8> {
    [release.distribution.as_bytes(), b"\0", release.version.as_bytes()].concat()
}

/// The release that was filed so.
pub(crate) fn release_of(key: &[u8]) -> Option<Release> {
    let (distribution, version) = str::from_utf8(key).ok()?.split_once('\0')?;
    Some(Release::new(distribution, version))
}

/// Appends a record by the source that stands at `source` of `Strings`.
pub(crate) fn write_lifecycle(out: &mut Vec<u8>, source: u32, dates: &Dates) {
    put_varint(out, source.into());
    out.push((0..).zip(dates).filter(|(_, date)| date.is_some()).fold(0, |parts, (bit, _)| parts | 1 << bit));
    dates.iter().flatten().for_each(|date| put_date(out, *date));
}

/// The records of `release`.
pub(crate) fn read_lifecycles(mut said: Said<'_>, release: &Release) -> Result<Vec<LifecycleRecord>, Damage> {
    let mut records = Vec::new();
    while !said.is_empty() {
        let source = said.text()?.to_owned();
        let parts = said.next(Cursor::byte)?;
        if parts >= 16 {
            return Err(said.malformed);
        }
        let mut date = |bit: u8| {
            if parts & 1 << bit == 0 { Ok(None) } else { said.next(Cursor::date).map(Some) }
        };
        records.push(LifecycleRecord {
            release: release.clone(),
            source,
            released: date(0)?,
            standard_end: date(1)?,
            extended_end: date(2)?,
            paid_end: date(3)?,
        });
    }
    Ok(records)
}

/// The CPE names of a repository.
pub(crate) fn read_repository(mut said: Said<'_>) -> Result<Vec<&str>, Damage> {
    let mut cpes = Vec::new();
    while !said.is_empty() {
        cpes.push(said.text()?);
    }
    Ok(cpes)
}
