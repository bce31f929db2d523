//! One package against the rows filed under its name: what holds for its version.
//!
//! A row holds for a version from `introduced` on and below `fixed_version`. Several rows of one id (ranges,
//! streams, a fix that was mended) are one judgement: affected if any holds, and safe from the highest fix of
//! those that hold. A vendor's 'not affected' is final.

use imagescan_knowledge::FiledRecord;
use imagescan_model::{AdvisoryRecord, AdvisoryState, MatchKey, PackageType};
use imagescan_version::Order;
use std::cmp::Ordering;

/// What holds for one package and one id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement<'a> {
    /// The state for the installed version: [`AdvisoryState::NotAffected`] also where it is past the fix.
    pub state: AdvisoryState,
    /// First version without it, where that is a version one can have in this release.
    pub fixed_version: Option<&'a str>,
    /// The row that decided.
    pub row: &'a AdvisoryRecord,
    /// The feeds that say so, sorted: of that row, and of those that come to the same.
    pub feeds: Vec<&'a str>,
}

/// The order of a package manager's versions; `None`: we know none.
fn order(package_type: &PackageType) -> Option<Order> {
    match package_type {
        PackageType::Apk => Some(Order::Apk),
        PackageType::Deb => Some(Order::Deb),
        PackageType::Rpm => Some(Order::Rpm),
        PackageType::Other(_) => None,
    }
}

/// Judges `key` by `rows`, which are filed under its name and sorted by id. One judgement an id.
#[must_use]
pub fn judge_key<'a>(key: &MatchKey, rows: &'a [FiledRecord]) -> Vec<Judgement<'a>> {
    let Some(order) = order(&key.package_type) else { return Vec::new() };
    let version = compared_version(key);
    let compare = |a: &str, b: &str| order.compare(a, b);
    rows.chunk_by(|a, b| a.record.id == b.record.id)
        .filter_map(|rows| judge_id(key, version, rows, &compare))
        .collect()
}

/// The version that rows are compared with.
///
/// A backport `1.2-3~bpo12+1` has all that `1.2-3` of the release it was rebuilt from has, though it sorts below.
fn compared_version(key: &MatchKey) -> &str {
    let version = match key.package_type {
        PackageType::Deb => &key.source_version,
        _ => &key.version,
    };
    match version.rsplit_once("~bpo") {
        Some((original, _)) if key.rebuilt => original,
        _ => version,
    }
}

fn judge_id<'a>(
    key: &MatchKey,
    version: &str,
    rows: &'a [FiledRecord],
    compare: &dyn Fn(&str, &str) -> Ordering,
) -> Option<Judgement<'a>> {
    let rows: Vec<&FiledRecord> = rows.iter().filter(|row| speaks_of(key, &row.record)).collect();
    let first = *rows.first()?;
    if let Some(row) = rows.iter().find(|row| row.record.state == AdvisoryState::NotAffected) {
        return Some(judgement(AdvisoryState::NotAffected, row, &rows));
    }
    let holds = |row: &&FiledRecord| {
        let row = &row.record;
        let begun = row.introduced.as_deref().is_none_or(|from| compare(version, from).is_ge());
        begun && row.fixed_version.as_deref().is_none_or(|fixed| compare(version, fixed).is_lt())
    };
    let holding: Vec<&FiledRecord> = rows.iter().copied().filter(holds).collect();
    // Ties are decided by the rows themselves, so that their order never shows.
    let row = holding
        .iter()
        .copied()
        .map(|row| (row, &row.record))
        .max_by(|(_, a), (_, b)| weigh(a, b, compare).then_with(|| b.cmp(a)));
    Some(match row {
        Some((row, record)) => judgement(state(key, record), row, &holding),
        None => judgement(AdvisoryState::NotAffected, first, &rows),
    })
}

/// What `row` decides among `rows`.
fn judgement<'a>(state: AdvisoryState, row: &'a FiledRecord, rows: &[&'a FiledRecord]) -> Judgement<'a> {
    let said = |row: &'a FiledRecord| (row.record.state, row.record.fixed_version.as_deref());
    let alike = rows.iter().filter(|other| said(other) == said(row));
    let mut feeds: Vec<&str> = alike.flat_map(|row| &row.feeds).map(String::as_str).collect();
    feeds.sort_unstable();
    feeds.dedup();
    Judgement { state, fixed_version: row.record.fixed_version.as_deref(), row: &row.record, feeds }
}

/// Which of two rows that hold says more: a fix over none, the higher fix, the better known state. A feed that
/// cannot tell why there is no fix (OSV) says less than one that can.
fn weigh(a: &AdvisoryRecord, b: &AdvisoryRecord, compare: &dyn Fn(&str, &str) -> Ordering) -> Ordering {
    match (&a.fixed_version, &b.fixed_version) {
        (Some(a), Some(b)) => compare(a, b),
        (None, None) => known(a.state).cmp(&known(b.state)),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// How much a state says of what has no fix.
fn known(state: AdvisoryState) -> u8 {
    match state {
        AdvisoryState::NotAffected | AdvisoryState::UnderInvestigation => 0,
        AdvisoryState::Affected => 1,
        AdvisoryState::FixDeferred => 2,
        AdvisoryState::WillNotFix => 3,
        AdvisoryState::EndOfLife => 4,
    }
}

/// Whether a row is about this architecture and this module stream.
fn speaks_of(key: &MatchKey, row: &AdvisoryRecord) -> bool {
    let architecture = match &key.architecture {
        Some(architecture) if !row.architectures.is_empty() => {
            matches!(architecture.as_str(), "all" | "noarch") || row.architectures.contains(architecture)
        }
        _ => true,
    };
    architecture && row.module.as_deref().is_none_or(|module| key.module.as_deref() == Some(module))
}

/// The row's state. What a release will not fix, a rebuilt package's own suite may: there it is only unfixed.
fn state(key: &MatchKey, row: &AdvisoryRecord) -> AdvisoryState {
    match row.state {
        AdvisoryState::FixDeferred | AdvisoryState::WillNotFix | AdvisoryState::EndOfLife if key.rebuilt => {
            AdvisoryState::Affected
        }
        state => state,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use imagescan_model::{MatchedBy, Package, Release, SourcePackage, System};

    fn row(id: &str, state: AdvisoryState, introduced: Option<&str>, fixed: Option<&str>) -> FiledRecord {
        let release = Release::new("debian", "12");
        let record = AdvisoryRecord {
            state,
            fixed_version: fixed.map(String::from),
            introduced: introduced.map(String::from),
            ..AdvisoryRecord::new(release, PackageType::Deb, MatchedBy::Source, "a", id)
        };
        FiledRecord { record, feeds: vec!["debian".into()] }
    }

    fn key(version: &str) -> MatchKey {
        let system = System { id: Some("debian".into()), version_id: Some("12".into()), ..System::default() };
        let mut package = Package::new(PackageType::Deb, "a1", "9:9");
        package.source = Some(SourcePackage { name: "a".into(), version: Some(version.into()) });
        MatchKey::of(&system, &package)
    }

    fn verdict(version: &str, rows: &[FiledRecord]) -> (AdvisoryState, Option<String>) {
        let judgements = judge_key(&key(version), rows);
        assert_eq!(judgements.len(), 1);
        (judgements[0].state, judgements[0].fixed_version.map(String::from))
    }

    #[test]
    fn a_version_below_the_fix_is_affected_and_the_fix_itself_is_not() {
        use AdvisoryState::{Affected, NotAffected};
        let rows = [row("CVE-1", Affected, None, Some("1.0-2"))];
        assert_eq!(verdict("1.0-1", &rows), (Affected, Some("1.0-2".into())));
        assert_eq!(verdict("1.0-2~deb12u1", &rows).0, Affected);
        assert_eq!(verdict("1.0-2", &rows), (NotAffected, Some("1.0-2".into())));
    }

    #[test]
    fn several_rows_of_an_id_are_one_judgement() {
        use AdvisoryState::{Affected, FixDeferred, NotAffected};
        let mended =
            [row("CVE-1", Affected, None, Some("1.0-2")), row("CVE-1", Affected, None, Some("1.0-4"))];
        assert_eq!(verdict("1.0-1", &mended), (Affected, Some("1.0-4".into())));
        assert_eq!(verdict("1.0-3", &mended), (Affected, Some("1.0-4".into())));
        let ranges = [row("CVE-1", Affected, None, Some("1.5")), row("CVE-1", Affected, Some("2.0"), None)];
        assert_eq!(verdict("1.7", &ranges).0, NotAffected);
        assert_eq!(verdict("2.0", &ranges), (Affected, None));
        let denied = [row("CVE-1", Affected, None, Some("9")), row("CVE-1", NotAffected, None, None)];
        assert_eq!(verdict("1", &denied), (NotAffected, None));
        let states = [row("CVE-1", FixDeferred, None, None), row("CVE-1", Affected, None, Some("9"))];
        assert_eq!(verdict("1", &states), (Affected, Some("9".into())));
    }

    #[test]
    fn a_feed_that_knows_why_there_is_no_fix_is_believed() {
        use AdvisoryState::{Affected, EndOfLife, FixDeferred, UnderInvestigation, WillNotFix};
        for (said, over) in [
            (WillNotFix, Affected),
            (FixDeferred, Affected),
            (EndOfLife, Affected),
            (Affected, UnderInvestigation),
        ] {
            let mut rows = [row("CVE-1", said, None, None), row("CVE-1", over, None, None)];
            assert_eq!(verdict("1", &rows), (said, None));
            rows.reverse();
            assert_eq!(verdict("1", &rows), (said, None));
        }
    }

    #[test]
    fn the_feeds_named_are_those_whose_rows_decide() {
        use AdvisoryState::{Affected, NotAffected};
        let of = |feed: &str, state, introduced, fixed| FiledRecord {
            feeds: vec![feed.into()],
            ..row("CVE-1", state, introduced, fixed)
        };
        let feeds = |version: &str, rows: &[FiledRecord]| {
            judge_key(&key(version), rows).iter().map(|found| found.feeds.join(" ")).collect::<Vec<_>>()
        };
        let mended = [of("debian", Affected, None, Some("1.0-4")), of("osv", Affected, None, Some("1.0-2"))];
        assert_eq!(feeds("1.0-1", &mended), ["debian"]);
        let alike = [of("debian", Affected, None, Some("2")), of("osv", Affected, Some("1"), Some("2"))];
        assert_eq!(feeds("1.5", &alike), ["debian osv"]);
        assert_eq!(feeds("0.5", &alike), ["debian"]);
        let denied = [of("debian", NotAffected, None, None), of("osv", Affected, None, Some("2"))];
        assert_eq!(feeds("1", &denied), ["debian"]);
    }

    #[test]
    fn a_backport_has_what_its_original_has() {
        use AdvisoryState::{Affected, NotAffected, WillNotFix};
        let rows = [row("CVE-1", Affected, None, Some("1.2-3"))];
        assert_eq!(verdict("1.2-3~bpo12+1", &rows).0, NotAffected);
        assert_eq!(verdict("1.2-2~bpo12+1", &rows).0, Affected);
        assert_eq!(verdict("1.2-2~bpo12+1", &[row("CVE-1", WillNotFix, None, None)]).0, Affected);
    }

    #[test]
    fn rows_of_other_architectures_and_modules_do_not_count() {
        let mut other = row("CVE-1", AdvisoryState::Affected, None, None);
        other.record.architectures = vec!["arm64".into()];
        let mut armed = key("1");
        armed.architecture = Some("amd64".into());
        assert!(judge_key(&armed, &[other.clone()]).is_empty());
        armed.architecture = Some("arm64".into());
        assert_eq!(judge_key(&armed, &[other]).len(), 1);
        let mut module = row("CVE-1", AdvisoryState::Affected, None, None);
        module.record.module = Some("ruby:3.1".into());
        assert!(judge_key(&key("1"), &[module]).is_empty());
    }
}
