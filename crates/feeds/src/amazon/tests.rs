use super::*;
use crate::parse::Input;
use crate::testing::{line, parse, read_samples, refuses_or_repeats};

#[test]
fn each_repository_of_the_sample_is_a_stream() {
    let (records, summary) = read_samples("amazon");
    assert_eq!(
        records.iter().map(line).collect::<Vec<_>>(),
        [
            "amzn:1 httpd-devel CVE-2011-3192 affected <2.2.21-1.18.amzn1 [i686] medium 2011-09-27",
            "amzn:2 kernel CVE-2017-5715 affected <4.9.76-38.79.amzn2 [x86_64] critical 2018-01-11",
            "amzn:2 kernel CVE-2017-5754 affected <4.9.76-38.79.amzn2 [x86_64] critical 2018-01-11",
            "amzn:2 kernel CVE-2022-0500 affected <5.15.43-20.123.amzn2 [aarch64 x86_64] in kernel-5.15 high 2022-06-06",
            "amzn:2 kernel-headers CVE-2022-0500 affected <5.15.43-20.123.amzn2 [i686] in kernel-5.15 high 2022-06-06",
            "amzn:2022 vim-common-debuginfo CVE-2021-3778 affected <2:8.2.3512-1.amzn2022 [x86_64] medium 2021-10-26",
            "amzn:2023 kernel-livepatch-6.1.12-19.43 CVE-2023-26545 affected <1.0-1.amzn2023 [x86_64] in kernel-livepatch high 2023-04-13",
            "amzn:2023 rsyslog CVE-2014-3634 affected <8.2204.0-3.amzn2023.0.2 [aarch64 x86_64] high 2023-02-17",
            "amzn:2023 rsyslog CVE-2022-24903 affected <8.2204.0-3.amzn2023.0.2 [aarch64 x86_64] high 2023-02-17",
            "amzn:2023 rsyslog-doc CVE-2014-3634 affected <8.2204.0-3.amzn2023.0.2 [noarch] high 2023-02-17",
            "amzn:2023 rsyslog-doc CVE-2022-24903 affected <8.2204.0-3.amzn2023.0.2 [noarch] high 2023-02-17",
        ]
    );
    let of = |version| summary.coverage.iter().find(|covered| covered.release.version == version).unwrap();
    assert_eq!(of("2").repositories, BTreeSet::from(["core".into(), "kernel-5.15".into()]));
    assert_eq!(of("2").missing, BTreeSet::from(["emacs".into()]));
    assert_eq!(of("2023").missing, BTreeSet::new());
}

#[test]
fn an_extras_fix_does_not_speak_of_core() {
    let of =
        |collection, id| repository(collection, id).map(|(release, stream)| (release.to_string(), stream));
    for (collection, id, release, stream) in [
        ("amazon-linux-2", "ALAS2-2018-939", "amzn:2", None),
        ("amazon-linux-2", "ALASDOCKER-2021-001", "amzn:2", Some("docker")),
        ("amazon-linux-2", "ALAS2KERNEL-5.15-2022-001", "amzn:2", Some("kernel-5.15")),
        ("amazon-linux-2", "ALASPYTHON3.8-2022-001", "amzn:2", Some("python3.8")),
        ("amazon-linux-2---kernel-5.15", "ALAS2KERNEL-5.15-2022-001", "amzn:2", Some("kernel-5.15")),
        ("amazon-linux-2023", "ALAS2023LIVEPATCH-2023-001", "amzn:2023", Some("kernel-livepatch")),
        ("amazon-linux-2023", "ALAS2023-2023-001", "amzn:2023", None),
        ("amazon-linux-2023---nvidia", "ALAS2023NVIDIA-2025-001", "amzn:2023", Some("nvidia")),
        ("amazon-linux-ami", "ALAS-2011-1", "amzn:1", None),
    ] {
        assert_eq!(of(collection, id), Some((release.into(), stream.map(String::from))), "{collection} {id}");
    }
    assert_eq!(of("amazon-linux-2037", "ALAS2037-1-1"), None);
    assert_eq!(of("fedora", "FEDORA-2013-1"), None);
}

#[test]
fn what_no_rule_covers_is_an_error() {
    let update = |attributes: &str, rest: &str| {
        format!(
            r#"<updates><update {attributes}><id>ALAS2-2018-1</id>{rest}<pkglist><collection short="amazon-linux-2">
            <package name="a" version="1" release="1" arch="x86_64"/></collection></pkglist></update></updates>"#
        )
    };
    let read = |text: &str| parse("amazon", &[Input { name: "x", bytes: text.as_bytes() }]);
    let good = r#"status="final" type="security""#;
    assert_eq!(read(&update(good, "")).unwrap().0[0].id, "ALAS2-2018-1");
    for text in [
        update(r#"status="draft" type="security""#, ""),
        update(r#"status="final" type="surprise""#, ""),
        update(r#"status="final""#, ""),
        update(good, "<severity>dire</severity>"),
        update(good, r#"<issued date="soon"/>"#),
        update(good, "").replace("amazon-linux-2", "other"),
        update(good, "").replace(r#"version="1""#, ""),
        update(good, "").replace("<id>ALAS2-2018-1</id>", ""),
        "hello".into(),
        "[]".into(),
        r#"{"topics": 1}"#.into(),
    ] {
        assert!(read(&text).is_err(), "{text}");
    }
}

#[test]
fn damage_is_found() {
    refuses_or_repeats("amazon");
}
