//! Stanzas of a dpkg database: `Field: value` lines, continued by lines that begin with a blank, ended by an
//! empty line (deb822(5)). Only the fields somebody wants are kept; a field of ten megabytes is stepped over.
//!
//! As in dpkg, a field that stands twice is damage: where the empty line between two stanzas is lost, the second
//! package would vanish.

use crate::lines::{Line, Lines};
use imagescan_image::ReadAt;
use std::io;

/// The fields that are kept.
const WANTED: [&str; 10] = [
    "Package",
    "Status",
    "Version",
    "Architecture",
    "Source",
    "Maintainer",
    "Origin",
    "Essential",
    "Multi-Arch",
    "Built-Using",
];

/// The wanted fields of one stanza, first lines only.
#[derive(Debug, Default)]
pub(super) struct Stanza {
    fields: [Option<Box<[u8]>>; WANTED.len()],
    /// What is wrong with it.
    pub damage: Option<&'static str>,
}

impl Stanza {
    /// The value of `name`, one of the wanted ones, without blanks around it.
    pub(super) fn field(&self, name: &str) -> Option<&[u8]> {
        let index = WANTED.iter().position(|wanted| *wanted == name)?;
        self.fields.get(index)?.as_deref()
    }

    fn add(&mut self, line: Line<'_>) {
        if matches!(line.bytes.first(), Some(b' ' | b'\t')) {
            return;
        }
        let colon = line.bytes.iter().position(|byte| *byte == b':');
        let Some((name, value)) =
            colon.filter(|colon| *colon > 0).and_then(|at| line.bytes.split_at_checked(at))
        else {
            self.damage = Some("a line is neither a field nor a continuation");
            return;
        };
        let name = name.trim_ascii();
        let Some(index) = WANTED.iter().position(|wanted| name.eq_ignore_ascii_case(wanted.as_bytes()))
        else {
            return;
        };
        let Some(field) = self.fields.get_mut(index) else { return };
        if field.is_some() {
            self.damage = Some("a field stands twice");
        } else if line.is_cut {
            self.damage = Some("a field is absurdly long");
        } else {
            *field = Some(value.get(1..).unwrap_or_default().trim_ascii().into());
        }
    }
}

/// The stanzas of a file.
pub(super) struct Stanzas<'a> {
    pub lines: Lines<'a>,
}

impl<'a> Stanzas<'a> {
    pub(super) fn new(file: &'a dyn ReadAt) -> Self {
        Self { lines: Lines::new(file) }
    }

    /// The next stanza. `None`: there is none.
    ///
    /// # Errors
    /// What reading the file says.
    pub(super) fn next(&mut self) -> io::Result<Option<Stanza>> {
        let mut stanza: Option<Stanza> = None;
        while let Some(line) = self.lines.next()? {
            if !line.bytes.trim_ascii().is_empty() {
                stanza.get_or_insert_default().add(line);
            } else if stanza.is_some() {
                break;
            }
        }
        Ok(stanza)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<Stanza> {
        let bytes = text.as_bytes().to_vec();
        let mut stanzas = Stanzas::new(&bytes);
        std::iter::from_fn(|| stanzas.next().unwrap()).collect()
    }

    #[test]
    fn fields_are_found_in_any_case_and_continuations_skipped() {
        let long = format!("Package: c\nDescription: {}\nVersion: 3", "x".repeat(1 << 20));
        let text = format!(
            "\n\nPackage: a\nDescription: first\n Version: 9\n\t.\nversion :1\n\n\nPackage: b\n\n\n{long}"
        );
        let stanzas = all(&text);
        let found: Vec<_> =
            stanzas.iter().map(|stanza| (stanza.field("Package"), stanza.field("Version"))).collect();
        let expected: [(&[u8], Option<&[u8]>); 3] = [(b"a", Some(b"1")), (b"b", None), (b"c", Some(b"3"))];
        assert_eq!(found, expected.map(|(name, version)| (Some(name), version)));
        assert!(stanzas.iter().all(|stanza| stanza.damage.is_none()));
    }

    #[test]
    fn damage_stays_in_its_stanza() {
        let long = format!("Version: {}", "1".repeat(1 << 17));
        for damaged in ["nonsense\nPackage: b", ": x", "Package: b\nPackage: c", &long] {
            let found = all(&format!("Package: a\n\n{damaged}\n\nPackage: d\n"));
            let damage: Vec<bool> = found.iter().map(|stanza| stanza.damage.is_some()).collect();
            assert_eq!(damage, [false, true, false], "{}", &damaged[..20.min(damaged.len())]);
        }
    }
}
