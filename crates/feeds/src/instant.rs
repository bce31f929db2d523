//! Instants and days as vendors write them.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// `2024-01-02T03:04:05.678Z`, with another offset, or without one, which is UTC; `2020-01-21 06:15:00 UTC`; a day
/// alone is its first instant.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let text = text.strip_suffix(" UTC").unwrap_or(text);
    if let Ok(at) = text.parse() {
        return Some(at);
    }
    // A text with an offset that is no instant is none without it either.
    let local: DateTime = text.parse().ok()?;
    TimeZone::UTC.to_timestamp(local).ok()
}

/// `2024-01-02` and nothing else.
pub(crate) fn day(text: &str) -> Option<Date> {
    (text.len() == 10).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_without_a_zone_are_in_utc() {
        for (text, expected) in [
            ("2023-10-18T18:04:18.493", "2023-10-18T18:04:18.493Z"),
            ("2026-08-07T16:45:47.0648Z", "2026-08-07T16:45:47.0648Z"),
            ("2025-03-26 02:44:10.025070", "2025-03-26T02:44:10.02507Z"),
            ("2020-01-21 06:15:00 UTC", "2020-01-21T06:15:00Z"),
            ("2020-01-21 UTC", "2020-01-21T00:00:00Z"),
            ("2005-02-04", "2005-02-04T00:00:00Z"),
            ("2022-02-04T00:00:00+0000", "2022-02-04T00:00:00Z"),
        ] {
            assert_eq!(instant(text).unwrap().to_string(), expected, "{text}");
        }
        for text in ["", "unknown", "2023-13-01", "2023-10-18T25:00:00"] {
            assert_eq!(instant(text), None, "{text}");
        }
        assert_eq!(day("2024-02-30").or(day("2024-1-1")).or(day("2024-01-01T00:00:00")), None);
        assert!(day("2024-02-29").is_some());
    }
}
