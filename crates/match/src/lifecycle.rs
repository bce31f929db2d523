//! Where a release is in its life.
//!
//! Several sources may speak of it: what is nearest to the vendor counts.

use imagescan_knowledge::{Knowledge, KnowledgeError};
use imagescan_model::{Lifecycle, LifecycleRecord, LifecycleState, System};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// What is known of the life of `system`'s release at `as_of`; `None`: nothing.
///
/// # Errors
/// [`KnowledgeError`] where the database is damaged.
pub fn lifecycle(
    system: &System,
    knowledge: &Knowledge,
    as_of: Timestamp,
) -> Result<Option<Lifecycle>, KnowledgeError> {
    let Some(release) = system.release() else { return Ok(None) };
    let records = knowledge.lifecycle(&release)?;
    let Some(record) = records.iter().min_by_key(|record| distance(&record.source)) else { return Ok(None) };
    Ok(state(record, TimeZone::UTC.to_datetime(as_of).date()))
}

/// How far a source is from the vendor: the distribution's own data, pages that we read, others who read pages.
fn distance(source: &str) -> u8 {
    match source {
        "distro-info-data" => 0,
        "endoflife.date" => 2,
        _ => 1,
    }
}

/// Support holds to the end of its last day. What has no end is supported.
fn state(record: &LifecycleRecord, day: Date) -> Option<Lifecycle> {
    let is_over = |end: Option<Date>| end.is_some_and(|end| day > end);
    let state = match (is_over(record.standard_end), record.extended_end) {
        (false, _) => LifecycleState::Supported,
        (true, Some(end)) if day <= end => LifecycleState::Extended,
        (true, _) => LifecycleState::EndOfLife,
    };
    (record.standard_end.is_some() || record.released.is_some()).then_some(Lifecycle {
        state,
        standard_end: record.standard_end,
        extended_end: record.extended_end,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use imagescan_model::Release;
    use jiff::civil::date;

    #[test]
    fn support_holds_to_the_end_of_its_last_day() {
        let record = LifecycleRecord {
            release: Release::new("debian", "11"),
            source: "distro-info-data".into(),
            released: Some(date(2021, 8, 14)),
            standard_end: Some(date(2024, 8, 14)),
            extended_end: Some(date(2026, 8, 31)),
            paid_end: Some(date(2031, 6, 30)),
        };
        let at = |record: &LifecycleRecord, day| state(record, day).map(|life| life.state);
        assert_eq!(at(&record, date(2024, 8, 14)), Some(LifecycleState::Supported));
        assert_eq!(at(&record, date(2024, 8, 15)), Some(LifecycleState::Extended));
        assert_eq!(at(&record, date(2026, 8, 31)), Some(LifecycleState::Extended));
        assert_eq!(at(&record, date(2026, 9, 1)), Some(LifecycleState::EndOfLife));
        let open = LifecycleRecord { standard_end: None, extended_end: None, ..record };
        assert_eq!(at(&open, date(2030, 1, 1)), Some(LifecycleState::Supported));
        assert_eq!(at(&LifecycleRecord { released: None, ..open }, date(2030, 1, 1)), None);
    }
}
