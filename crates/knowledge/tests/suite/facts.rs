//! Facts come back under their ids, releases and names, and EPSS leaves the rest alone.

use crate::common::*;
use imagescan_knowledge::{Builder, Knowledge, verify};
use imagescan_model::{
    CveRecord, Cvss, Epss, Exploited, KnowledgeInfo, LifecycleRecord, Release, RepositoryRecord, Severity,
};
use jiff::Timestamp;
use jiff::civil::Date;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn dates() -> impl Strategy<Value = Date> {
    (-9999i16..=9999, 1i8..=12, 1i8..=28).prop_map(|(year, month, day)| Date::new(year, month, day).unwrap())
}

fn cves() -> impl Strategy<Value = CveRecord> {
    let ids = prop_oneof!["CVE-20[0-2][0-9]-[0-9]{3,6}", "CVE-2024-000[0-3]", "GHSA-[a-c]{0,2}", "\\PC{0,3}"];
    let severities = select(Severity::ALL.to_vec());
    let cvss = ("CVSS:[a-c]", any::<u8>()).prop_map(|(vector, score)| Cvss { vector, score });
    let exploited = (dates(), of(dates()), any::<bool>()).prop_map(|(added, due, ransomware)| Exploited {
        added,
        due,
        ransomware,
    });
    let epss = (any::<u32>(), of(any::<u32>()), dates()).prop_map(|(score, percentile, date)| Epss {
        score,
        percentile,
        date,
    });
    let said = (any::<bool>(), of(0i64..2_000_000_000), severities, vec(cvss, 0..3), of("[a-c]{0,2}"));
    (ids, "nvd|kev|cna", said, of(exploited), of(epss)).prop_map(|(id, source, said, exploited, epss)| {
        CveRecord {
            id,
            source,
            rejected: said.0,
            published: said.1.map(|seconds| Timestamp::from_second(seconds).unwrap()),
            severity: said.2,
            cvss: said.3,
            title: said.4,
            exploited,
            epss,
        }
    })
}

fn lifecycles() -> impl Strategy<Value = LifecycleRecord> {
    let date = || of(dates());
    let release = ("debian|rhel", "[0-9]{0,1}(\\.[0-9])?");
    (release, "table|debian", date(), date(), date(), date()).prop_map(
        |((distribution, version), source, released, standard_end, extended_end, paid_end)| LifecycleRecord {
            release: Release::new(distribution, version),
            source,
            released,
            standard_end,
            extended_end,
            paid_end,
        },
    )
}

fn repositories() -> impl Strategy<Value = RepositoryRecord> {
    ("rhel|centos", "[a-c]{0,2}", vec("cpe:/[a-c]", 0..3))
        .prop_map(|(distribution, repository, cpes)| RepositoryRecord { distribution, repository, cpes })
}

fn write(
    dir: &Path,
    cves: &[CveRecord],
    lifecycles: &[LifecycleRecord],
    repositories: &[RepositoryRecord],
) -> KnowledgeInfo {
    let mut builder = Builder::new(Timestamp::UNIX_EPOCH);
    cves.iter().for_each(|record| builder.fact(record).unwrap());
    lifecycles.iter().for_each(|record| builder.lifecycle(record).unwrap());
    repositories.iter().for_each(|record| builder.repository(record));
    builder.write(dir).unwrap()
}

/// A record with EPSS as the two records that come back.
fn apart(record: &CveRecord) -> Vec<CveRecord> {
    let Some(epss) = record.epss else { return vec![record.clone()] };
    let estimate = CveRecord { epss: Some(epss), ..CveRecord::new(&*record.id, &*record.source) };
    let rest = CveRecord { epss: None, ..record.clone() };
    if rest == CveRecord::new(&*record.id, &*record.source) { vec![estimate] } else { vec![rest, estimate] }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_fact_comes_back(
        cves in vec(cves(), 0..40),
        lifecycles in vec(lifecycles(), 0..20),
        repositories in vec(repositories(), 0..20),
    ) {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &cves, &lifecycles, &repositories);
        verify(dir.path()).unwrap();
        let knowledge = Knowledge::open(dir.path()).unwrap();
        let expected: BTreeSet<_> = cves.iter().flat_map(apart).collect();
        for record in &cves {
            let of_id = expected.iter().filter(|other| other.id == record.id);
            prop_assert_eq!(knowledge.cve(&record.id).unwrap(), of_id.cloned().collect::<Vec<_>>());
            prop_assert_eq!(knowledge.epss(&record.id).unwrap().is_some(), expected.iter().any(
                |other| other.id == record.id && other.epss.is_some()));
        }
        prop_assert_eq!(knowledge.cve("CVE-1").unwrap(), []);
        prop_assert_eq!(knowledge.cves().collect::<Result<BTreeSet<_>, _>>().unwrap(), expected);
        let expected: BTreeSet<_> = lifecycles.iter().cloned().collect();
        for record in &lifecycles {
            let of_release = expected.iter().filter(|other| other.release == record.release);
            let found = knowledge.lifecycle(&record.release).unwrap();
            prop_assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), of_release.cloned().collect::<BTreeSet<_>>());
        }
        prop_assert_eq!(knowledge.lifecycles().collect::<Result<BTreeSet<_>, _>>().unwrap(), expected);
        let mut expected: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
        for record in &repositories {
            let cpes = expected.entry((&record.distribution, &record.repository)).or_default();
            cpes.extend(record.cpes.iter().map(String::as_str));
        }
        for ((distribution, name), cpes) in &expected {
            let found = knowledge.repository(distribution, name).unwrap();
            prop_assert_eq!(found, Some(cpes.iter().copied().collect::<Vec<_>>()));
        }
        prop_assert_eq!(knowledge.repositories().count(), expected.len());
        prop_assert_eq!(knowledge.repository("rhel", "absent").unwrap(), None);
        let other = tempfile::tempdir().unwrap();
        let (mut cves, mut lifecycles) = (cves.clone(), lifecycles.clone());
        cves.reverse();
        lifecycles.reverse();
        write(other.path(), &cves, &lifecycles, &repositories);
        prop_assert_eq!(files(other.path()), files(dir.path()));
    }
}

#[test]
fn what_epss_says_of_another_day_leaves_every_other_segment_as_it_was() {
    let said = |day| {
        let epss =
            Epss { score: 94_000 + u32::from(day), percentile: Some(1), date: Date::constant(2026, 8, 1) };
        let mut exploited = CveRecord { severity: Severity::High, ..CveRecord::new("CVE-2024-0001", "nvd") };
        exploited.epss = (day == 2).then_some(epss);
        [exploited, CveRecord { epss: Some(epss), ..CveRecord::new("CVE-2024-0001", "epss") }]
    };
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [one, other] =
        [0, 1].map(|day: u8| write(dirs[usize::from(day)].path(), &said(day), &[], &[]).segments);
    let changed: Vec<_> = one
        .iter()
        .zip(&other)
        .filter(|(one, other)| one != other)
        .map(|(one, _)| one.name.as_str())
        .collect();
    assert_eq!(
        one.iter().map(|segment| segment.name.as_str()).collect::<Vec<_>>(),
        ["facts/cves", "facts/epss"]
    );
    assert_eq!(changed, ["facts/epss"]);
}
