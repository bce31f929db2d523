//! Real documents of the vendors that publish OVAL: Oracle, Microsoft and VMware.

mod real;

use real::{File, Row, attribute, between, compare, dropped, files, parsed};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

fn utf8(file: &File) -> &str {
    std::str::from_utf8(&file.1).unwrap()
}

#[test]
fn oracle_says_what_its_oval_says() {
    let Some(files) = files("oracle.tar.zst") else { return };
    let wanted = |name: &str| name.ends_with(".xml") || name.contains("/mock_");
    let documents: Vec<&File> = files.iter().filter(|(name, _)| wanted(name)).collect();
    assert_eq!(documents.len(), 4);
    let found = parsed("oracle", &documents);
    let mut rows = BTreeSet::new();
    for definition in documents.iter().flat_map(|file| between(utf8(file), "<definition ", "</definition>")) {
        let stream = if definition.contains("ksplice") { "ksplice" } else { "" };
        of_criteria(definition, "Oracle Linux ", "ol:", "", stream, &mut rows);
    }
    compare(&found, &rows);
    assert_eq!(found.records.len(), 127);
    assert_eq!(dropped(&found), [] as [&str; 0]);
}

/// In the order of the document each criterion holds for what comes after it.
fn of_criteria(
    definition: &str,
    system: &str,
    prefix: &str,
    minor: &str,
    stream: &str,
    rows: &mut BTreeSet<String>,
) {
    let (mut release, mut architecture, mut module) = (String::new(), "", "");
    let mut fixes: BTreeMap<(&str, &str, &str), BTreeSet<&str>> = BTreeMap::new();
    for criterion in between(definition, "<criterion ", ">") {
        let criterion = format!(" {criterion}");
        let comment = &definition[definition.find(attribute(&criterion, "comment")).unwrap()..];
        let comment = comment.split('"').next().unwrap();
        if let Some(arch) = comment.strip_prefix("Oracle Linux arch is ") {
            (architecture, module) = (arch, "");
        } else if let Some(version) =
            comment.strip_prefix(system).and_then(|rest| rest.strip_suffix(" is installed"))
        {
            release = format!("{prefix}{version}{minor}");
        } else if let Some(name) = comment.strip_prefix("Module ") {
            module = name.strip_suffix(" is enabled").unwrap();
        } else if let Some((package, version)) = comment.split_once(" is earlier than ") {
            let version = version.strip_prefix("0:").unwrap_or(version);
            fixes.entry((package, version, module)).or_default().insert(architecture);
        }
    }
    let mut ids: BTreeSet<&str> =
        between(definition, "<cve", "</cve>").map(|cve| cve.rsplit('>').next().unwrap()).collect();
    ids.retain(|id| id.starts_with("CVE-"));
    for ((package, fixed, module), architectures) in &fixes {
        let architectures = &architectures.iter().copied().collect::<Vec<_>>().join(" ");
        for id in &ids {
            rows.insert(
                Row {
                    release: &release,
                    package,
                    id,
                    fixed,
                    architectures,
                    module,
                    stream,
                    ..Row::default()
                }
                .line(),
            );
        }
    }
}

#[test]
fn azure_linux_says_what_its_oval_says() {
    let Some(files) = files("azurelinux.tar.zst") else { return };
    let documents: Vec<&File> = files.iter().filter(|(name, _)| name.ends_with("-oval.xml")).collect();
    assert_eq!(documents.len(), 5);
    let found = parsed("azurelinux", &documents);
    let mut rows = BTreeSet::new();
    for file in documents {
        let release = match file.0.rsplit('/').next().unwrap() {
            "azurelinux-3.0-oval.xml" | "azure-linux-truncated-3.0-oval.xml" => "azurelinux:3.0",
            "cbl-mariner-2.0-oval.xml" | "mariner-truncated-2.0-oval.xml" => "mariner:2.0",
            "cbl-mariner-1.0-oval.xml" => "mariner:1.0",
            other => panic!("{other}"),
        };
        azurelinux(utf8(file), release, &mut rows);
    }
    compare(&found, &rows);
    assert_eq!(found.records.len(), 5701);
    assert_eq!(dropped(&found), ["not applicable, or not any more: 212"]);
}

fn azurelinux(text: &str, release: &str, rows: &mut BTreeSet<String>) {
    let mut texts = BTreeMap::new();
    for kind in ["test", "object", "state"] {
        for element in between(text, &format!("rpminfo_{kind} "), &format!("rpminfo_{kind}>"))
            .map(|text| format!(" {text}"))
        {
            texts.insert(attribute(&element, "id").to_owned(), element);
        }
    }
    for definition in between(text, "<definition ", "</definition>") {
        let patchable = between(definition, "<patchable>", "<").next().unwrap();
        if patchable == "Not Applicable" {
            continue;
        }
        let (mut package, mut introduced, mut fixed) = ("", String::new(), String::new());
        for test in between(definition, "test_ref=\"", "\"").map(|id| &texts[id]) {
            let object = &texts[between(test, "object_ref=\"", "\"").next().unwrap()];
            let state = &texts[between(test, "state_ref=\"", "\"").next().unwrap()];
            let evr = between(state, "evr ", "<").next().unwrap();
            let version = evr.split_once('>').unwrap().1.replace(' ', "");
            let version = version.strip_prefix("0:").unwrap();
            package = between(object, "name>", "<").next().unwrap();
            match (patchable, attribute(&format!(" {evr}"), "operation")) {
                ("true", "less than") => fixed = version.to_owned(),
                ("true", "greater than") => introduced = format!("{version}^"),
                ("false", "less than or equal") => {}
                other => panic!("{other:?}"),
            }
        }
        let id = between(definition, "ref_id=\"", "\"").next().unwrap();
        rows.insert(
            Row { release, package, id, introduced: &introduced, fixed: &fixed, ..Row::default() }.line(),
        );
    }
}

#[test]
fn photon_says_what_its_metadata_and_oval_say() {
    let Some(files) = files("photon.tar.zst") else { return };
    let wanted = |name: &str| {
        name.contains("/cve_data_")
            || name.contains("com.vmware.phsa")
            || name.ends_with(".md")
            || name.contains("photon_versions")
    };
    let documents: Vec<&File> = files.iter().filter(|(name, _)| wanted(name)).collect();
    assert_eq!(documents.len(), 12);
    let found = parsed("photon", &documents);
    let mut rows = BTreeSet::new();
    for file in &documents {
        let name = file.0.rsplit('/').next().unwrap();
        if name.starts_with("com.vmware") {
            for definition in between(utf8(file), "<definition ", "</definition>") {
                of_criteria(definition, "Photon OS ", "photon:", ".0", "", &mut rows);
            }
        } else if let Some(version) = name.strip_prefix("cve_data_photon") {
            let release = format!("photon:{}", version.strip_suffix(".json").unwrap());
            metadata(&serde_json::from_str(utf8(file)).unwrap(), &release, &mut rows);
        }
    }
    compare(&found, &rows);
    assert_eq!(found.records.len(), 2501);
    assert_eq!(dropped(&found), ["an id that is no CVE: 6", "neither affected nor fixed versions: 1"]);
    let dated = found
        .records
        .iter()
        .filter(|record| record.advisories.iter().any(|update| update.id.contains("-4.0-050")));
    // Under the name as a binary and as a source.
    assert_eq!(dated.count(), 8);
}

fn metadata(document: &Value, release: &str, rows: &mut BTreeSet<String>) {
    for row in document.as_array().unwrap() {
        let text = |name: &str| row[name].as_str().unwrap();
        let (id, package) = (text("cve_id"), text("pkg"));
        if !id.starts_with("CVE-") {
            continue;
        }
        let (state, fixed) = match (text("status"), text("res_ver")) {
            ("Not Affected", _) => ("NotAffected", ""),
            ("Fixed", "NA") => continue,
            ("Fixed", version) => ("Affected", version),
            other => panic!("{other:?}"),
        };
        rows.insert(Row { release, package, id, state, fixed, ..Row::default() }.line());
    }
}
