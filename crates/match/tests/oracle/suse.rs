//! SUSE and openSUSE: CSAF of CVEs and of advisories, and OVAL.

use crate::common::{Files, Verdicts, all, database_of, shared};
use crate::plain::{Asked, Said, attribute, between, by_id, check, decide, plain_epoch};
use imagescan_model::AdvisoryState::{self, Affected, NotAffected, UnderInvestigation, WillNotFix};
use serde_json::Value;
use std::collections::BTreeMap;

mod generated;

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Releases that a product is of, and the subscription it takes.
fn product(name: &str) -> Option<(Vec<String>, String)> {
    let lower = name.to_lowercase().replace('-', " ");
    let words: Vec<&str> = lower.split(' ').filter(|word| !word.is_empty()).collect();
    let left_out = ["manager", "storage", "cloud", "desktop", "performance", "oes", "container", "image"];
    if words.first() == Some(&"open") || words.iter().any(|word| left_out.contains(word)) {
        return None;
    }
    if name.contains("Linux Enterprise Real Time") || name.contains("CaaS") {
        return None;
    }
    if words.contains(&"tumbleweed") {
        return Some((vec!["opensuse-tumbleweed:".into()], String::new()));
    }
    let at = words.iter().rposition(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let pack = words.get(at + 1).and_then(|word| word.strip_prefix("sp")).filter(|pack| !pack.is_empty());
    let number = match pack {
        Some(pack) if pack != "0" => format!("{}.{pack}", words[at]),
        _ => words[at].into(),
    };
    let behind = &words[at + 1 + usize::from(pack.is_some())..];
    let starts = |start: &[&str]| words.starts_with(start);
    let (id, before): (&str, &[&str]) = if starts(&["opensuse", "leap", "micro"]) {
        ("opensuse-leap-micro", &[])
    } else if starts(&["opensuse", "leap"]) {
        ("opensuse-leap", &[])
    } else if starts(&["opensuse"]) && at == 1 {
        ("opensuse", &[])
    } else if starts(&["suse", "linux", "micro"]) {
        ("sl-micro", &[])
    } else if starts(&["suse", "linux", "enterprise", "micro"]) {
        (if words[at].starts_with('5') { "sle-micro" } else { "sl-micro" }, &[])
    } else if starts(&["suse", "package", "hub"]) {
        return Some((vec![format!("sles:{number}")], "packagehub".into()));
    } else if starts(&["suse", "linux", "enterprise", "server"]) {
        ("sles", &words[4..at])
    } else if starts(&["suse", "linux", "enterprise"]) || starts(&["suse", "real", "time", "module"]) {
        ("sles", &[])
    } else {
        return None;
    };
    let plain = |word: &&&str| !["for", "applications", "update"].contains(*word);
    let stream: Vec<&str> = before.iter().chain(behind).filter(plain).copied().collect();
    let mut releases = vec![format!("{id}:{number}")];
    // Modules of 12 are for each of its service packs.
    if name.contains(" Module for ") && number == "12" {
        releases.extend((1..=5).map(|pack| format!("sles:12.{pack}")));
    }
    Some((releases, stream.join("-")))
}

fn architectures(branches: &Value, above: &str, found: &mut BTreeMap<String, String>) {
    for branch in list(branches) {
        let own = if branch["category"] == "architecture" { text(&branch["name"]) } else { above };
        if branch["product"].is_object() {
            found.insert(text(&branch["product"]["product_id"]).into(), own.into());
        }
        architectures(&branch["branches"], own, found);
    }
}

fn csaf(document: &Value, said: &mut Vec<Said>) {
    let is_vex = text(&document["document"]["tracking"]["id"]).starts_with("CVE-");
    let mut of_architecture = BTreeMap::new();
    architectures(&document["product_tree"]["branches"], "", &mut of_architecture);
    let mut parts = BTreeMap::new();
    for relation in list(&document["product_tree"]["relationships"]) {
        let pair = (text(&relation["product_reference"]), text(&relation["relates_to_product_reference"]));
        parts.insert(text(&relation["full_product_name"]["product_id"]), pair);
    }
    for vulnerability in list(&document["vulnerabilities"]) {
        for (status, ids) in vulnerability["product_status"].as_object().unwrap() {
            for id in list(ids).iter().map(text) {
                let Some((package, whole)) = parts.get(id) else { continue };
                let Some((releases, stream)) = product(whole) else { continue };
                let architecture = of_architecture[*package].as_str();
                let state = match status.as_str() {
                    "recommended" => Affected,
                    _ if !is_vex => continue,
                    "known_not_affected" => NotAffected,
                    "under_investigation" => UnderInvestigation,
                    "known_affected" if is_given_up(vulnerability, id) => WillNotFix,
                    "known_affected" => Affected,
                    other => panic!("{other}"),
                };
                let (mut name, mut fix) = ((*package).to_owned(), None);
                if status == "recommended" {
                    // name-version-release.architecture, cut from the right.
                    let whole = package.strip_suffix(&format!(".{architecture}")).unwrap_or(package);
                    let cut: Vec<&str> = whole.rsplitn(3, '-').collect();
                    (name, fix) = (cut[2].into(), Some(plain_epoch(&format!("{}-{}", cut[1], cut[0]))));
                }
                if architecture == "src" || architecture == "nosrc" {
                    continue;
                }
                for release in releases {
                    said.push(Said {
                        release,
                        package: name.clone(),
                        id: text(&vulnerability["cve"]).into(),
                        state,
                        fix: fix.clone(),
                        architectures: Some(architecture.to_owned())
                            .filter(|name| !name.is_empty())
                            .into_iter()
                            .collect(),
                        stream: stream.clone(),
                        advisory: text(&document["document"]["tracking"]["id"]).into(),
                        ..Said::default()
                    });
                }
            }
        }
    }
}

fn is_given_up(vulnerability: &Value, id: &str) -> bool {
    let of = |fix: &Value| list(&fix["product_ids"]).iter().any(|product| product == id);
    list(&vulnerability["remediations"]).iter().any(|fix| fix["category"] == "no_fix_planned" && of(fix))
}

fn oval(document: &str, said: &mut Vec<Said>) {
    let mut elements: BTreeMap<&str, &str> = BTreeMap::new();
    for kind in ["test", "object", "state"] {
        for element in document.split(&format!("<rpminfo_{kind} ")).skip(1) {
            let element = element.split(&format!("</rpminfo_{kind}>")).next().unwrap();
            elements.insert(attribute(element, "id"), element);
        }
    }
    for definition in between(document, "<definition ", "</definition>") {
        let title = between(definition, "<title>", "</title>").next().unwrap().trim();
        let references =
            between(definition, "<reference ", ">").filter(|tag| attribute(tag, "source") == "CVE");
        let ids: Vec<&str> = match definition.contains("class=\"patch\"") {
            true => references.map(|tag| attribute(tag, "ref_id").trim_start_matches("Mitre ")).collect(),
            false => vec![title],
        };
        let (mut products, mut done) = (Vec::new(), false);
        for criterion in between(definition, "<criterion ", ">") {
            let comment = attribute(criterion, "comment");
            if let Some(name) = comment.strip_suffix(" is installed").filter(|name| name.contains(' ')) {
                if std::mem::take(&mut done) {
                    products.clear();
                }
                products.extend(product(name));
                continue;
            }
            done = true;
            let test = elements.get(attribute(criterion, "test_ref"));
            let parts = test.and_then(|test| {
                let object = elements.get(attribute(test, "object_ref"))?;
                Some((*object, *elements.get(attribute(test, "state_ref"))?))
            });
            let Some((object, state)) = parts.filter(|_| !comment.contains(" is signed with ")) else {
                continue;
            };
            let package = between(object, "<name>", "<").next().unwrap();
            let inner = |name: &str| {
                let (tag, text) =
                    state.split_once(&format!("<{name} "))?.1.split('<').next()?.split_once('>')?;
                Some((attribute(tag, "operation"), text))
            };
            let names = inner("arch").map_or("", |(_, names)| names.trim_matches(['(', ')']));
            let (state, fix) = match inner("evr") {
                Some(("less than", version)) => (Affected, Some(plain_epoch(version))),
                // It equals no version.
                _ if comment.ends_with(" is not affected") => (NotAffected, None),
                _ => (Affected, None),
            };
            for (releases, stream) in &products {
                for (release, id) in
                    releases.iter().flat_map(|release| ids.iter().map(move |id| (release, id)))
                {
                    said.push(Said {
                        release: release.clone(),
                        package: package.into(),
                        id: (*id).into(),
                        state,
                        fix: fix.clone(),
                        architectures: names
                            .split('|')
                            .filter(|name| !name.is_empty())
                            .map(String::from)
                            .collect(),
                        stream: stream.clone(),
                        advisory: title.into(),
                        ..Said::default()
                    });
                }
            }
        }
    }
}

/// 'Not affected' is not said of what the same document says more of, for the same release.
fn settled(mut said: Vec<Said>) -> Vec<Said> {
    let key = |said: &Said| {
        [&said.id, &said.advisory, &said.release, &said.package, &said.stream].map(String::from)
    };
    let others: std::collections::BTreeSet<_> =
        said.iter().filter(|said| said.state != NotAffected).map(key).collect();
    said.retain(|said| said.state != NotAffected || !others.contains(&key(said)));
    said
}

/// The release's own word; where it has no fix, and longer support has one: past it, it is fixed, and below it stays
/// without a fix for who does not pay.
fn expected(asked: &Asked, said: &[&Said]) -> Verdicts {
    let about: Vec<&Said> = said.iter().copied().filter(|said| asked.is_among(&said.architectures)).collect();
    by_id(&about, |said| {
        let is_own = |said: &&&Said| ["", "packagehub", "nonfree"].contains(&said.stream.as_str());
        let own: Vec<&Said> = said.iter().filter(is_own).copied().collect();
        let fixes: Vec<&Said> =
            said.iter().filter(|said| !is_own(said) && said.fix.is_some()).copied().collect();
        if own.iter().any(|said| said.fix.is_some()) {
            return decide(asked, &own);
        }
        let had: Vec<&Said> =
            fixes.iter().copied().filter(|said| !asked.is_below(said.fix.as_deref().unwrap())).collect();
        match (had.is_empty(), own.is_empty()) {
            (false, _) => decide(asked, &had),
            (true, false) => decide(asked, &own),
            (true, true) => (!fixes.is_empty()).then_some((WillNotFix, None)),
        }
    })
}

fn check_files(label: &str, files: &Files) -> std::collections::BTreeSet<(AdvisoryState, bool)> {
    let (_folder, knowledge) = database_of("suse", all(files));
    let mut said = Vec::new();
    for bytes in files.values() {
        let text = std::str::from_utf8(bytes).unwrap();
        if text.trim_start().starts_with('{') {
            csaf(&serde_json::from_str(text).unwrap(), &mut said);
        } else {
            oval(text, &mut said);
        }
    }
    check(label, &knowledge, &settled(said), 400, expected)
}

#[test]
fn real_documents_of_csaf_are_judged_as_they_say() {
    let files = shared("suse.tar.zst", |path| path.contains("/csaf") && path.ends_with(".json"));
    if !files.is_empty() {
        check_files("suse, real CSAF", &files);
    }
}

#[test]
fn real_definitions_are_judged_as_oval_says() {
    let old = ["server.9", "server.10", "opensuse.10", "indexof"];
    let wanted = |path: &str| path.contains("/oval/") && !old.iter().any(|name| path.contains(name));
    let files = shared("suse.tar.zst", wanted);
    if !files.is_empty() {
        check_files("suse, real OVAL", &files);
    }
}
