//! A package's header, as every rpm database stores it (rpm's "Package format" manual, header structure):
//! counts of entries and of data bytes, entries of (tag, type, offset, count), then the data. All big-endian.

use super::bytes::{Endian, index};

/// Bytes of a header; rpm itself takes none above 256 MiB (`HEADER_DATA_MAX`), and the largest real ones, of
/// kernels, have 5.
pub(super) const LONGEST: usize = 64 << 20;
/// Entries; rpm's own bound (`HEADER_TAGS_MAX`).
const MOST_ENTRIES: u32 = 0xffff;

/// What a header says of its package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RpmPackage {
    pub name: String,
    /// Missing stays missing.
    pub epoch: Option<u32>,
    pub version: String,
    pub release: String,
    pub arch: Option<String>,
    pub source_rpm: Option<String>,
    pub module: Option<String>,
    pub vendor: Option<String>,
    pub packager: Option<String>,
    pub licence: Option<String>,
    pub build_time: Option<u32>,
    pub install_time: Option<u32>,
}

mod tag {
    pub(super) const NAME: u32 = 1000;
    pub(super) const VERSION: u32 = 1001;
    pub(super) const RELEASE: u32 = 1002;
    pub(super) const EPOCH: u32 = 1003;
    pub(super) const BUILD_TIME: u32 = 1006;
    pub(super) const INSTALL_TIME: u32 = 1008;
    pub(super) const VENDOR: u32 = 1011;
    pub(super) const LICENCE: u32 = 1014;
    pub(super) const PACKAGER: u32 = 1015;
    pub(super) const ARCH: u32 = 1022;
    pub(super) const SOURCE_RPM: u32 = 1044;
    pub(super) const MODULE: u32 = 5096;
}

/// Why a blob is no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HeaderError {
    #[error("its header of {got} bytes says it has {stated}")]
    Length { stated: u64, got: usize },
    #[error("entry {entry} of its header lies outside of it")]
    Entry { entry: u32 },
    #[error("its header has no {0}")]
    Missing(&'static str),
}

const BIG: Endian = Endian::Big;

struct Header<'a> {
    entries: &'a [u8],
    data: &'a [u8],
}

/// Reads a header that fills `blob`.
pub(crate) fn parse(blob: &[u8]) -> Result<RpmPackage, HeaderError> {
    let counts = BIG.u32(blob, 0).zip(BIG.u32(blob, 4)).ok_or(HeaderError::Missing("counts"))?;
    let stated = 8 + u64::from(counts.0) * 16 + u64::from(counts.1);
    if counts.0 > MOST_ENTRIES || stated != blob.len() as u64 {
        return Err(HeaderError::Length { stated, got: blob.len() });
    }
    let (entries, data) = blob.get(8..).unwrap_or_default().split_at(index(counts.0) * 16);
    let header = Header { entries, data };
    header.check()?;
    let required = |tag, what| header.text(tag).ok_or(HeaderError::Missing(what));
    Ok(RpmPackage {
        name: required(tag::NAME, "name")?,
        epoch: header.number(tag::EPOCH),
        version: required(tag::VERSION, "version")?,
        release: required(tag::RELEASE, "release")?,
        arch: header.text(tag::ARCH),
        source_rpm: header.text(tag::SOURCE_RPM),
        module: header.text(tag::MODULE),
        vendor: header.text(tag::VENDOR),
        packager: header.text(tag::PACKAGER),
        licence: header.text(tag::LICENCE),
        build_time: header.number(tag::BUILD_TIME),
        install_time: header.number(tag::INSTALL_TIME),
    })
}

impl<'a> Header<'a> {
    /// (tag, type, offset, count) of each entry.
    fn entries(&self) -> impl Iterator<Item = (u32, u32, u32, u32)> + use<'a> {
        let entries: &'a [u8] = self.entries;
        entries.chunks_exact(16).map(|entry| {
            let field = |at| BIG.u32(entry, at).unwrap_or_default();
            (field(0), field(4), field(8), field(12))
        })
    }

    /// Every entry lies within the data, so that counts that lie are found even where nobody asks.
    fn check(&self) -> Result<(), HeaderError> {
        for (entry, (_, kind, offset, count)) in (0..).zip(self.entries()) {
            let width = match kind {
                0 => 0,
                1 | 2 | 7 => 1,
                3 => 2,
                4 => 4,
                5 => 8,
                // At least its final zero.
                6 | 8 | 9 => 1,
                _ => return Err(HeaderError::Entry { entry }),
            };
            let end = u64::from(offset) + u64::from(count) * width;
            // A region's trailer may count from the end, with a negative offset; only the first entry is one.
            let region = entry == 0 && kind == 7 && count == 16;
            if end > self.data.len() as u64 && !region || count == 0 && kind != 0 {
                return Err(HeaderError::Entry { entry });
            }
        }
        Ok(())
    }

    fn find(&self, tag: u32) -> Option<(u32, &'a [u8])> {
        let (_, kind, offset, _) = self.entries().find(|(found, ..)| *found == tag)?;
        Some((kind, self.data.get(index(offset)..)?))
    }

    /// The first text of a tag.
    fn text(&self, tag: u32) -> Option<String> {
        let (6 | 8 | 9, bytes) = self.find(tag)? else { return None };
        let end = bytes.iter().position(|byte| *byte == 0)?;
        let text = String::from_utf8_lossy(bytes.get(..end)?).into_owned();
        (crate::text::is_sane(&text) && text != "(none)").then_some(text)
    }

    fn number(&self, tag: u32) -> Option<u32> {
        let (4, bytes) = self.find(tag)? else { return None };
        BIG.u32(bytes, 0)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A header of texts and numbers.
    pub(in crate::rpm) fn header(texts: &[(u32, &str)], numbers: &[(u32, u32)]) -> Vec<u8> {
        let mut data = Vec::new();
        let mut entries = Vec::new();
        for (tag, number) in numbers {
            entries.extend([*tag, 4, data.len() as u32, 1]);
            data.extend(number.to_be_bytes());
        }
        for (tag, text) in texts {
            entries.extend([*tag, 6, data.len() as u32, 1]);
            data.extend(text.as_bytes());
            data.push(0);
        }
        let count = (texts.len() + numbers.len()) as u32;
        let words = [count, data.len() as u32].into_iter().chain(entries);
        words.flat_map(u32::to_be_bytes).chain(data).collect()
    }

    fn sample() -> Vec<u8> {
        header(&[(1000, "bash"), (1001, "5.1"), (1002, "1.el9"), (1022, "x86_64")], &[(1003, 2), (1008, 77)])
    }

    #[test]
    fn a_header_says_what_it_holds() {
        let package = parse(&sample()).unwrap();
        assert_eq!(
            (package.name.as_str(), package.epoch, package.release.as_str()),
            ("bash", Some(2), "1.el9")
        );
        assert_eq!((package.install_time, package.build_time), (Some(77), None));
    }

    #[test]
    fn a_module_label_is_kept_and_none_stays_none() {
        let with = |label: &str| {
            let texts = [(1000, "postgresql"), (1001, "13.14"), (1002, "1.module_el8"), (5096, label)];
            parse(&header(&texts, &[])).unwrap().module
        };
        let label = "postgresql:13:8090020240215101045:a75119d5";
        assert_eq!(with(label).as_deref(), Some(label));
        assert_eq!((with("(none)"), parse(&sample()).unwrap().module), (None, None));
    }

    #[test]
    fn counts_that_lie_and_truncation_at_any_byte_are_errors() {
        let sample = sample();
        for end in 0..sample.len() {
            assert!(parse(&sample[..end]).is_err(), "cut at {end}");
        }
        for at in [0, 3, 4, 7, 12, 16, 20] {
            let mut lies = sample.clone();
            lies[at] ^= 0x80;
            assert!(parse(&lies).is_err(), "byte {at}");
        }
        assert!(parse(&[0xff; 64]).is_err());
    }
}
