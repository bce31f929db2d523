use crate::parse::Input;
use crate::testing::{dropped, line, parse, read_samples, refuses_or_repeats};
use imagescan_model::{AdvisoryState, Extent, MatchedBy};
use imagescan_version::Order;

#[test]
fn the_sample_says_what_is_fixed_and_what_is_not() {
    let (records, summary) = read_samples("azurelinux");
    assert_eq!(
        records.iter().map(line).collect::<Vec<_>>(),
        [
            "azurelinux:3.0 linuxptp CVE-2024-42861 affected <3.1.1-1.azl3 high",
            "azurelinux:3.0 oath-toolkit CVE-2024-47191 affected <2.6.7-3.azl3 high 2024-07-23",
            "azurelinux:3.0 xorg-x11-server CVE-2023-1393 affected <1.20.10-4.azl3 high 2024-04-17",
            "azurelinux:3.0 xorg-x11-server CVE-2023-1393 affected <1.20.10-6.azl3 high 2024-07-22",
            "mariner:1.0 syslinux CVE-2022-3857 affected medium",
            "mariner:2.0 golang CVE-2023-29404 affected >=1.19.0.cm2^ <1.20.7-1.cm2 critical",
            "mariner:2.0 golang CVE-2023-39323 affected <1.20.10-1.cm2 high",
            "mariner:2.0 guava CVE-2020-8908 affected <25.0-7.cm2 low 2023-09-13",
            "mariner:2.0 syslinux CVE-2022-3857 affected medium",
        ]
    );
    assert_eq!(dropped(&summary), ["not applicable, or not any more: 2"]);
    assert!(records.iter().all(|record| record.matched_by == MatchedBy::Source));
    assert!(summary.coverage.iter().all(|covered| covered.extent() == Extent::ListedOnly));
}

const GOOD: &str = r#"<oval_definitions><definition class="vulnerability" id="d1"><metadata>
    <reference ref_id="CVE-2024-1" source="CVE"/><patchable>true</patchable><severity>Low</severity></metadata>
    <criteria operator="AND"><criterion test_ref="t1"/></criteria></definition>
    <rpminfo_test id="t1"><object object_ref="o1"/><state state_ref="s1"/></rpminfo_test>
    <rpminfo_test id="t2"><object object_ref="o1"/><state state_ref="s2"/></rpminfo_test>
    <rpminfo_object id="o1"><name>a</name></rpminfo_object>
    <rpminfo_state id="s1"><evr operation="less than">0:2-1.azl3</evr></rpminfo_state>
    <rpminfo_state id="s2"><evr operation="greater than">0:1-1.azl3</evr></rpminfo_state></oval_definitions>"#;

#[test]
fn a_range_begins_after_its_version() {
    let both = GOOD.replace(r#"test_ref="t1"/>"#, r#"test_ref="t1"/><criterion test_ref="t2"/>"#);
    let (records, _) = parse("azurelinux", &[Input { name: "x", bytes: both.as_bytes() }]).unwrap();
    let record = &records[0];
    assert_eq!((record.state, record.fixed_version.as_deref()), (AdvisoryState::Affected, Some("2-1.azl3")));
    let from = record.introduced.as_deref().unwrap();
    assert!(Order::Rpm.compare("1-1.azl3", from).is_lt());
    assert!(Order::Rpm.compare("1-1.azl3.1", from).is_gt());
    assert!(Order::Rpm.compare("1-2.azl3", from).is_gt());
    // Microsoft leaves out the rpm release there.
    assert!(Order::Rpm.compare("1.19.0-4.cm2", "1.19.0.cm2^").is_lt());
    assert!(Order::Rpm.compare("1.19.1-1.cm2", "1.19.0.cm2^").is_gt());
}

#[test]
fn a_fix_that_is_said_to_be_none_is_not_relied_on() {
    for (from, to) in [("true", "false"), ("less than", "less than or equal")] {
        let text = GOOD.replacen(from, to, 1);
        let (records, _) = parse("azurelinux", &[Input { name: "x", bytes: text.as_bytes() }]).unwrap();
        assert_eq!(records[0].state, AdvisoryState::UnderInvestigation, "{to}");
        assert_eq!(records[0].fixed_version, None);
    }
}

#[test]
fn what_no_rule_covers_is_an_error() {
    let read = |text: &str| parse("azurelinux", &[Input { name: "x", bytes: text.as_bytes() }]);
    assert_eq!(read(GOOD).unwrap().0.len(), 1);
    for (from, to) in [
        ("vulnerability", "patch"),
        ("true", "maybe"),
        ("<patchable>true</patchable>", ""),
        ("Low", "Dire"),
        ("less than", "equals"),
        ("azl3", "azl9"),
        ("test_ref=\"t1\"", "test_ref=\"t9\""),
        ("object_ref=\"o1\"", "object_ref=\"o9\""),
        ("state_ref=\"s1\"", "state_ref=\"s9\""),
        ("<criterion test_ref=\"t1\"/>", ""),
        ("source=\"CVE\"", "source=\"NVD\""),
        ("<rpminfo_test id=\"t1\">", "<rpminfo_test>"),
        ("<severity>", "<advisory_date>soon</advisory_date><severity>"),
    ] {
        assert!(read(&GOOD.replacen(from, to, 1)).is_err(), "{from} {to}");
    }
    let either = GOOD
        .replace(r#"test_ref="t1"/>"#, r#"test_ref="t1"/><criterion test_ref="t2"/>"#)
        .replace(r#"operator="AND""#, r#"operator="OR""#);
    assert!(read(&either).is_err());
    assert!(read("[]").is_err());
}

#[test]
fn damage_is_found() {
    refuses_or_repeats("azurelinux");
}
