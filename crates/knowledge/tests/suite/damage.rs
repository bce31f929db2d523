//! Whatever happens to the bytes: it is found, or it changes nothing that anybody reads.

use crate::common::*;
use imagescan_knowledge::{Damage, Knowledge, KnowledgeError, verify};
use imagescan_model::{AdvisoryRecord, MatchedBy, PackageType, Release};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// Every lookup gives what it gave before, or an error; returns how many gave rows.
fn lookups_are_right_or_fail(dir: &Path, expected: &BTreeMap<Filed, Vec<AdvisoryRecord>>, what: &str) {
    let Ok(knowledge) = Knowledge::open(dir) else {
        return;
    };
    for (key, rows) in expected {
        if let Ok(found) = look_up(&knowledge, key) {
            assert_eq!(found, *rows, "{what}");
        }
    }
    if let Ok((cves, lifecycles, cpes)) = facts(&knowledge) {
        assert_eq!(
            (cves.len(), cves[0].epss, &cves[1].title, cpes),
            (2, fact().epss, &fact().title, 1),
            "{what}"
        );
        assert_eq!(lifecycles, [lifecycle()], "{what}");
    }
    if let Ok(found) = everything(&knowledge) {
        assert_eq!(found.len(), expected.values().map(Vec::len).sum::<usize>(), "{what}");
    }
}

/// What each key of the sample, and one that is not there, gives.
fn expected(dir: &Path) -> BTreeMap<Filed, Vec<AdvisoryRecord>> {
    let knowledge = Knowledge::open(dir).unwrap();
    let absent = (Release::new("debian", "12"), PackageType::Deb, MatchedBy::Source, "absent".into());
    let keys = sample().iter().map(filed).chain([absent]).collect::<Vec<_>>();
    keys.into_iter().map(|key| (key.clone(), look_up(&knowledge, &key).unwrap())).collect()
}

fn flip_every_bit(only: impl Fn(&str) -> bool) {
    let dir = tempfile::tempdir().unwrap();
    build(dir.path(), sample());
    let expected = expected(dir.path());
    let mut flipped = 0;
    for (name, bytes) in files(dir.path()).into_iter().filter(|(name, _)| only(name)) {
        let path = dir.path().join(&name);
        put(&path, &bytes);
        for bit in 0..bytes.len() * 8 {
            let mut altered = bytes.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &altered).unwrap();
            let what = format!("bit {bit} of {name}");
            let error = verify(dir.path()).expect_err(&what);
            assert!(matches!(error, KnowledgeError::Damaged { .. }), "{what}: {error:?}");
            lookups_are_right_or_fail(dir.path(), &expected, &what);
            flipped += 1;
        }
        std::fs::write(&path, &bytes).unwrap();
    }
    assert!(flipped > 8_000, "{flipped}");
    verify(dir.path()).unwrap();
}

#[test]
fn every_flipped_bit_of_the_manifest_is_found() {
    flip_every_bit(|name| name == "manifest");
}

#[test]
fn every_flipped_bit_of_a_segment_is_found() {
    flip_every_bit(|name| name != "manifest");
}

#[test]
fn every_truncation_is_found_at_open() {
    let dir = tempfile::tempdir().unwrap();
    build(dir.path(), sample());
    for (name, bytes) in files(dir.path()) {
        let path = dir.path().join(&name);
        for length in 0..bytes.len() {
            put(&path, &bytes[..length]);
            assert!(verify(dir.path()).is_err(), "{name} cut to {length}");
            assert!(Knowledge::open(dir.path()).is_err(), "{name} cut to {length}");
        }
        put(&path, &[&bytes[..], b"\0"].concat());
        assert!(Knowledge::open(dir.path()).is_err(), "{name} with a byte more");
        std::fs::remove_file(&path).unwrap();
        assert!(Knowledge::open(dir.path()).is_err(), "{name} removed");
        put(&path, &bytes);
    }
    verify(dir.path()).unwrap();
}

/// A manifest with another content and the right checksum.
fn reseal(manifest: &str) -> String {
    let rest = &manifest[manifest.find("\",").unwrap() + 2..];
    let mut hex = String::new();
    Sha256::digest(rest).iter().for_each(|byte| write!(hex, "{byte:02x}").unwrap());
    format!("{{\n  \"checksum\": \"sha256:{hex}\",{rest}")
}

#[test]
fn another_format_is_named_and_not_called_damage() {
    let dir = tempfile::tempdir().unwrap();
    build(dir.path(), sample());
    let path = dir.path().join("manifest");
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(reseal(&text), text);
    put(&path, reseal(&text.replace("\"format\": 2", "\"format\": 1")).as_bytes());
    let error = Knowledge::open(dir.path()).err().unwrap();
    assert!(matches!(error, KnowledgeError::Format { found: 1, supported: 2, .. }), "{error:?}");
    let said = error.to_string();
    assert!(said.ends_with("has format 1, this imagescan reads format 2"), "{said}");
    assert!(error.hint().contains("imagescan db build"), "{}", error.hint());
    put(&path, reseal(&text.replace("\"built_at\"", "\"built\"")).as_bytes());
    let error = Knowledge::open(dir.path()).err().unwrap();
    let content = matches!(error, KnowledgeError::Damaged { damage: Damage::ManifestContent { .. }, .. });
    assert!(content, "{error:?}");
}

#[test]
fn an_error_names_file_and_block_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let many =
        (0..9000).map(|n| record("debian:12", &format!("package-{n}"), &format!("CVE-2024-{n}"), Some("1")));
    let info = build(dir.path(), many.collect());
    let path = dir.path().join("segments").join(info.segments[0].digest.hex());
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    put(&path, &bytes);
    let knowledge = Knowledge::open(dir.path()).unwrap();
    let error = everything(&knowledge).unwrap_err();
    let said = error.to_string();
    assert!(said.contains(info.segments[0].digest.hex()), "{said}");
    assert!(said.contains("block ") && !said.contains("block 0"), "{said}");
    assert!(error.hint().contains("imagescan db build"), "{}", error.hint());
}

/// Right checksums, wrong file: the manifest says which header it means.
#[test]
fn a_segment_under_another_name_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let one = build(dir.path(), vec![record("debian:12", "openssl", "CVE-2024-1", Some("1"))]);
    let other_dir = tempfile::tempdir().unwrap();
    let other = build(other_dir.path(), vec![record("debian:12", "openssl", "CVE-2024-1", Some("2"))]);
    assert_eq!(one.segments[0].size, other.segments[0].size);
    let segment = |dir: &Path, digest: &imagescan_model::Digest| dir.join("segments").join(digest.hex());
    let bytes = std::fs::read(segment(other_dir.path(), &other.segments[0].digest)).unwrap();
    put(&segment(dir.path(), &one.segments[0].digest), &bytes);
    let error = Knowledge::open(dir.path()).err().unwrap();
    assert!(matches!(error, KnowledgeError::Damaged { damage: Damage::Header, .. }), "{error:?}");
}

#[test]
fn a_build_mends_a_damaged_segment() {
    let dir = tempfile::tempdir().unwrap();
    build(dir.path(), sample());
    for (name, mut bytes) in files(dir.path()) {
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        put(&dir.path().join(&name), &bytes);
        assert!(verify(dir.path()).is_err(), "{name}");
        build(dir.path(), sample());
        verify(dir.path()).unwrap();
    }
}

#[test]
fn a_folder_without_a_database_says_so() {
    let dir = tempfile::tempdir().unwrap();
    for missing in [dir.path().to_owned(), dir.path().join("nowhere")] {
        assert!(matches!(Knowledge::open(&missing), Err(KnowledgeError::Missing { .. })));
        assert!(matches!(verify(&missing), Err(KnowledgeError::Missing { .. })));
    }
    std::fs::create_dir(dir.path().join("manifest")).unwrap();
    assert!(matches!(Knowledge::open(dir.path()), Err(KnowledgeError::Read { .. })));
}
