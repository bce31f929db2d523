//! Photon OS: metadata of CVEs, and OVAL of updates.

use crate::common::{Random, Verdicts, all, database_of, shared};
use crate::plain::{Asked, Said, attribute, between, by_id, check, decide, plain_epoch};
use imagescan_model::AdvisoryState;
use serde_json::{Value, json};

fn metadata(document: &Value, version: &str, said: &mut Vec<Said>) {
    for row in document.as_array().unwrap() {
        let text = |name: &str| row[name].as_str().unwrap();
        let (state, fix) = match (text("status"), text("res_ver"), text("aff_ver")) {
            ("Not Affected", ..) => (AdvisoryState::NotAffected, None),
            (_, "NA", "NA") => continue,
            (_, "NA", _) => (AdvisoryState::Affected, None),
            (_, fix, _) => (AdvisoryState::Affected, Some(plain_epoch(fix))),
        };
        if text("cve_id").starts_with("CVE-") {
            said.push(Said {
                release: format!("photon:{version}"),
                package: text("pkg").into(),
                id: text("cve_id").into(),
                state,
                fix,
                ..Said::default()
            });
        }
    }
}

fn oval(text: &str, said: &mut Vec<Said>) {
    for definition in between(text, "<definition ", "</definition>") {
        let comments = between(definition, "comment=\"", "\"");
        let version = between(definition, "Photon OS ", " is").next().unwrap();
        for (package, fix) in comments.filter_map(|comment| comment.split_once(" is earlier than ")) {
            for id in between(definition, "<cve>", "</cve>").filter(|id| id.starts_with("CVE-")) {
                said.push(Said {
                    release: format!("photon:{version}.0"),
                    package: package.into(),
                    id: id.into(),
                    fix: Some(plain_epoch(fix)),
                    ..Said::default()
                });
            }
        }
    }
}

/// As the binary's rows say; a sub-package without rows goes by those of its source.
fn expected(asked: &Asked, said: &[&Said]) -> Verdicts {
    by_id(said, |said| decide(asked, said))
}

#[test]
fn real_metadata_and_oval_are_judged_as_they_say() {
    let wanted = |path: &str| path.contains("/cve_data_") || path.contains("com.vmware.phsa");
    let files = shared("photon.tar.zst", wanted);
    if files.is_empty() {
        return;
    }
    let (_folder, knowledge) = database_of("photon", all(&files));
    let mut said = Vec::new();
    for (path, bytes) in &files {
        let text = std::str::from_utf8(bytes).unwrap();
        match path.split_once("cve_data_photon") {
            Some((_, name)) => {
                metadata(&serde_json::from_str(text).unwrap(), name.trim_end_matches(".json"), &mut said);
            }
            None => oval(text, &mut said),
        }
    }
    assert!(attribute("<a comment=\"b\">", "comment") == "b");
    check("photon, real", &knowledge, &said, 300, expected);
}

#[test]
fn generated_metadata_has_every_row() {
    let random = &mut Random(51);
    let mut rows = Vec::new();
    for number in 0..200 {
        let package = ["curl", "curl-libs", "linux", "vim", "openssl"][random.below(5)];
        let fix = format!("{}.{}-{}.ph5", random.below(3), random.below(5), 1 + random.below(3));
        let id = [format!("CVE-2024-{:04}", 1000 + number), "Re".into(), format!("UNK-{number}")];
        let (status, affected, fixed) = match random.below(6) {
            0 => ("Not Affected", "NA".into(), "NA".into()),
            1 => ("Fixed", "all versions are vulnerable".into(), "NA".into()),
            2 => ("Fixed", "NA".into(), "NA".into()),
            _ => ("Fixed", format!("all versions before {fix} are vulnerable"), fix),
        };
        rows.push(json!({"cve_id": id[random.below(12).saturating_sub(9)], "pkg": package,
            "cve_score": 7.5, "aff_ver": affected, "res_ver": fixed, "status": status}));
    }
    let text = Value::from(rows).to_string();
    let (_folder, knowledge) = database_of("photon", [("cve_data_photon5.0.json", text.as_bytes())]);
    let mut said = Vec::new();
    metadata(&serde_json::from_str(&text).unwrap(), "5.0", &mut said);
    let states = check("photon, generated", &knowledge, &said, 300, expected);
    assert_eq!(states.len(), 4, "{states:?}");
    // The same of sub-packages that no row names, by their source.
    said.iter_mut().for_each(|said| said.of_source = true);
    check("photon, generated, by source", &knowledge, &said, 300, expected);
}
