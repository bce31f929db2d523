//! What others got wrong, one test each: documents in the vendors' formats, to the verdict.

use crate::common::{Verdicts, database_of, ours, ours_of_source, system};
use imagescan_knowledge::Knowledge;
use imagescan_model::AdvisoryState::{Affected, NotAffected, UnderInvestigation, WillNotFix};
use imagescan_model::{AdvisoryState, Package, PackageType, Pro, SourcePackage};
use serde_json::json;

mod csaf;

fn rpm(name: &str, version: &str, architecture: &str) -> Package {
    let mut package = Package::new(PackageType::Rpm, name, version);
    package.architecture = Some(architecture.into());
    package
}

/// The only verdict that there is.
fn one(verdicts: Verdicts) -> Option<(AdvisoryState, Option<String>)> {
    assert!(verdicts.len() < 2, "{verdicts:?}");
    verdicts.into_values().next()
}

fn state(verdicts: Verdicts) -> Option<AdvisoryState> {
    one(verdicts).map(|verdict| verdict.0)
}

fn updateinfo(short: &str, package: &str) -> String {
    format!(
        "<updates><update author=\"a\" from=\"a\" status=\"final\" type=\"security\" version=\"1.4\">\
         <id>ALAS2-2024-001</id><title>t</title><issued date=\"2024-01-11 21:05\"/>\
         <updated date=\"2024-01-11 21:05\"/><severity>important</severity><description>d</description>\
         <references><reference href=\"x\" id=\"CVE-2024-1\" title=\"\" type=\"cve\"/></references>\
         <pkglist><collection short=\"{short}\"><name>n</name>{package}</collection></pkglist></update></updates>"
    )
}

fn amazon(package: &str) -> (tempfile::TempDir, Knowledge) {
    database_of("amazon", [("x.xml", updateinfo("amazon-linux-2", package).as_bytes())])
}

#[test]
fn a_missing_epoch_of_a_binary_package_is_zero() {
    let (_folder, knowledge) =
        amazon("<package arch=\"x86_64\" epoch=\"1\" name=\"a\" release=\"3\" version=\"2\"/>");
    let of = |version| state(ours(&knowledge, system("amzn", "2"), rpm("a", version, "x86_64")));
    assert_eq!(of("2-3"), Some(Affected));
    assert_eq!(of("9-9"), Some(Affected));
    assert_eq!(of("0:9-9"), Some(Affected));
    assert_eq!(of("1:2-3"), Some(NotAffected));
}

#[test]
fn a_package_for_all_architectures_is_meant_by_each() {
    let (_folder, knowledge) =
        amazon("<package arch=\"x86_64\" epoch=\"0\" name=\"a\" release=\"3\" version=\"2\"/>");
    let of = |architecture| state(ours(&knowledge, system("amzn", "2"), rpm("a", "1-1", architecture)));
    assert_eq!((of("x86_64"), of("noarch"), of("aarch64")), (Some(Affected), Some(Affected), None));
}

#[test]
fn a_public_key_is_no_package() {
    let (_folder, knowledge) =
        amazon("<package arch=\"x86_64\" epoch=\"0\" name=\"gpg-pubkey\" release=\"3\" version=\"2\"/>");
    let mut key = rpm("gpg-pubkey", "1-1", "x86_64");
    key.architecture = None;
    assert_eq!(one(ours(&knowledge, system("amzn", "2"), key)), None);
}

#[test]
fn a_fix_in_version_0_is_not_affected_for_debian_and_alpine() {
    let tracker = json!({"a": {"CVE-2024-1": {"releases": {"bookworm": {"status": "resolved",
        "fixed_version": "0", "urgency": "low", "repositories": {}}}}}});
    let (_folder, knowledge) = database_of("debian", [("json", tracker.to_string().as_bytes())]);
    let of = |version| state(ours_of_source(&knowledge, "debian", "12", PackageType::Deb, "a", version));
    assert_eq!((of("0~1-1"), of("1-1")), (Some(NotAffected), Some(NotAffected)));
    let secdb = json!({"distroversion": "v3.20", "reponame": "main", "archs": [], "urlprefix": "x",
        "apkurl": "x", "packages": [{"pkg": {"name": "a", "secfixes": {"0": ["CVE-2024-1"]}}}]});
    let (_folder, knowledge) = database_of("alpine", [("main.json", secdb.to_string().as_bytes())]);
    let verdict = ours_of_source(&knowledge, "alpine", "3.20.1", PackageType::Apk, "a", "1-r0");
    assert_eq!(state(verdict), Some(NotAffected));
}

/// A file of Ubuntu's tracker.
fn tracked(lines: &str) -> (tempfile::TempDir, Knowledge) {
    let text =
        format!("Candidate: CVE-2024-1\nPublicDate: 2024-01-02 06:15:00 UTC\nPriority: low\n{lines}\n");
    database_of("ubuntu-cve-tracker", [("active/CVE-2024-1", text.as_bytes())])
}

fn on_ubuntu(
    knowledge: &Knowledge,
    release: &str,
    version: &str,
    pro: Option<Pro>,
) -> Option<(AdvisoryState, Option<String>)> {
    let mut package = Package::new(PackageType::Deb, "a", version);
    package.source = Some(SourcePackage { name: "a".into(), version: Some(version.into()) });
    let mut system = system("ubuntu", release);
    system.pro = pro;
    one(ours(knowledge, system, package))
}

#[test]
fn esm_infra_and_esm_apps_are_not_one_stream() {
    let (_folder, knowledge) =
        tracked("bionic_a: needed\nesm-infra/bionic_a: needed\nesm-apps/bionic_a: released (2-1~esm1)");
    let of = |infra, apps| on_ubuntu(&knowledge, "18.04", "1-1", Some(Pro { infra, apps }));
    assert_eq!(of(true, false), Some((Affected, None)));
    assert_eq!(of(false, true), Some((Affected, Some("2-1~esm1".into()))));
    assert_eq!(of(false, false), Some((Affected, None)));
}

#[test]
fn what_ubuntu_ignores_is_not_silence() {
    let (_folder, knowledge) = tracked("bionic_a: ignored (superseded)\nxenial_a: DNE");
    assert_eq!(on_ubuntu(&knowledge, "18.04", "1-1", None), Some((WillNotFix, None)));
    assert_eq!(on_ubuntu(&knowledge, "16.04", "1-1", None), None);
    let (_folder, knowledge) = tracked("bionic_a: needs-triage");
    assert_eq!(on_ubuntu(&knowledge, "18.04", "1-1", None), Some((UnderInvestigation, None)));
}

#[test]
fn a_release_candidate_is_below_its_release() {
    let (_folder, knowledge) = tracked("bionic_a: released (2.7.15~rc1-1ubuntu0.1)");
    let of = |version| on_ubuntu(&knowledge, "18.04", version, None).map(|verdict| verdict.0);
    assert_eq!(of("2.7.15-4ubuntu4~18.04"), Some(NotAffected));
    assert_eq!(of("2.7.15~rc1-1"), Some(Affected));
    let secdb = json!({"distroversion": "v3.20", "reponame": "main", "archs": [], "urlprefix": "x",
        "apkurl": "x", "packages": [{"pkg": {"name": "a", "secfixes": {"1.6-r0": ["CVE-2024-1"]}}}]});
    let (_folder, knowledge) = database_of("alpine", [("main.json", secdb.to_string().as_bytes())]);
    let verdict = ours_of_source(&knowledge, "alpine", "3.20.1", PackageType::Apk, "a", "1.6_rc1-r0");
    assert_eq!(state(verdict), Some(Affected));
}

#[test]
fn a_build_respun_for_one_architecture_is_judged_by_its_own_fix() {
    let part = |arch: &str, release: &str| {
        format!(
            "<criteria operator=\"AND\"><criterion test_ref=\"t\" comment=\"Oracle Linux arch is {arch}\"/>\
             <criterion test_ref=\"t\" comment=\"a is earlier than 0:1-1.0.{release}.el7\"/></criteria>"
        )
    };
    let text = format!(
        "<oval_definitions xmlns=\"http://oval.mitre.org/XMLSchema/oval-definitions-5\"><definitions>\
         <definition id=\"oval:com.oracle.elsa:def:1\" version=\"501\" class=\"patch\"><metadata><title>t</title>\
         <reference source=\"elsa\" ref_id=\"ELSA-2022-4803\" ref_url=\"x\"/>\
         <reference source=\"CVE\" ref_id=\"CVE-2022-1271\" ref_url=\"x\"/><advisory>\
         <severity>IMPORTANT</severity><issued date=\"2024-01-02\"/></advisory></metadata>\
         <criteria operator=\"AND\"><criterion test_ref=\"t\" comment=\"Oracle Linux 7 is installed\"/>\
         <criteria operator=\"OR\">{}{}</criteria></criteria></definition></definitions></oval_definitions>",
        part("aarch64", "4"),
        part("x86_64", "1")
    );
    let (_folder, knowledge) = database_of("oracle", [("x.xml", text.as_bytes())]);
    let of =
        |architecture| state(ours(&knowledge, system("ol", "7.9"), rpm("a", "1-1.0.1.el7", architecture)));
    assert_eq!((of("x86_64"), of("aarch64")), (Some(NotAffected), Some(Affected)));
}

#[test]
fn a_binary_goes_before_its_source_and_a_source_is_asked_where_no_binary_is_named() {
    let rows = json!([
        {"cve_id": "CVE-2024-1", "pkg": "curl", "cve_score": 7.5, "aff_ver": "x", "res_ver": "8-2.ph5", "status": "Fixed"},
        {"cve_id": "CVE-2024-1", "pkg": "curl-libs", "cve_score": 7.5, "aff_ver": "NA", "res_ver": "NA", "status": "Not Affected"}
    ]);
    let (_folder, knowledge) =
        database_of("photon", [("cve_data_photon5.0.json", rows.to_string().as_bytes())]);
    let of = |name| {
        let mut package = rpm(name, "8-1.ph5", "x86_64");
        package.source = Some(SourcePackage { name: "curl".into(), version: Some("8-1.ph5".into()) });
        state(ours(&knowledge, system("photon", "5.0"), package))
    };
    assert_eq!((of("curl-devel"), of("curl-libs")), (Some(Affected), Some(NotAffected)));
}

#[test]
fn a_range_that_begins_after_a_version_does_not_hold_that_version() {
    let test = |id: u8| {
        format!(
            "<linux-def:rpminfo_test check=\"a\" comment=\"c\" id=\"t{id}\" version=\"1\"><linux-def:object object_ref=\"o\"/><linux-def:state state_ref=\"s{id}\"/></linux-def:rpminfo_test>"
        )
    };
    let bound = |id: u8, operation: &str, version: &str| {
        format!(
            "<linux-def:rpminfo_state id=\"s{id}\" version=\"1\"><linux-def:evr datatype=\"evr_string\" operation=\"{operation}\">{version}</linux-def:evr></linux-def:rpminfo_state>"
        )
    };
    let text = format!(
        "<oval_definitions xmlns=\"http://oval.mitre.org/XMLSchema/oval-definitions-5\" \
         xmlns:linux-def=\"l\"><definitions><definition class=\"vulnerability\" id=\"d\" version=\"1\"><metadata>\
         <title>t</title><reference ref_id=\"CVE-2024-1\" ref_url=\"x\" source=\"CVE\"/>\
         <patchable>true</patchable><severity>High</severity></metadata><criteria operator=\"AND\">\
         <criterion comment=\"c\" test_ref=\"t1\"/><criterion comment=\"c\" test_ref=\"t2\"/></criteria>\
         </definition></definitions><tests>{}{}</tests><objects><linux-def:rpminfo_object id=\"o\" version=\"1\">\
         <linux-def:name>a</linux-def:name></linux-def:rpminfo_object></objects><states>{}{}</states>\
         </oval_definitions>",
        test(1),
        test(2),
        bound(1, "greater than", "0:1.5-2.azl3"),
        bound(2, "less than", "0:1.9-1.azl3")
    );
    let (_folder, knowledge) = database_of("azurelinux", [("x.xml", text.as_bytes())]);
    let of = |version| {
        let mut package = rpm("a-libs", version, "x86_64");
        package.source = Some(SourcePackage { name: "a".into(), version: Some(version.into()) });
        one(ours(&knowledge, system("azurelinux", "3.0"), package)).unwrap()
    };
    assert_eq!(of("1.5-2.azl3"), (NotAffected, None));
    assert_eq!(of("1.5-2.1.azl3"), (Affected, Some("1.9-1.azl3".into())));
    assert_eq!(of("1.9-1.azl3"), (NotAffected, Some("1.9-1.azl3".into())));
}
