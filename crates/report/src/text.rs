//! Texts for a terminal: escaped, measured, cut and wrapped.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// `text` with everything visible that a terminal would obey: control characters and those that turn the reading
/// direction (Unicode Technical Report 36, bidirectional text spoofing), or take no room at all.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let turns = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{61c}');
        if c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}') {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Columns that `text` takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// `text` in at most `columns`, with `…` where something is missing.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.into();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let takes = c.width().unwrap_or(0);
        if used + takes + 1 > columns {
            break;
        }
        used += takes;
        out.push(c);
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

/// `text` filled up with blanks to `columns`.
pub(crate) fn padded(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(missing))
}

/// `text` in lines of at most `columns`, broken at blanks; a longer word is broken where it must be.
pub(crate) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(8);
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let mut rest = word.to_string();
        loop {
            let line = lines.last_mut().map_or(0, |line| width(line));
            let gap = usize::from(line > 0);
            if line + gap + width(&rest) <= columns {
                push(&mut lines, &rest, gap);
                break;
            }
            if line > 0 {
                lines.push(String::new());
                continue;
            }
            let end = fitting(&rest, columns);
            let later = rest.split_off(end);
            push(&mut lines, &rest, 0);
            lines.push(String::new());
            rest = later;
        }
    }
    lines
}

fn push(lines: &mut [String], word: &str, gap: usize) {
    if let Some(line) = lines.last_mut() {
        line.push_str(&" ".repeat(gap));
        line.push_str(word);
    }
}

/// Bytes of the longest beginning of `text` that fits into `columns`, at least one character.
fn fitting(text: &str, columns: usize) -> usize {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > columns && at > 0 {
            return at;
        }
    }
    text.len()
}

/// `1 package`, `2 packages`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        assert_eq!(escaped("a\u{1b}[2Jb\n\u{202e}c\u{9b}"), "a\\u{1b}[2Jb\\u{a}\\u{202e}c\\u{9b}");
    }

    #[test]
    fn texts_are_cut_and_wrapped_by_columns() {
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("漢字漢字", 5), "漢字…");
        assert_eq!(wrapped("one two  three", 8), ["one two", "three"]);
        assert_eq!(wrapped("abcdefghijkl x", 8), ["abcdefgh", "ijkl x"]);
        assert_eq!(wrapped("", 8), [""]);
        assert_eq!(padded("漢", 4), "漢  ");
    }
}
