//! Verdicts of the whole path (parser, database, judgement) against a slow reference that reads the vendors'
//! documents straight and asks dpkg for the order of versions.

#![expect(clippy::print_stdout, reason = "what could not be compared")]

use imagescan_feeds::{Description, Input, descriptions, parse};
use imagescan_knowledge::{Builder, Knowledge};
use imagescan_match::{Options, judge};
use imagescan_model::{AdvisoryState, FeedInfo, Inventory, Package, PackageType, SourcePackage, System};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Command;

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/feeds");
const AS_OF: Timestamp = Timestamp::UNIX_EPOCH;

/// State by id, with the fix.
type Verdicts = BTreeMap<String, (AdvisoryState, Option<String>)>;

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }

    fn of<'a>(&mut self, items: &'a [String]) -> &'a str {
        &items[self.below(items.len())]
    }
}

/// The files of an archive in `../shared/feeds` whose paths `wanted` takes.
fn shared(name: &str, wanted: impl Fn(&str) -> bool) -> BTreeMap<String, Vec<u8>> {
    let Ok(file) = fs::File::open(Path::new(SHARED).join(name)) else {
        println!("skipped: no ../shared/feeds/{name}");
        return BTreeMap::new();
    };
    let mut archive = tar::Archive::new(zstd::Decoder::new(file).unwrap());
    let mut files = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        if wanted(&path) {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            files.insert(path, bytes);
        }
    }
    files
}

fn database(feed: &str, documents: &[&[u8]]) -> (tempfile::TempDir, Knowledge) {
    let feed: Description = descriptions().into_iter().find(|description| description.id == feed).unwrap();
    let inputs: Vec<Input<'_>> = documents.iter().map(|bytes| Input { name: "x", bytes }).collect();
    let parsed = parse(&feed, &inputs).unwrap();
    let mut builder = Builder::new(AS_OF);
    builder.records(&feed.id, parsed.records.iter().cloned()).unwrap();
    builder.feed(FeedInfo {
        id: feed.id,
        as_of: AS_OF,
        stale: None,
        fetched_at: None,
        records: parsed.records.len() as u64,
        dropped: Default::default(),
        licence: None,
        digest: parsed.digest,
        coverage: parsed.coverage,
    });
    let folder = tempfile::tempdir().unwrap();
    builder.write(folder.path()).unwrap();
    let knowledge = Knowledge::open(folder.path()).unwrap();
    (folder, knowledge)
}

fn ours(
    knowledge: &Knowledge,
    id: &str,
    release: &str,
    kind: PackageType,
    source: &str,
    version: &str,
) -> Verdicts {
    let numeric = release.starts_with(|first: char| first.is_ascii_digit());
    let system = System {
        id: Some(id.into()),
        version_id: numeric.then(|| release.into()),
        codename: (!numeric).then(|| release.into()),
        ..System::default()
    };
    let mut package = Package::new(kind, format!("lib{source}"), version);
    package.source = Some(SourcePackage { name: source.into(), version: None });
    let inventory = Inventory { system, packages: vec![package], ..Inventory::default() };
    let options = Options { all: true, ..Options::at(AS_OF) };
    let findings = judge(&inventory, knowledge, &options).unwrap();
    findings
        .into_iter()
        .filter_map(|finding| Some((finding.id, (finding.state?, finding.fixed_version))))
        .collect()
}

/// dpkg's own word on `a < b`.
fn dpkg_less(a: &str, b: &str) -> bool {
    Command::new("dpkg").args(["--compare-versions", a, "lt", b]).status().unwrap().success()
}

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
    let wanted = ["tracker-json-DERIVED.json", "DSA/list", "DLA/list"];
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
        let ours = ours(&knowledge, "debian", &number, PackageType::Deb, source, version);
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
        let ours = ours(&knowledge, "debian", &number, PackageType::Deb, &source, &version);
        assert_eq!(ours, expected, "{source} {version} in {release}");
    }
    // Not affected with and without a fix, affected with and without, deferred, will not, end, investigated.
    assert_eq!(states.len(), 8, "{states:?}");
}

/// The CVEs of an entry, wherever they stand in it: a year and a number behind `CVE` and one more character.
fn cves(text: &str) -> Vec<String> {
    let number = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    let mut found = Vec::new();
    for (start, _) in text.match_indices("CVE") {
        let Some(rest) = text.get(start + 4..) else { continue };
        let year = number(rest);
        let digits = rest.get(year.len() + 1..).map(number).unwrap_or_default();
        if year.len() == 4 && !digits.is_empty() {
            found.push(format!("CVE-{year}-{digits}"));
        }
    }
    found
}

/// Order of the versions that secdb has, slowly: each is cut into parts, each part made a text or a number that
/// sorts as it should (wiki.alpinelinux.org, APKBUILD Reference, pkgver).
fn apk_order(a: &str, b: &str) -> std::cmp::Ordering {
    apk_parts(a).cmp(&apk_parts(b))
}

/// Numbers, letter, suffixes, revision. After the last suffix stands what sorts between `_rc` and `_cvs`. `None`
/// for the few versions that no rule gives an order, such as `4.10-1-r1`.
#[expect(clippy::type_complexity, reason = "parts in the order in which they count")]
fn apk_parts(version: &str) -> Option<(Vec<u64>, String, Vec<(usize, u64)>, u64)> {
    const SUFFIXES: [&str; 10] = ["alpha", "beta", "pre", "rc", "", "cvs", "svn", "git", "hg", "p"];
    let (version, revision) = version.rsplit_once("-r").unwrap_or((version, "0"));
    let mut parts = version.split('_');
    let plain = parts.next()?;
    let numbers = plain.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let mut suffixes: Vec<(usize, u64)> = parts
        .map(|part| {
            let name = part.trim_end_matches(|c: char| c.is_ascii_digit());
            let rank = SUFFIXES.iter().position(|suffix| *suffix == name)?;
            Some((rank, part[name.len()..].parse().unwrap_or(0)))
        })
        .collect::<Option<_>>()?;
    suffixes.push((4, 0));
    let letter = plain[numbers.len()..].into();
    let numbers = numbers.split('.').map(|number| number.parse().ok()).collect::<Option<_>>()?;
    Some((numbers, letter, suffixes, revision.parse().ok()?))
}

#[test]
fn real_alpine_branches_are_judged_as_secdb_says() {
    let files = shared("alpine.tar.zst", |path| path.contains("secdb-json/") && path.ends_with(".json"));
    if files.is_empty() {
        return;
    }
    let documents: Vec<&[u8]> = files.values().map(Vec::as_slice).collect();
    let (_folder, knowledge) = database("alpine", &documents);
    // (branch, package, id) → versions.
    let mut fixes: BTreeMap<(String, String), BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for bytes in files.values() {
        let document: Value = serde_json::from_slice(bytes).unwrap();
        let branch = document["distroversion"].as_str().unwrap().trim_start_matches('v').to_string();
        for package in document["packages"].as_array().unwrap() {
            let name = package["pkg"]["name"].as_str().unwrap().to_string();
            let of_package = fixes.entry((branch.clone(), name)).or_default();
            for (version, ids) in package["pkg"]["secfixes"].as_object().into_iter().flatten() {
                let texts = ids.as_array().into_iter().flatten().filter_map(Value::as_str);
                for cve in texts.flat_map(cves) {
                    of_package.entry(cve).or_default().push(version.clone());
                }
            }
        }
    }
    let several = ["CVE-2017-5753", "CVE-2017-5715", "CVE-2017-5754"];
    assert!(several.iter().all(|id| fixes[&("3.7".into(), "xen".into())].contains_key(*id)));
    let random = &mut Random(11);
    let ordered = |version: &String| apk_parts(version).is_some();
    let sound = |(_, ids): &(_, &BTreeMap<String, Vec<String>>)| ids.values().flatten().all(ordered);
    let keys: Vec<&(String, String)> = fixes.iter().filter(sound).map(|(key, _)| key).collect();
    assert!(keys.len() + 30 > fixes.len(), "{} of {} are sound", keys.len(), fixes.len());
    let mut compared = 0;
    for _ in 0..300 {
        let key = keys[random.below(keys.len())];
        let ids = &fixes[key];
        let versions: Vec<String> =
            ids.values().flatten().filter(|version| *version != "0").cloned().collect();
        let installed = if versions.is_empty() { "1.0-r0" } else { random.of(&versions) };
        let ours = ours(&knowledge, "alpine", &format!("{}.1", key.0), PackageType::Apk, &key.1, installed);
        for (id, versions) in ids {
            let highest = versions.iter().max_by(|a, b| apk_order(a, b)).unwrap();
            let expected =
                if versions.iter().any(|version| version == "0") || apk_order(installed, highest).is_ge() {
                    AdvisoryState::NotAffected
                } else {
                    AdvisoryState::Affected
                };
            assert_eq!(ours.get(id).map(|verdict| verdict.0), Some(expected), "{key:?} {id} {installed}");
            compared += 1;
        }
    }
    assert!(compared > 300, "{compared} verdicts");
}
