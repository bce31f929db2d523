//! The samples of `vuln-feeds/` state what the vendors state: each row is held against the real data.

#![expect(clippy::print_stdout, reason = "what could not be compared")]

use imagescan_feeds::{Input, Parsed, descriptions, parse};
use imagescan_model::{AdvisoryRecord, AdvisoryState, Extent};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/feeds");
const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vuln-feeds/samples");
const TRACKER: &str = include_str!("../../../vuln-feeds/samples/debian/tracker.json");
const DSA_LIST: &str = include_str!("../../../vuln-feeds/samples/debian/DSA-list");
const SECDB: &str = include_str!("../../../vuln-feeds/samples/alpine/v3.11-main.json");

/// The file of an archive in `../shared/feeds` whose path ends with `name`.
fn real(archive: &str, name: &str) -> Option<Vec<u8>> {
    let Ok(file) = fs::File::open(Path::new(SHARED).join(archive)) else {
        println!("skipped: no ../shared/feeds/{archive}");
        return None;
    };
    let mut archive = tar::Archive::new(zstd::Decoder::new(file).unwrap());
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.path().unwrap().ends_with(name) {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            return Some(bytes);
        }
    }
    panic!("the archive lacks {name}");
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().unwrap().iter()
}

#[test]
fn rows_of_the_tracker_sample_are_real() {
    let Some(real) = real("debian.tar.zst", "tracker-json-DERIVED.json").map(|bytes| json(&bytes)) else {
        return;
    };
    let sample = json(TRACKER.as_bytes());
    let (mut resolved, mut open) = (0, 0);
    for (source, issues) in members(&sample) {
        for (id, issue) in members(issues) {
            for (release, said) in members(&issue["releases"]) {
                let fixed = &real[source][id]["releases"][release]["fixed_version"];
                if said["status"] == "resolved" {
                    assert_eq!(&said["fixed_version"], fixed, "{source} {id} {release}");
                    resolved += 1;
                } else {
                    assert!(fixed.is_null(), "{source} {id} is fixed in {release}: {fixed}");
                    open += 1;
                }
            }
        }
    }
    assert!(resolved >= 40 && open >= 10, "{resolved} resolved, {open} open");
}

#[test]
fn lines_of_the_advisory_sample_are_the_uploads_that_fixed_them() {
    let Some(uploads) = real("debian.tar.zst", "changelog-cve-fixes.jsonl") else { return };
    let uploads: Vec<Value> =
        String::from_utf8(uploads).unwrap().lines().map(|line| json(line.as_bytes())).collect();
    let (mut date, mut ids, mut lines) = (String::new(), Vec::new(), 0);
    for line in DSA_LIST.lines() {
        if let Some(rest) = line.strip_prefix('[') {
            date = day(rest.split_once(']').unwrap().0);
        } else if let Some(listed) = line.trim_start().strip_prefix('{') {
            ids = listed.trim_end_matches('}').split(' ').map(String::from).collect();
        } else {
            let (release, fix) = line.trim_start_matches(['\t', '[']).split_once("] - ").unwrap();
            let (source, version) = fix.split_once(' ').unwrap();
            let upload = uploads
                .iter()
                .find(|upload| {
                    upload["suite"] == release && upload["source"] == source && upload["version"] == version
                })
                .unwrap_or_else(|| panic!("{release} never had {source} {version}"));
            for id in &ids {
                assert!(upload["cves"].as_array().unwrap().contains(&id.as_str().into()), "{line} {id}");
            }
            // Prepared first, announced later.
            assert!(upload["date"].as_str().unwrap() < date.as_str(), "{line}: announced {date}");
            lines += 1;
        }
    }
    assert!(lines >= 5);
}

/// `03 Oct 2023` as `2023-10-03T24`: after every instant of that day.
fn day(text: &str) -> String {
    let months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let parts: Vec<&str> = text.split(' ').collect();
    format!("{}-{:02}-{}T24", parts[2], months.find(parts[1]).unwrap() / 3 + 1, parts[0])
}

#[test]
fn rows_of_the_secdb_sample_are_real() {
    let Some(real) = real("alpine.tar.zst", "secdb-json/v3.11/main.json").map(|bytes| json(&bytes)) else {
        return;
    };
    let packages: BTreeMap<&str, &Value> = real["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| (package["pkg"]["name"].as_str().unwrap(), &package["pkg"]["secfixes"]))
        .collect();
    let sample = json(SECDB.as_bytes());
    assert_eq!((&sample["distroversion"], &sample["reponame"]), (&real["distroversion"], &real["reponame"]));
    let mut rows = 0;
    for package in sample["packages"].as_array().unwrap() {
        let name = package["pkg"]["name"].as_str().unwrap();
        for (version, ids) in members(&package["pkg"]["secfixes"]) {
            let known = packages[name][version].as_array().unwrap();
            for id in ids.as_array().unwrap() {
                assert!(known.contains(id), "{name} {version} {id}");
                rows += 1;
            }
        }
    }
    assert!(rows >= 12, "{rows}");
}

/// The sample of a feed, as its parser reads it.
fn parsed(feed: &str) -> Parsed {
    let feed = descriptions().into_iter().find(|description| description.id == feed).unwrap();
    let entries = fs::read_dir(Path::new(SAMPLES).join(&feed.id)).unwrap();
    let documents: Vec<Vec<u8>> = entries.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
    let inputs: Vec<Input<'_>> = documents.iter().map(|bytes| Input { name: "x", bytes }).collect();
    parse(&feed, &inputs).unwrap()
}

#[test]
fn every_feed_has_a_sample_of_each_distribution_it_speaks_of() {
    for feed in descriptions() {
        let coverage = parsed(&feed.id).coverage;
        let mut found: Vec<String> =
            coverage.into_iter().map(|covered| covered.release.distribution).collect();
        found.dedup();
        assert_eq!(found, feed.distributions, "{}", feed.id);
    }
}

#[test]
fn silence_of_a_feed_of_fixes_is_not_clean() {
    for feed in ["almalinux", "amazon", "fedora", "oracle", "rocky", "wolfi"] {
        let coverage = parsed(feed).coverage;
        assert!(!coverage.is_empty(), "{feed}");
        assert!(coverage.iter().all(|covered| covered.extent() == Extent::FixesOnly), "{feed}");
    }
}

#[test]
fn the_osv_sample_states_what_the_other_samples_state() {
    let others: Vec<AdvisoryRecord> =
        ["alpine", "debian"].iter().flat_map(|feed| parsed(feed).records).collect();
    let osv = parsed("osv").records;
    for record in &osv {
        let about = |other: &&AdvisoryRecord| {
            (&other.release, &other.package, &other.id) == (&record.release, &record.package, &record.id)
        };
        // OSV does not tell what will not be fixed from what is not fixed yet.
        let stated = |record: &AdvisoryRecord| {
            (record.state == AdvisoryState::NotAffected, record.fixed_version.clone())
        };
        let other = others.iter().find(about).unwrap_or_else(|| panic!("nobody else states {record:?}"));
        assert_eq!(stated(record), stated(other), "{} {}", record.package, record.id);
        for advisory in &record.advisories {
            assert!(other.advisories.contains(advisory), "{advisory:?}");
        }
    }
    assert!(osv.iter().any(|record| record.fixed_version.is_none()));
    assert!(osv.len() >= 5, "{}", osv.len());
}
