//! The orders by name.

use crate::{apk, deb, rpm};
use std::cmp::Ordering;
use std::str::FromStr;

/// Whose rules decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// Alpine's, apk-tools.
    Apk,
    /// Debian's, deb-version(7).
    Deb,
    /// rpm's, rpm-version(7).
    Rpm,
}

/// A name that no order has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no version order: deb, rpm or apk", .0.escape_debug())]
pub struct OrderError(String);

impl Order {
    /// Which of two versions is newer. A total order; versions that differ only in what the package manager
    /// overlooks (`1.0` and `0:1.0`) are equal.
    #[must_use]
    pub fn compare(self, a: &str, b: &str) -> Ordering {
        match self {
            Self::Apk => apk::compare(a.as_bytes(), b.as_bytes()),
            Self::Deb => deb::compare(a.as_bytes(), b.as_bytes()),
            Self::Rpm => rpm::compare(a.as_bytes(), b.as_bytes()),
        }
    }
}

impl FromStr for Order {
    type Err = OrderError;

    fn from_str(name: &str) -> Result<Self, OrderError> {
        match name {
            "apk" => Ok(Self::Apk),
            "deb" => Ok(Self::Deb),
            "rpm" => Ok(Self::Rpm),
            _ => Err(OrderError(name.into())),
        }
    }
}

/// Runs of digits as numbers of any length.
pub(crate) fn compare_numbers(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (without_zeros(a), without_zeros(b));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

fn without_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    digits.get(zeros..).unwrap_or_default()
}

/// The first bytes of `text` for which `holds`, and the rest.
pub(crate) fn split_while(text: &[u8], holds: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !holds(*byte)).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Checks lines of `A < B` or `A = B`, both ways round.
    pub(crate) fn check(order: Order, table: &str) {
        for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let parts: Vec<&str> = line.split_whitespace().collect();
            let (a, expected, b) = match parts[..] {
                [a, "<", b] => (a, Ordering::Less, b),
                [a, "=", b] => (a, Ordering::Equal, b),
                _ => panic!("no rule: {line}"),
            };
            assert_eq!(order.compare(a, b), expected, "{line}");
            assert_eq!(order.compare(b, a), expected.reverse(), "{line}, the other way round");
        }
    }

    #[test]
    fn orders_have_names() {
        assert_eq!("deb".parse(), Ok(Order::Deb));
        assert_eq!(
            "npm".parse::<Order>().unwrap_err().to_string(),
            "`npm` is no version order: deb, rpm or apk"
        );
    }

    #[test]
    fn numbers_have_any_length() {
        let long = "9".repeat(40);
        assert_eq!(compare_numbers(long.as_bytes(), b"10"), Ordering::Greater);
        assert_eq!(compare_numbers(b"007", b"7"), Ordering::Equal);
        assert_eq!(compare_numbers(b"", b"0"), Ordering::Equal);
    }
}
