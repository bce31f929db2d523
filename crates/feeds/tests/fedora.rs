//! Fedora's real documents.

mod real;

use real::{File, Row, attribute, between, compare, dropped, evr, files, parsed};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn fedora_says_what_updateinfo_and_bodhi_say() {
    let Some(files) = files("fedora.tar.zst") else { return };
    let wanted = |name: &str| {
        name.contains("bodhi-updates") || name.contains("updateinfo-f19") || name.ends_with("-updateinfo.xml")
    };
    let documents: Vec<&File> = files.iter().filter(|(name, _)| wanted(name)).collect();
    assert_eq!(documents.len(), 10);
    let found = parsed("fedora", &documents);
    let mut rows = BTreeSet::new();
    for (name, bytes) in documents {
        let text = std::str::from_utf8(bytes).unwrap();
        if name.ends_with(".json") { bodhi(text, &mut rows) } else { updateinfo(text, &mut rows) }
    }
    compare(&found, &rows);
    assert_eq!(found.records.len(), 1390);
    assert_eq!(
        dropped(&found),
        [
            "a Flatpak: 1",
            "a container: 1",
            "a module whose packages are not listed: 2",
            "a source package beside its binary packages: 235",
            "not about security: 2312",
            "not stable: 3",
        ]
    );
}

fn updateinfo(text: &str, rows: &mut BTreeSet<String>) {
    for update in between(text, "<update ", "</update>") {
        let update = &format!(" {update}");
        if attribute(update.split('>').next().unwrap(), "type") != "security" {
            continue;
        }
        let own = between(update, "<id>", "</id>").next().unwrap();
        let (before, _) = update.split_once("<pkglist").unwrap();
        let ids = cves(before, own);
        let release = match attribute(between(update, "<collection", ">").next().unwrap(), "short") {
            "F19" => "fedora:19",
            "F38M" => continue,
            other => panic!("{other}"),
        };
        let mut fixes: BTreeMap<(&str, String), BTreeSet<&str>> = BTreeMap::new();
        for tag in between(update, "<package", ">").filter(|tag| attribute(tag, "arch") != "src") {
            fixes.entry((attribute(tag, "name"), evr(tag))).or_default().insert(attribute(tag, "arch"));
        }
        for ((package, fixed), architectures) in &fixes {
            let architectures = &architectures.iter().copied().collect::<Vec<_>>().join(" ");
            for id in &ids {
                rows.insert(Row { release, package, id, fixed, architectures, ..Row::default() }.line());
            }
        }
    }
}

fn bodhi(text: &str, rows: &mut BTreeSet<String>) {
    let updates: Value = serde_json::from_str(text).unwrap();
    for update in updates.as_array().unwrap() {
        if update["status"] != "stable" || update["content_type"] != "rpm" {
            continue;
        }
        let mut text = format!("{} {} ", update["notes"], update["title"]);
        for bug in update["bugs"].as_array().unwrap() {
            text += &bug["title"].to_string();
        }
        for build in update["builds"].as_array().unwrap() {
            assert_eq!(build["epoch"], 0);
            let parts: Vec<&str> = build["nvr"].as_str().unwrap().rsplitn(3, '-').collect();
            let fixed = &format!("{}-{}", parts[1], parts[0]);
            for id in &cves(&text, update["alias"].as_str().unwrap()) {
                let release = &format!("fedora:{}", update["release"]["version"].as_str().unwrap());
                rows.insert(Row { release, package: parts[2], id, fixed, ..Row::default() }.line());
            }
        }
    }
}

fn cves(text: &str, own: &str) -> BTreeSet<String> {
    let word = |c: char| !c.is_ascii_alphanumeric() && c != '-';
    let mut ids: BTreeSet<String> = text
        .split(word)
        .flat_map(|word| word.match_indices("CVE-").map(|(at, _)| &word[at..]))
        .filter(|word| word.len() >= 13 && word.as_bytes()[8] == b'-')
        .map(|word| {
            word.chars()
                .enumerate()
                .take_while(|(at, c)| *at < 9 || c.is_ascii_digit())
                .map(|(_, c)| c)
                .collect()
        })
        .collect();
    if ids.is_empty() {
        ids.insert(own.into());
    }
    ids
}
