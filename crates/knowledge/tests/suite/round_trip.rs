//! What was filed comes back, all of it and nothing else, and the same records give the same bytes.

use crate::common::*;
use imagescan_knowledge::{BuildError, Builder, Knowledge, verify};
use imagescan_model::{
    AdvisoryRecord, AdvisoryReference, AdvisoryState, DateKind, DatedAs, Extent, HiddenReason, MatchedBy,
    PackageType, Release, Severity,
};
use jiff::Timestamp;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

fn timestamps() -> impl Strategy<Value = Timestamp> {
    let seconds = Timestamp::MIN.as_second() + 1..Timestamp::MAX.as_second();
    (seconds, prop_oneof![Just(0), 0..1_000_000_000])
        .prop_map(|(seconds, nanoseconds)| Timestamp::new(seconds, nanoseconds).unwrap())
}

fn dates() -> impl Strategy<Value = DatedAs> {
    let kinds = [DateKind::Disclosed, DateKind::Advisory, DateKind::Upload, DateKind::FirstObserved];
    (timestamps(), select(kinds.to_vec())).prop_map(|(at, kind)| DatedAs { at, kind })
}

fn references() -> impl Strategy<Value = AdvisoryReference> {
    ("DSA-[0-9]{0,3}", of("[a-c]{0,2}"), of(timestamps())).prop_map(|(id, url, date)| AdvisoryReference {
        id,
        url,
        date,
    })
}

/// From a small world, so that keys, ids and details meet.
fn records() -> impl Strategy<Value = AdvisoryRecord> {
    let releases = ["debian:11", "debian:12", "debian:sid", "alpine:3.9", "alpine:3.10", "wolfi"];
    let types = [PackageType::Deb, PackageType::Apk, PackageType::Other("gem".into())];
    let states = [
        AdvisoryState::NotAffected,
        AdvisoryState::Affected,
        AdvisoryState::FixDeferred,
        AdvisoryState::WillNotFix,
        AdvisoryState::EndOfLife,
        AdvisoryState::UnderInvestigation,
    ];
    let filed = (
        select(releases.map(|text| text.parse::<Release>().unwrap()).to_vec()),
        select(types.to_vec()),
        select(vec![MatchedBy::Source, MatchedBy::Binary]),
        prop_oneof!["[a-d]{0,2}", "\\PC{0,12}"],
    );
    let judged = (
        "CVE-[0-9]{1,2}",
        select(states.to_vec()),
        of("[0-9]{0,2}"),
        of("[0-9]{1,2}"),
        select(Severity::ALL.to_vec()),
        of(select(vec![HiddenReason::Unimportant, HiddenReason::KernelHeaders])),
    );
    let told = (
        proptest::collection::vec("[a-c]{0,2}", 0..3),
        proptest::collection::vec(select(vec!["amd64", "arm64", "s390x"]), 0..3),
        (of("ruby:[0-9]"), of("cpe:/[a-c]")),
        of("debian|nvd"),
        of("\\PC{0,200}"),
        proptest::collection::vec(references(), 0..3),
        of(dates()),
        of(dates()),
    );
    (filed, judged, told).prop_map(|(filed, judged, told)| AdvisoryRecord {
        release: filed.0,
        package_type: filed.1,
        matched_by: filed.2,
        package: filed.3,
        id: judged.0,
        state: judged.1,
        fixed_version: judged.2,
        introduced: judged.3,
        severity: judged.4,
        hidden: judged.5,
        aliases: told.0,
        architectures: told.1.into_iter().map(str::to_owned).collect(),
        module: told.2.0,
        stream: told.2.1,
        severity_source: told.3,
        title: told.4,
        advisories: told.5,
        disclosed: told.6,
        fix_available: told.7,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_record_comes_back_under_its_key(records in proptest::collection::vec(records(), 0..60)) {
        let dir = tempfile::tempdir().unwrap();
        build(dir.path(), records.clone());
        let keys = by_key(&records);
        let knowledge = Knowledge::open(dir.path()).unwrap();
        for (key, expected) in &keys {
            let found = look_up(&knowledge, key).unwrap();
            prop_assert!(found.is_sorted_by_key(|record| record.id.clone()));
            prop_assert_eq!(found.len(), expected.len());
            prop_assert_eq!(&found.into_iter().collect::<std::collections::BTreeSet<_>>(), expected);
        }
        let all = everything(&knowledge).unwrap();
        prop_assert_eq!(by_key(&all), keys.clone());
        let verified = verify(dir.path()).unwrap();
        prop_assert_eq!(verified.keys as usize, keys.len());
        prop_assert_eq!(verified.rows as usize, all.len());
    }
}

#[test]
fn order_and_repetition_leave_no_trace() {
    let first = tempfile::tempdir().unwrap();
    build(first.path(), sample());
    let mut random = Random(7);
    for _ in 0..20 {
        let mut records = sample();
        records.extend(sample().split_off(3));
        random.shuffle(&mut records);
        let other = tempfile::tempdir().unwrap();
        build(other.path(), records);
        assert_eq!(files(first.path()), files(other.path()));
    }
}

#[test]
fn a_row_names_every_feed_that_states_it_in_whatever_order_they_come() {
    let alike = || record("debian:12", "openssl", "CVE-2024-0001", Some("1"));
    let mut other = alike();
    other.title = Some("in other words".into());
    let built = |feeds: &[&str]| {
        let dir = tempfile::tempdir().unwrap();
        let mut builder = Builder::new(instant("2026-08-02T00:00:00Z"));
        for feed in feeds {
            builder.records(feed, [alike()]).unwrap();
            if *feed == "osv" {
                builder.records(feed, [other.clone(), alike()]).unwrap();
            }
        }
        builder.write(dir.path()).unwrap();
        verify(dir.path()).unwrap();
        dir
    };
    let dir = built(&["osv", "debian", "nvd"]);
    let knowledge = Knowledge::open(dir.path()).unwrap();
    let (release, kind) = (Release::new("debian", "12"), PackageType::Deb);
    let rows = knowledge.lookup(&release, &kind, MatchedBy::Source, "openssl").unwrap();
    let mut said: Vec<_> = rows
        .map(|row| row.unwrap().to_filed().unwrap())
        .map(|filed| (filed.record.title, filed.feeds.join(" ")))
        .collect();
    said.sort();
    assert_eq!(said, [(None, "debian nvd osv".into()), (other.title.clone(), "osv".into())]);
    for order in [["debian", "nvd", "osv"], ["nvd", "osv", "debian"]] {
        assert_eq!(files(built(&order).path()), files(dir.path()));
    }
    let many = (0..40).map(|number| format!("feed-{number}"));
    let mut builder = Builder::new(Timestamp::UNIX_EPOCH);
    let refused = many.map(|feed| builder.records(&feed, [alike()]).err()).find(Option::is_some).flatten();
    assert!(matches!(refused, Some(BuildError::TooLarge { what: "feeds", .. })), "{refused:?}");
}

/// The bytes of format 3, kept: `IMAGESCAN_BLESS=1` writes them where the format is meant to change.
#[test]
fn format_3_stays_what_it_is() {
    let kept = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/format-3"));
    if std::env::var_os("IMAGESCAN_BLESS").is_some() {
        let _ = std::fs::remove_dir_all(kept);
        build(kept, sample());
        std::fs::remove_file(kept.join("lock")).unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    build(dir.path(), sample());
    assert_eq!(files(kept), files(dir.path()));
    let knowledge = Knowledge::open(kept).unwrap();
    assert_eq!(by_key(&everything(&knowledge).unwrap()), by_key(&sample()));
    assert_eq!(verify(kept).unwrap().info, *knowledge.info());
}

#[test]
fn what_is_not_there_has_no_rows() {
    let dir = tempfile::tempdir().unwrap();
    build(dir.path(), sample());
    let knowledge = Knowledge::open(dir.path()).unwrap();
    let debian = Release::new("debian", "12");
    let count = |release: &Release, package_type: &PackageType, matched_by, name: &str| {
        knowledge.lookup(release, package_type, matched_by, name).unwrap().count()
    };
    assert_eq!(count(&debian, &PackageType::Deb, MatchedBy::Source, "openssl"), 2);
    assert_eq!(count(&debian, &PackageType::Deb, MatchedBy::Binary, "openssl"), 1);
    assert_eq!(count(&debian, &PackageType::Deb, MatchedBy::Source, "openss"), 0);
    assert_eq!(count(&debian, &PackageType::Deb, MatchedBy::Source, "zlib"), 0);
    assert_eq!(count(&debian, &PackageType::Rpm, MatchedBy::Source, "openssl"), 0);
    assert_eq!(count(&Release::new("debian", "10"), &PackageType::Deb, MatchedBy::Source, "openssl"), 0);
    assert_eq!(count(&Release::new("wolfi", ""), &PackageType::Apk, MatchedBy::Source, "busybox"), 0);
}

#[test]
fn a_release_is_covered_by_the_feeds_that_speak_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut builder = Builder::new(instant("2026-08-02T00:00:00Z"));
    let mut old = feed("osv", &[("debian:12", true), ("alpine:3.20", true)]);
    old.as_of = instant("2026-01-01T00:00:00Z");
    builder.feed(old).feed(feed("debian", &[("debian:12", false)]));
    builder.write(dir.path()).unwrap();
    let knowledge = Knowledge::open(dir.path()).unwrap();
    let of = |version: &str, distribution: &str| {
        let package_type = if distribution == "debian" { PackageType::Deb } else { PackageType::Apk };
        let coverage = knowledge.info().coverage(&Release::new(distribution, version), &package_type)?;
        Some((coverage.feeds.len(), coverage.extent, coverage.as_of.to_string()))
    };
    assert_eq!(of("12", "debian"), Some((2, Extent::Full, "2026-01-01T00:00:00Z".into())));
    assert_eq!(of("3.20", "alpine"), Some((1, Extent::FixesOnly, "2026-01-01T00:00:00Z".into())));
    assert_eq!(of("13", "debian"), None);
    assert_eq!(knowledge.info().coverage(&Release::new("debian", "12"), &PackageType::Rpm), None);
}

#[test]
fn a_release_nobody_could_ask_for_is_refused() {
    for release in [Release::new("debian", "12.5"), Release::new("de bian", "1"), Release::new("rhel", "")] {
        let mut strange = record("debian:12", "openssl", "CVE-1", None);
        strange.release = release;
        let refused = Builder::new(Timestamp::UNIX_EPOCH).records("debian", [strange]).err();
        assert!(matches!(refused, Some(BuildError::Release { .. })), "{refused:?}");
    }
}
