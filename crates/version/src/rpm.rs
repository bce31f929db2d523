//! rpm's order (rpm-version(7); `rpmio/rpmvercmp.c` and `rpmds.c` of rpm 4.18 are the reference).
//!
//! `[epoch:]version[-release]`: epochs as numbers, a missing one like 0; then version, then release, a missing
//! release before any. Version and release fall into runs of digits and runs of letters; every other byte only
//! separates. Digits are newer than letters. `~` comes before the end, `^` after the end but before anything
//! else, so that `1.0~rc1` < `1.0` < `1.0^git1` < `1.0.1`.

use crate::order::{compare_numbers, split_while};
use std::cmp::Ordering;

pub(crate) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (Parts::of(a), Parts::of(b));
    compare_numbers(a.epoch, b.epoch).then_with(|| compare_part(a.version, b.version)).then_with(|| {
        match (a.release, b.release) {
            (Some(a), Some(b)) => compare_part(a, b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        }
    })
}

struct Parts<'a> {
    epoch: &'a [u8],
    version: &'a [u8],
    release: Option<&'a [u8]>,
}

impl<'a> Parts<'a> {
    fn of(text: &'a [u8]) -> Self {
        let (digits, rest) = split_while(text, |byte| byte.is_ascii_digit());
        let (epoch, rest) = match rest {
            [b':', rest @ ..] => (digits, rest),
            _ => (&b""[..], text),
        };
        match rest.iter().rposition(|byte| *byte == b'-') {
            Some(hyphen) => {
                let (version, release) = rest.split_at(hyphen);
                Self { epoch, version, release: release.get(1..) }
            }
            None => Self { epoch, version: rest, release: None },
        }
    }
}

fn compare_part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    loop {
        (_, a) = split_while(a, is_separator);
        (_, b) = split_while(b, is_separator);
        for (sign, first) in [(b'~', Ordering::Less), (b'^', Ordering::Greater)] {
            match (a.first() == Some(&sign), b.first() == Some(&sign)) {
                (true, false) if sign == b'~' || b.is_empty() => return first,
                (false, true) if sign == b'~' || a.is_empty() => return first.reverse(),
                // More of the version is newer than what only follows a `^`.
                (true, false) => return Ordering::Less,
                (false, true) => return Ordering::Greater,
                (true, true) | (false, false) => {}
            }
        }
        let both = |sign| a.first() == Some(&sign) && b.first() == Some(&sign);
        if both(b'~') || both(b'^') {
            a = a.get(1..).unwrap_or_default();
            b = b.get(1..).unwrap_or_default();
            continue;
        }
        let (Some(first), false) = (a.first(), b.is_empty()) else {
            return a.is_empty().cmp(&b.is_empty()).reverse();
        };
        let digits = first.is_ascii_digit();
        let alike = |byte: u8| if digits { byte.is_ascii_digit() } else { byte.is_ascii_alphabetic() };
        let (run_a, rest_a) = split_while(a, alike);
        let (run_b, rest_b) = split_while(b, alike);
        let order = match (run_b.is_empty(), digits) {
            (true, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, true) => compare_numbers(run_a, run_b),
            (false, false) => run_a.cmp(run_b),
        };
        if order.is_ne() {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
}

fn is_separator(byte: u8) -> bool {
    !(byte.is_ascii_alphanumeric() || byte == b'~' || byte == b'^')
}

#[cfg(test)]
mod tests {
    use crate::Order;
    use crate::order::tests::check;

    #[test]
    fn versions_sort_as_rpm_version_says() {
        check(
            Order::Rpm,
            "1.0-1 = 0:1.0-1
             1.0-1 < 1:0.1-1
             1.0-1 < 1.0-2
             1.0 < 1.0-1
             1.0~rc1 < 1.0
             1.0~rc1 < 1.0~rc2
             1.0~~ < 1.0~
             1.0 < 1.0^
             1.0^git1 < 1.0^git2
             1.0^git1 < 1.0.1
             1.0^git1~pre < 1.0^git1
             1.0~rc1 < 1.0~rc1^git1
             1.0a < 1.0.1
             a < 1
             1.9 < 1.10
             1.010 = 1.10
             1.0_1 = 1.0.1
             1..0 = 1.0
             2.28-236.el8 < 2.28-236.el8_9.12
             1.1.1k-9.el8_7 < 1.1.1k-12.el8_9
             5.14.0-362.8.1.el9_3 < 5.14.0-427.el9
             4.18.2-1.fc9 < 4.18.2-1.fc10",
        );
    }
}
