//! Ids as numbers: a CVE's year and number in 32 bits, any other id as its place in a list of texts.
//!
//! ```text
//! id      year since 1990 in the upper 8 bits, at most 254; number in the lower 24. CVE-2024-0001 is 0x22000001
//!         upper 8 bits all set: the lower 24 are the place in `OddIds`
//! ```
//!
//! So CVEs stand in the order of year and number, and before all else.

use crate::codec::Cursor;
use crate::container::Container;
use crate::error::Damage;
use crate::section::Section;
use std::cmp::Ordering;
use std::fmt;

const FIRST_YEAR: u32 = 1990;
const ODD: u32 = 0xff;
const NUMBER_BITS: u32 = 24;
const LARGEST_NUMBER: u32 = (1 << NUMBER_BITS) - 1;

/// A CVE's name, or another id, as a row has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowId<'a> {
    /// `CVE-year-number`, the number with at least four digits.
    Cve {
        /// The year in its name.
        year: u16,
        /// The number in its name.
        number: u32,
    },
    /// Any other.
    Other(&'a str),
}

impl fmt::Display for RowId<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cve { year, number } => write!(out, "CVE-{year}-{number:04}"),
            Self::Other(text) => out.write_str(text),
        }
    }
}

impl<'a> From<&'a str> for RowId<'a> {
    /// What the id is: every id has one form only.
    fn from(text: &'a str) -> Self {
        cve(text).unwrap_or(Self::Other(text))
    }
}

impl PartialEq<str> for RowId<'_> {
    fn eq(&self, text: &str) -> bool {
        *self == RowId::from(text)
    }
}

fn cve(text: &str) -> Option<RowId<'_>> {
    let (year, number) = text.strip_prefix("CVE-")?.split_once('-')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = number.len() == 4 || (number.len() > 4 && !number.starts_with('0'));
    if year.len() != 4 || !plain || !digits(year) || !digits(number) {
        return None;
    }
    let (year, number): (u16, u32) = (year.parse().ok()?, number.parse().ok()?);
    let fits = (FIRST_YEAR..FIRST_YEAR + ODD).contains(&year.into()) && number <= LARGEST_NUMBER;
    fits.then_some(RowId::Cve { year, number })
}

impl RowId<'_> {
    /// As the file has it; of another id than a CVE's, `odd` is the place in the list.
    fn pack(self, odd: u32) -> Option<u32> {
        match self {
            Self::Cve { year, number } => {
                Some((u32::from(year).checked_sub(FIRST_YEAR)? << NUMBER_BITS) | number)
            }
            Self::Other(_) => (odd <= LARGEST_NUMBER).then_some(ODD << NUMBER_BITS | odd),
        }
    }
}

/// The sections `Ids` and `OddIds` of sorted ids, each once; `None`: too many.
pub(crate) fn encode<'a>(ids: impl IntoIterator<Item = RowId<'a>>) -> Option<[(Section, Vec<u8>); 2]> {
    let (mut packed, mut odd, mut count) = (Vec::new(), Vec::new(), 0);
    let mut texts = Vec::new();
    for id in ids {
        packed.extend(id.pack(count)?.to_le_bytes());
        if let RowId::Other(text) = id {
            odd.extend(u32::try_from(texts.len()).ok()?.to_le_bytes());
            crate::codec::put_blob(&mut texts, text.as_bytes());
            count += 1;
        }
    }
    // A list of where each text lies, behind its own length, then the texts.
    let mut list = count.to_le_bytes().to_vec();
    list.extend(odd);
    list.extend(texts);
    Some([(Section::Ids, packed), (Section::OddIds, list)])
}

/// The ids of a file.
pub(crate) struct Ids {
    count: usize,
}

impl Ids {
    /// What the sections need.
    pub(crate) const SECTIONS: [Section; 2] = [Section::Ids, Section::OddIds];

    pub(crate) fn open(file: &Container) -> Result<Self, Damage> {
        Ok(Self { count: file.entries(Section::Ids, 4, 0)? })
    }

    /// How many are of another form.
    fn odd_count(&self, file: &Container) -> Result<usize, Damage> {
        let odd = file.u32(Section::OddIds, 0)? as usize;
        if odd > self.count || odd.saturating_add(1).saturating_mul(4) > file.length(Section::OddIds) {
            return Err(Damage::Extent { section: Section::OddIds });
        }
        Ok(odd)
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// The id with number `index`.
    #[inline]
    pub(crate) fn get<'a>(&self, file: &'a Container, index: usize) -> Result<RowId<'a>, Damage> {
        let packed = file.u32(Section::Ids, index)?;
        let (high, low) = (packed >> NUMBER_BITS, packed & LARGEST_NUMBER);
        if high != ODD {
            return Ok(RowId::Cve { year: (FIRST_YEAR + high) as u16, number: low });
        }
        self.odd(file, low as usize).map(RowId::Other)
    }

    fn odd<'a>(&self, file: &'a Container, place: usize) -> Result<&'a str, Damage> {
        let section = Section::OddIds;
        let malformed = Damage::Malformed { section, offset: place as u64 };
        let odd = self.odd_count(file)?;
        if place >= odd {
            return Err(malformed);
        }
        let texts = (odd + 1) * 4;
        let offset =
            u32::try_from(texts).ok().and_then(|texts| texts.checked_add(file.u32(section, place + 1).ok()?));
        file.text(section, offset.ok_or(malformed)?)
    }

    /// The number of `id`, if it is there.
    pub(crate) fn find(&self, file: &Container, id: RowId<'_>) -> Result<Option<usize>, Damage> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.get(file, middle)?.cmp(&id) {
                Ordering::Equal => return Ok(Some(middle)),
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }

    /// They ascend, and each odd one is in its place.
    pub(crate) fn verify(&self, file: &Container) -> Result<(), Damage> {
        let mut last = None;
        for index in 0..self.count {
            let id = self.get(file, index)?;
            let malformed = Damage::Malformed { section: Section::Ids, offset: index as u64 * 4 };
            if last.is_some_and(|last| last >= id) {
                return Err(malformed);
            }
            if let RowId::Other(text) = id
                && RowId::from(text) != id
            {
                return Err(malformed);
            }
            last = Some(id);
        }
        let odd = self.odd_count(file)?;
        let bytes = file.read(Section::OddIds, 0, file.length(Section::OddIds))?;
        let mut texts = Cursor::new(bytes.get((odd + 1) * 4..).unwrap_or_default());
        for _ in 0..odd {
            texts.text().ok_or(Damage::Malformed { section: Section::OddIds, offset: 0 })?;
        }
        if texts.is_empty() { Ok(()) } else { Err(Damage::Extent { section: Section::OddIds }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_cve_only_where_it_comes_back_from_its_number() {
        for text in ["CVE-1999-0001", "CVE-2024-10000", "CVE-2018-1000001", "CVE-2244-16777215"] {
            let id = RowId::from(text);
            assert!(matches!(id, RowId::Cve { .. }), "{text}");
            assert_eq!(id.to_string(), text);
        }
        for text in [
            "",
            "CVE-",
            "CVE-2024-1",
            "CVE-2024-00001",
            "CVE-2024-012345",
            "CVE-1989-0001",
            "CVE-2245-0001",
            "CVE-2024-16777216",
            "CVE-2024-+123",
            "cve-2024-0001",
            "CVE-2024-0001 ",
            "DSA-1-1",
            "CVE-02024-0001",
        ] {
            assert_eq!(RowId::from(text), RowId::Other(text));
        }
        assert!(RowId::from("CVE-2024-9999") < RowId::from("CVE-2024-10000"));
        assert!(RowId::from("CVE-2024-9999") < RowId::from("ALAS-1"));
    }
}
