use crate::parse::Input;
use crate::testing::{line, parse, read_samples, refuses_or_repeats};

fn read(text: &str) -> Result<Vec<String>, crate::FeedError> {
    let found = parse("oracle", &[Input { name: "x", bytes: text.as_bytes() }])?;
    Ok(found.0.iter().map(line).collect())
}

fn erratum(id: &str, criteria: &str) -> String {
    format!(
        r#"<oval_definitions><definitions><definition id="x:1" class="patch"><metadata><title>t</title>
        <reference source="elsa" ref_id="{id}" ref_url="https://linux.oracle.com/errata/{id}.html"/><advisory>
        <severity>LOW</severity><issued date="2024-05-24"/></advisory></metadata>{criteria}</definition></definitions>
        </oval_definitions>"#
    )
}

#[test]
fn the_sample_says_what_was_fixed() {
    let (records, _) = read_samples("oracle");
    assert_eq!(
        records.iter().map(line).collect::<Vec<_>>(),
        [
            "ol:5 bind CVE-2007-0493 affected <30:9.3.3-8.el5 [i386 x86_64] medium 2007-06-26",
            "ol:5 bind CVE-2007-0494 affected <30:9.3.3-8.el5 [i386 x86_64] medium 2007-06-26",
            "ol:7 rsyslog CVE-2022-24903 affected <8.24.0-57.0.1.el7_9.3 [x86_64] high 2022-05-31",
            "ol:7 rsyslog CVE-2022-24903 affected <8.24.0-57.0.4.el7_9.3 [aarch64] high 2022-05-31",
            "ol:8 hivex CVE-2022-4144 affected <1.3.18-21.module+el8.7.0+21037+8ee66348 [aarch64] module virt:kvm_utils high 2023-05-15",
            "ol:8 hivex CVE-2023-0664 affected <1.3.18-21.module+el8.7.0+21037+8ee66348 [aarch64] module virt:kvm_utils high 2023-05-15",
            "ol:8 openssl CVE-2021-3449 affected <2:1.1.1g-15.ksplice1.el8_3 [aarch64 x86_64] in ksplice high 2021-04-01",
            "ol:8 openssl CVE-2021-3450 affected <2:1.1.1g-15.ksplice1.el8_3 [aarch64 x86_64] in ksplice high 2021-04-01",
        ]
    );
    let first = &records[0];
    assert_eq!(first.disclosed.unwrap().at.to_string(), "2007-01-25T00:00:00Z");
    assert_eq!(
        first.advisories[0].url.as_deref(),
        Some("https://linux.oracle.com/errata/ELSA-2007-0057.html")
    );
}

#[test]
fn flavours_are_never_compared_with_each_other() {
    let of = |version: &str| {
        let criteria = format!(
            r#"<criteria operator="AND"><criterion comment="Oracle Linux 8 is installed"/><criterion
            comment="gnutls is earlier than {version}"/></criteria>"#
        );
        read(&erratum("ELSA-2022-1", &criteria)).unwrap().concat()
    };
    assert!(of("10:3.6.16-4.0.1.el8_fips").contains("in fips"));
    assert!(of("2:1.1.1k-7.ksplice1.el8_6").contains("in ksplice"));
    assert!(!of("0:3.6.16-4.el8").contains(" in "));
}

#[test]
fn builds_of_architectures_are_not_collapsed() {
    let (records, _) = read_samples("oracle");
    let rsyslog: Vec<_> = records.iter().filter(|record| record.package == "rsyslog").collect();
    assert_eq!(rsyslog.len(), 2);
    assert_ne!(rsyslog[0].architectures, rsyslog[1].architectures);
}

#[test]
fn what_no_rule_covers_is_an_error() {
    let good = erratum(
        "ELSA-2024-1",
        r#"<criteria operator="AND"><criterion comment="Oracle Linux 8 is installed"/><criteria operator="OR">
        <criterion comment="a is earlier than 0:1-1"/></criteria></criteria>"#,
    );
    assert_eq!(read(&good).unwrap(), ["ol:8 a ELSA-2024-1 affected <1-1 low 2024-05-24"]);
    for (from, to) in [
        ("patch", "inventory"),
        ("Oracle Linux 8", "Oracle VM"),
        ("is installed", "is running"),
        ("is earlier than", "is later than"),
        ("0:1-1", "1"),
        ("\"AND\"", "\"XOR\""),
        ("operator=\"AND\"", "operator=\"OR\""),
        ("<criterion comment=\"Oracle Linux 8 is installed\"/>", ""),
        ("<criterion comment=\"a", "<criterion negate=\"true\" comment=\"a"),
        ("<criterion comment=\"a", "<extend_definition comment=\"a"),
        ("LOW", "DIRE"),
        ("2024-05-24", "soon"),
        ("\"elsa\"", "\"other\""),
        (" class=\"patch\"", ""),
        ("<advisory>", "<other>"),
    ] {
        assert!(read(&good.replacen(from, to, 1)).is_err(), "{from} {to}");
    }
    assert!(read("{}").is_err());
    let deep = "<criteria>".repeat(1000);
    assert!(read(&erratum("ELSA-1", &deep)).is_err());
}

#[test]
fn damage_is_found() {
    refuses_or_repeats("oracle");
}
