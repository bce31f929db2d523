//! Traps in what Red Hat and SUSE say in CSAF.

use super::{one, rpm, state};
use crate::common::{database_of, ours, ours_with, system};
use imagescan_knowledge::Knowledge;
use imagescan_model::AdvisoryState::{Affected, NotAffected};
use imagescan_model::SourcePackage;
use serde_json::{Value, json};

/// CSAF of one CVE: (product id, CPE, package id, purl, status).
fn csaf(publisher: &str, statements: &[(&str, &str, &str, &str, &str)]) -> Value {
    let (mut leaves, mut relations, mut status) = (Vec::new(), Vec::new(), json!({}));
    for (product, cpe, package, purl, said) in statements {
        let whole = format!("{product}:{package}");
        let mut helper = json!({"cpe": cpe});
        leaves.push(json!({"category": "product_name", "name": product, "product": {"name": product,
            "product_id": product, "product_identification_helper": helper}}));
        helper = json!({"purl": purl});
        let mut leaf = json!({"name": package, "product_id": package});
        if !purl.is_empty() {
            leaf["product_identification_helper"] = helper;
        }
        leaves.push(json!({"category": "product_version", "name": package, "product": leaf}));
        relations.push(json!({"category": "default_component_of",
            "full_product_name": {"name": whole, "product_id": whole}, "product_reference": package,
            "relates_to_product_reference": product}));
        let list = &mut status[*said];
        if list.is_null() {
            *list = json!([]);
        }
        list.as_array_mut().unwrap().push(whole.into());
    }
    leaves.sort_by_key(Value::to_string);
    leaves.dedup();
    json!({"document": {"category": "csaf_vex", "csaf_version": "2.0", "title": "t",
            "aggregate_severity": {"text": "moderate"}, "publisher": {"name": publisher}, "references": [],
            "tracking": {"id": "CVE-2024-1", "status": "final", "version": "1", "revision_history": [],
                "initial_release_date": "2024-01-02T00:00:00Z",
                "current_release_date": "2024-01-03T00:00:00Z"}},
        "product_tree": {"branches": [{"category": "vendor", "name": publisher, "branches": leaves}],
            "relationships": relations},
        "vulnerabilities": [{"cve": "CVE-2024-1", "product_status": status, "remediations": [],
            "threats": []}]})
}

#[test]
fn service_packs_do_not_speak_for_each_other() {
    let of_pack = |name| (name, "cpe:/o:suse:sles:15", "a-1-5", "", "recommended");
    let document = csaf(
        "SUSE",
        &[of_pack("SUSE Linux Enterprise Server 15 SP6"), of_pack("SUSE Linux Enterprise Server 15")],
    );
    let (_folder, knowledge) = database_of("suse", [("x.json", document.to_string().as_bytes())]);
    let of = |version| state(ours(&knowledge, system("sles", version), rpm("a", "1-4", "x86_64")));
    assert_eq!((of("15"), of("15.6")), (Some(Affected), Some(Affected)));
    assert_eq!((of("15.5"), of("15.7")), (None, None));
}

#[test]
fn a_sub_package_with_versions_of_its_own_is_judged_by_them() {
    let of =
        |package| ("SUSE Linux Enterprise Server 15 SP6", "cpe:/o:suse:sles:15", package, "", "recommended");
    let document = csaf("SUSE", &[of("qemu-6.2.0-9"), of("qemu-ipxe-1.0.0+-9")]);
    let (_folder, knowledge) = database_of("suse", [("x.json", document.to_string().as_bytes())]);
    let mut package = rpm("qemu-ipxe", "1.0.0+-9", "noarch");
    package.source = Some(SourcePackage { name: "qemu".into(), version: Some("6.2.0-9".into()) });
    assert_eq!(state(ours(&knowledge, system("sles", "15.6"), package)), Some(NotAffected));
}

const APPS: &str = "cpe:/a:redhat:enterprise_linux:9::appstream";
const EUS: &str = "cpe:/a:redhat:rhel_eus:9.4::appstream";

fn redhat(statements: &[(&str, &str, &str, &str, &str)]) -> (tempfile::TempDir, Knowledge) {
    let document = csaf("Red Hat", statements);
    database_of("redhat", [("cve-2024-1.json", document.to_string().as_bytes())])
}

#[test]
fn of_several_errata_for_one_cve_that_of_the_minor_counts() {
    let (_folder, knowledge) = redhat(&[
        ("E", EUS, "p1", "pkg:rpm/redhat/a@3.9.18-3.el9_4.5?arch=x86_64", "fixed"),
        ("A", APPS, "p2", "pkg:rpm/redhat/a@3.9.19-8.el9?arch=x86_64", "fixed"),
    ]);
    let with = |version, cpes: &[&str]| {
        one(ours_with(&knowledge, &system("rhel", "9.4"), &rpm("a", version, "x86_64"), cpes))
    };
    let of = |version| with(version, &[APPS, EUS]).unwrap().0;
    assert_eq!((of("3.9.18-3.el9_4.1"), of("3.9.18-3.el9_4.5")), (Affected, NotAffected));
    assert_eq!((of("3.9.19-7.el9"), of("3.9.19-8.el9")), (Affected, NotAffected));
    // The next minor's fix is none that extended support of this one has.
    assert_eq!(with("3.9.18-3.el9_4.1", &[EUS]), Some((Affected, Some("3.9.18-3.el9_4.5".into()))));
    assert_eq!(with("3.9.18-3.el9_4.1", &[APPS]), Some((Affected, Some("3.9.19-8.el9".into()))));
}

#[test]
fn extended_support_is_not_told_of_a_fix_that_it_cannot_have() {
    let (_folder, knowledge) = redhat(&[
        ("A", APPS, "p1", "pkg:rpm/redhat/a@1-3.el9_5?arch=x86_64", "fixed"),
        ("E", "cpe:/a:redhat:rhel_eus:9.4", "p2", "pkg:rpm/redhat/a", "known_affected"),
    ]);
    let package = rpm("a", "1-1.el9_4", "x86_64");
    let of = |cpes: &[&str]| one(ours_with(&knowledge, &system("rhel", "9.4"), &package, cpes));
    assert_eq!(of(&[EUS]), Some((Affected, None)));
    assert_eq!(of(&[APPS]), Some((Affected, Some("1-3.el9_5".into()))));
}

#[test]
fn no_module_label_an_empty_one_and_a_stream_are_three_things() {
    let (_folder, knowledge) = redhat(&[(
        "A",
        APPS,
        "p1",
        "pkg:rpm/redhat/ruby@2.7.8-1.module%2Bel9.2.0%2B1%2Bab?arch=x86_64&rpmmod=ruby:2.7:9020020230627:b46abd14",
        "fixed",
    )]);
    let of = |version: &str, module: Option<&str>| {
        let mut package = rpm("ruby", version, "x86_64");
        package.module = module.map(String::from);
        state(ours(&knowledge, system("rhel", "9.2"), package))
    };
    let build = "2.7.4-1.module+el9.1.0+1+ab";
    assert_eq!(of(build, Some("ruby:2.7:9010020230627084142:b46abd14")), Some(Affected));
    assert_eq!(of(build, Some("ruby:3.1:9010020230627084142:b46abd14")), None);
    // Some builds of rpm keep no label; the release tells that it is of a module, and the version of which.
    assert_eq!(of(build, None), Some(Affected));
    assert_eq!(of("3.1.2-1.module+el9.1.0+1+ab", None), None);
    assert_eq!(of("2.7.4-1.el9", Some("")), None);
    assert_eq!(of("2.7.4-1.el9", None), None);
}
