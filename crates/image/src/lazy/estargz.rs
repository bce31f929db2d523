//! eStargz (containerd's stargz-snapshotter, `docs/estargz.md`): each file and each large file's chunks are gzip members
//! of their own. The last bytes are an empty member whose extra field says where the table lies: a member that holds a tar
//! with one file, the JSON. The annotation is the digest of that JSON.

use super::table::{Json, Table, WITHIN};
use super::{Job, Ranges, misfit};
use crate::inflate::{self, Compression};
use crate::layer::LayerError;
use crate::tar::{Entry, EntryKind, TarLimits, Visitor, Walker};
use imagescan_model::Digest;
use std::collections::BTreeMap;
use std::io::Read;

const ANNOTATION: &str = "containerd.io/snapshot/stargz/toc.digest";

/// The table's name in the archive, of which it is the last file.
pub(super) const NAME: &str = "stargz.index.json";

/// Bytes asked for first, from the end on, so that most tables come with the footer: one in so many, within bounds.
const TAIL_SHARE: u64 = 200;
const TAIL: std::ops::RangeInclusive<u64> = 4 << 10..=256 << 10;

/// The digest that the annotations give, if they do. `None`: it is no digest.
#[expect(clippy::option_option, reason = "absent is another thing than wrong")]
pub(super) fn announced(annotations: &BTreeMap<String, String>) -> Option<Option<Digest>> {
    annotations.get(ANNOTATION).map_or(Some(None), |digest| digest.parse().ok().map(Some))
}

/// Fetches the table.
pub(super) fn open(source: &dyn Ranges, digest: &Digest, job: &Job<'_>) -> Result<Table, LayerError> {
    let length = source.len();
    let wanted = (length / TAIL_SHARE).clamp(*TAIL.start(), *TAIL.end()).min(length);
    let mut tail = Vec::new();
    source.range(length - wanted, length).take(wanted).read_to_end(&mut tail)?;
    job.reading.meter.read(tail.len() as u64);
    let (start, footer) = footer(&tail).ok_or_else(|| misfit("its last bytes are no footer"))?;
    let end = length - footer;
    if start >= end || end - start > *WITHIN.end() {
        return Err(misfit("its table lies outside of it, or is too large"));
    }
    // What of it came with the footer, and what lies before.
    let middle = start.max(length - wanted);
    let came = usize::try_from(end.saturating_sub(middle)).unwrap_or(usize::MAX);
    let before_footer =
        tail.get(..tail.len() - usize::try_from(footer).unwrap_or_default()).unwrap_or_default();
    let came = before_footer.get(before_footer.len().saturating_sub(came)..).unwrap_or_default();
    let mut stream = source.range(start, middle).take(middle - start).chain(came);
    job.reading.meter.read(middle - start);
    let mut member = Member { json: Json::new(Some(digest), job), begun: false };
    let limits = job.reading.limits;
    let mut walker = Walker::new(TarLimits { entries: limits.entries, path_length: limits.path_length });
    inflate::inflate(&mut stream, None, Compression::Gzip, job.reading.inflater, |window, _| {
        walker.push(window, &mut member)
    })?;
    walker.finish()?;
    let fetched = wanted + (middle - start);
    Ok(Table { json: member.json.finish()?, files_end: start, fetched, compression: Compression::Gzip })
}

/// Where the table begins, and the bytes of the footer, by a blob's last bytes.
pub(super) fn footer(tail: &[u8]) -> Option<(u64, u64)> {
    // Before the extra field was made one as RFC 1952 wants it, it was the subfield's text alone.
    let [new, old] = [(&b"\x1a\0SG\x16\0"[..], 51), (&b"\x16\0"[..], 47)];
    [new, old].into_iter().find_map(|(extra, length)| {
        let rest = tail.get(tail.len().checked_sub(length)?..)?.strip_prefix(b"\x1f\x8b\x08\x04")?;
        let rest = rest.get(6..)?.strip_prefix(extra)?;
        let (digits, rest) = rest.split_at_checked(16)?;
        // The text's end, an empty block of deflate data, checksum and length of nothing.
        if rest != b"STARGZ\x01\0\0\xff\xff\0\0\0\0\0\0\0\0" || !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let offset = u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        Some((offset, length as u64))
    })
}

/// The archive that holds the table alone.
struct Member<'a> {
    json: Json<'a>,
    begun: bool,
}

impl Visitor for Member<'_> {
    type Error = LayerError;

    fn entry(&mut self, entry: &Entry<'_>) -> Result<bool, LayerError> {
        if std::mem::replace(&mut self.begun, true)
            || entry.kind != EntryKind::Regular
            || entry.path != NAME.as_bytes()
        {
            return Err(misfit("something else stands where its table should"));
        }
        Ok(true)
    }

    fn body(&mut self, bytes: &[u8]) -> Result<(), LayerError> {
        self.json.push(bytes)
    }

    fn end(&mut self) -> Result<(), LayerError> {
        Ok(())
    }
}
