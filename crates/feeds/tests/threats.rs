//! Real documents of KEV, EPSS and NVD.

mod real;

use imagescan_feeds::Record;
use imagescan_model::CveRecord;
use real::{File, files, parsed};
use serde_json::Value;
use std::collections::BTreeSet;

/// What the parser says in some files, as lines.
fn said(feed: &str, files: &[&File], line: fn(&CveRecord) -> String) -> Vec<String> {
    let found = parsed(feed, files);
    assert!(found.records.is_empty() && found.dropped.is_empty() && found.coverage.is_empty());
    let cve = |record: &Record| match record {
        Record::Cve(record) => line(record),
        record => panic!("{record:?}"),
    };
    let mut lines: Vec<String> = found.others.iter().map(cve).collect();
    lines.sort();
    lines
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn exploited(record: &CveRecord) -> String {
    let of = record.exploited.unwrap();
    let due = of.due.map(|day| day.to_string()).unwrap_or_default();
    format!("{} {} {due} {} {}", record.id, of.added, of.ransomware, record.title.as_deref().unwrap())
}

#[test]
fn kev_says_what_its_documents_say() {
    let Some(files) = files("kev-epss-nvd.tar.zst") else { return };
    let named = |end: &str| files.iter().find(|(name, _)| name.ends_with(end)).unwrap();
    let json = named("known_exploited_vulnerabilities.json");
    let document: Value = serde_json::from_slice(&json.1).unwrap();
    let mut expected: Vec<String> = list(&document["vulnerabilities"])
        .iter()
        .map(|entry| {
            let ransomware = entry["knownRansomwareCampaignUse"] == "Known";
            let [id, added, due, title] =
                ["cveID", "dateAdded", "dueDate", "vulnerabilityName"].map(|name| text(&entry[name]));
            format!("{id} {added} {due} {ransomware} {}", title.trim())
        })
        .collect();
    expected.sort();
    assert_eq!(expected.len(), 1662);
    assert_eq!(said("kev", &[json], exploited), expected);
    // Another day's list, as CSV.
    let csv = said("kev", &[named("known_exploited_vulnerabilities.csv")], exploited);
    assert_eq!(csv.len(), 1404);
    assert_eq!(csv.iter().filter(|line| line.contains(" true ")).count(), 293);
    let known: BTreeSet<&String> = expected.iter().collect();
    assert!(csv.iter().filter(|line| known.contains(line)).count() > 1300);
}

#[test]
fn epss_says_what_its_documents_say() {
    let Some(files) = files("kev-epss-nvd.tar.zst") else { return };
    let documents: Vec<&File> = files
        .iter()
        .filter(|(name, _)| name.contains("epss_scores-") || name.ends_with("example-1.csv"))
        .collect();
    assert_eq!(documents.len(), 5);
    let line = |record: &CveRecord| {
        let epss = record.epss.unwrap();
        let percentile = epss.percentile.map(|share| share.to_string()).unwrap_or_default();
        format!("{} {} {percentile} {}", record.id, epss.score, epss.date)
    };
    assert_eq!(
        said("epss", &documents, line),
        [
            "CVE-1999-0001 383 73075 2025-02-20",
            "CVE-1999-0002 1328 85996 2025-02-20",
            "CVE-1999-0003 4409 92440 2025-02-20",
            "CVE-1999-0004 917 82963 2025-02-20",
            "CVE-1999-0005 91963 99214 2025-02-20",
            "CVE-2018-19571 113 43131 2023-03-07",
            "CVE-2018-19571 17187 93112 2022-02-04",
            "CVE-2018-19571 4773  2021-04-14",
            "CVE-2018-19571 4773 87159 2021-09-01",
            "CVE-2020-5902 65117  2021-04-14",
            "CVE-2020-5902 65117 99811 2021-09-01",
            "CVE-2020-5902 96817 99999 2022-02-04",
            "CVE-2020-5902 97567 99995 2023-03-07",
        ]
    );
}

/// By who scored, the scores in any order; and the severity of the first that counts.
fn scores(cve: &Value) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    let mut sources = BTreeSet::from(["nvd@nist.gov"]);
    let all: Vec<&Value> = ["cvssMetricV40", "cvssMetricV31", "cvssMetricV30", "cvssMetricV2"]
        .iter()
        .flat_map(|version| list(&cve["metrics"][version]))
        .collect();
    sources.extend(all.iter().map(|metric| text(&metric["source"])));
    for source in sources {
        let own: Vec<&&Value> = all.iter().filter(|metric| metric["source"] == source).collect();
        let first = own.iter().find(|metric| metric["type"] == "Primary").or(own.first());
        let word = first.map_or("UNKNOWN", |metric| {
            text(&metric["baseSeverity"]).max(text(&metric["cvssData"]["baseSeverity"]))
        });
        let vectors: BTreeSet<String> = own
            .iter()
            .map(|metric| {
                let data = &metric["cvssData"];
                format!("{}={:.1}", text(&data["vectorString"]), data["baseScore"].as_f64().unwrap())
            })
            .collect();
        let vectors = vectors.into_iter().collect::<Vec<_>>().join(" ");
        let source = if source == "nvd@nist.gov" { "nvd" } else { source };
        let (id, published) = (text(&cve["id"]), &text(&cve["published"])[..19]);
        lines.insert(format!("{id} {source} {published} {} {vectors}", word.to_lowercase()));
    }
    lines
}

#[test]
fn nvd_says_what_its_documents_say() {
    let Some(files) = files("kev-epss-nvd.tar.zst") else { return };
    let documents: Vec<&File> = files.iter().filter(|(name, _)| name.contains("/nvd/")).collect();
    assert_eq!(documents.len(), 22);
    let (mut expected, mut items) = (BTreeSet::new(), 0);
    for (_, bytes) in &documents {
        let document: Value = serde_json::from_slice(bytes).unwrap();
        for item in list(&document["vulnerabilities"]) {
            items += 1;
            expected.extend(scores(&item["cve"]));
        }
    }
    assert_eq!(items, 90);
    let line = |record: &CveRecord| {
        let cvss =
            |cvss: &imagescan_model::Cvss| format!("{}={}.{}", cvss.vector, cvss.score / 10, cvss.score % 10);
        let vectors: Vec<String> = record.cvss.iter().map(cvss).collect();
        let published = record.published.unwrap().to_string();
        let published = &published[..19];
        assert!(!record.rejected && (record.source != "nvd" || record.title.is_some()));
        format!("{} {} {published} {} {}", record.id, record.source, record.severity, vectors.join(" "))
    };
    let found: BTreeSet<String> = said("nvd", &documents, line).into_iter().collect();
    assert_eq!(found, expected);
}
