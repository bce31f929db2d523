use super::tests::{advisories, line, read};
use imagescan_model::{CoveredState, Extent};

const HEAD: &str = r#"<?xml version="1.0"?><oval_definitions><generator/><definitions>"#;
const PATCH: &str = r#"<definition class="patch" id="oval:com.redhat.rhsa:def:20224765"><metadata>
  <title>RHSA-2022:4765: firefox security update (Critical)</title>
  <reference ref_id="RHSA-2022:4765" ref_url="https://access.redhat.com/errata/RHSA-2022:4765" source="RHSA"/>
  <advisory><severity>Critical</severity><issued date="2022-05-27"/>
    <cve impact="critical" public="20220520">CVE-2022-1529</cve>
    <cve impact="moderate" public="20220520:1000">CVE-2022-1802</cve>
    <affected_cpe_list><cpe>cpe:/a:redhat:enterprise_linux:9</cpe>
      <cpe>cpe:/a:redhat:enterprise_linux:9::appstream</cpe></affected_cpe_list></advisory></metadata>
  <criteria operator="OR"><criterion comment="Red Hat Enterprise Linux must be installed" test_ref="t9"/>
    <criteria operator="AND"><criterion comment="Red Hat Enterprise Linux 9 is installed" test_ref="t8"/>
      <criterion comment="Module a:2 is enabled" test_ref="t7"/>
      <criteria operator="OR"><criterion comment="firefox is earlier than 1:91.9.1-1.el9_0" test_ref="t1"/></criteria>
      <criterion comment="firefox is signed with Red Hat redhatrelease2 key" test_ref="t2"/></criteria></criteria>
</definition>"#;
const OPEN: &str = r#"<definition class="vulnerability" id="oval:com.redhat.cve:def:20052541"><metadata>
  <title>CVE-2005-2541 tar: keeps setuid bits (moderate)</title>
  <advisory><severity>Moderate</severity><cve impact="moderate" public="20050804">CVE-2005-2541</cve>
    <affected><resolution state="Will not fix"><component>tar</component></resolution>
      <resolution state="Affected"><component>ruby:2.5/ruby</component></resolution></affected>
    <affected_cpe_list><cpe>cpe:/o:redhat:enterprise_linux:9</cpe>
      <cpe>cpe:/a:redhat:jboss_enterprise_web_server:5.7</cpe>
      <cpe>cpe:/a:redhat:jboss_enterprise_web_server:5.7::el9</cpe></affected_cpe_list></advisory></metadata>
  <criteria operator="AND"><criterion comment="tar is installed" test_ref="t3"/></criteria></definition>"#;
const UNAFFECTED: &str = r#"<definition class="vulnerability" id="oval:com.redhat.unaffected:def:20020059"><metadata>
  <title>Unaffected</title><advisory><severity>Moderate</severity><cve public="20020309">CVE-2002-0059</cve>
    <affected_cpe_list><cpe>cpe:/o:redhat:enterprise_linux:9</cpe></affected_cpe_list></advisory></metadata>
  <criteria operator="AND"><criterion comment="Red Hat Enterprise Linux 9 is installed" test_ref="t8"/>
    <criteria operator="OR"><criterion comment="zlib is installed" test_ref="t4"/>
      <criterion comment="zlib is not installed" test_ref="t4"/></criteria></criteria></definition>"#;
const TAIL: &str = r#"</definitions><tests>
  <rpminfo_test id="t1"><object object_ref="o1"/><state state_ref="s1"/></rpminfo_test>
  <rpminfo_test id="t4"><object object_ref="o4"/></rpminfo_test></tests>
  <objects><rpminfo_object id="o1"><name>firefox</name></rpminfo_object>
  <rpminfo_object id="o4"><name>zlib</name></rpminfo_object></objects>
  <states><rpminfo_state id="s1"><arch operation="pattern match">s390x|aarch64</arch>
  <evr operation="less than">1:91.9.1-1.el9_0</evr></rpminfo_state></states></oval_definitions>"#;

fn document(definition: &str) -> String {
    [HEAD, definition, TAIL].concat()
}

fn lines(definition: &str) -> Vec<String> {
    let (records, _) = read(&[("x", &document(definition))]).unwrap();
    advisories(records).iter().map(|record| format!("{} {}", record.id, line(record))).collect()
}

#[test]
fn a_patch_is_a_fix_for_each_cve() {
    let fix =
        "Binary firefox (a:2) Affected <1:91.9.1-1.el9_0 [aarch64+s390x] cpe:/a:redhat:enterprise_linux:9";
    assert_eq!(lines(PATCH), [format!("CVE-2022-1529 rhel:9 {fix}"), format!("CVE-2022-1802 rhel:9 {fix}")]);
    let (records, summary) = read(&[("x", &document(PATCH))]).unwrap();
    let record = advisories(records).remove(1);
    assert_eq!(record.disclosed.unwrap().at.to_string(), "2022-05-20T10:00:00Z");
    assert_eq!(record.fix_available.unwrap().at.to_string(), "2022-05-27T00:00:00Z");
    assert_eq!(record.advisories[0].id, "RHSA-2022:4765");
    assert_eq!(summary.coverage[0].extent(), Extent::FixesOnly);
    assert_eq!(summary.coverage[0].states, [CoveredState::Fixed].into());
}

#[test]
fn what_has_no_fix_is_said_of_sources() {
    assert_eq!(
        lines(OPEN),
        [
            "CVE-2005-2541 rhel:9 Source ruby (ruby:2.5) Affected [] cpe:/a:redhat:jboss_enterprise_web_server:5.7::el9",
            "CVE-2005-2541 rhel:9 Source ruby (ruby:2.5) Affected [] cpe:/o:redhat:enterprise_linux:9",
            "CVE-2005-2541 rhel:9 Source tar WillNotFix [] cpe:/a:redhat:jboss_enterprise_web_server:5.7::el9",
            "CVE-2005-2541 rhel:9 Source tar WillNotFix [] cpe:/o:redhat:enterprise_linux:9",
        ]
    );
}

#[test]
fn a_slash_is_not_always_a_module() {
    let image = OPEN.replace("ruby:2.5/ruby", "openshift3/ose");
    assert!(lines(&image).iter().any(|line| line.contains("Source openshift3/ose Affected []")));
}

#[test]
fn what_is_not_affected_is_said_of_binaries() {
    assert_eq!(
        lines(UNAFFECTED),
        ["CVE-2002-0059 rhel:9 Binary zlib NotAffected [] cpe:/o:redhat:enterprise_linux:9"]
    );
}

#[test]
fn what_is_missing_or_foreign_is_not_passed_over() {
    let (_, summary) = read(&[("x", &document(PATCH).replace("id=\"o1\"", "id=\"o7\""))]).unwrap();
    assert_eq!(summary.dropped["a criterion whose test is not in the document"], 1);
    for (from, to) in [
        ("oval:com.redhat.rhsa", "oval:org.opensuse.security"),
        ("<generator/>", ""),
        ("class=\"patch\"", "class=\"inventory\""),
        ("2022-05-27", "yesterday"),
        (">Critical<", ">Terrible<"),
        ("impact=\"critical\"", "impact=\"terrible\""),
        ("</criteria>", ""),
    ] {
        assert!(read(&[("x", &document(PATCH).replace(from, to))]).is_err(), "{from}");
    }
    assert!(read(&[("x", &document(OPEN).replace("Will not fix", "Perhaps"))]).is_err());
    let text = document(&[PATCH, OPEN, UNAFFECTED].concat());
    for cut in (1..text.len()).step_by(13) {
        assert!(read(&[("x", &text[..cut])]).is_err(), "{cut}");
    }
}
