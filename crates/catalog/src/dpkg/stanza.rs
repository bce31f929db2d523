//! Stanzas of a dpkg database: `Field: value` lines, continued by lines that begin with a blank, ended by an
//! empty line (deb822(5)). Only fields somebody wants are kept; a field of ten megabytes is stepped over.

use crate::text::lines;

/// Bytes of a field's value that are kept.
const VALUE: usize = 64 << 10;

/// The wanted fields of one stanza, in lower case, with first lines only.
#[derive(Debug, Default)]
pub(super) struct Stanza<'a> {
    /// In the order they stand; few, so that a list is faster than a map.
    fields: Vec<(&'a [u8], &'a [u8])>,
    /// A line that is neither field nor continuation.
    pub damaged: bool,
}

impl<'a> Stanza<'a> {
    pub(super) fn field(&self, name: &str) -> Option<&'a [u8]> {
        let named = |(field, _): &&(&[u8], &[u8])| field.eq_ignore_ascii_case(name.as_bytes());
        self.fields.iter().find(named).map(|(_, value)| value.trim_ascii())
    }
}

/// The stanzas of `bytes`.
pub(super) fn stanzas(bytes: &[u8]) -> impl Iterator<Item = Stanza<'_>> {
    let mut lines = lines(bytes);
    std::iter::from_fn(move || {
        let mut stanza: Option<Stanza<'_>> = None;
        for line in lines.by_ref() {
            if line.trim_ascii().is_empty() {
                match stanza {
                    Some(_) => break,
                    None => continue,
                }
            }
            let stanza = stanza.get_or_insert_default();
            if matches!(line.first(), Some(b' ' | b'\t')) {
                continue;
            }
            match line.iter().position(|byte| *byte == b':') {
                Some(colon) if colon > 0 && line.len() - colon <= VALUE => {
                    let (name, value) = line.split_at(colon);
                    stanza.fields.push((name, value.get(1..).unwrap_or_default()));
                }
                Some(colon) if colon > 0 => {}
                _ => stanza.damaged = true,
            }
        }
        stanza
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_in_any_case_and_continuations_skipped() {
        let long = format!("Package: c\nDescription: {}\nVersion: 3", "x".repeat(1 << 20));
        let text = format!(
            "\n\nPackage: a\nDescription: first\n Version: 9\n\t.\nversion:1\n\n\nPackage: b\n{}\n\n{long}",
            ""
        );
        let found: Vec<_> = stanzas(text.as_bytes())
            .map(|stanza| {
                (stanza.field("Package").unwrap().to_vec(), stanza.field("Version").map(<[u8]>::to_vec))
            })
            .collect();
        assert_eq!(
            found,
            [
                (b"a".to_vec(), Some(b"1".to_vec())),
                (b"b".to_vec(), None),
                (b"c".to_vec(), Some(b"3".to_vec()))
            ]
        );
    }

    #[test]
    fn a_line_that_is_no_field_marks_its_stanza() {
        let damaged: Vec<bool> =
            stanzas(b"Package: a\n\nnonsense\nPackage: b\n\n: x\n").map(|stanza| stanza.damaged).collect();
        assert_eq!(damaged, [false, true, true]);
    }
}
