//! rpm's order of versions, plainly (rpm's manual, 'Version comparison'), and rpm's own word on it.

use crate::common::Random;
use std::cmp::Ordering;
use std::process::Command;

/// The order of two `[epoch:]version-release`; a missing epoch is 0.
pub(crate) fn order(a: &str, b: &str) -> Ordering {
    let parts = |text: &str| {
        let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
        let (version, release) = rest.rsplit_once('-').unwrap_or((rest, ""));
        (epoch.to_owned(), version.to_owned(), release.to_owned())
    };
    let (a, b) = (parts(a), parts(b));
    segments(&a.0, &b.0).then_with(|| segments(&a.1, &b.1)).then_with(|| segments(&a.2, &b.2))
}

/// Segment by segment: `~` below the end, `^` above it, numbers above letters, numbers by size, letters by alphabet.
fn segments(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (pieces(a).into_iter(), pieces(b).into_iter());
    loop {
        // `~` 0, end 1, `^` 2, letters 3, numbers 4.
        let rank = |piece: &Option<String>| match piece.as_deref() {
            Some("~") => 0,
            None => 1,
            Some("^") => 2,
            Some(text) if text.starts_with(|c: char| c.is_ascii_digit()) => 4,
            Some(_) => 3,
        };
        let (left, right) = (a.next(), b.next());
        if left.is_none() && right.is_none() {
            return Ordering::Equal;
        }
        let ranks = rank(&left).cmp(&rank(&right));
        if ranks.is_ne() {
            return ranks;
        }
        let (left, right) = (left.unwrap(), right.unwrap());
        let number = |text: &str| text.trim_start_matches('0').len();
        let order = if rank(&Some(left.clone())) == 4 {
            let digits = (left.trim_start_matches('0'), right.trim_start_matches('0'));
            number(&left).cmp(&number(&right)).then_with(|| digits.0.cmp(digits.1))
        } else {
            left.cmp(&right)
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Runs of digits, runs of letters, and the two signs; all else only separates.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let kind = |c: char| match c {
        '~' | '^' => 'z',
        c if c.is_ascii_digit() => 'd',
        c if c.is_ascii_alphabetic() => 'a',
        _ => ' ',
    };
    let mut last = ' ';
    for c in text.chars() {
        let now = kind(c);
        if now != ' ' {
            if now == last && now != 'z' {
                pieces.last_mut().unwrap().push(c);
            } else {
                pieces.push(c.into());
            }
        }
        last = now;
    }
    pieces
}

/// A version right below.
pub(crate) fn below(version: &str) -> String {
    format!("{version}~")
}

/// A version right above.
pub(crate) fn above(version: &str) -> String {
    format!("{version}.1")
}

/// A version some way below: the first number of the release, or else the last of the version, made less.
pub(crate) fn lower(version: &str) -> String {
    let (head, release) = version.rsplit_once('-').unwrap_or((version, "1"));
    let digits: String = release.chars().take_while(char::is_ascii_digit).collect();
    let rest = &release[digits.len()..];
    match digits.parse::<u64>() {
        Ok(number) if number > 0 => format!("{head}-{}{rest}", number - 1),
        _ => format!("{head}~rc1-{release}"),
    }
}

/// Versions that the references ask about: at a fix, around it, and others of the same package.
pub(crate) fn near(random: &mut Random, fix: &str, others: &[&str]) -> String {
    match random.below(6) {
        0 => fix.into(),
        1 => below(fix),
        2 => above(fix),
        3 => lower(fix),
        _ if others.is_empty() => "0-0".into(),
        _ => (*random.of(others)).into(),
    }
}

#[test]
fn the_plain_order_is_that_of_rpm() {
    if Command::new("rpm").arg("--version").output().is_err() {
        return println!("skipped: no rpm");
    }
    let random = &mut Random(5);
    let parts = [
        "0", "1", "01", "2", "10", "a", "b", "rc", "~", "^", ".", "+", "_", "el9", "~rc1", "^git1", "module",
    ];
    let mut pairs = Vec::new();
    for _ in 0..2000 {
        let mut version = || (0..=random.below(5)).map(|_| *random.of(&parts)).collect::<String>();
        pairs.push((version(), version()));
    }
    let calls: Vec<String> =
        pairs.iter().map(|(a, b)| format!("table.insert(t, rpm.vercmp('{a}', '{b}'))")).collect();
    let script = format!("%{{lua:local t = {{}} {} print(table.concat(t, ' '))}}", calls.join(" "));
    let output = Command::new("rpm").args(["--eval", &script]).output().unwrap();
    let words = String::from_utf8(output.stdout).unwrap();
    let words: Vec<&str> = words.split_whitespace().collect();
    assert_eq!(words.len(), pairs.len());
    for ((a, b), word) in pairs.iter().zip(words) {
        assert_eq!((segments(a, b) as i8).to_string(), word, "{a} {b}");
    }
}
