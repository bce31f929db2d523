//! What `diff` says is what comparing everything says.

use crate::common::*;
use imagescan_knowledge::{Builder, ChangedKey, Knowledge, diff};
use imagescan_model::{
    AdvisoryRecord, AdvisoryReference, CveRecord, Epss, LifecycleRecord, Release, RepositoryRecord, Severity,
};
use jiff::Timestamp;
use jiff::civil::Date;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

#[derive(Debug, Clone)]
struct Said {
    rows: Vec<(AdvisoryRecord, String)>,
    cves: Vec<CveRecord>,
    lifecycles: Vec<LifecycleRecord>,
    repositories: Vec<RepositoryRecord>,
}

fn rows() -> impl Strategy<Value = (AdvisoryRecord, String)> {
    let key = (0..3usize, "[a-c]", 0..3u32);
    let told = (of("[12]"), of("[xy]"), of("[xy]"), of(0..3i64), proptest::bool::weighted(0.1));
    (key, told, "osv|debian").prop_map(|((release, package, id), told, feed)| {
        let release = ["debian:11", "debian:12", "alpine:3.20"][release];
        let mut record = record(release, &package, &format!("CVE-2024-000{id}"), told.0.as_deref());
        record.title = told.1;
        record.stream = told.2;
        let date = told.3.map(|day| Timestamp::from_second(day * 86_400).unwrap());
        record.advisories =
            Vec::from_iter(date.map(|_| AdvisoryReference { id: "DSA-1".into(), url: None, date }));
        if told.4 {
            record.severity = Severity::Critical;
        }
        (record, feed)
    })
}

fn said() -> impl Strategy<Value = Said> {
    let cve = (0..4u32, "nvd|kev", any::<bool>(), of("[xy]"), of(0..3u32)).prop_map(
        |(id, source, rejected, title, score)| {
            let epss = score.map(|score| Epss { score, percentile: None, date: Date::constant(2026, 8, 1) });
            CveRecord { rejected, title, epss, ..CveRecord::new(format!("CVE-2024-000{id}"), source) }
        },
    );
    let lifecycle = ("[12]", "[xy]", of(1..3i8)).prop_map(|(version, source, day)| LifecycleRecord {
        release: Release::new("debian", version),
        source,
        released: None,
        standard_end: day.map(|day| Date::constant(2026, 8, day)),
        extended_end: None,
        paid_end: None,
    });
    let repository = ("[xy]", vec("[ab]", 0..2)).prop_map(|(repository, cpes)| RepositoryRecord {
        distribution: "rhel".into(),
        repository,
        cpes,
    });
    (vec(rows(), 0..16), vec(cve, 0..6), vec(lifecycle, 0..4), vec(repository, 0..3))
        .prop_map(|(rows, cves, lifecycles, repositories)| Said { rows, cves, lifecycles, repositories })
}

/// A database, and another of which some things were said otherwise.
fn pairs() -> impl Strategy<Value = (Said, Said)> {
    (said(), said(), 0..17usize).prop_map(|(one, mut other, kept)| {
        let shared = one.rows.iter().take(kept).cloned();
        other.rows = shared.chain(other.rows.into_iter().skip(kept)).collect();
        (one, other)
    })
}

fn write(dir: &Path, said: &Said) -> Knowledge {
    let mut builder = Builder::new(Timestamp::UNIX_EPOCH);
    said.rows.iter().for_each(|(record, feed)| builder.record(feed, record).unwrap());
    said.cves.iter().for_each(|record| builder.fact(record).unwrap());
    said.lifecycles.iter().for_each(|record| builder.lifecycle(record).unwrap());
    said.repositories.iter().for_each(|record| builder.repository(record));
    builder.write(dir).unwrap();
    Knowledge::open(dir).unwrap()
}

/// The keys under which `of` files something else in one of two lists.
fn changed<T: Clone, K: Ord + Clone, V: Ord>(
    one: &[T],
    other: &[T],
    of: impl Fn(&T) -> Option<(K, V)>,
) -> BTreeSet<K> {
    let filed = |list: &[T]| {
        let mut filed: BTreeMap<K, BTreeSet<V>> = BTreeMap::new();
        for (key, value) in list.iter().filter_map(&of) {
            filed.entry(key).or_default().insert(value);
        }
        filed
    };
    let (one, other) = (filed(one), filed(other));
    one.keys().chain(other.keys()).filter(|key| one.get(key) != other.get(key)).cloned().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn it_is_what_comparing_everything_says((one, other) in pairs()) {
        let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let (old, new) = (write(dirs[0].path(), &one), write(dirs[1].path(), &other));
        let found = diff(&old, &new).unwrap();
        let key = |record: &AdvisoryRecord| ChangedKey {
            release: record.release.clone(),
            package_type: record.package_type.clone(),
            matched_by: record.matched_by,
            package: record.package.clone(),
        };
        let keys = changed(&one.rows, &other.rows, |(record, feed)| Some((key(record), (record.clone(), feed.clone()))));
        prop_assert_eq!(&found.keys, &keys);
        let known = |record: &CveRecord| {
            let rest = CveRecord { epss: None, ..record.clone() };
            let silent = record.epss.is_some() && rest == CveRecord::new(&*rest.id, &*rest.source);
            (!silent).then(|| (record.id.clone(), rest))
        };
        prop_assert_eq!(&found.cves, &changed(&one.cves, &other.cves, known));
        let estimated = |record: &CveRecord| record.epss.map(|epss| (record.id.clone(), (record.source.clone(), epss)));
        prop_assert_eq!(&found.epss, &changed(&one.cves, &other.cves, estimated));
        let lifecycles = changed(&one.lifecycles, &other.lifecycles, |record| Some((record.release.clone(), record.clone())));
        prop_assert_eq!(&found.lifecycles, &lifecycles);
        let cpes = |list: &[RepositoryRecord]| {
            let mut all: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
            for record in list {
                let name = (record.distribution.clone(), record.repository.clone());
                all.entry(name).or_default().extend(record.cpes.iter().cloned());
            }
            all.into_iter().collect::<Vec<_>>()
        };
        let repositories = changed(&cpes(&one.repositories), &cpes(&other.repositories), |entry| Some(entry.clone()));
        prop_assert_eq!(&found.repositories, &repositories);
        prop_assert_eq!(diff(&old, &old).unwrap(), imagescan_knowledge::Changes::default());
    }
}
