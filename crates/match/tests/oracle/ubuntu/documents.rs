//! OSV, which has the fixes, joined with OpenVEX, which tells why there is none.

use super::{Said, check, place};
use crate::common::{Files, all, database_of, shared};
use imagescan_model::AdvisoryState::{self, Affected, EndOfLife, NotAffected, WillNotFix};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Release, pocket, source, id.
type Key = (&'static str, String, String, String);

fn key(purl: &str, source: &str, id: &str) -> Option<Key> {
    let (release, pocket) = place(purl.split_once("distro=")?.1.split('&').next()?)?;
    Some((release, pocket, source.into(), id.into()))
}

/// What OpenVEX says of each source; `None`: it is fixed.
fn vex(document: &Value, found: &mut BTreeMap<Key, Option<AdvisoryState>>) {
    for statement in list(&document["statements"]) {
        let action = text(&statement["action_statement"]);
        let state = match text(&statement["status"]) {
            "not_affected" if statement["justification"] == "component_not_present" => continue,
            "not_affected" => Some(NotAffected),
            "affected" if action.contains("decided to not fix") => Some(WillNotFix),
            "affected" if action.contains("no longer supported") => Some(EndOfLife),
            "affected" => Some(Affected),
            "fixed" => None,
            other => panic!("{other}"),
        };
        let id = text(&statement["vulnerability"]["name"]);
        for purl in list(&statement["products"]).iter().map(|product| text(&product["@id"])) {
            let name = purl.split(['/', '@']).nth(2).unwrap_or_default();
            if id.starts_with("CVE-") && purl.contains("arch=source") {
                found.extend(key(purl, name, id).map(|key| (key, state)));
            }
        }
    }
}

/// Both together. Where only paid support is named, the release itself gets no fix.
pub(super) fn said(documents: &[Value]) -> Vec<Said> {
    let mut stated = BTreeMap::new();
    documents.iter().for_each(|document| vex(document, &mut stated));
    let mut found: BTreeMap<Key, (AdvisoryState, Option<String>)> = BTreeMap::new();
    for document in documents.iter().filter(|document| document["withdrawn"].is_null()) {
        let Some(id) = text(&document["id"]).strip_prefix("UBUNTU-") else { continue };
        for affected in list(&document["affected"]) {
            let package = &affected["package"];
            let Some(key) = key(text(&package["purl"]), text(&package["name"]), id) else { continue };
            let mut events = list(&affected["ranges"][0]["events"]).iter();
            let fix = events.find_map(|event| event["fixed"].as_str()).map(String::from);
            let why = stated.get(&key).copied().flatten().unwrap_or(Affected);
            found.insert(key, (if fix.is_some() { Affected } else { why }, fix));
        }
    }
    for (key, state) in &stated {
        if let Some(state) = state {
            found.entry(key.clone()).or_insert((*state, None));
        }
    }
    let paid: Vec<Key> = found
        .iter()
        .filter(|((_, pocket, ..), (state, _))| pocket.starts_with("esm") && *state != NotAffected)
        .map(|((release, _, source, id), _)| (*release, String::new(), source.clone(), id.clone()))
        .filter(|plain| !stated.contains_key(plain))
        .collect();
    for plain in paid {
        found.entry(plain).or_insert((WillNotFix, None));
    }
    let row =
        |((release, pocket, source, id), (state, fix))| Said { release, pocket, source, id, state, fix };
    found.into_iter().map(row).collect()
}

pub(super) fn check_documents(label: &str, files: &Files) -> BTreeSet<(AdvisoryState, bool)> {
    let (_folder, knowledge) = database_of("ubuntu", all(files));
    let documents: Vec<Value> = files.values().map(|bytes| serde_json::from_slice(bytes).unwrap()).collect();
    check(label, &knowledge, &said(&documents), 300)
}

#[test]
fn real_osv_and_openvex_are_judged_as_they_say() {
    let parts = [
        "/osv/",
        "/osv-esm-cases/",
        "/osv-all.tar.xz/",
        "/vex/",
        "/vex-all.tar.xz/",
        "vulnerablecode/UBUNTU-",
    ];
    let files = shared("ubuntu.tar.zst", |path| {
        let path = path.trim_start_matches("ubuntu/");
        path.ends_with(".json") && parts.iter().any(|part| path.contains(part))
    });
    if !files.is_empty() {
        check_documents("ubuntu, real OSV and OpenVEX", &files);
    }
}
