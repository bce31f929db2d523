//! Real tables of when support ends; and our own table against what others have found on the vendors' pages.

mod real;

use imagescan_feeds::{Input, Record, descriptions, parse};
use imagescan_model::LifecycleRecord;
use real::{File, dropped, files, parsed};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const TABLE: &str = include_str!("../../../vuln-feeds/lifecycles-table.csv");

fn lifecycle(record: &Record) -> &LifecycleRecord {
    match record {
        Record::Lifecycle(record) => record,
        record => panic!("{record:?}"),
    }
}

fn line(record: &LifecycleRecord) -> String {
    let dates = [record.released, record.standard_end, record.extended_end, record.paid_end];
    let dates = dates.map(|date| date.map(|date| date.to_string()).unwrap_or_default());
    format!("{} {}", record.release, dates.join("|"))
}

#[test]
fn distro_info_says_what_its_files_say() {
    let Some(files) = files("eol.tar.zst") else { return };
    let documents: Vec<&File> = files
        .iter()
        .filter(|(name, _)| name.contains("/distro-info-data/") && name.ends_with(".csv"))
        .collect();
    assert_eq!(documents.len(), 4);
    let found = parsed("lifecycles", &documents);
    let lines: BTreeSet<String> = found.others.iter().map(|record| line(lifecycle(record))).collect();
    let mut expected = BTreeSet::new();
    let old = "buzz rex bo hamm slink potato woody sarge";
    for (name, bytes) in &documents {
        let text = std::str::from_utf8(bytes).unwrap();
        for row in text.lines().skip(1) {
            let fields: Vec<&str> = row.split(',').collect();
            let field = |index: usize| fields.get(index).copied().unwrap_or_default();
            let number = field(0).trim_end_matches(" LTS");
            let number = if old.contains(field(2)) { field(2) } else { number.trim_end_matches(".0") };
            let [release, end] = [field(4), field(5)];
            if release.is_empty() {
                continue;
            }
            if name.ends_with("/debian.csv") {
                expected.insert(format!("debian:{number} {release}|{end}|{}|{}", field(6), field(7)));
            } else if name.ends_with("/ubuntu.csv") {
                let paid = if field(8).is_empty() { field(7) } else { field(8) };
                expected.insert(format!("ubuntu:{number} {release}|{end}||{paid}"));
            }
        }
    }
    assert_eq!(lines, expected);
    assert_eq!(lines.len(), 18 + 46);
    assert_eq!(
        dropped(&found),
        ["a release of another distribution: 12", "a release without a day, such as sid: 4"]
    );
}

/// Cycles of a product's page, each with its fields: a small part of YAML, read line by line.
fn page(text: &str) -> Vec<BTreeMap<&str, &str>> {
    let mut cycles: Vec<BTreeMap<&str, &str>> = Vec::new();
    for line in text.lines().skip_while(|line| *line != "releases:") {
        let line = match line.trim_start().strip_prefix("- ") {
            Some(rest) if rest.trim_start().starts_with("releaseCycle") => {
                cycles.push(BTreeMap::new());
                rest
            }
            _ => line,
        };
        let Some((key, value)) = line.trim().split_once(':') else { continue };
        if let Some(cycle) = cycles.last_mut() {
            let value = value.split(" #").next().unwrap().trim().trim_matches('"');
            cycle.entry(key).or_insert(value);
        }
    }
    cycles
}

/// Release, then released, standard, extended and paid end of a cycle, as our table would have it.
fn expected(product: &str, cycle: &BTreeMap<&str, &str>) -> Option<String> {
    let field =
        |name: &str| cycle.get(name).copied().filter(|text| text.starts_with(char::is_numeric)).unwrap_or("");
    let number = field("releaseCycle");
    let (distribution, number) = match product {
        "alpine-linux" => ("alpine", number),
        "amazon-linux" if number.starts_with("201") => return None,
        "amazon-linux" => ("amzn", number),
        "centos-stream" if number == "8" => return None,
        "centos" | "centos-stream" => ("centos", number),
        "opensuse" => ("opensuse-leap", number),
        "oracle-linux" => ("ol", number),
        "rocky-linux" => ("rocky", number),
        "sles" if matches!(number, "10.0" | "11.0" | "12.0" | "15.0") => {
            ("sles", number.trim_end_matches(".0"))
        }
        "vmware-photon" => ("photon", number),
        "almalinux" | "fedora" | "rhel" | "sles" => (product, number),
        _ => return None,
    };
    let [active, end, more] = ["eoas", "eol", "eoes"].map(field);
    let ends = match product {
        "rhel" | "centos" | "almalinux" | "rocky-linux" | "amazon-linux" | "centos-stream" => {
            [active, if end == active { "" } else { end }, more]
        }
        _ => [end, "", more],
    };
    Some(format!("{distribution}:{number} {}|{}", field("releaseDate"), ends.join("|")))
}

#[test]
fn our_table_says_what_endoflife_date_says() {
    let feed = descriptions().into_iter().find(|description| description.id == "lifecycles").unwrap();
    let table = parse(&feed, &[Input { name: "table", bytes: TABLE.as_bytes() }]).unwrap();
    assert!(table.others.iter().all(|record| lifecycle(record).source.starts_with("https://")));
    let mut lines: BTreeSet<String> = table.others.iter().map(|record| line(lifecycle(record))).collect();
    assert_eq!(lines.len(), 111);
    let Some(files) = files("eol.tar.zst") else { return };
    let mut known = BTreeSet::new();
    for (name, bytes) in files.iter().filter(|(name, _)| name.ends_with(".md") && name.contains("/products/"))
    {
        let product = name.rsplit('/').next().unwrap().trim_end_matches(".md");
        let text = String::from_utf8_lossy(bytes);
        known.extend(page(&text).iter().filter_map(|cycle| expected(product, cycle)));
    }
    // What it has not, or not as one release.
    for own in ["amzn:1 ", "azurelinux:3.0 ", "mariner:2.0 "] {
        assert!(lines.iter().any(|line| line.starts_with(own)));
        lines.retain(|line| !line.starts_with(own));
    }
    let wrong: Vec<&String> = lines.difference(&known).collect();
    assert_eq!(wrong, Vec::<&String>::new());
    // What our table leaves out is older than any image that is scanned.
    let releases: BTreeSet<&str> = lines.iter().filter_map(|line| line.split(' ').next()).collect();
    let missing = known.iter().filter(|line| !releases.contains(line.split(' ').next().unwrap()));
    for line in missing {
        let year: u32 = line.split(['|', ' ']).nth(2).and_then(|end| end.get(..4)).unwrap().parse().unwrap();
        assert!(year < 2020, "{line}");
    }
}

/// A release of endoflife.date, with its fields by the names that release data has.
fn data(product: &str, release: &Value) -> Option<String> {
    let mut fields = BTreeMap::new();
    for (key, value) in release.as_object().unwrap() {
        let key = match key.as_str() {
            "name" => "releaseCycle",
            key => key.trim_end_matches("From"),
        };
        fields.insert(key, value.as_str().unwrap_or_default());
    }
    let free = |distribution: &str| {
        let field = |name: &str| fields.get(name).copied().unwrap_or_default();
        let [number, released, end, more] = ["releaseCycle", "releaseDate", "eol", "eoes"].map(field);
        let more = if distribution == "debian" { format!("{more}|") } else { format!("|{more}") };
        Some(format!("{distribution}:{number} {released}|{end}|{more}"))
    };
    match (product, fields["releaseCycle"]) {
        ("debian", number) if number.contains('.') => None,
        ("debian" | "ubuntu", _) => free(product),
        _ => expected(product, &fields),
    }
}

#[test]
fn endoflife_date_says_what_its_documents_say() {
    let Some(files) = files("eol.tar.zst") else { return };
    let is_data = |name: &str| name.contains("/releases/") && name.ends_with(".json");
    let documents: Vec<&File> =
        files.iter().filter(|(name, _)| is_data(name) || name.ends_with("api/happy/full")).collect();
    assert_eq!(documents.len(), 404);
    let found = parsed("lifecycles", &documents);
    let lines: BTreeSet<String> = found.others.iter().map(|record| line(lifecycle(record))).collect();
    let mut known = BTreeSet::new();
    for (name, bytes) in &documents {
        let document: Value = serde_json::from_slice(bytes).unwrap();
        let product = name.rsplit('/').next().unwrap().trim_end_matches(".json");
        let releases = document["releases"].as_object().into_iter().flat_map(|releases| releases.values());
        known.extend(releases.filter_map(|release| data(product, release)));
        for product in document["result"].as_array().into_iter().flatten() {
            let releases = product["releases"].as_array().unwrap();
            known.extend(
                releases.iter().filter_map(|release| data(product["name"].as_str().unwrap(), release)),
            );
        }
    }
    assert_eq!(lines, known);
    // 73 of the release data, and Ubuntu's of the API.
    assert_eq!(lines.len(), 73 + 42);
    assert_eq!(
        dropped(&found),
        ["a product that is no distribution of ours: 394", "a release that advisories do not tell apart: 8",]
    );
}
