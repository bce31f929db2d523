//! The only place that asks the clock.

use jiff::Timestamp;
use jiff::civil::{Date, time};
use jiff::tz::TimeZone;

/// Now, to the second: what a report says can then be replayed with `--as-of`.
pub(crate) fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "the edge where the clock is asked")]
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// Now, as the file system has it.
#[expect(clippy::disallowed_methods, reason = "the edge where the clock is asked")]
pub(crate) fn of_files() -> std::time::SystemTime {
    std::time::SystemTime::now()
}

/// RFC 3339, or a day: its last second, UTC.
pub(crate) fn parse(text: &str) -> Result<Timestamp, String> {
    if let Ok(date) = text.parse::<Date>()
        && text.len() == 10
    {
        let last = date.to_datetime(time(23, 59, 59, 0));
        return TimeZone::UTC.to_timestamp(last).map_err(|error| error.to_string());
    }
    text.parse().map_err(|_| "write it as 2026-11-24 or 2026-11-24T12:00:00Z".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_stands_for_its_last_second() {
        assert_eq!(parse("2026-11-24").unwrap().to_string(), "2026-11-24T23:59:59Z");
        assert_eq!(parse("2026-11-24T12:00:00.5+02:00").unwrap().to_string(), "2026-11-24T10:00:00.5Z");
        for text in ["", "yesterday", "2026-11", "2026-13-01", "2026-11-24T12:00:00"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
