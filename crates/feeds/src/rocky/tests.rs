use crate::parse::Input;
use crate::testing::{dropped, line, parse, read_samples, refuses_or_repeats};

#[test]
fn the_sample_says_what_was_fixed() {
    let (records, summary) = read_samples("rocky");
    assert_eq!(
        records.iter().map(line).collect::<Vec<_>>(),
        [
            "rocky:10 delve CVE-2025-58183 affected <1.25.2-1.el10_1 [aarch64 ppc64le] medium 2025-11-27",
            "rocky:9 bcel CVE-2022-42920 affected <6.4.1-9.el9_1 high 2023-01-02",
            "rocky:9 xz CVE-2022-1271 affected <5.2.5-8.el9_0 [x86_64] high 2022-11-08",
        ]
    );
    assert_eq!(
        dropped(&summary),
        [
            "a package of a special interest group: 1",
            "an advisory of a special interest group: 1",
            "an advisory on bugs or enhancements: 1"
        ]
    );
}

#[test]
fn a_module_and_an_epoch_come_with_the_package() {
    let text = r#"{"advisories": [{"name": "RLBA-2019:0973", "synopsis": "", "severity": "None",
        "published_at": "2019-05-07T03:38:54+00:00", "cves": [{"cve": "CVE-2019-1"}], "packages": [
        {"nevra": "oci-systemd-hook-1:0.1.15-2.git2d0b8a3.module+el8.4.0+557+48ba8b2f.aarch64.rpm",
        "module_name": "container-tools", "module_stream": "1.0", "product_name": "Rocky Linux 8.6 aarch64 (Legacy)"},
        {"nevra": "a-1-1.x86_64.rpm", "product_name": "Rocky Linux SIG Cloud 8 x86_64"}]}]}"#;
    let read = |text: &str| parse("rocky", &[Input { name: "x", bytes: text.as_bytes() }]);
    assert_eq!(
        read(text).unwrap().0.iter().map(line).collect::<Vec<_>>(),
        [
            "rocky:8 oci-systemd-hook CVE-2019-1 affected <1:0.1.15-2.git2d0b8a3.module+el8.4.0+557+48ba8b2f [aarch64] \
          module container-tools:1.0 2019-05-07"
        ]
    );
    for (from, to) in [
        ("None", "dire"),
        ("2019-05-07T", "yesterday"),
        ("Rocky Linux 8.6", "Rocky Linux Nine"),
        (
            "a-1-1.x86_64.rpm\", \"product_name\": \"Rocky Linux SIG Cloud 8",
            "a.rpm\", \"product_name\": \"Rocky Linux 8",
        ),
        ("RLBA", "RLXA"),
        ("\"cves\"", "\"other\""),
    ] {
        assert!(read(&text.replacen(from, to, 1)).is_err(), "{from} {to}");
    }
}

#[test]
fn a_groups_packages_are_not_the_distributions() {
    let text = |id: &str| {
        format!(
            r#"{{"id": "{id}", "affected": [{{"package": {{"name": "kernel", "ecosystem": "Rocky Linux:8",
            "purl": "pkg:rpm/rocky-linux/kernel?distro=rocky-linux-8-sig-cloud&epoch=0"}}, "ranges": [{{
            "type": "ECOSYSTEM", "events": [{{"introduced": "0"}}, {{"fixed": "0:4.18.0-1.el8.cloud"}}]}}]}}]}}"#
        )
    };
    for id in ["RXSA-2023:0101", "RLSA-2023:0101"] {
        let (records, _) = parse("rocky", &[Input { name: "x", bytes: text(id).as_bytes() }]).unwrap();
        assert_eq!(records, [], "{id}");
    }
}

#[test]
fn damage_is_found() {
    refuses_or_repeats("rocky");
}
