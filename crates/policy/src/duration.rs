//! Durations of a policy: a whole number and a unit. Months and years are calendar ones.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use std::fmt;
use std::str::FromStr;

/// `12h`, `30d`, `2w`, `6mo`, `1y`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duration {
    count: u16,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Hours,
    Days,
    Weeks,
    Months,
    Years,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Hours => "h",
            Self::Days => "d",
            Self::Weeks => "w",
            Self::Months => "mo",
            Self::Years => "y",
        }
    }
}

/// A text that is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no duration: write a whole number and h, d, w, mo or y, such as 6mo", .0.escape_debug())]
pub struct DurationError(String);

impl Duration {
    /// So many days.
    #[must_use]
    pub const fn days(count: u16) -> Self {
        Self { count, unit: Unit::Days }
    }

    /// So many calendar months.
    #[must_use]
    pub const fn months(count: u16) -> Self {
        Self { count, unit: Unit::Months }
    }

    fn span(self) -> Span {
        let count = i64::from(self.count);
        match self.unit {
            Unit::Hours => Span::new().hours(count),
            Unit::Days => Span::new().days(count),
            Unit::Weeks => Span::new().weeks(count),
            Unit::Months => Span::new().months(count),
            Unit::Years => Span::new().years(count.min(9999)),
        }
    }

    /// `at` and this much later, UTC. A day that the month does not have is its last; what lies beyond the
    /// calendar is its last instant.
    #[must_use]
    pub fn after(self, at: Timestamp) -> Timestamp {
        let later = TimeZone::UTC.to_datetime(at).checked_add(self.span());
        later.and_then(|later| TimeZone::UTC.to_timestamp(later)).unwrap_or(Timestamp::MAX)
    }

    /// `at` and this much earlier, UTC.
    #[must_use]
    pub fn before(self, at: Timestamp) -> Timestamp {
        let earlier = TimeZone::UTC.to_datetime(at).checked_sub(self.span());
        earlier.and_then(|earlier| TimeZone::UTC.to_timestamp(earlier)).unwrap_or(Timestamp::MIN)
    }
}

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let failed = || DurationError(text.chars().take(40).collect());
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (count, unit) = text.split_at(digits);
        let unit = match unit {
            "h" => Unit::Hours,
            "d" => Unit::Days,
            "w" => Unit::Weeks,
            "mo" => Unit::Months,
            "y" => Unit::Years,
            _ => return Err(failed()),
        };
        Ok(Self { count: count.parse().map_err(|_| failed())?, unit })
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}", self.count, self.unit.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(at: &str, duration: &str) -> String {
        duration.parse::<Duration>().unwrap().after(at.parse().unwrap()).to_string()
    }

    #[test]
    fn months_are_calendar_ones_and_end_with_the_month() {
        for (at, duration, expected) in [
            ("2025-08-31T10:00:00Z", "6mo", "2026-02-28T10:00:00Z"),
            ("2023-08-31T10:00:00Z", "6mo", "2024-02-29T10:00:00Z"),
            ("2024-02-29T00:00:00Z", "1y", "2025-02-28T00:00:00Z"),
            ("2026-05-24T12:00:00.5Z", "6mo", "2026-11-24T12:00:00.5Z"),
            ("2026-01-01T00:00:00Z", "2w", "2026-01-15T00:00:00Z"),
            ("2026-01-01T00:00:00Z", "36h", "2026-01-02T12:00:00Z"),
        ] {
            assert_eq!(after(at, duration), expected, "{at} + {duration}");
        }
        assert_eq!(
            Duration::days(30).before("2026-01-31T00:00:00Z".parse().unwrap()).to_string(),
            "2026-01-01T00:00:00Z"
        );
    }

    #[test]
    fn what_lies_beyond_the_calendar_is_its_end() {
        assert_eq!(after("2026-01-01T00:00:00Z", "9999y"), Timestamp::MAX.to_string());
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "6", "mo", "6 mo", "6m", "-6mo", "1.5d", "99999d", "6mo "] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
        assert_eq!("6mo".parse::<Duration>().unwrap().to_string(), "6mo");
    }
}
