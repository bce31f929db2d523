//! Real documents of the databases of languages, as OSV publishes them.

mod real;

use real::{File, Row, compare, dropped, files, parsed};
use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn languages_say_what_their_databases_say() {
    let Some(files) = files("osv.tar.zst") else { return };
    let mut documents: Vec<File> = Vec::new();
    for (name, bytes) in files {
        if name.ends_with(".jsonl") {
            for (line, text) in
                bytes.split(|byte| *byte == b'\n').enumerate().filter(|(_, text)| !text.is_empty())
            {
                documents.push((format!("{name}:{line}"), text.to_vec()));
            }
        } else if name.ends_with(".json") && !name.contains("/golang-vulndb-osv/") {
            documents.push((name, bytes));
        }
    }
    assert_eq!(documents.len(), 7444 + 1206 + 4291 + 2661);
    let found = parsed("osv-languages", &documents.iter().collect::<Vec<_>>());
    let mut rows = BTreeSet::new();
    for (_, bytes) in &documents {
        plain(&serde_json::from_slice(bytes).unwrap(), &mut rows);
    }
    compare(&found, &rows);
    assert_eq!(found.records.len(), 33_614);
    assert_eq!(
        dropped(&found),
        [
            "a range of commits: 1391",
            "a range of versions that are not the module's own: 463",
            "an informational advisory without a CVE: 405",
            "the last affected version of a range: 226",
            "versions without a range: 1",
            "withdrawn: 40",
        ]
    );
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn plain(document: &Value, rows: &mut BTreeSet<String>) {
    if document.get("withdrawn").is_some() {
        return;
    }
    let mut ids: BTreeSet<&str> = list(&document["aliases"]).iter().map(|id| id.as_str().unwrap()).collect();
    ids.retain(|id| id.starts_with("CVE-"));
    let no_cve = ids.is_empty();
    if no_cve {
        ids.insert(document["id"].as_str().unwrap());
    }
    for affected in list(&document["affected"]) {
        if no_cve && affected["database_specific"]["informational"].is_string() {
            continue;
        }
        let name = affected["package"]["name"].as_str().unwrap();
        let (release, package) = match affected["package"]["ecosystem"].as_str().unwrap() {
            "PyPI" => ("pypi", name.replace(['.', '_'], "-").to_lowercase()),
            "crates.io" => ("cargo", name.to_owned()),
            "Go" => ("golang", name.to_owned()),
            "Bitnami" => ("bitnami", name.to_owned()),
            other => panic!("{other}"),
        };
        let of_versions = list(&affected["ranges"]).iter().filter(|range| range["type"] != "GIT");
        let custom = !list(&affected["ecosystem_specific"]["custom_ranges"]).is_empty();
        for range in of_versions {
            let events = list(&range["events"]);
            let mut at = 0;
            while let Some(event) = events.get(at) {
                let introduced = event["introduced"].as_str().unwrap();
                let introduced = if ["0", "0.0.0-0"].contains(&introduced) { "" } else { introduced };
                let end = events.get(at + 1).unwrap_or(&Value::Null);
                let fixed = end["fixed"].as_str().unwrap_or_default();
                let unknown = end["last_affected"].is_string()
                    || (custom && events.len() == 1 && introduced.is_empty());
                let state = if unknown { "UnderInvestigation" } else { "Affected" };
                for id in &ids {
                    let row =
                        Row { release, package: &package, id, state, introduced, fixed, ..Row::default() };
                    rows.insert(row.line());
                }
                at += 2;
            }
        }
    }
}
