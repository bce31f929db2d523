//! SUSE's real documents: counts, and every record against a plain reader of the vendor's description.

#![expect(clippy::print_stdout, reason = "what could not be compared")]

mod unpacked;

use imagescan_feeds::{Reader, Record, Summary, descriptions};
use imagescan_model::{AdvisoryRecord, AdvisoryState, Severity};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use unpacked::File;

/// Not CVRF and OSV, which are refused, nor pages and files of another project.
fn is_of_the_feed(name: &str) -> bool {
    let foreign = ["/cvrf", "/osv/", "indexof.html", "vunnel/cve-"];
    !foreign.iter().any(|part| name.contains(part))
}

fn read<'a>(files: impl Iterator<Item = &'a File>) -> (Vec<AdvisoryRecord>, usize, Summary) {
    let feed = descriptions().into_iter().find(|feed| feed.id == "suse").unwrap();
    let (mut records, mut others, mut reader) = (Vec::new(), 0, Reader::new(&feed));
    let mut sink = |record| match record {
        Record::Advisory(record) => records.push(record),
        _ => others += 1,
    };
    for (name, bytes) in files {
        reader.read(name, &mut bytes.as_slice(), &mut sink).unwrap();
    }
    let summary = reader.finish(&mut sink).unwrap();
    (records, others, summary)
}

#[test]
fn all_real_documents_are_read_and_what_is_left_out_is_counted() {
    let Some(files) = unpacked::files("suse.tar.zst") else { return };
    let (records, others, summary) = read(files.iter().filter(|(name, _)| is_of_the_feed(name)));
    // 5,198 of CSAF and 180 of OVAL; one VEX document names products.
    assert_eq!((records.len(), others), (5_198 + 180, 1));
    let dropped: Vec<String> = summary.dropped.iter().map(|(why, count)| format!("{count} {why}")).collect();
    assert_eq!(
        dropped,
        [
            "16 Open Enterprise Server",
            "52 SUSE Enterprise Storage",
            "1748 SUSE Linux Enterprise Desktop",
            "271 SUSE Linux Enterprise High Performance Computing",
            "32 SUSE Linux Enterprise Real Time",
            "124 SUSE Manager",
            "88 SUSE OpenStack Cloud",
            // The samples of OVAL were cut for size.
            "196 a criterion whose test is not in the document",
            "27 a package of no product that is named",
            "4 a product of before 2011",
            "71 another product of SUSE",
        ]
    );
    for (name, bytes) in files.iter().filter(|(name, _)| name.contains("/cvrf") || name.contains("/osv/")) {
        let feed = descriptions().into_iter().find(|feed| feed.id == "suse").unwrap();
        let refused = Reader::new(&feed).read(name, &mut bytes.as_slice(), &mut |_| ());
        assert!(refused.is_err(), "{name}");
    }
}

#[test]
fn the_order_of_the_documents_does_not_matter() {
    let Some(mut files) = unpacked::files("suse.tar.zst") else { return };
    files.retain(|(name, _)| is_of_the_feed(name));
    let (mut records, _, summary) = read(files.iter());
    let (mut reversed, _, other) = read(files.iter().rev());
    records.sort();
    reversed.sort();
    assert!(records == reversed && summary == other);
}

#[test]
fn records_of_the_sample_are_real() {
    let Some(files) = unpacked::files("suse.tar.zst") else { return };
    let all = files.iter().filter(|(name, _)| is_of_the_feed(name));
    let real: BTreeSet<(String, String)> = read(all).0.iter().map(unpacked::fact).collect();
    let sample = unpacked::sample("suse");
    assert!(sample.len() > 15, "{}", sample.len());
    for record in &sample {
        assert!(real.contains(&unpacked::fact(record)), "{record:?}");
    }
}

#[test]
fn every_record_is_what_a_plain_reader_finds() {
    let Some(files) = unpacked::files("suse.tar.zst") else { return };
    let mut compared = 0;
    for file in files.iter().filter(|(name, _)| is_of_the_feed(name)) {
        let text = String::from_utf8_lossy(&file.1);
        let expected = if file.0.ends_with(".json") {
            plain_csaf(&serde_json::from_str(&text).unwrap())
        } else if text.contains("<oval_definitions") {
            plain_oval(&text)
        } else {
            continue;
        };
        if expected.is_empty() {
            continue;
        }
        let (records, ..) = read([file].into_iter());
        let found: BTreeMap<String, String> = records.iter().map(as_text).collect();
        assert_eq!(found.len(), records.len(), "{}: a record stands twice", file.0);
        for (key, value) in &expected {
            assert_eq!(found.get(key), Some(value), "{}: {key}", file.0);
        }
        assert_eq!(found.len(), expected.len(), "{}", file.0);
        compared += found.len();
    }
    println!("{compared} records");
    assert_eq!(compared, 5_198 + 180);
}

fn as_text(record: &AdvisoryRecord) -> (String, String) {
    let state = match record.state {
        AdvisoryState::NotAffected => "known_not_affected",
        AdvisoryState::Affected => "recommended",
        state => panic!("{state:?}"),
    };
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (stream, fixed) = (text(&record.stream), text(&record.fixed_version));
    let key = format!("{} {} {} {stream} {state} {fixed}", record.id, record.release, record.package);
    let severity = match record.severity {
        Severity::Unknown | Severity::Negligible => "",
        Severity::Low => "low",
        Severity::Medium => "moderate",
        Severity::High => "important",
        Severity::Critical => "critical",
    };
    let advisories: Vec<&str> = record.advisories.iter().map(|advisory| advisory.id.as_str()).collect();
    let date = record.fix_available.map(|dated| dated.at.to_string()).unwrap_or_default();
    (key, value(&record.architectures, severity, &advisories.join("+"), &date))
}

fn value(architectures: &[String], severity: &str, advisories: &str, date: &str) -> String {
    format!("[{}] {severity} {advisories} {date}", architectures.join("+"))
}

/// Releases and stream of a product, by the words of its name.
fn product(name: &str) -> Option<(Vec<String>, String)> {
    let words: Vec<&str> = name.split([' ', '-']).collect();
    let number = words.iter().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let pack = words.iter().find_map(|word| word.strip_prefix("SP").filter(|pack| pack.len() == 1));
    let version =
        format!("{}{}", number.unwrap_or(&""), pack.map(|pack| format!(".{pack}")).unwrap_or_default());
    let one = |id: &str, stream: &str| Some((vec![format!("{id}:{version}")], stream.to_string()));
    match words.as_slice() {
        ["openSUSE", "Tumbleweed"] => Some((vec!["opensuse-tumbleweed".into()], String::new())),
        ["openSUSE", "Leap", "Micro", _] => one("opensuse-leap-micro", ""),
        ["openSUSE", "Leap", _] => one("opensuse-leap", ""),
        ["openSUSE", ..] => one("opensuse", ""),
        ["SUSE", "Package", "Hub", ..] => one("sles", "packagehub"),
        ["SUSE", "Linux", "Micro", _] | ["SUSE", "Linux", "Enterprise", "Micro", "6.0"] => {
            one("sl-micro", "")
        }
        ["SUSE", "Linux", "Enterprise", "Micro", _] => one("sle-micro", ""),
        ["SUSE", "Linux", "Enterprise", "Module", .., "12"] => {
            let packs = ["12", "12.1", "12.2", "12.3", "12.4", "12.5"];
            Some((packs.iter().map(|pack| format!("sles:{pack}")).collect(), String::new()))
        }
        ["SUSE", "Linux", "Enterprise", "Module" | "Software" | "Workstation", ..] => one("sles", ""),
        ["SUSE", "Linux", "Enterprise", "High", "Availability", ..] => one("sles", ""),
        ["SUSE", "Linux", "Enterprise", "Server", rest @ ..] => {
            let known = [
                ("SAP", "sap"),
                ("Teradata", "teradata"),
                ("TERADATA", "teradata"),
                ("LTSS", "ltss"),
                ("ESPOS", "espos"),
                ("BCL", "bcl"),
            ];
            let parts: Vec<&str> =
                rest.iter().filter_map(|word| Some(known.iter().find(|(name, _)| name == word)?.1)).collect();
            one("sles", &parts.join("-"))
        }
        _ => None,
    }
}

/// What is found of a key: architectures, then the rest.
type Found = BTreeMap<String, (BTreeSet<String>, String, String, String)>;

fn finished(found: Found) -> BTreeMap<String, String> {
    let text = |(architectures, severity, advisories, date): (BTreeSet<String>, String, String, String)| {
        value(&architectures.into_iter().collect::<Vec<_>>(), &severity, &advisories, &date)
    };
    found.into_iter().map(|(key, said)| (key, text(said))).collect()
}

fn plain_csaf(document: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let head = &document["document"]["tracking"];
    let is_update = !text(&head["id"]).starts_with("CVE-");
    let (mut architectures, mut found) = (BTreeMap::new(), Found::new());
    under(&document["product_tree"]["branches"], "", &mut architectures);
    let relations: BTreeMap<String, (String, String)> = array(&document["product_tree"]["relationships"])
        .iter()
        .map(|relation| {
            let pair =
                (text(&relation["product_reference"]), text(&relation["relates_to_product_reference"]));
            (text(&relation["full_product_name"]["product_id"]), pair)
        })
        .collect();
    for vulnerability in array(&document["vulnerabilities"]) {
        let severity = text(&vulnerability["threats"][0]["details"]);
        for (status, ids) in vulnerability["product_status"].as_object().unwrap() {
            for id in array(ids) {
                let (package, in_product) = &relations[id.as_str().unwrap()];
                let Some((releases, stream)) = product(in_product) else { continue };
                let architecture = &architectures[package];
                let (mut name, mut version) = (package.clone(), String::new());
                if status == "recommended" {
                    let whole = package.strip_suffix(&format!(".{architecture}")).unwrap_or(package);
                    let dashes: Vec<usize> = whole.match_indices('-').map(|(at, _)| at).collect();
                    let at = dashes[dashes.len() - 2];
                    (name, version) = (whole[..at].into(), whole[at + 1..].into());
                }
                for release in releases {
                    let key = format!(
                        "{} {release} {name} {stream} {status} {version}",
                        text(&vulnerability["cve"])
                    );
                    let row = found.entry(key).or_default();
                    row.0.extend(Some(architecture.clone()).filter(|name| !name.is_empty()));
                    row.1.clone_from(&severity);
                    if is_update {
                        (row.2, row.3) = (text(&head["id"]), text(&head["initial_release_date"]));
                    }
                }
            }
        }
    }
    finished(found)
}

fn under(branches: &Value, architecture: &str, found: &mut BTreeMap<String, String>) {
    for branch in array(branches) {
        let own = branch["category"] == "architecture";
        let architecture = if own { branch["name"].as_str().unwrap() } else { architecture };
        if let Some(id) = branch["product"]["product_id"].as_str() {
            found.insert(id.into(), architecture.into());
        }
        under(&branch["branches"], architecture, found);
    }
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// What stands between `start` and the next `end`, for each `start`.
fn between<'a>(text: &'a str, start: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(start).skip(1).filter_map(move |rest| Some(rest.split_once(end)?.0))
}

fn attribute<'a>(text: &'a str, name: &str) -> &'a str {
    text.split_once(&format!(" {name}=\""))
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or("", |(value, _)| value)
}

fn elements<'a>(text: &'a str, name: &str) -> BTreeMap<&'a str, &'a str> {
    text.split(&format!("<{name} "))
        .skip(1)
        .map(|rest| (rest.split_once("id=\"").unwrap().1.split_once('"').unwrap().0, rest))
        .map(|(id, rest)| (id, rest.split_once(&format!("</{name}>")).map_or(rest, |(own, _)| own)))
        .collect()
}

fn plain_oval(text: &str) -> BTreeMap<String, String> {
    let (tests, objects) = (elements(text, "rpminfo_test"), elements(text, "rpminfo_object"));
    let (states, mut found) = (elements(text, "rpminfo_state"), Found::new());
    for definition in between(text, "<definition ", "</definition>") {
        let is_patch = definition.contains("class=\"patch\"");
        let mut ids = vec![between(definition, "<title>", "</title>").next().unwrap().trim()];
        if is_patch {
            let references = between(definition, "<reference ", ">").map(|rest| rest.trim_end_matches('/'));
            ids = references
                .filter(|reference| reference.contains("source=\"CVE\""))
                .map(|reference| reference.split_once("ref_id=\"").unwrap().1.split_once('"').unwrap().0)
                .collect();
        }
        let severity = between(definition, "<severity>", "<").next().unwrap_or_default().to_lowercase();
        let issued = between(definition, "<issued date=\"", "\"").next().unwrap_or_default();
        let date = if is_patch { format!("{issued}T00:00:00Z") } else { String::new() };
        // Groups follow each other; within one, products come first.
        let (mut products, mut in_packages) = (Vec::new(), false);
        for criterion in between(definition, "<criterion", ">") {
            let comment = attribute(criterion, "comment");
            let name = comment.strip_suffix(" is installed").filter(|name| name.contains(' '));
            if let Some(name) = name {
                if in_packages {
                    (products, in_packages) = (Vec::new(), false);
                }
                products.push(name);
                continue;
            }
            in_packages = true;
            let Some(said) = test(&tests, &objects, &states, attribute(criterion, "test_ref")) else {
                continue;
            };
            if comment.contains("signed") {
                continue;
            }
            let (package, version, architectures) = said;
            let state =
                if comment.ends_with(" is not affected") { "known_not_affected" } else { "recommended" };
            for (releases, stream) in products.iter().filter_map(|name| product(name)) {
                for (id, release) in
                    ids.iter().flat_map(|id| releases.iter().map(move |release| (id, release)))
                {
                    let row = found
                        .entry(format!("{id} {release} {package} {stream} {state} {version}"))
                        .or_default();
                    row.0.extend(architectures.iter().cloned());
                    (row.1, row.3) = (severity.clone(), date.clone());
                }
            }
        }
    }
    finished(found)
}

/// Package, version and architectures of a test.
fn test<'a>(
    tests: &BTreeMap<&str, &'a str>,
    objects: &BTreeMap<&str, &'a str>,
    states: &BTreeMap<&str, &'a str>,
    id: &str,
) -> Option<(&'a str, &'a str, Vec<String>)> {
    let test = tests.get(id)?;
    let package = between(objects.get(attribute(test, "object_ref"))?, "<name>", "<").next()?;
    let state = states.get(attribute(test, "state_ref"))?;
    let inside = |name: &str| {
        let rest = state.split_once(&format!("<{name} ")).map_or("", |(_, rest)| rest);
        rest.split_once('>').and_then(|(_, rest)| rest.split_once('<')).map_or("", |(text, _)| text)
    };
    let evr = inside("evr").trim_start_matches("0:");
    let architectures = inside("arch").trim_matches(['(', ')']).split('|').filter(|name| !name.is_empty());
    Some((package, evr, architectures.map(String::from).collect()))
}
