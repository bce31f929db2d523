use super::*;
use crate::parse::Input;
use crate::testing::{line, parse, read_samples, refuses_or_repeats};

#[test]
fn the_sample_says_what_stable_security_updates_fix() {
    let (records, summary) = read_samples("fedora");
    assert_eq!(
        records.iter().map(line).collect::<Vec<_>>(),
        [
            "fedora:19 gallery3 CVE-2013-2138 affected <3.0.9-1.fc19 [noarch] 2013-07-05",
            "fedora:19 gallery3 CVE-2013-2240 affected <3.0.9-1.fc19 [noarch] 2013-07-05",
            "fedora:19 gallery3 CVE-2013-2241 affected <3.0.9-1.fc19 [noarch] 2013-07-05",
            "fedora:19 heat-jeos FEDORA-2013-9715 affected <9-1.fc19 [noarch] 2013-05-31",
            "fedora:19 python-bugzilla CVE-2013-2191 affected <0.9.0-1.fc19 [noarch] 2013-06-20",
            "fedora:19 v8 CVE-2013-2882 affected <1:3.14.5.10-2.fc19 [i686 x86_64] 2013-08-03",
            "fedora:40 rubygem-rails-html-sanitizer CVE-2022-23518 affected <1.6.0-1.fc40 2023-11-23",
            "fedora:40 rubygem-rails-html-sanitizer CVE-2022-23519 affected <1.6.0-1.fc40 2023-11-23",
        ]
    );
    assert_eq!(
        summary.dropped.into_iter().map(|(reason, count)| format!("{reason}: {count}")).collect::<Vec<_>>(),
        [
            "a Flatpak: 1",
            "a container: 1",
            "a module whose packages are not listed: 2",
            "a source package beside its binary packages: 1",
            "not about security: 2",
            "not stable: 1",
        ]
    );
    let covered: Vec<String> = summary.coverage.iter().map(|covered| covered.release.to_string()).collect();
    assert_eq!(covered, ["epel:6", "fedora:19", "fedora:38", "fedora:40"]);
}

#[test]
fn a_build_is_a_source_package_and_updateinfo_names_binary_ones() {
    let (records, _) = read_samples("fedora");
    for record in records {
        let by = if record.release.version == "40" { MatchedBy::Source } else { MatchedBy::Binary };
        assert_eq!(record.matched_by, by, "{record:?}");
    }
}

#[test]
fn epel_is_not_the_distribution_that_it_is_for() {
    let of = |name| place("x", name).unwrap();
    let packages = |release: &str, stream: Option<&str>| {
        Place::Packages(release.parse().unwrap(), stream.map(String::from))
    };
    assert_eq!(of("EPEL-9"), packages("epel:9", None));
    assert_eq!(of("EL-6"), packages("epel:6", None));
    assert_eq!(of("EPEL-9N"), packages("epel:9", Some("epel-9n")));
    assert_eq!(of("EPEL-10.1"), packages("epel:10", Some("epel-10.1")));
    assert_eq!(of("EPEL-8M"), Place::Modules("epel:8".parse().unwrap()));
    assert_eq!(of("F40"), packages("fedora:40", None));
    assert!(matches!(of("ELN"), Place::Else(_)));
    for name in ["ELF", "F", "F40X", "EPEL-", "EPEL-x", "F4 0", "F40.", ""] {
        assert!(place("x", name).is_err(), "{name}");
    }
}

#[test]
fn a_module_fix_does_not_speak_of_plain_packages() {
    let text = |module: &str, title: &str| {
        format!(
            r#"<updates><update status="stable" type="security"><id>FEDORA-MODULAR-1</id><title>{title}</title>
            <pkglist><collection short="F38M">{module}<package name="nginx" version="1.25.4" release="1.module_f38+1"
            epoch="1" arch="x86_64"/></collection></pkglist></update></updates>"#
        )
    };
    let read = |text: &str| parse("fedora", &[Input { name: "x", bytes: text.as_bytes() }]);
    let told =
        text(r#"<module name="nginx" stream="mainline" version="1" context="f38" arch="x86_64"/>"#, "a b");
    let titled = text("", "nginx-mainline-3820240218193500.f38");
    for text in [told, titled] {
        assert_eq!(read(&text).unwrap().0[0].module.as_deref(), Some("nginx:mainline"));
    }
    assert!(read(&text("", "several builds")).is_err());
}

#[test]
fn what_no_rule_covers_is_an_error() {
    let good = r#"[{"alias": "FEDORA-1", "status": "stable", "type": "security", "severity": "low",
        "date_stable": "2023-11-23 12:33:36", "release": {"name": "F40"}, "builds": [{"nvr": "a-b-1-2", "epoch": null}]}]"#;
    let read = |text: &str| parse("fedora", &[Input { name: "x", bytes: text.as_bytes() }]);
    let records = read(good).unwrap().0;
    assert_eq!((records[0].package.as_str(), records[0].fixed_version.as_deref()), ("a-b", Some("1-2")));
    for (from, to) in [
        ("stable\"", "shiny\""),
        ("security", "surprise"),
        ("low", "dire"),
        ("2023-11", "2023-31"),
        ("F40", "G40"),
        ("a-b-1-2", "1-2"),
        ("\"alias\"", "\"other\""),
        ("}]}]", "}]}"),
        ("[{\"nvr\"", "{\"nvr\""),
    ] {
        assert!(read(&good.replacen(from, to, 1)).is_err(), "{from}");
    }
    assert!(read("hello").is_err());
    assert!(read(&"[".repeat(100_000)).is_err());
}

#[test]
fn damage_is_found() {
    refuses_or_repeats("fedora");
}
