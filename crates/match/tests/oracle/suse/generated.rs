//! CSAF and OVAL with every row of the decision table.

use super::check_files;
use crate::common::{Files, Random};
use imagescan_model::AdvisoryState::{Affected, NotAffected, UnderInvestigation, WillNotFix};
use serde_json::{Value, json};
use std::fmt::Write;

const PRODUCTS: [&str; 11] = [
    "SUSE Linux Enterprise Server 15 SP4",
    "SUSE Linux Enterprise Server 15 SP4-LTSS",
    "SUSE Linux Enterprise Server for SAP Applications 15 SP4",
    "SUSE Linux Enterprise Module for Basesystem 15 SP4",
    "SUSE Linux Enterprise Server 15 SP5",
    "SUSE Package Hub 15 SP5",
    "SUSE Linux Enterprise Micro 5.5",
    "SUSE Linux Micro 6.0",
    "openSUSE Leap 15.5",
    "openSUSE Tumbleweed",
    "SUSE Manager Server 4.3",
];

fn fix(random: &mut Random) -> String {
    format!("9.{}-15040{}.{}.1", random.below(2), random.below(2), 1 + random.below(6))
}

/// A VEX document of a CVE, or the document of an advisory.
fn csaf(random: &mut Random, id: &str, cve: &str) -> Value {
    let is_vex = id.starts_with("CVE-");
    let (mut leaves, mut relations, mut remediations) = (Vec::new(), Vec::new(), Vec::new());
    let mut status = serde_json::Map::new();
    for product in PRODUCTS {
        for name in ["vim", "vim-small", "kernel-default"] {
            let shape = random.below(9);
            let (word, category) = match shape {
                0 => continue,
                1 if is_vex => ("known_affected", "none_available"),
                2 if is_vex => ("known_affected", "no_fix_planned"),
                3 if is_vex => ("known_not_affected", ""),
                4 if is_vex => ("under_investigation", ""),
                _ => ("recommended", "vendor_fix"),
            };
            let version = fix(random);
            let architectures: &[&str] = if is_vex { &[""] } else { &["x86_64", "aarch64", "src"] };
            for architecture in architectures {
                let leaf = match (word, *architecture) {
                    ("recommended", "") => format!("{name}-{version}"),
                    ("recommended", architecture) => format!("{name}-{version}.{architecture}"),
                    _ => name.into(),
                };
                let whole = format!("{product}:{leaf}");
                let product_leaf = json!({"category": "product_version", "name": leaf, "product": {"name": leaf, "product_id": leaf}});
                leaves.push(match *architecture {
                    "" => product_leaf,
                    name => json!({"category": "architecture", "name": name, "branches": [product_leaf]}),
                });
                relations.push(json!({"category": "default_component_of",
                    "full_product_name": {"name": whole, "product_id": whole},
                    "product_reference": leaf, "relates_to_product_reference": product}));
                if !category.is_empty() {
                    remediations.push(json!({"category": category, "details": "d", "product_ids": [whole],
                        "date": "2024-01-05T00:00:00Z"}));
                }
                status.entry(word).or_insert_with(|| json!([])).as_array_mut().unwrap().push(whole.into());
            }
        }
        leaves.push(json!({"category": "product_name", "name": product, "product": {"name": product,
            "product_id": product,
            "product_identification_helper": {"cpe": "cpe:/o:suse:sles:15:sp4"}}}));
    }
    for list in [&mut leaves, &mut relations] {
        list.sort_by_key(Value::to_string);
        list.dedup();
    }
    json!({
        "document": {"category": if is_vex { "csaf_vex" } else { "csaf_security_advisory" },
            "csaf_version": "2.0", "title": "t", "aggregate_severity": {"text": "moderate"},
            "publisher": {"name": "SUSE Product Security Team"}, "references": [],
            "tracking": {"id": id, "status": if is_vex { "interim" } else { "final" }, "version": "1",
                "revision_history": [], "initial_release_date": "2024-01-02T00:00:00Z",
                "current_release_date": "2024-01-03T00:00:00Z"}},
        "product_tree": {"branches": [{"category": "vendor", "name": "SUSE", "branches": leaves}],
            "relationships": relations},
        "vulnerabilities": [{"cve": cve, "product_status": status, "remediations": remediations,
            "threats": []}]
    })
}

/// Definitions of CVEs: below a version, not affected, and affected without more.
fn oval(random: &mut Random) -> String {
    let (mut definitions, mut tests, mut objects, mut states) = <(String, String, String, String)>::default();
    let mut number = 0;
    for cve in 0..25 {
        let mut groups = String::new();
        for _ in 0..3 {
            let mut products = String::new();
            for _ in 0..=random.below(3) {
                let product = random.of(&PRODUCTS);
                write!(products, "<criterion test_ref=\"oval:org.opensuse.security:tst:1\" comment=\"{product} is installed\"/>").unwrap();
            }
            let mut packages = String::new();
            for name in ["vim", "vim-small"] {
                let version = fix(random);
                let (claim, operation, version) = match random.below(4) {
                    0 => ("is not affected", "equals", "0".into()),
                    1 => ("is affected", "greater than", "0:0-0".into()),
                    _ => ("is installed", "less than", format!("0:{version}")),
                };
                let comment = match claim {
                    "is installed" => format!("{name}-{} is installed", &version[2..]),
                    claim => format!("{name} {claim}"),
                };
                number += 1;
                let p = "oval:org.opensuse.security";
                write!(packages, "<criterion test_ref=\"{p}:tst:2{number:04}\" comment=\"{comment}\"/>")
                    .unwrap();
                write!(tests, "<rpminfo_test id=\"{p}:tst:2{number:04}\" version=\"1\" comment=\"c\" check=\"at least one\" xmlns=\"http://oval.mitre.org/XMLSchema/oval-definitions-5#linux\"><object object_ref=\"{p}:obj:2{number:04}\"/><state state_ref=\"{p}:ste:2{number:04}\"/></rpminfo_test>").unwrap();
                write!(objects, "<rpminfo_object id=\"{p}:obj:2{number:04}\" version=\"1\"><name>{name}</name></rpminfo_object>").unwrap();
                let arch = if operation == "less than" {
                    "<arch datatype=\"string\" operation=\"pattern match\">(aarch64|x86_64)</arch>"
                } else {
                    ""
                };
                let kind = if operation == "equals" { "version" } else { "evr" };
                write!(states, "<rpminfo_state id=\"{p}:ste:2{number:04}\" version=\"1\">{arch}<{kind} datatype=\"evr_string\" operation=\"{operation}\">{version}</{kind}></rpminfo_state>").unwrap();
            }
            write!(groups, "<criteria operator=\"AND\"><criteria operator=\"OR\">{products}</criteria><criteria operator=\"OR\">{packages}</criteria></criteria>").unwrap();
        }
        let id = format!("CVE-2023-{}", 1000 + cve);
        write!(definitions, "<definition id=\"oval:org.opensuse.security:def:{cve}\" version=\"1\" class=\"vulnerability\"><metadata><title>{id}</title><affected family=\"unix\"><platform>SUSE Linux Enterprise Server 15 SP4</platform></affected><reference ref_id=\"Mitre {id}\" ref_url=\"x\" source=\"CVE\"/><description>d</description><advisory from=\"security@suse.de\"><issued date=\"2024-01-02\"/><updated date=\"2024-01-02\"/><severity>Moderate</severity></advisory></metadata><criteria operator=\"OR\">{groups}</criteria></definition>").unwrap();
    }
    format!(
        "<oval_definitions xmlns=\"http://oval.mitre.org/XMLSchema/oval-definitions-5\">\
         <generator><oval:product_name xmlns:oval=\"o\">Marcus OVAL Generator</oval:product_name></generator>\
         <definitions>{definitions}</definitions><tests>{tests}</tests><objects>{objects}</objects>\
         <states>{states}</states></oval_definitions>"
    )
}

#[test]
fn generated_documents_have_every_row_of_the_table() {
    let random = &mut Random(101);
    let mut files = Files::new();
    for number in 0..20 {
        let cve = format!("CVE-2024-{}", 1000 + number);
        files.insert(
            format!("{}.json", cve.to_lowercase()),
            csaf(random, &cve, &cve).to_string().into_bytes(),
        );
        let id = format!("SUSE-SU-2024:{number:04}-1");
        files.insert(
            format!("suse-su-2024_{number}-1.json"),
            csaf(random, &id, &cve).to_string().into_bytes(),
        );
    }
    files.insert("suse.linux.enterprise.15-affected.xml".into(), oval(random).into_bytes());
    let states = check_files("suse, generated", &files);
    let all = [
        (NotAffected, false),
        (NotAffected, true),
        (Affected, false),
        (Affected, true),
        (WillNotFix, false),
        (UnderInvestigation, false),
    ];
    assert_eq!(states, all.into());
}
