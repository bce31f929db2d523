//! A small database that uses every field, and how tests read one back.

use imagescan_knowledge::{Builder, Knowledge, KnowledgeError};
use imagescan_model::{
    AdvisoryRecord, AdvisoryReference, AdvisoryState, CoveredState, CveRecord, Cvss, DateKind, DatedAs, Epss,
    FeedCoverage, FeedInfo, HiddenReason, KnowledgeInfo, LifecycleRecord, MatchedBy, PackageType, Release,
    RepositoryRecord, Severity,
};
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub(crate) type Filed = (Release, PackageType, MatchedBy, String);

pub(crate) fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A record of which only the key, id and fix matter.
pub(crate) fn record(release: &str, package: &str, id: &str, fixed: Option<&str>) -> AdvisoryRecord {
    let release: Release = release.parse().unwrap();
    let deb = release.distribution == "debian";
    let package_type = if deb { PackageType::Deb } else { PackageType::Apk };
    AdvisoryRecord {
        fixed_version: fixed.map(str::to_owned),
        severity: Severity::High,
        ..AdvisoryRecord::new(release, package_type, MatchedBy::Source, package, id)
    }
}

/// A record with everything.
pub(crate) fn full_record() -> AdvisoryRecord {
    let dated = |text, kind| Some(DatedAs { at: instant(text), kind });
    AdvisoryRecord {
        matched_by: MatchedBy::Binary,
        aliases: vec!["GHSA-1".into(), "GHSA-2".into()],
        introduced: Some("1.0".into()),
        architectures: vec!["amd64".into(), "arm64".into()],
        module: Some("ruby:2.7".into()),
        stream: Some("appstream".into()),
        severity_source: Some("debian".into()),
        hidden: Some(HiddenReason::Unimportant),
        title: Some("reads a byte too much – ü".into()),
        advisories: vec![
            AdvisoryReference {
                id: "DSA-1-1".into(),
                url: Some("https://security.example/DSA-1-1".into()),
                date: Some(instant("2024-02-29T12:00:00.000000001Z")),
            },
            AdvisoryReference { id: "DSA-2-1".into(), url: None, date: None },
        ],
        disclosed: dated("1969-12-31T23:59:59.5Z", DateKind::Disclosed),
        fix_available: dated("2024-03-01T00:00:00Z", DateKind::Advisory),
        ..record("debian:12", "openssl", "CVE-2024-0001", Some("3.0.11-1~deb12u2"))
    }
}

pub(crate) fn sample() -> Vec<AdvisoryRecord> {
    let mut records = vec![
        full_record(),
        record("debian:12", "openssl", "CVE-2024-0001", Some("3.0.11-1~deb12u2")),
        record("debian:12", "openssl", "CVE-2023-0464", None),
        record("debian:11", "openssl", "CVE-2023-0464", None),
        record("debian:sid", "zlib", "CVE-2022-37434", Some("1:1.2.11.dfsg-4.1")),
        record("alpine:3.20", "busybox", "CVE-2023-42366", Some("1.36.1-r16")),
        record("alpine:edge", "busybox", "CVE-2023-42366", Some("1.36.1-r16")),
    ];
    records[2].state = AdvisoryState::WillNotFix;
    records[4].severity = Severity::Unknown;
    records
}

pub(crate) fn feed(id: &str, releases: &[(&str, bool)]) -> FeedInfo {
    let coverage = |(release, fixes_only): &(&str, bool)| FeedCoverage {
        release: release.parse().unwrap(),
        package_type: if release.starts_with("debian") { PackageType::Deb } else { PackageType::Apk },
        states: if *fixes_only { [CoveredState::Fixed].into() } else { CoveredState::ALL.into() },
        repositories: BTreeSet::new(),
        missing: BTreeSet::new(),
    };
    FeedInfo {
        id: id.into(),
        as_of: instant("2026-08-01T00:00:00Z"),
        stale: None,
        fetched_at: None,
        records: 7,
        dropped: Default::default(),
        licence: Some("MIT".into()),
        digest: format!("sha256:{}", "0a".repeat(32)).parse().unwrap(),
        coverage: releases.iter().map(coverage).collect(),
    }
}

pub(crate) fn build(dir: &Path, records: Vec<AdvisoryRecord>) -> KnowledgeInfo {
    let mut builder = Builder::new(instant("2026-08-02T00:00:00Z"));
    builder.feed(feed("debian", &[("debian:12", false)]));
    builder.feed(feed("alpine", &[("alpine:3.20", true)]));
    for feed in ["alpine", "debian"] {
        let of_feed =
            records.iter().filter(|record| (record.release.distribution == "debian") == (feed == "debian"));
        builder.records(feed, of_feed.cloned()).unwrap();
    }
    builder.fact(&fact()).unwrap();
    builder.lifecycle(&lifecycle()).unwrap();
    builder.repository(&repository());
    builder.write(dir).unwrap()
}

/// What every database of [`build`] knows beside its rows.
pub(crate) fn fact() -> CveRecord {
    CveRecord {
        severity: Severity::Critical,
        cvss: vec![Cvss { vector: "CVSS:3.1/AV:N/AC:L".into(), score: 98 }],
        title: Some("reads a byte too much".into()),
        epss: Some(Epss { score: 97_000, percentile: None, date: Date::constant(2026, 8, 1) }),
        ..CveRecord::new("CVE-2024-0001", "nvd")
    }
}

pub(crate) fn lifecycle() -> LifecycleRecord {
    LifecycleRecord {
        release: Release::new("debian", "12"),
        source: "debian".into(),
        released: Some(Date::constant(2023, 6, 10)),
        standard_end: Some(Date::constant(2026, 6, 10)),
        extended_end: None,
        paid_end: None,
    }
}

pub(crate) fn repository() -> RepositoryRecord {
    RepositoryRecord {
        distribution: "rhel".into(),
        repository: "rhel-9-for-x86_64-baseos-rpms".into(),
        cpes: vec!["cpe:/o:redhat:enterprise_linux:9::baseos".into()],
    }
}

/// What is asked of a database's facts.
pub(crate) fn facts(
    knowledge: &Knowledge,
) -> Result<(Vec<CveRecord>, Vec<LifecycleRecord>, usize), KnowledgeError> {
    let cpes = knowledge.repository("rhel", "rhel-9-for-x86_64-baseos-rpms")?;
    let lifecycles = knowledge.lifecycle(&Release::new("debian", "12"))?;
    Ok((knowledge.cve("CVE-2024-0001")?, lifecycles, cpes.map_or(0, |cpes| cpes.len())))
}

pub(crate) fn filed(record: &AdvisoryRecord) -> Filed {
    (record.release.clone(), record.package_type.clone(), record.matched_by, record.package.clone())
}

/// The set of records of each key.
pub(crate) fn by_key(records: &[AdvisoryRecord]) -> BTreeMap<Filed, BTreeSet<AdvisoryRecord>> {
    let mut keys: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for record in records {
        keys.entry(filed(record)).or_default().insert(record.clone());
    }
    keys
}

/// What a lookup of the key gives.
pub(crate) fn look_up(knowledge: &Knowledge, key: &Filed) -> Result<Vec<AdvisoryRecord>, KnowledgeError> {
    let rows = knowledge.lookup(&key.0, &key.1, key.2, &key.3)?;
    rows.map(|row| row?.to_record()).collect()
}

/// Everything in the database, in its order.
pub(crate) fn everything(knowledge: &Knowledge) -> Result<Vec<AdvisoryRecord>, KnowledgeError> {
    let mut records = Vec::new();
    for rows in knowledge.keys() {
        for row in rows? {
            records.push(row?.to_record()?);
        }
    }
    Ok(records)
}

/// The names and bytes of all files of a database, but for the lock.
pub(crate) fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            let below = files(&path).into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes));
            found.extend(below);
        } else if name != "lock" {
            found.insert(name, std::fs::read(&path).unwrap());
        }
    }
    found
}

/// Replaces a file; segments are read-only, so they cannot just be written to.
pub(crate) fn put(path: &Path, bytes: &[u8]) {
    let _ = std::fs::remove_file(path);
    std::fs::write(path, bytes).unwrap();
}

/// Numbers that look random and are the same every time.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for place in (1..items.len()).rev() {
            items.swap(place, self.below(place + 1));
        }
    }
}
