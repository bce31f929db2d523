use crate::parse::Input;
use crate::testing::{dropped, line, parse, read_samples, refuses_or_repeats};

#[test]
fn the_sample_says_what_was_fixed() {
    let (records, summary) = read_samples("almalinux");
    assert_eq!(
        records.iter().map(line).collect::<Vec<_>>(),
        [
            "almalinux:8 Judy CVE-2019-2510 affected <1.0.5-18.module_el8.5.0+2632+14ced695 [x86_64] module mariadb:10.3 medium 2019-11-05",
            "almalinux:8 Judy CVE-2019-2510 affected <1.0.5-18.module_el8.6.0+2761+593e5e59 [aarch64] module mariadb:10.5 medium 2019-11-05",
            "almalinux:8 Judy-devel CVE-2019-2510 affected <1.0.5-18.module_el8.3.0+2028+5e3224e9 [i686 x86_64] module mariadb-devel:10.3 medium 2019-11-05",
            "almalinux:8 mailman CVE-2021-44227 affected <3:2.1.29-12.module_el8.5.0+26+48d4c9ee.2 high 2021-12-02",
            "almalinux:8 mailman CVE-2021-44227 affected <3:2.1.29-12.module_el8.5.0+2602+327eb9f3.2 high 2021-12-02",
            "almalinux:8 python3-requests CVE-2018-18074 affected <2.20.0-2.1.el8_1 2019-11-05",
            "almalinux:9 bcel CVE-2022-42920 affected <6.4.1-9.el9_1 high 2023-01-02",
            "almalinux:9 toolbox CVE-2023-39325 affected <0.0.99.3-10.el9_2 medium 2023-10-24",
            "almalinux:9 toolbox CVE-2023-44487 affected <0.0.99.3-10.el9_2 medium 2023-10-24",
            "almalinux:9 xz CVE-2022-1271 affected <5.2.5-8.el9_0 [x86_64] high 2022-06-08",
        ]
    );
    assert_eq!(dropped(&summary), ["an advisory on bugs or enhancements: 1"]);
    let url = records[6].advisories[0].url.as_deref();
    assert_eq!(url, Some("https://errata.almalinux.org/9/ALSA-2023-0005.html"));
}

#[test]
fn a_module_fix_does_not_speak_of_plain_packages() {
    for record in read_samples("almalinux").0 {
        let built = record.fixed_version.as_deref().unwrap().contains(".module_el");
        // OSV documents do not name the module: its mark in the version stays, for the matcher to compare.
        assert!(built || record.module.is_none(), "{record:?}");
        assert_eq!(built, ["Judy", "Judy-devel", "mailman"].contains(&&*record.package));
    }
}

#[test]
fn what_no_rule_covers_is_an_error() {
    let good = r#"{"id": "ALSA-1", "affected": [{"package": {"ecosystem": "AlmaLinux:9", "name": "a"},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1-1"}]}]}]}"#;
    let read = |text: &str| parse("almalinux", &[Input { name: "x", bytes: text.as_bytes() }]);
    assert_eq!(read(good).unwrap().0[0].id, "ALSA-1");
    for (from, to) in [
        ("ALSA-1", "RHSA-1"),
        ("AlmaLinux:9", "AlmaLinux"),
        ("AlmaLinux:9", "AlmaLinux:9.1"),
        ("ECOSYSTEM", "GIT"),
        ("introduced\": \"0", "introduced\": \"1"),
        ("fixed", "last_affected"),
        ("{\"introduced\": \"0\"}, ", ""),
        ("\"package\"", "\"other\""),
        ("]}]}", "]}"),
        ("[{\"type\"", "{\"type\""),
    ] {
        assert!(read(&good.replacen(from, to, 1)).is_err(), "{from} {to}");
    }
    let errata = r#"{"data": [{"id": "ALSA-1", "issued_date": 0, "severity": "low", "title": "", "references": [],
        "packages": [{"name": "a", "epoch": "0", "version": "1", "release": "1.el8", "arch": "noarch"}]}]}"#;
    assert_eq!(read(errata).unwrap().0[0].release.to_string(), "almalinux:8");
    for (from, to) in [
        ("1.el8", "1"),
        ("low", "dire"),
        (": 0,", ": 999999999999999,"),
        ("ALSA", "ALXA"),
        ("noarch\"}]", "\"}"),
    ] {
        assert!(read(&errata.replacen(from, to, 1)).is_err(), "{from} {to}");
    }
    assert!(read("[]").is_err());
    assert!(read(&"{\"data\": ".repeat(100_000)).is_err());
}

#[test]
fn damage_is_found() {
    refuses_or_repeats("almalinux");
}
