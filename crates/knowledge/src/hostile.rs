//! Segments whose checksums are all right, and whose content is not: made by somebody, not by chance.

use crate::layout::{FORMAT_MAJOR, header_checksum, reseal};
use crate::manifest::{self, Manifest};
use crate::section::Section;
use crate::{Builder, Damage, Knowledge, KnowledgeError, verify};
use imagescan_model::{
    AdvisoryRecord, AdvisoryReference, AdvisoryState, CveRecord, Cvss, DateKind, DatedAs, Epss, Exploited,
    LifecycleRecord, MatchedBy, PackageType, Release, RepositoryRecord, Severity,
};
use jiff::Timestamp;
use jiff::civil::Date;
use proptest::prelude::*;
use std::path::Path;

fn record(package: &str, version: &str, number: u32) -> AdvisoryRecord {
    AdvisoryRecord {
        release: Release::new("debian", version),
        package_type: PackageType::Deb,
        package: package.into(),
        matched_by: MatchedBy::Source,
        id: format!("CVE-2024-{number}"),
        aliases: vec!["GHSA".into()],
        state: AdvisoryState::Affected,
        fixed_version: Some(format!("1.{number}")),
        introduced: Some("0".into()),
        architectures: vec!["amd64".into(), "arm64".into()],
        module: Some("ruby:2.7".into()),
        stream: Some("appstream".into()),
        severity: Severity::Low,
        severity_source: Some("nvd".into()),
        hidden: None,
        title: Some("title".into()),
        advisories: vec![AdvisoryReference {
            id: "DSA-1".into(),
            url: Some("https://security.example".into()),
            date: Some(Timestamp::UNIX_EPOCH),
        }],
        disclosed: Some(DatedAs { at: Timestamp::UNIX_EPOCH, kind: DateKind::Upload }),
        fix_available: None,
    }
}

/// A database of one segment of advisories, and that segment's bytes.
fn database(dir: &Path) -> Vec<u8> {
    let mut builder = Builder::new(Timestamp::UNIX_EPOCH);
    let records = (0..12).map(|number| {
        let package = ["bash", "zlib", "openssl"][number as usize % 3];
        record(package, ["11", "12"][number as usize % 2], number)
    });
    builder.records("debian", records).unwrap();
    builder.write(dir).unwrap();
    segment(dir, 0)
}

/// A database of facts only, and how many segments it has.
fn facts(dir: &Path) -> usize {
    let mut builder = Builder::new(Timestamp::UNIX_EPOCH);
    for (number, id) in ["CVE-2024-1000", "CVE-2024-1001", "GHSA-1", "DSA-1"].into_iter().enumerate() {
        let date = Date::constant(2024, 2, 29);
        builder
            .fact(&CveRecord {
                published: Some(Timestamp::UNIX_EPOCH),
                severity: Severity::High,
                cvss: vec![Cvss { vector: "CVSS:3.1/AV:N".into(), score: 98 }],
                title: Some(format!("title {number}")),
                exploited: Some(Exploited { added: date, due: Some(date), ransomware: true }),
                epss: Some(Epss { score: 7, percentile: Some(9), date }),
                ..CveRecord::new(id, "nvd")
            })
            .unwrap();
        builder
            .lifecycle(&LifecycleRecord {
                release: Release::new("debian", number.to_string()),
                source: "debian".into(),
                released: Some(date),
                standard_end: None,
                extended_end: Some(date),
                paid_end: None,
            })
            .unwrap();
        builder.repository(&RepositoryRecord {
            distribution: "rhel".into(),
            repository: format!("rhel-{number}-rpms"),
            cpes: vec!["cpe:/a".into(), "cpe:/o".into()],
        });
    }
    builder.write(dir).unwrap().segments.len()
}

fn segment(dir: &Path, index: usize) -> Vec<u8> {
    let (named, _) = Manifest::read(dir).unwrap();
    std::fs::read(named.segments[index].path(dir)).unwrap()
}

fn header_length(segment: &[u8]) -> usize {
    u32::from_le_bytes(segment[12..16].try_into().unwrap()) as usize
}

/// Puts `segment` in the place of the database's segment `index`, with a manifest that agrees.
fn put(dir: &Path, index: usize, segment: &[u8]) {
    let (mut named, _) = Manifest::read(dir).unwrap();
    let entry = &mut named.segments[index];
    entry.digest = manifest::sha256(segment);
    entry.size = segment.len() as u64;
    entry.header = format!("{:016x}", header_checksum(segment).unwrap_or_default());
    let path = entry.path(dir);
    let _ = std::fs::remove_file(&path);
    std::fs::write(path, segment).unwrap();
    std::fs::remove_file(manifest::path(dir)).unwrap();
    std::fs::write(manifest::path(dir), named.encode().unwrap()).unwrap();
}

/// Reads all there is in every way; says what opening and verifying said.
fn read_all(dir: &Path) -> Result<(), KnowledgeError> {
    let verified = verify(dir).map(drop);
    if let Ok(knowledge) = Knowledge::open(dir) {
        for name in ["bash", "openssl", "nothing"] {
            let release = Release::new("debian", "12");
            if let Ok(rows) = knowledge.lookup(&release, &PackageType::Deb, MatchedBy::Source, name) {
                rows.flatten().for_each(|row| drop((row.to_filed(), row.first_observed())));
            }
            let then = Timestamp::UNIX_EPOCH;
            let _ = knowledge.lookup_at(&release, &PackageType::Deb, MatchedBy::Source, name, then);
        }
        knowledge.keys().flatten().flatten().flatten().for_each(|row| drop(row.to_filed()));
        for id in ["CVE-2024-1001", "DSA-1", "CVE-2024-9"] {
            drop((knowledge.cve(id), knowledge.epss(id)));
        }
        drop(knowledge.lifecycle(&Release::new("debian", "1")));
        drop(knowledge.repository("rhel", "rhel-2-rpms"));
        knowledge.cves().for_each(drop);
        knowledge.lifecycles().for_each(drop);
        knowledge.repositories().for_each(drop);
    }
    verified
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_bytes_under_right_checksums_make_it_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        header in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut segment = database(dir.path());
        let length = header_length(&segment);
        for (place, byte) in changes {
            // Only the header, or anywhere.
            let place = place.index(if header { length } else { segment.len() });
            segment[place] = byte;
        }
        reseal(&mut segment, length);
        put(dir.path(), 0, &segment);
        let _ = read_all(dir.path());
    }
}

/// Many values of every byte of a segment, one at a time; how many were refused of how many bytes.
fn alter_every_byte(dir: &Path, index: usize) -> (usize, usize) {
    let segment = segment(dir, index);
    let length = header_length(&segment);
    let mut refused = 0;
    for place in 0..segment.len() {
        for byte in [0, 1, 0x7f, 0x80, 0xff, segment[place] ^ 1, segment[place].wrapping_add(1)] {
            let mut altered = segment.clone();
            altered[place] = byte;
            reseal(&mut altered, length);
            put(dir, index, &altered);
            refused += usize::from(read_all(dir).is_err());
        }
    }
    put(dir, index, &segment);
    read_all(dir).unwrap();
    (refused, segment.len())
}

#[test]
fn no_single_byte_under_right_checksums_makes_it_panic() {
    let dir = tempfile::tempdir().unwrap();
    database(dir.path());
    let (refused, bytes) = alter_every_byte(dir.path(), 0);
    assert!(refused > bytes, "{refused}");
}

#[test]
fn no_single_byte_of_facts_under_right_checksums_makes_it_panic() {
    let dir = tempfile::tempdir().unwrap();
    let count = facts(dir.path());
    assert_eq!(count, 5);
    for index in 0..count {
        let (refused, bytes) = alter_every_byte(dir.path(), index);
        assert!(refused > bytes, "{refused} of {index}");
    }
}

#[test]
fn no_single_byte_of_a_history_under_right_checksums_makes_it_panic() {
    let dir = tempfile::tempdir().unwrap();
    for day in 0..3 {
        let mut builder = Builder::new(Timestamp::from_second(i64::from(day) * 86_400).unwrap());
        if day > 0 {
            builder.descends_from(&Knowledge::open(dir.path()).unwrap()).unwrap();
        }
        builder.records("debian", [record("bash", "12", 1), record("openssl", "12", day)]).unwrap();
        builder.write(dir.path()).unwrap();
    }
    let (refused, bytes) = alter_every_byte(dir.path(), 0);
    assert!(refused > bytes, "{refused}");
}

#[test]
fn resealing_alone_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut segment = database(dir.path());
    let before = segment.clone();
    let length = header_length(&segment);
    reseal(&mut segment, length);
    assert!(segment == before);
    put(dir.path(), 0, &segment);
    read_all(dir.path()).unwrap();
}

/// Bytes `at` of the header replaced, everything else right.
fn with_header(at: usize, bytes: &[u8]) -> KnowledgeError {
    let dir = tempfile::tempdir().unwrap();
    let mut segment = database(dir.path());
    let length = header_length(&segment);
    segment[at..at + bytes.len()].copy_from_slice(bytes);
    reseal(&mut segment, length);
    put(dir.path(), 0, &segment);
    read_all(dir.path()).unwrap_err()
}

#[test]
fn another_format_of_a_segment_is_named() {
    let error = with_header(8, &1u16.to_le_bytes());
    let named = matches!(error, KnowledgeError::Format { found: 1, supported, .. } if supported == u32::from(FORMAT_MAJOR));
    assert!(named, "{error:?}");
}

#[test]
fn an_unknown_section_is_refused_where_it_is_required() {
    let error = with_header(40, &99u32.to_le_bytes());
    assert!(matches!(error, KnowledgeError::Damaged { damage: Damage::UnknownSection { id: 99 }, .. }));
    // Not required, it is passed over; then the one it replaced is missing.
    let optional = [99u32.to_le_bytes(), 0u32.to_le_bytes()].concat();
    let error = with_header(40, &optional);
    let missing = Damage::Extent { section: Section::Scopes };
    assert!(matches!(error, KnowledgeError::Damaged { damage, .. } if damage == missing), "{error:?}");
}
