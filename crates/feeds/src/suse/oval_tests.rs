use super::tests::{advisories, lines, read};
use crate::parse::Input;
use crate::testing;
use imagescan_model::{CoveredState, Severity};

const MICRO: &str =
    include_str!("../../../../vuln-feeds/samples/suse/suse.linux.enterprise.micro.5-affected.xml");
const LEAP: &str = include_str!("../../../../vuln-feeds/samples/suse/opensuse.leap.15.2.xml");
const LEAP_MICRO: &str = include_str!("../../../../vuln-feeds/samples/suse/opensuse.leap.micro.5.2.xml");
const OLD: &str = include_str!("../../../../vuln-feeds/samples/suse/opensuse.13.2.xml");

#[test]
fn each_decision_of_the_oval_samples_is_a_record() {
    let all = "[aarch64+ppc64le+s390x+x86_64]";
    assert_eq!(
        lines(MICRO),
        [
            "sle-micro:5.1 kernel-default NotAffected []",
            "sle-micro:5.2 kernel-default NotAffected []",
            &format!("sle-micro:5.3 vim-small Affected <9.0.0313-150000.5.25.1 {all}"),
            &format!("sle-micro:5.4 vim-small Affected <9.0.1234-150000.5.34.1 {all}"),
        ]
    );
    assert_eq!(lines(LEAP), ["opensuse-leap:15.2 fastjar Affected <0.98-lp152.4.3.1 [i586+x86_64]"]);
    assert_eq!(
        lines(LEAP_MICRO),
        ["opensuse-leap-micro:5.2 python3-base Affected <3.6.15-150300.10.27.1 [aarch64+x86_64]"]
    );
    assert_eq!(lines(OLD), ["opensuse:13.2 krb5 Affected <1.12.2-3.1 []"]);
}

#[test]
fn tests_may_stand_before_definitions() {
    let (head, rest) = MICRO.split_once("<definitions>").unwrap();
    let (definitions, rest) = rest.split_once("</definitions>").unwrap();
    let rest = rest.strip_suffix("</oval_definitions>\n").unwrap();
    let text = format!("{head}{rest}<definitions>{definitions}</definitions></oval_definitions>");
    assert_eq!(lines(&text), lines(MICRO));
}

#[test]
fn coverage_is_what_the_document_says() {
    let (records, summary) = read(MICRO).unwrap();
    assert_eq!(summary.coverage[0].states, [CoveredState::NotAffected].into());
    assert_eq!(summary.coverage[3].states, [CoveredState::Fixed].into());
    let last = advisories(records).remove(3);
    assert_eq!((last.id.as_str(), last.severity), ("CVE-2009-0316", Severity::Medium));
    // The record's date, and the updates about the CVE, are not those of the fix.
    assert_eq!((last.fix_available, last.advisories.len()), (None, 0));
}

#[test]
fn a_patch_is_dated_and_has_many_cves() {
    let patch = LEAP
        .replace("class=\"vulnerability\"", "class=\"patch\"")
        .replace("<title>CVE-2010-2322</title>", r#"<title>An update</title>
            <reference ref_id="CVE-2010-2322" source="CVE"/><reference ref_id="CVE-2010-0831" source="CVE"/>
            <reference ref_id="openSUSE-SU-2021:1107-1" ref_url="https://lists.opensuse.org/x" source="SUSE-SU"/>"#);
    let records = advisories(read(&patch).unwrap().0);
    let ids: Vec<&str> = records.iter().map(|record| record.id.as_str()).collect();
    assert_eq!(ids, ["CVE-2010-2322", "CVE-2010-0831"]);
    assert_eq!(records[0].advisories[0].id, "openSUSE-SU-2021:1107-1");
    assert_eq!(records[0].fix_available.unwrap().at.to_string(), "2021-08-10T00:00:00Z");
    assert_eq!(records[0].title.as_deref(), Some("An update"));
}

#[test]
fn what_is_affected_has_no_fix() {
    let open = MICRO.replace("kernel-default is not affected", "kernel-default is affected");
    // Its test must not be one that is never true.
    assert!(read(&open).is_err());
    let open = open.replace(
        "<version operation=\"equals\">0</version>",
        "<evr datatype=\"evr_string\" operation=\"greater than\">0:0-0</evr>",
    );
    assert_eq!(lines(&open)[0], "sle-micro:5.1 kernel-default Affected []");
}

#[test]
fn a_package_of_no_product_is_counted() {
    // As in the file of openSUSE 12.1.
    let alone = OLD.replace("openSUSE 13.2 is installed", "openSUSE-release is signed with a key");
    let (records, summary) = read(&alone).unwrap();
    assert_eq!((records.len(), summary.dropped["a package of no product that is named"]), (0, 1));
    let (_, summary) = read(&OLD.replace("obj:2009031044\" version", "obj:1\" version")).unwrap();
    assert_eq!(summary.dropped["a criterion whose test is not in the document"], 1);
}

#[test]
fn what_no_rule_covers_is_an_error() {
    for (from, to) in [
        ("class=\"vulnerability\"", "class=\"inventory\""),
        ("oval:org.opensuse.security:def", "oval:com.redhat.rhsa:def"),
        ("generator>", "made_by>"),
        ("<severity>Low", "<severity>Terrible"),
        ("operation=\"less than\"", "operation=\"greater than\""),
        ("fastjar is signed with", "fastjar is liked with"),
        ("Leap 15.2 is installed", "Leap next is installed"),
        ("<title>CVE-", "<title>A "),
        ("<criteria operator=\"AND\">\n        <criterion", "<criteria operator=\"OR\">\n        <criterion"),
    ] {
        assert!(LEAP.contains(from), "{from}");
        assert!(read(&LEAP.replace(from, to)).is_err(), "{from}");
    }
    // Its place in the enumeration stands for the operation.
    assert_eq!(lines(&LEAP.replace("operation=\"less than\"", "operation=\"6\"")), lines(LEAP));
}

#[test]
fn a_cut_document_is_an_error_and_no_panic() {
    for text in [MICRO, LEAP, LEAP_MICRO, OLD] {
        let text = text.trim_end();
        for cut in (1..text.len()).step_by(7) {
            assert!(read(&text[..cut]).is_err(), "{cut}");
        }
    }
}

#[test]
fn no_byte_of_a_document_makes_it_panic() {
    for (at, byte) in (0..MICRO.len()).step_by(11).zip([b'"', b'9', b'<', b'&', 0xff].into_iter().cycle()) {
        let mut bytes = MICRO.as_bytes().to_vec();
        bytes[at] = byte;
        let _ = testing::read("suse", &[Input { name: "x", bytes: &bytes }]);
    }
}

#[test]
fn a_definition_does_not_grow_at_will() {
    let product = r#"<criterion test_ref="p" comment="openSUSE Leap 15.2 is installed"/>"#.repeat(1100);
    let package = r#"<criterion test_ref="q" comment="a-1-1 is installed"/>"#.repeat(1100);
    let criteria = format!(
        r#"<criteria operator="AND"><criteria operator="OR">{product}</criteria><criteria operator="OR">{package}</criteria>"#
    );
    let many = LEAP.replacen("<criteria operator=\"AND\">", &criteria, 1);
    assert!(read(&many).unwrap_err().to_string().contains("more packages and products"));
}
