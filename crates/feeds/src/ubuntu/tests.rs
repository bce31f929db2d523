use super::*;
use crate::parse::Input;
use crate::testing::{dropped, line, parse, read, read_samples, refuses_or_repeats};
use imagescan_model::Extent;

#[test]
fn pockets_stand_before_or_after_the_codename() {
    for (text, expected) in [
        ("jammy", "ubuntu:22.04"),
        ("esm-infra/xenial", "ubuntu:16.04 esm-infra"),
        ("esm-apps/jammy", "ubuntu:22.04 esm-apps"),
        ("trusty/esm", "ubuntu:14.04 esm-infra-legacy"),
        ("esm-infra-legacy/trusty", "ubuntu:14.04 esm-infra-legacy"),
        ("precise/esm", "ubuntu:12.04 esm-infra-legacy"),
        ("vivid/stable-phone-overlay", "ubuntu:15.04 stable-phone-overlay"),
        ("fips-updates/focal", "ubuntu:20.04 fips-updates"),
        ("ros-esm/xenial", "ubuntu:16.04 ros-esm"),
        ("stable-phone/vivid", "ubuntu:15.04 stable-phone"),
        ("zealous", "ubuntu:zealous"),
        ("esm-infra/zealous", "ubuntu:zealous esm-infra"),
    ] {
        let Place::Archive(release, pocket) = place(text) else { panic!("{text}") };
        let said = pocket.map(|pocket| format!(" {pocket}")).unwrap_or_default();
        assert_eq!(format!("{release}{said}"), expected, "{text}");
    }
    assert_eq!(["devel", "esm-apps/devel"].map(place), [Place::Development, Place::Development]);
    assert_eq!(place("upstream"), Place::Upstream);
    assert_eq!(["product", "product/x", "snap"].map(place), [(); 3].map(|()| Place::Product));
}

#[test]
fn the_end_of_support_has_many_wordings() {
    for remark in [
        "reached end-of-life",
        "end of standard support, was needed",
        "was needs-triage now end-of-life",
        "out of standard support",
        "end of ESM support",
        "readched end-of-life",
        "upstream sun-java5 is EoL",
        "end of life",
    ] {
        assert!(is_end_of_life(remark), "{remark}");
    }
    for remark in ["", "libv8 not supported", "abandoned", "superseded by linux-hwe", "end of stream bug"] {
        assert!(!is_end_of_life(remark), "{remark}");
    }
}
fn osv(id: &str, rest: &str, affected: &[String]) -> String {
    let affected = affected.join(",");
    format!(r#"{{"id": "{id}", {rest}"published": "2024-01-02T00:00:00Z", "affected": [{affected}]}}"#)
}

/// An entry of source `a`, with a fix if there is one.
fn entry(ecosystem: &str, distro: &str, fixed: &str) -> String {
    let fixed = if fixed.is_empty() { String::new() } else { format!(r#", {{"fixed": "{fixed}"}}"#) };
    format!(
        r#"{{"package": {{"ecosystem": "{ecosystem}", "name": "a",
        "purl": "pkg:deb/ubuntu/a@1?arch=source&distro={distro}"}},
        "ranges": [{{"type": "ECOSYSTEM", "events": [{{"introduced": "0"}}{fixed}]}}]}}"#
    )
}

/// A statement on source `a` in a pocket.
fn vex(cve: &str, distro: &str, status: &str, more: &str) -> String {
    format!(
        r#"{{"statements": [{{"vulnerability": {{"name": "{cve}"}}, "status": "{status}", {more}
        "products": [{{"@id": "pkg:deb/ubuntu/a@1?arch=source&distro={distro}"}},
        {{"@id": "pkg:deb/ubuntu/liba@1?arch=amd64&distro={distro}"}}]}}]}}"#
    )
}

/// Sorted lines, which must be the same in the other order.
fn said(documents: &[String]) -> Vec<String> {
    let mut inputs: Vec<Input<'_>> =
        documents.iter().map(|text| Input { name: "x", bytes: text.as_bytes() }).collect();
    let lines = |inputs: &[Input<'_>]| {
        let mut lines: Vec<String> = parse("ubuntu", inputs).unwrap().0.iter().map(line).collect();
        lines.sort();
        lines
    };
    let found = lines(&inputs);
    inputs.reverse();
    assert_eq!(lines(&inputs), found);
    found
}

const PLAIN: &str = "Ubuntu:22.04:LTS";
const PRO: &str = "Ubuntu:Pro:22.04:LTS";

#[test]
fn openvex_tells_what_osv_collapses() {
    let note = |field: &str, text: &str| format!(r#""{field}": "This package {text}","#);
    for (status, more, expected) in [
        (
            "affected",
            note("action_statement", "is vulnerable, but we decided to not fix it. Notes"),
            "willnotfix",
        ),
        ("affected", note("action_statement", "is no longer supported."), "endoflife"),
        ("affected", note("action_statement", "needs fixing"), "affected"),
        ("affected", String::new(), "affected"),
        (
            "under_investigation",
            note("status_notes", "is not known and needs to be evaluated."),
            "underinvestigation",
        ),
        ("under_investigation", note("status_notes", "has been deferred"), "fixdeferred"),
        ("not_affected", note("justification", "vulnerable_code_not_present"), "notaffected"),
        ("fixed", String::new(), "affected"),
    ] {
        let listed = osv("UBUNTU-CVE-1", "", &[entry(PLAIN, "jammy", "")]);
        let vex = vex("CVE-1", "jammy", status, &more);
        let expected = format!("ubuntu:22.04 a CVE-1 {expected}");
        let alone: Vec<String> = if status == "fixed" { vec![] } else { vec![expected.clone()] };
        assert_eq!(said(std::slice::from_ref(&vex)), alone, "{status} {more}");
        assert_eq!(said(&[listed, vex]), [expected.as_str()], "{status} {more}");
    }
    let absent = vex("CVE-1", "jammy", "not_affected", r#""justification": "component_not_present","#);
    assert_eq!(said(std::slice::from_ref(&absent)), [""; 0]);
    assert_eq!(said(&[absent, osv("UBUNTU-CVE-1", "", &[entry(PLAIN, "jammy", "")])]), [""; 0]);
}

#[test]
fn a_fix_of_osv_holds_whatever_openvex_states() {
    let fixed = osv("UBUNTU-CVE-1", "", &[entry(PLAIN, "jammy", "1-2")]);
    for status in ["affected", "not_affected", "under_investigation", "fixed"] {
        let vex = vex("CVE-1", "jammy", status, "");
        assert_eq!(said(&[fixed.clone(), vex]), ["ubuntu:22.04 a CVE-1 affected <1-2"], "{status}");
    }
}

#[test]
fn what_only_pro_lists_is_not_fixed_in_the_plain_archive() {
    let fixed = osv("UBUNTU-CVE-1", "", &[entry(PRO, "esm-apps/jammy", "1-2~esm1")]);
    let pro = "ubuntu:22.04 a CVE-1 affected <1-2~esm1 in esm-apps";
    assert_eq!(said(&[fixed]), [pro, "ubuntu:22.04 a CVE-1 willnotfix"]);
    let open = osv("UBUNTU-CVE-1", "", &[entry(PRO, "esm-infra/jammy", "")]);
    assert_eq!(
        said(&[open]),
        ["ubuntu:22.04 a CVE-1 affected in esm-infra", "ubuntu:22.04 a CVE-1 willnotfix"]
    );
}

#[test]
fn an_inferred_row_never_goes_over_one_that_was_said() {
    let entries = [entry(PRO, "esm-infra/jammy", "1-2+esm1"), entry(PLAIN, "jammy", "1-1")];
    let both = ["ubuntu:22.04 a CVE-1 affected <1-1", "ubuntu:22.04 a CVE-1 affected <1-2+esm1 in esm-infra"];
    assert_eq!(said(&[osv("UBUNTU-CVE-1", "", &entries)]), both);
    // Said by another document.
    let apart = entries.map(|entry| osv("UBUNTU-CVE-1", "", &[entry]));
    assert_eq!(said(&apart), both);
    let pro = osv("UBUNTU-CVE-1", "", &[entry(PRO, "esm-infra/jammy", "1-2+esm1")]);
    let not = vex("CVE-1", "jammy", "not_affected", "");
    assert_eq!(
        said(&[pro.clone(), not]),
        ["ubuntu:22.04 a CVE-1 affected <1-2+esm1 in esm-infra", "ubuntu:22.04 a CVE-1 notaffected"]
    );
    let looked_into = vex("CVE-1", "esm-infra/jammy", "under_investigation", "");
    assert_eq!(
        said(&[looked_into]),
        ["ubuntu:22.04 a CVE-1 underinvestigation", "ubuntu:22.04 a CVE-1 underinvestigation in esm-infra"]
    );
    let not = vex("CVE-1", "esm-infra/jammy", "not_affected", "");
    assert_eq!(said(&[not]), ["ubuntu:22.04 a CVE-1 notaffected in esm-infra"]);
    let absent = vex("CVE-1", "jammy", "not_affected", r#""justification": "component_not_present","#);
    assert_eq!(said(&[pro, absent]), ["ubuntu:22.04 a CVE-1 affected <1-2+esm1 in esm-infra"]);
}

#[test]
fn other_pockets_than_esm_say_nothing_of_the_plain_archive() {
    let entries = [
        entry("Ubuntu:Pro:FIPS-updates:22.04:LTS", "fips-updates/jammy", "1-2fips1"),
        entry("Ubuntu:Pro:Realtime:22.04:LTS", "realtime/jammy", ""),
        entry("Ubuntu:Nvidia-BlueField:22.04:LTS", "bluefield/jammy", ""),
    ];
    assert_eq!(
        said(&[osv("UBUNTU-CVE-1", "", &entries)]),
        [
            "ubuntu:22.04 a CVE-1 affected <1-2fips1 in fips-updates",
            "ubuntu:22.04 a CVE-1 affected in bluefield",
            "ubuntu:22.04 a CVE-1 affected in realtime",
        ]
    );
}

#[test]
fn esm_infra_and_esm_apps_of_one_release_stay_apart() {
    let entries = [entry(PRO, "esm-infra/jammy", "1-2+esm1"), entry(PRO, "esm-apps/jammy", "1-2~esm3")];
    assert_eq!(
        said(&[osv("UBUNTU-CVE-1", "", &entries)]),
        [
            "ubuntu:22.04 a CVE-1 affected <1-2+esm1 in esm-infra",
            "ubuntu:22.04 a CVE-1 affected <1-2~esm3 in esm-apps",
            "ubuntu:22.04 a CVE-1 willnotfix",
        ]
    );
}

#[test]
fn a_statements_timestamp_is_no_date_of_a_fix() {
    let vex = vex("CVE-1", "jammy", "affected", r#""timestamp": "2024-03-04T00:00:00Z","#);
    let (records, _) = parse("ubuntu", &[Input { name: "x", bytes: vex.as_bytes() }]).unwrap();
    assert_eq!((records[0].disclosed, records[0].fix_available), (None, None));
}

#[test]
fn of_two_statements_on_one_package_the_worse_counts() {
    let not = vex("CVE-1", "trusty/esm", "not_affected", "");
    let open = vex("CVE-1", "esm-infra-legacy/trusty", "affected", "");
    assert!(said(&[not, open]).contains(&"ubuntu:14.04 a CVE-1 affected in esm-infra-legacy".into()));
}

#[test]
fn both_spellings_of_the_oldest_pocket_are_joined() {
    let open = osv("UBUNTU-CVE-1", "", &[entry("Ubuntu:Pro:14.04:LTS", "trusty/esm", "")]);
    let vex = vex("CVE-1", "esm-infra-legacy/trusty", "not_affected", "");
    assert!(said(&[open, vex]).contains(&"ubuntu:14.04 a CVE-1 notaffected in esm-infra-legacy".into()));
}

#[test]
fn a_pocket_without_a_package_url_is_told_by_the_ecosystem() {
    let of = |ecosystem: &str, availability: &str| {
        let entry = entry(ecosystem, "", "1-2").replace("\"purl\"", "\"no\"").replace(
            "\"ranges\"",
            &format!("\"ecosystem_specific\": {{\"availability\": \"{availability}\"}}, \"ranges\""),
        );
        said(&[osv("UBUNTU-CVE-1", "", &[entry])])[0].replace("ubuntu:22.04 a CVE-1 affected <1-2", "")
    };
    assert_eq!(of(PLAIN, "No subscription required"), "");
    assert_eq!(of(PRO, "Available with Ubuntu Pro (Infra-only): https://ubuntu.com/pro"), " in esm-infra");
    assert_eq!(of(PRO, "Available with Ubuntu Pro: https://ubuntu.com/pro"), " in esm-apps");
    assert_eq!(of(PRO, ""), " in esm");
    assert_eq!(of("Ubuntu:Pro:FIPS-preview:22.04:LTS", ""), " in fips-preview");
    assert_eq!(of("Ubuntu:22.04:LTS:for:NVIDIA:BlueField", ""), " in bluefield");
}

#[test]
fn a_codename_that_is_newer_than_the_program_gets_its_number_from_osv() {
    let listed = osv("UBUNTU-CVE-2", "", &[entry("Ubuntu:99.10", "zealous", "1-2")]);
    let vex = vex("CVE-1", "zealous", "not_affected", "");
    assert_eq!(
        said(&[listed, vex]),
        ["ubuntu:99.10 a CVE-1 notaffected", "ubuntu:99.10 a CVE-2 affected <1-2"]
    );
}

#[test]
fn the_fix_has_the_date_of_the_notice_and_not_of_the_disclosure() {
    let fixed = osv("UBUNTU-CVE-1", "", &[entry(PLAIN, "jammy", "1-2"), entry(PLAIN, "focal", "1-3")]);
    let notice = |id: &str, day: &str, up: &str, fixed: &str| {
        let rest = format!(r#""upstream": ["{up}"],"#);
        osv(id, &rest, &[entry(PLAIN, "jammy", fixed)]).replace("2024-01-02", day)
    };
    let documents = [
        notice("USN-2-1", "2024-02-03", "UBUNTU-CVE-1", "1-2"),
        notice("USN-2-2", "2024-02-04", "CVE-9", "1-2"),
        notice("USN-1-1", "2024-02-01", "CVE-1", "1-1"),
        fixed,
    ];
    let inputs: Vec<Input<'_>> =
        documents.iter().map(|text| Input { name: "x", bytes: text.as_bytes() }).collect();
    let (records, _) = parse("ubuntu", &inputs).unwrap();
    let jammy = records.iter().find(|record| record.fixed_version.as_deref() == Some("1-2")).unwrap();
    assert_eq!(jammy.disclosed.unwrap().at.to_string(), "2024-01-02T00:00:00Z");
    assert_eq!(jammy.fix_available.unwrap().at.to_string(), "2024-02-03T00:00:00Z");
    let advisories: Vec<&str> = jammy.advisories.iter().map(|advisory| advisory.id.as_str()).collect();
    assert_eq!(advisories, ["USN-2-1"]);
    let other = records.iter().find(|record| record.fixed_version.as_deref() == Some("1-3")).unwrap();
    assert_eq!((other.fix_available, other.advisories.len()), (None, 0));
}

#[test]
fn the_priority_is_the_severity_and_the_vector_is_not() {
    let of = |severity: &str| {
        let rest = format!(r#""severity": [{severity}], "details": "[Unknown description]","#);
        parse(
            "ubuntu",
            &[Input {
                name: "x",
                bytes: osv("UBUNTU-CVE-1", &rest, &[entry(PLAIN, "jammy", "1")]).as_bytes(),
            }],
        )
        .map(|(records, _)| {
            (records[0].severity, records[0].severity_source.clone(), records[0].title.clone())
        })
    };
    let vector = r#"{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}"#;
    assert_eq!(of(vector).unwrap(), (Severity::Unknown, None, None));
    let both = format!(r#"{vector}, {{"type": "Ubuntu", "score": "low"}}"#);
    assert_eq!(of(&both).unwrap(), (Severity::Low, Some("ubuntu".into()), None));
    assert!(of(r#"{"type": "Ubuntu", "score": "huge"}"#).is_err());
}

#[test]
fn coverage_is_what_the_kinds_of_document_can_express() {
    let listed = osv("UBUNTU-CVE-1", "", &[entry(PLAIN, "jammy", "1-2")]);
    let vex = vex("CVE-1", "jammy", "affected", "");
    let extent = |documents: &[&String]| {
        let inputs: Vec<Input<'_>> =
            documents.iter().map(|text| Input { name: "x", bytes: text.as_bytes() }).collect();
        let coverage = parse("ubuntu", &inputs).unwrap().1;
        (coverage[0].extent(), coverage[0].states.len())
    };
    assert_eq!(extent(&[&listed]), (Extent::ListedOnly, 3));
    assert_eq!(extent(&[&vex]), (Extent::Full, 6));
    assert_eq!(extent(&[&listed, &vex]), (Extent::Full, 7));
}

#[test]
fn the_sample_says_what_canonical_says() {
    let (records, summary) = read_samples("ubuntu");
    let lines: Vec<String> = records.iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "ubuntu:14.04 curl CVE-2023-38545 notaffected in esm-infra-legacy",
            "ubuntu:14.04 eglibc CVE-2016-20013 willnotfix negligible",
            "ubuntu:14.04 eglibc CVE-2016-20013 willnotfix in esm-infra-legacy negligible",
            "ubuntu:16.04 curl CVE-2023-38545 notaffected in esm-infra",
            "ubuntu:16.04 curl CVE-2023-38545 endoflife",
            "ubuntu:16.04 glibc CVE-2016-20013 willnotfix negligible",
            "ubuntu:16.04 glibc CVE-2016-20013 willnotfix in esm-infra negligible",
            "ubuntu:16.04 unbound CVE-2025-5994 underinvestigation",
            "ubuntu:16.04 unbound CVE-2025-5994 underinvestigation in esm-infra",
            "ubuntu:16.04 wayland CVE-2021-3782 affected <1.12.0-1~ubuntu16.04.3+esm1 in esm-infra medium",
            "ubuntu:16.04 wayland CVE-2021-3782 willnotfix medium",
            "ubuntu:18.04 wayland CVE-2021-3782 affected <1.16.0-1ubuntu1.1~18.04.4 medium 2022-09-15",
            "ubuntu:20.04 wayland CVE-2021-3782 affected <1.18.0-1ubuntu0.1 medium 2022-09-15",
            "ubuntu:22.04 curl CVE-2025-0167 affected",
            "ubuntu:22.04 glibc CVE-2016-20013 willnotfix negligible",
            "ubuntu:22.04 netty CVE-2022-24823 affected <1:4.1.48-4+deb11u2ubuntu0.1~esm1 in esm-apps low",
            "ubuntu:22.04 netty CVE-2022-24823 willnotfix low",
            "ubuntu:24.04 glibc CVE-2016-20013 willnotfix negligible",
            "ubuntu:25.10 netty CVE-2022-24823 affected low",
            "ubuntu:26.04 netty CVE-2022-24823 affected in esm-apps low",
            "ubuntu:26.04 netty CVE-2022-24823 willnotfix low",
        ]
    );
    assert_eq!(
        dropped(&summary),
        [
            "a binary package, which repeats its source package: 3",
            "a notice of a livepatch, which is no package: 1",
            "a notice's statement, which OSV has with versions: 1",
            "fixed, in a version that no document tells: 1",
            "there is no such package in the release: 1",
            "withdrawn: 1",
        ]
    );
}

#[test]
fn damage_is_an_error() {
    refuses_or_repeats("ubuntu");
    let good = osv("UBUNTU-CVE-1", "", &[entry(PLAIN, "jammy", "1-2")]);
    let vex = vex("CVE-1", "jammy", "affected", "");
    for text in [
        String::new(),
        "[]".into(),
        "{}".into(),
        format!("{{\"affected\": {}", "[".repeat(100_000)),
        good.replace("UBUNTU-CVE-1", "UBUNTU-"),
        good.replace("UBUNTU-CVE-1", "CVE-1"),
        good.replace("Ubuntu:22.04:LTS", "Ubuntu"),
        good.replace("Ubuntu:22.04:LTS", "Debian:12"),
        good.replace("introduced", "last_affected"),
        good.replace("2024-01-02", "2024-13-02"),
        good.replace("\"ranges\"", "\"versions\": [\"1\"], \"other\""),
        osv("USN-1-1", "", &[]).replace("published", "modified"),
        vex.replace("\"affected\"", "\"perhaps\""),
        vex.replace("products", "items"),
        vex.replace("{\"statements\"", "{\"affected\": [], \"statements\""),
    ] {
        let input = Input { name: "x", bytes: text.as_bytes() };
        assert!(read("ubuntu", &[input]).is_err(), "{text:.200}");
    }
}
