//! Red Hat's real documents: counts, and every record against a plain reader of the vendor's description.

#![expect(clippy::print_stdout, reason = "what could not be compared")]

mod unpacked;

use imagescan_feeds::{Reader, Record, Summary, descriptions};
use imagescan_model::{AdvisoryRecord, AdvisoryState, MatchedBy, Severity};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use unpacked::File;

/// Not the security API's documents, lists of names, and the list that takes some of these documents back.
fn is_of_the_feed(name: &str) -> bool {
    let foreign = ["PULP_MANIFEST", "feed.json", "redhat/cve/", "/1.json", "vunnel/cve-", "deletions.csv"];
    !foreign.iter().any(|part| name.contains(part))
}

fn read(files: &[File]) -> (Vec<AdvisoryRecord>, u64, Summary) {
    let feed = descriptions().into_iter().find(|feed| feed.id == "redhat").unwrap();
    let (mut records, mut others, mut reader) = (Vec::new(), 0, Reader::new(&feed));
    let mut sink = |record| match record {
        Record::Advisory(record) => records.push(record),
        _ => others += 1,
    };
    for (name, bytes) in files.iter().filter(|(name, _)| is_of_the_feed(name)) {
        reader.read(name, &mut bytes.as_slice(), &mut sink).unwrap();
    }
    let summary = reader.finish(&mut sink).unwrap();
    (records, others, summary)
}

#[test]
fn all_real_documents_are_read_and_what_is_left_out_is_counted() {
    let Some(files) = unpacked::files("redhat.tar.zst") else { return };
    let (records, others, summary) = read(&files);
    // 5,338 of CSAF and 36 of OVAL; 26 VEX documents, 10,590 repositories.
    assert_eq!((records.len(), others), (5_338 + 36, 26 + 10_590));
    let dropped: Vec<String> = summary.dropped.iter().map(|(why, count)| format!("{count} {why}")).collect();
    assert_eq!(
        dropped,
        [
            "9 a build of a module, whose version no package has",
            "552 a container image",
            "1 a module without a stream",
            "2077 a package that is no rpm",
            "33 a part that is no package",
            "111 a product that names no release of Red Hat Enterprise Linux",
            "13 a product without its packages",
            "1192 a source package whose binaries are listed",
            "1 all products of the vendor",
            "60 what an advisory says of builds that it does not fix",
        ]
    );
}

#[test]
fn the_order_of_the_documents_does_not_matter() {
    let Some(mut files) = unpacked::files("redhat.tar.zst") else { return };
    let (mut records, _, summary) = read(&files);
    files.reverse();
    let (mut reversed, _, other) = read(&files);
    records.sort();
    reversed.sort();
    assert!(records == reversed && summary == other);
}

#[test]
fn records_of_the_sample_are_real() {
    let Some(files) = unpacked::files("redhat.tar.zst") else { return };
    let real: BTreeSet<(String, String)> = read(&files).0.iter().map(unpacked::fact).collect();
    let sample = unpacked::sample("redhat");
    assert!(sample.len() > 40, "{}", sample.len());
    for record in &sample {
        assert!(real.contains(&unpacked::fact(record)), "{record:?}");
    }
}

/// What makes a record, and what it says, as text.
type Said = BTreeMap<String, String>;

#[test]
fn every_record_of_csaf_is_what_a_plain_reader_finds() {
    let Some(files) = unpacked::files("redhat.tar.zst") else { return };
    let is_csaf = |name: &str| name.contains("csaf") && name.ends_with(".json") && is_of_the_feed(name);
    let mut compared = 0;
    for file in files.iter().filter(|(name, _)| is_csaf(name)) {
        let document: Value = serde_json::from_slice(&file.1).unwrap();
        let (records, ..) = read_one(file);
        let found: Said = records.iter().map(as_text).collect();
        assert_eq!(found.len(), records.len(), "{}: a record stands twice", file.0);
        let expected = plain(&document);
        for (key, value) in &expected {
            assert_eq!(found.get(key), Some(value), "{}: {key}", file.0);
        }
        assert_eq!(found.len(), expected.len(), "{}", file.0);
        compared += found.len();
    }
    println!("{compared} records");
    assert!(compared > 5_000, "{compared}");
}

fn read_one(file: &File) -> (Vec<AdvisoryRecord>, Vec<Record>) {
    let feed = descriptions().into_iter().find(|feed| feed.id == "redhat").unwrap();
    let (mut records, mut others, mut reader) = (Vec::new(), Vec::new(), Reader::new(&feed));
    let mut sink = |record| match record {
        Record::Advisory(record) => records.push(record),
        record => others.push(record),
    };
    reader.read(&file.0, &mut file.1.as_slice(), &mut sink).unwrap();
    (records, others)
}

fn as_text(record: &AdvisoryRecord) -> (String, String) {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let source = record.matched_by == MatchedBy::Source;
    let state = match record.state {
        AdvisoryState::NotAffected => "no",
        AdvisoryState::Affected => "Affected",
        AdvisoryState::FixDeferred => "Fix deferred",
        AdvisoryState::WillNotFix => "Will not fix",
        AdvisoryState::EndOfLife => "Out of support scope",
        AdvisoryState::UnderInvestigation => "?",
    };
    let key = [
        &record.id,
        &record.release.to_string(),
        &source.to_string(),
        &record.package,
        &text(&record.module),
    ]
    .map(String::as_str)
    .join(" ");
    let key = format!("{key} {} {state} {}", text(&record.stream), text(&record.fixed_version));
    let severity = match record.severity {
        Severity::Unknown | Severity::Negligible => "",
        Severity::Low => "low",
        Severity::Medium => "moderate",
        Severity::High => "important",
        Severity::Critical => "critical",
    };
    let advisories: Vec<&str> = record.advisories.iter().map(|advisory| advisory.id.as_str()).collect();
    let date = record.fix_available.map(|dated| dated.at.to_string()).unwrap_or_default();
    (key, format!("{} {severity} {} {date}", record.architectures.join("+"), advisories.join("+")))
}

/// What is said of one key, as it is found.
#[derive(Default)]
struct Row {
    architectures: BTreeSet<String>,
    severity: String,
    advisories: BTreeSet<String>,
    date: String,
}

/// A package as its purl and product have it.
struct Package {
    name: String,
    version: String,
    architecture: String,
    module: String,
    cpe: String,
    product: String,
    major: String,
}

fn plain(document: &Value) -> Said {
    let mut leaves = Vec::new();
    gather(&document["product_tree"]["branches"], &mut leaves);
    let vex = text(&document["document"]["tracking"]["id"]).starts_with("CVE-");
    let mut said = Said::new();
    for vulnerability in array(&document["vulnerabilities"]) {
        let mut rows: BTreeMap<String, Row> = BTreeMap::new();
        let mut statements = Vec::new();
        for (status, ids) in vulnerability["product_status"].as_object().unwrap() {
            for id in array(ids) {
                if let Some(package) = package(document, &leaves, text(id)) {
                    statements.push((status.as_str(), text(id), package));
                }
            }
        }
        for (status, id, package) in &statements {
            let fixed = *status == "fixed";
            let binary =
                |p: &Package| p.architecture != "src" && (p.version.is_empty() || !p.architecture.is_empty());
            let source = !binary(package);
            let repeated = source
                && !package.version.is_empty()
                && statements.iter().any(|(other, _, listed)| {
                    binary(listed)
                        && (*other, &listed.product, &listed.version)
                            == (*status, &package.product, &package.version)
                });
            // A module's own build: 3.9-8100020240826142629.d47b87a4.
            let release = package.version.rsplit('-').next().unwrap();
            let of_module = release.len() > 20 && !release.contains("el");
            if repeated || (!vex && !fixed) || (fixed && of_module) {
                continue;
            }
            let state = match *status {
                "fixed" => "Affected".to_string(),
                "known_not_affected" => "no".into(),
                "under_investigation" => "?".into(),
                _ => remediation(vulnerability, id),
            };
            let about = format!(
                "{} rhel:{} {source} {} {} {}",
                text(&vulnerability["cve"]),
                package.major,
                package.name,
                package.module,
                package.cpe
            );
            let version = if fixed { package.version.as_str() } else { "" };
            let row = rows.entry(format!("{about} {state} {version}")).or_default();
            if fixed && package.architecture != "src" && !package.architecture.is_empty() {
                row.architectures.insert(package.architecture.clone());
            }
            let published =
                if vex { &Value::Null } else { &document["document"]["tracking"]["initial_release_date"] };
            describe(row, vulnerability, id, fixed.then_some(published));
        }
        let others: Vec<String> = rows.keys().filter(|key| !key.ends_with(" no ")).cloned().collect();
        rows.retain(|key, _| {
            let about = key.strip_suffix("no ");
            about.is_none_or(|about| !others.iter().any(|other| other.starts_with(about)))
        });
        for (key, row) in rows {
            let join = |set: BTreeSet<String>| set.into_iter().collect::<Vec<_>>().join("+");
            let value =
                format!("{} {} {} {}", join(row.architectures), row.severity, join(row.advisories), row.date);
            said.insert(key, value);
        }
    }
    said
}

fn gather<'a>(branches: &'a Value, leaves: &mut Vec<&'a Value>) {
    for branch in array(branches) {
        if branch["product"].is_object() {
            leaves.push(&branch["product"]);
        }
        gather(&branch["branches"], leaves);
    }
}

fn package(document: &Value, leaves: &[&Value], id: &str) -> Option<Package> {
    let relations = &document["product_tree"]["relationships"];
    let relation =
        array(relations).iter().find(|relation| relation["full_product_name"]["product_id"] == id)?;
    let leaf = |id: &Value| &leaves.iter().find(|leaf| leaf["product_id"] == *id).unwrap()["product_identification_helper"];
    let purl = leaf(&relation["product_reference"])["purl"].as_str()?;
    let (path, query) = purl.strip_prefix("pkg:rpm/redhat/")?.split_once('?').unwrap_or((&purl[15..], ""));
    let decode = |text: &str| text.replace("%2B", "+").replace("%2b", "+");
    let query = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| decode(value)).next().unwrap_or_default()
    };
    let (name, version) = path.split_once('@').unwrap_or((path, ""));
    let epoch = query("epoch");
    let mut version = decode(version);
    if !version.is_empty() && !epoch.is_empty() && epoch != "0" {
        version = format!("{epoch}:{version}");
    }
    let module = query("rpmmod");
    let module = match module.split(':').collect::<Vec<_>>().as_slice() {
        [""] => String::new(),
        [_] => return None,
        [name, stream, ..] => format!("{name}:{stream}"),
        [] => unreachable!(),
    };
    let product = &relation["relates_to_product_reference"];
    let cpe = text(&leaf(product)["cpe"]).to_string();
    let major = major(&cpe, &version)?;
    let (name, architecture, product) = (name.into(), query("arch"), text(product).into());
    Some(Package { name, version, architecture, module, cpe, product, major })
}

/// The digits after the last `el` of a CPE, of a product of the distribution itself, or of a release.
fn major(cpe: &str, version: &str) -> Option<String> {
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    if let Some((_, tag)) = cpe.split_once("::el").or_else(|| cpe.split_once(":::el")) {
        return Some(digits(tag));
    }
    let parts: Vec<&str> = cpe.split(':').collect();
    let own = ["enterprise_linux", "rhel_eus", "rhel_aus", "rhel_tus", "rhel_e4s", "rhel_els"];
    if parts.len() > 4 && own.contains(&parts[3]) {
        return Some(digits(parts[4]));
    }
    let release = version.rsplit_once('-')?.1;
    let (_, tag) = release.split_once(".el").or_else(|| release.split_once("+el"))?;
    Some(digits(tag))
}

fn remediation(vulnerability: &Value, id: &str) -> String {
    let of = |remediation: &&Value| {
        let category = text(&remediation["category"]);
        category != "workaround" && array(&remediation["product_ids"]).iter().any(|product| product == id)
    };
    let found = array(&vulnerability["remediations"]).iter().find(of);
    found.map_or("Affected".into(), |remediation| text(&remediation["details"]).trim().into())
}

/// `fixed`: the date of a fix that has none.
fn describe(row: &mut Row, vulnerability: &Value, id: &str, fixed: Option<&Value>) {
    let about = |item: &Value| match item["product_ids"].as_array() {
        None => true,
        Some(ids) => ids.iter().any(|product| product == id),
    };
    for threat in array(&vulnerability["threats"]).iter().filter(|threat| about(threat)) {
        if threat["category"] == "impact" {
            row.severity = text(&threat["details"]).to_lowercase();
        }
    }
    for fix in array(&vulnerability["remediations"]).iter().filter(|fix| about(fix)) {
        let Some(published) = fixed else { continue };
        if fix["category"] == "vendor_fix" {
            row.advisories.insert(text(&fix["url"]).rsplit('/').next().unwrap().into());
            let own = if fix["date"].is_null() { published } else { &fix["date"] };
            let date = text(own).replace("+00:00", "Z");
            if !date.is_empty() && (row.date.is_empty() || date < row.date) {
                row.date = date;
            }
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
