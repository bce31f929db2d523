//! Real documents of the rebuilds of Red Hat's packages.

mod real;

use real::{File, Row, attribute, between, compare, dropped, evr, files, parsed};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn almalinux_says_what_its_documents_say() {
    let Some(files) = files("alma.tar.zst") else { return };
    let wanted = |name: &str| {
        name.contains("/advisories/")
            || name.ends_with("errata.full.json")
            || name.ends_with("-updateinfo.xml")
    };
    let documents: Vec<&File> = files.iter().filter(|(name, _)| wanted(name)).collect();
    assert_eq!(documents.len(), 5683);
    let found = parsed("almalinux", &documents);
    let mut rows = BTreeSet::new();
    for (name, bytes) in &documents {
        let text = std::str::from_utf8(bytes).unwrap();
        if name.ends_with(".xml") {
            updateinfo(text, "almalinux-", "almalinux", &mut rows);
        } else if name.ends_with("errata.full.json") {
            errata(&serde_json::from_str(text).unwrap(), &mut rows);
        } else {
            osv(&serde_json::from_str(text).unwrap(), "AlmaLinux:", "almalinux", &mut rows);
        }
    }
    compare(&found, &rows);
    assert_eq!(found.records.len(), 260_121);
    assert_eq!(dropped(&found), ["an advisory on bugs or enhancements: 1189"]);
}

#[test]
fn rocky_says_what_its_documents_say() {
    let Some(files) = files("rocky.tar.zst") else { return };
    let wanted = |name: &str| {
        name.contains("/osv/") || name.contains("/errata/happy/page") || name.ends_with("-updateinfo.xml")
    };
    let documents: Vec<&File> = files.iter().filter(|(name, _)| wanted(name)).collect();
    assert_eq!(documents.len(), 7);
    let found = parsed("rocky", &documents);
    let mut rows = BTreeSet::new();
    for (name, bytes) in &documents {
        let text = std::str::from_utf8(bytes).unwrap();
        if name.ends_with(".xml") {
            updateinfo(text, "rocky-linux-", "rocky", &mut rows);
        } else if name.contains("/errata/") {
            apollo(&serde_json::from_str(text).unwrap(), &mut rows);
        } else {
            osv(&serde_json::from_str(text).unwrap(), "Rocky Linux:", "rocky", &mut rows);
        }
    }
    compare(&found, &rows);
    assert_eq!(found.records.len(), 15);
    assert_eq!(
        dropped(&found),
        [
            "a package of a special interest group: 1",
            "a source package beside its binary packages: 8",
            "an advisory of a special interest group: 1",
            "an advisory on bugs or enhancements: 2",
        ]
    );
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn osv(document: &Value, ecosystem: &str, distribution: &str, rows: &mut BTreeSet<String>) {
    let own = text(&document["id"]);
    let mut ids: Vec<String> = list(&document["related"]).iter().map(|id| text(id).to_owned()).collect();
    if ids.is_empty() {
        let pages =
            list(&document["references"]).iter().filter_map(|page| text(&page["url"]).split("/CVE-").nth(1));
        ids = pages.map(|number| format!("CVE-{}", number.trim_end_matches(".html"))).collect();
    }
    if ids.is_empty() && own[1..].starts_with("LSA") {
        ids.push(own.to_owned());
    }
    if own.starts_with("RX") {
        return;
    }
    for affected in list(&document["affected"]) {
        let major = text(&affected["package"]["ecosystem"]).strip_prefix(ecosystem).unwrap();
        let release = &format!("{distribution}:{major}");
        let fixed = text(&affected["ranges"][0]["events"][1]["fixed"]);
        let fixed = fixed.strip_prefix("0:").unwrap_or(fixed);
        let package = text(&affected["package"]["name"]);
        for id in &ids {
            rows.insert(Row { release, package, id, fixed, ..Row::default() }.line());
        }
    }
}

type Fixes<'a> = BTreeMap<(String, String, String), BTreeSet<&'a str>>;

fn rows_of(fixes: &Fixes<'_>, release: &str, ids: &[&str], rows: &mut BTreeSet<String>) {
    for ((package, fixed, module), architectures) in fixes {
        let architectures = &architectures.iter().copied().collect::<Vec<_>>().join(" ");
        for id in ids {
            rows.insert(Row { release, package, id, fixed, architectures, module, ..Row::default() }.line());
        }
    }
}

fn errata(document: &Value, rows: &mut BTreeSet<String>) {
    for erratum in list(&document["data"]) {
        let mut fixes = Fixes::new();
        for package in list(&erratum["packages"]) {
            assert_eq!(package["epoch"], "0");
            let module: Vec<&str> = text(&package["module"]).split(':').take(2).collect();
            let version = format!("{}-{}", text(&package["version"]), text(&package["release"]));
            let key = (text(&package["name"]).to_owned(), version, module.join(":"));
            fixes.entry(key).or_default().insert(text(&package["arch"]));
        }
        let cves = list(&erratum["references"]).iter().filter(|reference| reference["type"] == "cve");
        let ids: Vec<&str> = cves.map(|reference| text(&reference["id"])).collect();
        rows_of(&fixes, "almalinux:8", &ids, rows);
    }
}

fn apollo(document: &Value, rows: &mut BTreeSet<String>) {
    for advisory in list(&document["advisories"]) {
        let ids: Vec<&str> = list(&advisory["cves"]).iter().map(|cve| text(&cve["cve"])).collect();
        let mut fixes = Fixes::new();
        for package in list(&advisory["packages"]) {
            let parts: Vec<&str> = text(&package["nevra"]).trim_end_matches(".rpm").rsplitn(2, '.').collect();
            if parts[0] == "src" || ids.is_empty() {
                continue;
            }
            let name: Vec<&str> = parts[1].rsplitn(3, '-').collect();
            let version = format!("{}-{}", name[1].trim_start_matches("0:"), name[0]);
            assert!(package["module_name"].is_null() && text(&package["product_name"]).contains("Linux 10"));
            fixes.entry((name[2].into(), version, String::new())).or_default().insert(parts[0]);
        }
        rows_of(&fixes, "rocky:10", &ids, rows);
    }
}

fn updateinfo(text: &str, collection: &str, distribution: &str, rows: &mut BTreeSet<String>) {
    for update in between(text, "<update ", "</update>") {
        let references = between(update, "<reference ", ">");
        let ids: Vec<&str> = references
            .filter(|tag| attribute(tag, "type") == "cve")
            .map(|tag| attribute(tag, "id"))
            .collect();
        let short = attribute(between(update, "<collection", ">").next().unwrap(), "short");
        let major = short.strip_prefix(collection).unwrap().split('-').next().unwrap();
        let mut fixes = Fixes::new();
        for tag in between(update, "<package", ">") {
            let key = (attribute(tag, "name").to_owned(), evr(tag), String::new());
            fixes.entry(key).or_default().insert(attribute(tag, "arch"));
        }
        rows_of(&fixes, &format!("{distribution}:{major}"), &ids, rows);
    }
}
