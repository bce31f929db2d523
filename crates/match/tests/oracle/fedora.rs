//! Fedora and EPEL: updateinfo names binary packages, Bodhi sources.

use crate::common::{Random, Verdicts, all, database_of, shared};
use crate::plain::{Asked, Said, attribute, between, by_id, check, decide, plain_epoch, version_of};
use imagescan_model::AdvisoryState;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The CVEs that a text names; an update that names none is told by its own id.
fn ids(text: &str, own: &str) -> BTreeSet<String> {
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    let mut ids = BTreeSet::new();
    for piece in text.split("CVE-").skip(1) {
        let year = digits(piece);
        let number = piece[year.len()..].strip_prefix('-').map(digits).unwrap_or_default();
        if year.len() == 4 && number.len() >= 4 {
            ids.insert(format!("CVE-{year}-{number}"));
        }
    }
    if ids.is_empty() { [own.into()].into() } else { ids }
}

fn release(collection: &str) -> String {
    match collection.strip_prefix("EPEL-") {
        Some(version) => format!("epel:{version}"),
        None => format!("fedora:{}", &collection[1..3]),
    }
}

fn updateinfo(text: &str, said: &mut Vec<Said>) {
    for update in between(text, "<update ", "</update>") {
        if attribute(update.split('>').next().unwrap(), "type") != "security" {
            continue;
        }
        let own = between(update, "<id>", "</id>").next().unwrap();
        let (head, list) = update.split_once("<pkglist").unwrap();
        let short = attribute(list, "short");
        // Modules of Fedora 38, whose labels no document has.
        if short == "F38M" {
            continue;
        }
        for tag in between(list, "<package", ">").filter(|tag| attribute(tag, "arch") != "src") {
            for id in ids(head, own) {
                said.push(Said {
                    release: release(short),
                    package: attribute(tag, "name").into(),
                    id,
                    fix: Some(version_of(tag)),
                    architectures: [attribute(tag, "arch").into()].into(),
                    ..Said::default()
                });
            }
        }
    }
}

fn bodhi(text: &str, said: &mut Vec<Said>) {
    let document: Value = serde_json::from_str(text).unwrap();
    for update in document.as_array().or(document["updates"].as_array()).unwrap() {
        // What is in testing was not given to users.
        if update["status"] != "stable" || update["content_type"] != "rpm" || update["type"] != "security" {
            continue;
        }
        let text = format!("{} {} {}", update["notes"], update["title"], update["bugs"]);
        for build in update["builds"].as_array().unwrap() {
            let parts: Vec<&str> = build["nvr"].as_str().unwrap().rsplitn(3, '-').collect();
            for id in ids(&text, update["alias"].as_str().unwrap()) {
                said.push(Said {
                    release: release(update["release"]["name"].as_str().unwrap()),
                    package: parts[2].into(),
                    of_source: true,
                    id,
                    fix: Some(plain_epoch(&format!("{}:{}-{}", build["epoch"], parts[1], parts[0]))),
                    ..Said::default()
                });
            }
        }
    }
}

fn expected(asked: &Asked, said: &[&Said]) -> Verdicts {
    let counts = |said: &&&Said| asked.is_among(&said.architectures);
    by_id(&said.iter().filter(counts).copied().collect::<Vec<_>>(), |said| decide(asked, said))
}

fn said(documents: &[&[u8]]) -> Vec<Said> {
    let mut said = Vec::new();
    for bytes in documents {
        let text = std::str::from_utf8(bytes).unwrap();
        if text.starts_with('<') { updateinfo(text, &mut said) } else { bodhi(text, &mut said) }
    }
    said
}

#[test]
fn real_updates_are_judged_as_updateinfo_and_bodhi_say() {
    let wanted = |path: &str| path.contains("bodhi-updates") || path.contains("updateinfo-f19");
    let files = shared("fedora.tar.zst", |path| wanted(path) || path.ends_with("-updateinfo.xml.xz"));
    if files.is_empty() {
        return;
    }
    let (_folder, knowledge) = database_of("fedora", all(&files));
    let said = said(&files.values().map(Vec::as_slice).collect::<Vec<_>>());
    check("fedora, real", &knowledge, &said, 300, expected);
    let of_source: Vec<Said> = said.into_iter().filter(|said| said.of_source).collect();
    check("fedora, real of bodhi", &knowledge, &of_source, 300, expected);
}

/// A page of Bodhi: releases, states of updates, kinds, epochs, with and without CVEs.
fn generated(random: &mut Random) -> Value {
    let mut updates = Vec::new();
    for number in 0..60 {
        let status = ["stable", "stable", "stable", "testing", "obsolete"][random.below(5)];
        let name = ["F39", "F40", "EPEL-9"][random.below(3)];
        let version = name.trim_start_matches(['F', 'E', 'P', 'L', '-']);
        let prefix = if name.starts_with('F') { "FEDORA" } else { "FEDORA-EPEL" };
        let alias = format!("{prefix}-2024-{number:010x}");
        let cve = |random: &mut Random| format!("CVE-2024-{:04}", 1000 + random.below(15));
        let bugs = match random.below(4) {
            0 => json!([]),
            _ => json!([{"bug_id": 1, "security": true, "title": format!("{} a: b", cve(random))}]),
        };
        let builds: Vec<Value> = (0..=random.below(2))
            .map(|_| {
                let (package, fix) = (random.below(8), random.below(8));
                json!({"epoch": random.below(2), "type": "rpm",
                    "nvr": format!("package{package}-libs-1.{fix}-{}.fc40", 1 + random.below(4))})
            })
            .collect();
        let kind = ["security", "security", "bugfix"][random.below(3)];
        let notes = if random.below(3) == 0 { cve(random) } else { "n".into() };
        updates.push(json!({
            "alias": alias, "updateid": alias, "status": status, "content_type": "rpm",
            "type": kind, "severity": "high",
            "title": "t", "notes": notes,
            "bugs": bugs, "builds": builds, "url": "https://bodhi.fedoraproject.org/updates/x",
            "date_submitted": "2024-01-01 00:00:00", "date_testing": null,
            "date_stable": "2024-01-02 00:00:00",
            "release": {"name": name, "version": version, "id_prefix": prefix, "state": "current"}
        }));
    }
    json!({"updates": updates})
}

#[test]
fn generated_updates_of_fedora_and_epel() {
    let text = generated(&mut Random(41)).to_string();
    let (_folder, knowledge) = database_of("fedora", [("page.json", text.as_bytes())]);
    let states = check("fedora, generated", &knowledge, &said(&[text.as_bytes()]), 300, expected);
    let both = [(AdvisoryState::NotAffected, true), (AdvisoryState::Affected, true)];
    assert_eq!(states, both.into());
}
