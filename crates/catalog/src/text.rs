//! Bytes of a database as text.

/// Bytes of a name or version; no package manager writes longer ones.
const LONGEST: usize = 4096;

/// `bytes` as text, trimmed; what is no UTF-8 stands as U+FFFD.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_string()
}

/// As [`text`], if there is any; cut where it is absurdly long.
pub(crate) fn some(bytes: &[u8]) -> Option<String> {
    let mut text = text(bytes);
    if text.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
    }
    (!text.is_empty()).then_some(text)
}

/// Whether a name or version is of a length that a package manager would write.
pub(crate) fn is_sane(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST
}

/// The lines of `bytes`, without their ends.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}
