//! Real documents of Ubuntu.

mod real;

use imagescan_feeds::{Reader, Record, descriptions};
use imagescan_model::CveRecord;
use real::{File, Row, files, row};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What a feed says, as rows, and what it left out. Records are not kept: the tracker has hundreds of thousands.
fn rows(feed: &str, files: &[&File]) -> (BTreeSet<String>, Vec<CveRecord>, u64, Vec<String>) {
    let feed = descriptions().into_iter().find(|description| description.id == feed).unwrap();
    let (mut rows, mut cves, mut count) = (BTreeSet::new(), Vec::new(), 0);
    let mut sink = |record| match record {
        Record::Advisory(record) => {
            rows.insert(format!("{} {}", row(&record), record.severity));
            count += 1;
        }
        Record::Cve(record) => cves.push(record),
        record => panic!("{record:?}"),
    };
    let mut reader = Reader::new(&feed);
    for (name, bytes) in files {
        reader.read(name, &mut &**bytes, &mut sink).unwrap();
    }
    let summary = reader.finish(&mut sink).unwrap();
    let dropped = summary.dropped.iter().map(|(reason, count)| format!("{reason}: {count}")).collect();
    (rows, cves, count, dropped)
}

fn compare(found: &BTreeSet<String>, expected: &BTreeSet<String>) {
    let more: Vec<_> = found.difference(expected).take(5).collect();
    let fewer: Vec<_> = expected.difference(found).take(5).collect();
    assert!(more.is_empty() && fewer.is_empty(), "only the parser: {more:#?}\nonly the reader: {fewer:#?}");
}

const CODENAMES: &str = "dapper 6.06 edgy 6.10 feisty 7.04 gutsy 7.10 hardy 8.04 intrepid 8.10 jaunty 9.04 \
    karmic 9.10 lucid 10.04 maverick 10.10 natty 11.04 oneiric 11.10 precise 12.04 quantal 12.10 raring 13.04 \
    saucy 13.10 trusty 14.04 utopic 14.10 vivid 15.04 wily 15.10 xenial 16.04 yakkety 16.10 zesty 17.04 \
    artful 17.10 bionic 18.04 cosmic 18.10 disco 19.04 eoan 19.10 focal 20.04 jammy 22.04 noble 24.04 \
    oracular 24.10 questing 25.10 resolute 26.04";

fn number(codename: &str) -> &'static str {
    CODENAMES.split(' ').skip_while(|word| *word != codename).nth(1).unwrap_or_else(|| panic!("{codename}"))
}

/// The state and version of a status in a file of the tracker of 2020.
fn stated(status: &str) -> (&'static str, &str) {
    let (word, remark) = status.split_once(' ').unwrap_or((status, ""));
    let bare = remark.replace(['[', ']', '(', ')'], "");
    let lower = bare.to_lowercase();
    let ended = ["end-of-li", "end of li", "eol", "out of standard support", "out of support"];
    let has_ended = ended.iter().any(|wording| lower.contains(wording));
    let bounds: &[char] = &[' ', '(', ')', '[', ']'];
    let version = remark.trim_matches(bounds);
    match word {
        "released" if !version.contains([' ', ',', ')', '_']) && version.starts_with(char::is_numeric) => {
            ("Affected", version)
        }
        "released" => ("UnderInvestigation", ""),
        "not-affected" => ("NotAffected", ""),
        _ if has_ended => ("EndOfLife", ""),
        "ignored" => ("WillNotFix", ""),
        "deferred" => ("FixDeferred", ""),
        "needed" | "pending" => ("Affected", ""),
        "needs-triage" => ("UnderInvestigation", ""),
        _ => panic!("{status}"),
    }
}

/// The rows of one file of the tracker of 2020.
fn tracked(text: &str, rows: &mut BTreeSet<String>, dropped: &mut BTreeMap<&str, u64>) {
    let fields: BTreeMap<&str, &str> = text
        .lines()
        .filter(|line| line.starts_with("Priority") || line.starts_with("Candidate"))
        .filter_map(|line| line.split_once(':'))
        .collect();
    let field = |name: &str| fields.get(name).map(|value| value.trim());
    let id = field("Candidate").unwrap();
    for line in text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase())) {
        let (key, status) = line.split_once(':').unwrap();
        let (place, package) = key.split_once('_').unwrap();
        let reason = match (place, status.trim().split(' ').next().unwrap()) {
            ("upstream", _) => Some("original"),
            ("devel", _) => Some("made"),
            ("product" | "snap", _) => Some("product"),
            (_, "DNE") => Some("absent"),
            _ => None,
        };
        if let Some(reason) = reason {
            *dropped.entry(reason).or_default() += 1;
            continue;
        }
        let (codename, pocket) = place.split_once('/').unwrap_or((place, ""));
        let (state, fixed) = stated(status.trim());
        let priority = field(&format!("Priority_{package}_{place}"))
            .or_else(|| field(&format!("Priority_{package}")))
            .or_else(|| field("Priority"))
            .unwrap_or("untriaged");
        let severity = priority.split(' ').next().unwrap().replace("untriaged", "unknown");
        let line = Row {
            release: &format!("ubuntu:{}", number(codename)),
            package,
            id,
            state,
            fixed,
            stream: if pocket == "esm" { "esm-infra-legacy" } else { pocket },
            ..Row::default()
        };
        rows.insert(format!("{} {severity}", line.line()));
    }
}

#[test]
fn the_tracker_says_what_its_files_say() {
    let Some(files) = files("ubuntu.tar.zst") else { return };
    let documents: Vec<&File> =
        files.iter().filter(|(name, _)| name.contains("-cve-tracker-2020-")).collect();
    let (found, cves, count, dropped) = rows("ubuntu-cve-tracker", &documents);
    let (mut expected, mut left_out, mut read) = (BTreeSet::new(), BTreeMap::new(), 0);
    for (_, bytes) in documents.iter().filter(|(name, _)| name.contains("/CVE-")) {
        tracked(std::str::from_utf8(bytes).unwrap(), &mut expected, &mut left_out);
        read += 1;
    }
    assert_eq!(read, 32_931);
    compare(&found, &expected);
    assert_eq!((count, found.len()), (395_245, 395_245));
    let left_out: Vec<(&str, u64)> = left_out.into_iter().collect();
    assert_eq!(left_out, [("absent", 574_116), ("made", 110_209), ("original", 110_514), ("product", 2_449)]);
    assert_eq!(
        dropped,
        [
            "a status in the release being made, whose number is not told: 110209",
            "a status of a snap or product, which is no package of a release: 2449",
            "a status of the original project: 110514",
            "a template for new files: 82",
            "another file of the tracker's tree: 11",
            "there is no such package in the release: 574116",
        ]
    );
    assert!(cves.iter().all(|cve| !cve.cvss.is_empty()));
    let of = |source: &str| {
        cves.iter().filter(|cve| cve.source == source).map(|cve| cve.cvss.len()).sum::<usize>()
    };
    assert_eq!(["nvd", "unknown", "ubuntu"].map(of), [15_670, 23, 1]);
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Release and pocket of a package URL's `distro`.
fn pocket(purl: &str) -> Option<(String, String)> {
    let (_, distro) = purl.split_once("distro=")?;
    let (pocket, codename) = match distro.split_once('/') {
        Some((codename, "esm")) => ("esm-infra-legacy", codename),
        Some((pocket, codename)) => (pocket, codename),
        None => ("", distro),
    };
    Some((format!("ubuntu:{}", number(codename)), pocket.into()))
}

/// CVE, source, release, pocket.
type Key = (String, String, String, String);

/// What OpenVEX states of each source, in the words of the records.
fn statements(documents: &[Value]) -> BTreeMap<Key, &'static str> {
    let mut stated = BTreeMap::new();
    for statement in documents.iter().flat_map(|document| list(&document["statements"])) {
        let cve = text(&statement["vulnerability"]["name"]);
        let action = text(&statement["action_statement"]);
        let state = match text(&statement["status"]) {
            "not_affected" if statement["justification"] == "component_not_present" => "",
            "not_affected" => "NotAffected",
            "affected" if action.contains("decided to not fix") => "WillNotFix",
            "affected" if action.contains("no longer supported") => "EndOfLife",
            "affected" => "Affected",
            "fixed" => "fixed",
            status => panic!("{status}"),
        };
        for product in list(&statement["products"]) {
            let purl = text(&product["@id"]);
            if cve.starts_with("CVE-") && purl.contains("arch=source") {
                let (release, pocket) = pocket(purl).unwrap();
                let source = purl.trim_start_matches("pkg:deb/ubuntu/").split('@').next().unwrap();
                stated.insert((cve.into(), source.into(), release, pocket), state);
            }
        }
    }
    stated
}

#[test]
fn osv_and_openvex_say_what_their_documents_say() {
    let Some(files) = files("ubuntu.tar.zst") else { return };
    let is_wanted = |name: &str| {
        let name = name.strip_prefix("ubuntu.tar").unwrap_or(name);
        let parts = ["/osv/", "/osv-esm-cases/", "/osv-all/", "/vex/", "/vex-all/"];
        parts.iter().any(|part| name.contains(part)) || name.contains("vulnerablecode/UBUNTU-CVE-")
    };
    let documents: Vec<&File> = files.iter().filter(|(name, _)| is_wanted(name)).collect();
    assert_eq!(documents.len(), 23);
    let (found, _, count, dropped) = rows("ubuntu", &documents);
    let documents: Vec<Value> =
        documents.iter().map(|(_, bytes)| serde_json::from_slice(bytes).unwrap()).collect();
    let stated = statements(&documents);
    let (mut fixes, mut severities, mut said) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for document in &documents {
        let Some(cve) = text(&document["id"]).strip_prefix("UBUNTU-") else { continue };
        if !document["withdrawn"].is_null() {
            continue;
        }
        for score in list(&document["severity"]).iter().filter(|score| score["type"] == "Ubuntu") {
            severities.insert(String::from(cve), text(&score["score"]));
        }
        for affected in list(&document["affected"]) {
            let source = text(&affected["package"]["name"]);
            let (release, pocket) = pocket(text(&affected["package"]["purl"])).unwrap();
            let key: Key = (cve.into(), source.into(), release, pocket);
            let old = affected["ecosystem_specific"]["ubuntu_priority"].as_str();
            old.map(|priority| severities.insert(cve.into(), priority));
            let fixed =
                list(&affected["ranges"][0]["events"]).iter().find_map(|event| event["fixed"].as_str());
            let state = stated.get(&key).copied().unwrap_or("Affected");
            said.insert(key.clone(), if fixed.is_some() { "Affected" } else { state });
            fixes.extend(fixed.map(|version| (key, version)));
        }
    }
    for (key, state) in &stated {
        if *state != "fixed" && !state.is_empty() {
            said.entry(key.clone()).or_insert(state);
        }
    }
    let pro: Vec<(Key, &str)> = said.iter().map(|(key, state)| (key.clone(), *state)).collect();
    for ((cve, source, release, pocket), state) in pro {
        let plain = (cve, source, release, String::new());
        if pocket.starts_with("esm") && state != "NotAffected" && !stated.contains_key(&plain) {
            said.entry(plain).or_insert("WillNotFix");
        }
    }
    let expected: BTreeSet<String> = said
        .iter()
        .map(|(key, state)| {
            let (id, package, release, stream) = key;
            let fixed = fixes.get(key).copied().unwrap_or_default();
            let line = Row { release, package, id, state, fixed, stream, ..Row::default() }.line();
            format!("{line} {}", severities.get(id).copied().unwrap_or("unknown"))
        })
        .collect();
    compare(&found, &expected);
    // 62 of OSV, 18 that only OpenVEX has, 18 inferred.
    assert_eq!((count, found.len()), (98, 98));
    assert_eq!(
        dropped,
        [
            "a binary package, which repeats its source package: 4927",
            "a notice of a livepatch, which is no package: 1",
            "a notice's statement, which OSV has with versions: 1",
            "fixed, in a version that no document tells: 2",
            "there is no such package in the release: 1",
            "withdrawn: 5",
        ]
    );
}
