//! What one build leaves the next: first sight, old rows with the instants they were known, rows nobody gives any more.

use crate::common::*;
use imagescan_knowledge::{Builder, Knowledge, verify};
use imagescan_model::{AdvisoryRecord, AdvisoryState, MatchedBy, PackageType, Release};
use jiff::Timestamp;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tempfile::TempDir;

fn day(number: i64) -> Timestamp {
    Timestamp::from_second(1_750_000_000 + number * 86_400).unwrap()
}

/// A build of the day, that descends from the one in `earlier`.
fn build_on(number: i64, earlier: Option<&Path>, records: &[AdvisoryRecord], covered: &[&str]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut builder = Builder::new(day(number));
    if let Some(earlier) = earlier {
        builder.descends_from(&Knowledge::open(earlier).unwrap()).unwrap();
    }
    let covered: Vec<_> = covered.iter().map(|release| (*release, false)).collect();
    let mut said = feed("debian", &covered);
    said.as_of = day(number);
    builder.feed(said);
    builder.records("debian", records.iter().cloned()).unwrap();
    builder.write(dir.path()).unwrap();
    verify(dir.path()).unwrap();
    dir
}

/// Id, fixed version, first observed and the instants between which it was known, of the rows at an instant.
fn said(dir: &Path, package: &str, at: Timestamp) -> Vec<String> {
    let knowledge = Knowledge::open(dir).unwrap();
    let release = Release::new("debian", "12");
    let rows = knowledge.lookup_at(&release, &PackageType::Deb, MatchedBy::Source, package, at).unwrap();
    let days = |at: Timestamp| ((at.as_second() - day(0).as_second()) / 86_400).to_string();
    let shown = |at: Option<Timestamp>| at.map_or("-".into(), days);
    rows.iter()
        .map(|row| {
            let (from, until) = row.known_between().unwrap();
            let fixed = row.fixed_version.unwrap_or("none");
            let observed = row.first_observed().unwrap();
            format!("{} {fixed} {} {}..{}", row.id, shown(observed), shown(from), shown(until))
        })
        .collect()
}

#[test]
fn a_lone_run_observes_nothing_and_a_later_one_what_is_new() {
    let of = |id, fixed| record("debian:12", "openssl", id, Some(fixed));
    let covered = ["debian:12"];
    let first = build_on(0, None, &[of("CVE-2024-0001", "1"), of("CVE-2024-0002", "1")], &covered);
    assert_eq!(said(first.path(), "openssl", day(0)), ["CVE-2024-0001 1 - -..-", "CVE-2024-0002 1 - -..-"]);
    let mut louder = of("CVE-2024-0001", "1");
    louder.title = Some("said in other words".into());
    let records = [louder, of("CVE-2024-0002", "2"), of("CVE-2024-0003", "1")];
    let second = build_on(1, Some(first.path()), &records, &covered);
    // Said otherwise, it was there before; another version is another thing to see.
    let now = ["CVE-2024-0001 1 - 1..-", "CVE-2024-0002 2 1 1..-", "CVE-2024-0003 1 1 1..-"];
    assert_eq!(said(second.path(), "openssl", day(1)), now);
    assert_eq!(said(second.path(), "openssl", day(0)), ["CVE-2024-0001 1 - -..1", "CVE-2024-0002 1 - -..1"]);
    // The next build changes nothing of it.
    let third = build_on(2, Some(second.path()), &records, &covered);
    assert_eq!(said(third.path(), "openssl", day(2)), now);
    assert_eq!(said(third.path(), "openssl", day(0)).len(), 2);
    let knowledge = Knowledge::open(third.path()).unwrap();
    assert_eq!(knowledge.known_since(), day(0));
    assert_eq!(knowledge.info().lineage.len(), 2);
    assert_eq!(knowledge.info().lineage[1], Knowledge::open(first.path()).unwrap().info().digest);
    // Gone, it is still known that it was known; back, it was seen first when it was seen first.
    let fourth = build_on(3, Some(third.path()), &[], &covered);
    assert_eq!(said(fourth.path(), "openssl", day(3)), [""; 0]);
    assert_eq!(said(fourth.path(), "openssl", day(2)).len(), 3);
    let fifth = build_on(4, Some(fourth.path()), &records[2..], &covered);
    assert_eq!(said(fifth.path(), "openssl", day(4)), ["CVE-2024-0003 1 1 4..-"]);
    assert_eq!(said(fifth.path(), "openssl", day(3)), [""; 0]);
}

#[test]
fn what_a_feed_says_that_was_not_read_before_is_no_news() {
    let first =
        build_on(0, None, &[record("debian:12", "openssl", "CVE-2024-0001", Some("1"))], &["debian:12"]);
    let other = [record("debian:13", "openssl", "CVE-2024-0001", Some("1"))];
    let second = build_on(1, Some(first.path()), &other, &["debian:12", "debian:13"]);
    let knowledge = Knowledge::open(second.path()).unwrap();
    let release = Release::new("debian", "13");
    let mut rows = knowledge.lookup(&release, &PackageType::Deb, MatchedBy::Source, "openssl").unwrap();
    let row = rows.next().unwrap().unwrap();
    assert_eq!((row.first_observed().unwrap(), row.known_between().unwrap()), (None, (Some(day(1)), None)));
}

#[test]
fn a_release_that_no_feed_speaks_of_any_more_keeps_its_rows() {
    let records = [
        record("debian:11", "openssl", "CVE-2024-0001", Some("1")),
        record("debian:12", "openssl", "CVE-2024-0001", Some("1")),
    ];
    let first = build_on(0, None, &records, &["debian:11", "debian:12"]);
    let mut earlier = first;
    for number in 1..4 {
        earlier = build_on(number, Some(earlier.path()), &records[1..], &["debian:12"]);
        let knowledge = Knowledge::open(earlier.path()).unwrap();
        assert_eq!(by_key(&everything(&knowledge).unwrap()), by_key(&records));
        let [carried] = knowledge.carried_over() else { panic!("{:?}", knowledge.carried_over()) };
        assert_eq!((carried.id.as_str(), carried.as_of, carried.coverage.len()), ("debian", day(0), 1));
        let coverage = knowledge.info().coverage(&Release::new("debian", "11"), &PackageType::Deb).unwrap();
        assert_eq!(coverage.as_of, day(0));
        let coverage = knowledge.info().coverage(&Release::new("debian", "12"), &PackageType::Deb).unwrap();
        assert_eq!(coverage.as_of, day(number));
    }
}

#[test]
fn a_feed_that_failed_keeps_its_rows() {
    let records = [record("debian:12", "openssl", "CVE-2024-0001", Some("1"))];
    let first = build_on(0, None, &records, &["debian:12"]);
    let dir = tempfile::tempdir().unwrap();
    let mut builder = Builder::new(day(1));
    builder.descends_from(&Knowledge::open(first.path()).unwrap()).unwrap();
    builder.keep("debian").feed(feed("osv", &[("debian:12", false)]));
    builder.records("osv", [record("debian:12", "zlib", "CVE-2024-0001", Some("1"))]).unwrap();
    builder.write(dir.path()).unwrap();
    verify(dir.path()).unwrap();
    assert_eq!(said(dir.path(), "openssl", day(1)), ["CVE-2024-0001 1 - -..-"]);
    let knowledge = Knowledge::open(dir.path()).unwrap();
    assert_eq!(knowledge.carried_over().iter().map(|feed| feed.as_of).collect::<Vec<_>>(), [day(0)]);
}

fn records() -> impl Strategy<Value = Vec<AdvisoryRecord>> {
    let row =
        (0..3u8, "[ab]", 0..4u32, proptest::option::of("[12]"), any::<bool>(), proptest::option::of("[xy]"));
    let record = row.prop_map(|(release, package, id, fixed, deferred, title)| {
        let release = ["debian:11", "debian:12", "alpine:3.20"][usize::from(release)];
        let mut record = record(release, &package, &format!("CVE-2024-000{id}"), fixed.as_deref());
        record.state = if deferred { AdvisoryState::FixDeferred } else { AdvisoryState::Affected };
        record.title = title;
        record
    });
    proptest::collection::vec(record, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The slow way: every build's records are remembered whole.
    #[test]
    fn every_instant_is_answered_as_the_build_of_then_would(
        builds in proptest::collection::vec(records(), 1..5),
    ) {
        let covered = ["debian:11", "debian:12", "alpine:3.20"];
        let mut dirs: Vec<TempDir> = Vec::new();
        for (number, records) in (0..).zip(&builds) {
            dirs.push(build_on(number, dirs.last().map(TempDir::path), records, &covered));
        }
        let last = Knowledge::open(dirs.last().unwrap().path()).unwrap();
        let keys: BTreeSet<Filed> = builds.iter().flatten().map(filed).collect();
        for (number, records) in (0..).zip(&builds) {
            let then = by_key(records);
            for key in &keys {
                let rows = last.lookup_at(&key.0, &key.1, key.2, &key.3, day(number)).unwrap();
                let found: BTreeSet<_> = rows.iter().map(|row| row.to_record().unwrap()).collect();
                prop_assert_eq!(found.len(), rows.len());
                prop_assert_eq!(found, then.get(key).cloned().unwrap_or_default());
                let now = look_up(&last, key).unwrap().into_iter().collect::<BTreeSet<_>>();
                let expected = by_key(builds.last().unwrap()).get(key).cloned();
                prop_assert_eq!(now, expected.unwrap_or_default());
            }
        }
        let mut observed: BTreeMap<(Filed, String, Option<String>), i64> = BTreeMap::new();
        for (number, records) in (0..).zip(&builds) {
            for record in records {
                let seen = (filed(record), record.id.clone(), record.fixed_version.clone());
                observed.entry(seen).or_insert(number);
            }
        }
        for rows in last.keys() {
            for row in rows.unwrap() {
                let row = row.unwrap();
                let record = row.to_record().unwrap();
                let first = observed[&(filed(&record), record.id, record.fixed_version)];
                prop_assert_eq!(row.first_observed().unwrap(), (first > 0).then(|| day(first)));
            }
        }
        let again = build_on(
            builds.len() as i64 - 1,
            dirs.len().checked_sub(2).map(|place| dirs[place].path()),
            builds.last().unwrap(),
            &covered,
        );
        prop_assert_eq!(files(again.path()), files(dirs.last().unwrap().path()));
    }
}
