//! Debian: the tracker's JSON and the lists of advisories.

use crate::common::{Random, Verdicts, database, dpkg_less, ours_of_source, shared};
use imagescan_model::{AdvisoryState, PackageType};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The fix that the lists name for (release, source, id): the highest version; `<not-affected>` and `<end-of-life>`
/// as the list writes them.
type Listed = BTreeMap<(String, String, String), String>;

/// What a careful reader of the tracker's documentation would say.
fn expected(tracker: &Value, listed: &Listed, release: &str, source: &str, version: &str) -> Verdicts {
    let mut verdicts = Verdicts::new();
    let mut ids: BTreeSet<String> = BTreeSet::new();
    if let Some(issues) = tracker.get(source).and_then(Value::as_object) {
        ids.extend(issues.keys().cloned());
    }
    ids.extend(listed.keys().filter(|key| key.0 == release && key.1 == source).map(|key| key.2.clone()));
    for id in ids {
        let said = tracker.get(source).and_then(|issues| issues.get(&id)?.get("releases")?.get(release));
        let advisory = listed.get(&(release.into(), source.into(), id.clone()));
        let text = |key: &str| said.and_then(|said| said.get(key)?.as_str());
        let fixed = text("fixed_version");
        let with_fix = |fix: &str| {
            let state =
                if dpkg_less(version, fix) { AdvisoryState::Affected } else { AdvisoryState::NotAffected };
            (state, Some(String::from(fix)))
        };
        let verdict = if advisory.is_some_and(|fix| fix == "<not-affected>") || fixed == Some("0") {
            (AdvisoryState::NotAffected, None)
        } else if advisory.is_some_and(|fix| fix == "<end-of-life>") {
            (AdvisoryState::EndOfLife, None)
        } else if let Some(fix) = advisory {
            with_fix(fix)
        } else if said.is_none() {
            continue;
        } else if text("status") == Some("resolved") {
            match fixed {
                Some(fix) => with_fix(fix),
                None => (AdvisoryState::UnderInvestigation, None),
            }
        } else if text("status") == Some("undetermined") {
            (AdvisoryState::UnderInvestigation, None)
        } else if text("urgency") == Some("end-of-life") {
            (AdvisoryState::EndOfLife, None)
        } else if text("nodsa").is_none() {
            (AdvisoryState::Affected, None)
        } else if text("nodsa_reason") == Some("ignored") {
            (AdvisoryState::WillNotFix, None)
        } else {
            (AdvisoryState::FixDeferred, None)
        };
        verdicts.insert(id, verdict);
    }
    verdicts
}

/// An advisory of a list: its id, its CVEs, and (release, source, version or mark).
type Entry = (String, Vec<String>, Vec<(String, String, String)>);

/// The lists, line by line.
fn entries(lists: &[&[u8]]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for list in lists {
        for line in String::from_utf8_lossy(list).lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match line.trim().chars().next() {
                // `[29 Mar 2023] DSA-5380-1 …`
                Some('[') if line.starts_with('[') => entries.push((words[3].into(), Vec::new(), Vec::new())),
                Some('[') => {
                    let release = words[0].trim_matches(['[', ']']);
                    let last = entries.last_mut().unwrap();
                    last.2.push((release.into(), words[2].into(), words[3].into()));
                }
                Some('{') => {
                    let ids = words.iter().map(|word| word.trim_matches(['{', '}']).to_string());
                    entries.last_mut().unwrap().1.extend(ids.filter(|id| !id.is_empty()));
                }
                _ => {}
            }
        }
    }
    entries
}

/// The fixes of the sources that `wanted` takes: dpkg is a process for each comparison.
fn listed(entries: &[Entry], wanted: impl Fn(&str) -> bool) -> Listed {
    let base = |id: &str| id.rsplit_once('-').unwrap().0.to_string();
    // Newest first: what is inserted last, of the first advisory, stays.
    let mut ids_of: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (own, ids, _) in entries.iter().filter(|entry| !entry.1.is_empty()) {
        ids_of.insert(base(own), ids.clone());
    }
    let mut listed = Listed::new();
    for (own, ids, fixes) in entries.iter().rev() {
        let adopted = || ids_of.get(&base(own)).cloned().unwrap_or_else(|| vec![own.clone()]);
        let ids = if ids.is_empty() { adopted() } else { ids.clone() };
        for (release, source, version) in fixes.iter().filter(|fix| wanted(&fix.1)) {
            for id in &ids {
                let key = (release.clone(), source.clone(), id.clone());
                let fix = listed.get(&key).filter(|known| !known.starts_with('<'));
                let over = match version.as_str() {
                    // A mark does not take back a fix.
                    "<not-affected>" | "<end-of-life>" => fix.is_none(),
                    version => !version.starts_with('<') && fix.is_none_or(|fix| dpkg_less(fix, version)),
                };
                if over {
                    listed.insert(key, version.clone());
                }
            }
        }
    }
    listed
}

#[test]
fn three_hundred_real_debian_triples_are_judged_as_the_documents_say() {
    let wanted = ["tracker-json-DERIVED.json", "tracker-git/data/DSA/list", "tracker-git/data/DLA/list"];
    let files = shared("debian.tar.zst", |path| wanted.iter().any(|name| path.ends_with(name)));
    let file =
        |name: &str| files.iter().find(|(path, _)| path.ends_with(name)).map(|(_, bytes)| bytes.as_slice());
    let Some(tracker) = file("tracker-json-DERIVED.json") else { return };
    let lists = [file("DSA/list").unwrap(), file("DLA/list").unwrap()];
    let (_folder, knowledge) = database("debian", &[tracker, lists[0], lists[1]]);
    let tracker: Value = serde_json::from_slice(tracker).unwrap();
    let random = &mut Random(300);
    let sources: Vec<String> = tracker.as_object().unwrap().keys().cloned().collect();
    let mut triples = BTreeSet::new();
    while triples.len() < 300 {
        let source = random.of(&sources).to_string();
        let issues = tracker[&source].as_object().unwrap();
        if issues.len() > 12 {
            continue;
        }
        let ids: Vec<String> = issues.keys().cloned().collect();
        let releases = tracker[&source][random.of(&ids)]["releases"].as_object().unwrap().clone();
        let known = |name: &&String| imagescan_model::Release::debian_codename(name).is_some();
        let names: Vec<String> = releases.keys().filter(known).cloned().collect();
        if names.is_empty() {
            continue;
        }
        let release = random.of(&names).to_string();
        let fixed = releases[&release]["fixed_version"].as_str().unwrap_or("1.0-1").to_string();
        let version = match random.below(4) {
            0 => fixed,
            1 => format!("{fixed}~deb1u1"),
            2 => format!("{fixed}+b1"),
            _ => "0.1-1".into(),
        };
        triples.insert((source, release, version));
    }
    let sampled: BTreeSet<&str> = triples.iter().map(|triple| triple.0.as_str()).collect();
    let listed = listed(&entries(&lists), |source| sampled.contains(source));
    let mut compared = 0;
    for (source, release, version) in &triples {
        let expected = expected(&tracker, &listed, release, source, version);
        compared += expected.len();
        let number = imagescan_model::Release::debian_codename(release).unwrap().version;
        let ours = ours_of_source(&knowledge, "debian", &number, PackageType::Deb, source, version);
        assert_eq!(ours, expected, "{source} {version} in {release}");
    }
    assert!(compared > 300, "{compared} verdicts");
}

/// A tracker document with every row of the decision table.
fn generated(random: &mut Random) -> Value {
    let mut tracker = json!({});
    for source in 0..30 {
        for issue in 0..12 {
            let version = format!("{}.{}-{}", random.below(3), random.below(12), random.below(4));
            let urgency = ["high", "medium**", "low", "unimportant", "not yet assigned"][random.below(5)];
            let mut said = json!({"repositories": {}, "urgency": urgency});
            let status = ["resolved", "resolved", "open", "open", "open", "undetermined"][random.below(6)];
            said["status"] = status.into();
            match (status, random.below(6)) {
                ("resolved", 0) => said["fixed_version"] = "0".into(),
                ("resolved", 1) => {}
                ("resolved", _) => said["fixed_version"] = version.into(),
                (_, 0) => said["urgency"] = "end-of-life".into(),
                (_, 1) => said["fixed_version"] = version.into(),
                (_, 2) => said["nodsa"] = "Minor issue".into(),
                (_, shape) => {
                    said["nodsa"] = "Minor issue".into();
                    said["nodsa_reason"] = ["ignored", "postponed", ""][shape % 3].into();
                }
            }
            let release = ["bullseye", "bookworm", "trixie"][random.below(3)];
            let id = format!("CVE-2024-{issue:04}");
            tracker[format!("source{source}")][id]["releases"][release] = said;
        }
    }
    tracker
}

#[test]
fn three_hundred_generated_triples_cover_the_decision_table() {
    let random = &mut Random(7);
    let tracker = generated(random);
    let bytes = serde_json::to_vec(&tracker).unwrap();
    let (_folder, knowledge) = database("debian", &[&bytes]);
    let mut states = BTreeSet::new();
    for triple in 0..300 {
        let source = format!("source{}", triple % 30);
        let release = ["bullseye", "bookworm", "trixie"][random.below(3)];
        let version = format!("{}.{}-{}", random.below(3), random.below(12), random.below(4));
        let expected = expected(&tracker, &Listed::new(), release, &source, &version);
        states.extend(expected.values().map(|(state, fix)| (*state, fix.is_some())));
        let number = imagescan_model::Release::debian_codename(release).unwrap().version;
        let ours = ours_of_source(&knowledge, "debian", &number, PackageType::Deb, &source, &version);
        assert_eq!(ours, expected, "{source} {version} in {release}");
    }
    // Not affected with and without a fix, affected with and without, deferred, will not, end, investigated.
    assert_eq!(states.len(), 8, "{states:?}");
}
