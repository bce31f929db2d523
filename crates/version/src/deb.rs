//! dpkg's order (deb-version(7), "Sorting algorithm"; Debian policy 5.6.12).
//!
//! `[epoch:]upstream[-revision]`: epochs as numbers, then upstream, then revision. Each of the latter is a
//! sequence of a part without digits and a number. Parts without digits compare byte by byte, with letters
//! before everything else and `~` before even the end, so that `1.0~rc1` comes before `1.0`. A missing epoch is
//! 0, a missing revision sorts like `0`.

use crate::order::{compare_numbers, split_while};
use std::cmp::Ordering;

pub(crate) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (Parts::of(a), Parts::of(b));
    compare_numbers(a.epoch, b.epoch)
        .then_with(|| compare_part(a.upstream, b.upstream))
        .then_with(|| compare_part(a.revision, b.revision))
}

struct Parts<'a> {
    epoch: &'a [u8],
    upstream: &'a [u8],
    revision: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(version: &'a [u8]) -> Self {
        // dpkg reads the epoch with strtol, which takes a sign (and then refuses what is below 0).
        let unsigned = version.strip_prefix(b"+").or(version.strip_prefix(b"-")).unwrap_or(version);
        let (digits, rest) = split_while(unsigned, |byte| byte.is_ascii_digit());
        let (epoch, rest) = match rest {
            [b':', rest @ ..] => (digits, rest),
            _ => (&b""[..], version),
        };
        let hyphen = rest.iter().rposition(|byte| *byte == b'-').unwrap_or(rest.len());
        let (upstream, revision) = rest.split_at(hyphen);
        Self { epoch, upstream, revision: revision.get(1..).unwrap_or_default() }
    }
}

fn compare_part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !(a.is_empty() && b.is_empty()) {
        while a.first().is_some_and(|byte| !byte.is_ascii_digit())
            || b.first().is_some_and(|byte| !byte.is_ascii_digit())
        {
            let order = weight(a.first()).cmp(&weight(b.first()));
            if order.is_ne() {
                return order;
            }
            a = a.get(1..).unwrap_or_default();
            b = b.get(1..).unwrap_or_default();
        }
        let (number_a, rest_a) = split_while(a, |byte| byte.is_ascii_digit());
        let (number_b, rest_b) = split_while(b, |byte| byte.is_ascii_digit());
        let order = compare_numbers(number_a, number_b);
        if order.is_ne() {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
    Ordering::Equal
}

/// `~`, then the end (or a number's beginning), then letters, then all else.
fn weight(byte: Option<&u8>) -> i32 {
    match byte {
        Some(b'~') => -1,
        None | Some(b'0'..=b'9') => 0,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    }
}

#[cfg(test)]
mod tests {
    use crate::Order;
    use crate::order::tests::check;

    #[test]
    fn versions_sort_as_deb_version_says() {
        check(
            Order::Deb,
            "1.0 = 0:1.0
             1.0 < 1:0.1
             9:1 < 10:1
             1.0-1 < 1.0-2
             1.0 = 1.0-0
             1.0~rc1-1 < 1.0-1
             1.0~~ < 1.0~~a
             1.0~~a < 1.0~
             1.0~ < 1.0
             1.0 < 1.0a
             1.0a < 1.0+
             1.9 < 1.10
             1.010 = 1.10
             3.0.15-1~deb12u1 < 3.0.15-1
             2.36-9+deb12u3 < 2.36-9+deb12u10
             5.2.15-2 < 5.2.15-2+b8
             1-1-1 < 1-2-1
             7.88.1-10+deb12u8 < 7.88.1-10+deb12u15
             1.2.3-99999999999999999999998 < 1.2.3-99999999999999999999999",
        );
    }
}
