use crate::parse::Input;
use crate::testing::{dropped, line, parse, read, read_samples, refuses_or_repeats};

#[test]
fn the_sample_says_what_is_affected() {
    let (records, summary) = read_samples("osv-languages");
    assert_eq!(
        records.iter().map(line).collect::<Vec<_>>(),
        [
            "bitnami node CVE-2025-23089 underinvestigation >=21.0.0",
            "bitnami node CVE-2025-23122 affected <20.19.2",
            "bitnami node CVE-2025-23122 affected >=21.0.0 <22.15.1",
            "cargo openssl CVE-2018-20997 affected >=0.10.8 <0.10.9 critical",
            "cargo streebog CVE-2019-25006 affected <0.8.0",
            "cargo streebog CVE-2019-25007 affected <0.8.0",
            "composer guzzlehttp/guzzle CVE-2022-31090 affected >=4.0.0 <6.5.8 high",
            "composer guzzlehttp/guzzle CVE-2022-31090 affected >=7.0.0 <7.4.5 high",
            "gem nokogiri CVE-2022-24836 affected <1.13.4 high",
            "golang k8s.io/ingress-nginx CVE-2023-5044 underinvestigation",
            "golang stdlib CVE-2024-34158 affected <1.22.7",
            "golang stdlib CVE-2024-34158 affected >=1.23.0-0 <1.23.1",
            "hex hackney CVE-2025-1211 affected <1.21.0",
            "maven org.apache.logging.log4j:log4j-core CVE-2021-44228 affected >=2.13.0 <2.15.0 critical",
            "npm lodash CVE-2019-10744 affected <4.17.12 critical",
            "nuget newtonsoft.json CVE-2024-21907 affected <13.0.1 high",
            "pub http CVE-2020-35669 affected <0.13.3 medium",
            "pypi py CVE-2022-42969 underinvestigation",
            "pypi rdiffweb CVE-2022-3389 affected <2.4.10",
        ]
    );
    assert_eq!(
        dropped(&summary),
        [
            "a range of commits: 1",
            "a range of versions that are not the module's own: 1",
            "an informational advisory without a CVE: 1",
            "the last affected version of a range: 2",
            "versions without a range: 1",
            "withdrawn: 1",
        ]
    );
}

/// The lines and what was left out of a document about a package with these events.
fn of(ecosystem: &str, package: &str, events: &str, more: &str) -> String {
    let text = format!(
        r#"{{"id": "X-1", "aliases": ["CVE-2024-1", "GHSA-1"], "affected": [{{"package": {{"ecosystem": "{ecosystem}",
        "name": "{package}"}}, "ranges": [{{"type": "ECOSYSTEM", "events": [{events}]}}]{more}}}]}}"#
    );
    let (records, summary) = read("osv-languages", &[Input { name: "x", bytes: text.as_bytes() }]).unwrap();
    let lines = records.iter().map(|record| match record {
        crate::Record::Advisory(record) => line(record),
        other => format!("{other:?}"),
    });
    lines.chain(dropped(&summary)).collect::<Vec<_>>().join("; ")
}

#[test]
fn names_are_the_same_however_they_are_written() {
    let events = r#"{"introduced": "0"}, {"fixed": "2"}"#;
    for (ecosystem, name, expected) in [
        ("PyPI", "Foo_.Bar--baz", "pypi foo-bar-baz"),
        ("NuGet", "Newtonsoft.Json", "nuget newtonsoft.json"),
        ("Packagist", "Guzzle/Http", "composer guzzle/http"),
        ("npm", "@Babel/Core", "npm @Babel/Core"),
        ("Go", "github.com/BurntSushi/toml", "golang github.com/BurntSushi/toml"),
        ("Maven", "org.a:B", "maven org.a:B"),
    ] {
        assert_eq!(of(ecosystem, name, events, ""), format!("{expected} CVE-2024-1 affected <2"));
    }
    assert_eq!(of("Swift", "a", events, ""), "another ecosystem: 1");
}

#[test]
fn events_that_do_not_stand_in_turn_are_not_judged() {
    for (events, expected) in [
        (
            r#"{"introduced": "1"}, {"fixed": "2"}, {"introduced": "0"}, {"fixed": "0.5"}"#,
            "affected >=1 <2; npm a CVE-2024-1 affected <0.5",
        ),
        (r#"{"introduced": "0"}"#, "affected"),
        (
            r#"{"introduced": "1"}, {"introduced": "0"}"#,
            "underinvestigation; a range whose events do not stand in turn: 1",
        ),
        (r#"{"fixed": "1"}"#, "underinvestigation; a range whose events do not stand in turn: 1"),
        (r#"{"introduced": "1"}, {"limit": "2"}"#, "underinvestigation >=1; the limit of a range: 1"),
        (
            r#"{"introduced": "1"}, {"last_affected": "2"}"#,
            "underinvestigation >=1; the last affected version of a range: 1",
        ),
    ] {
        assert_eq!(of("npm", "a", events, ""), format!("npm a CVE-2024-1 {expected}"));
    }
}

#[test]
fn what_is_informational_counts_if_it_has_a_cve() {
    let events = r#"{"introduced": "0.0.0-0"}"#;
    let informational = r#", "database_specific": {"informational": "unsound"}"#;
    assert_eq!(of("crates.io", "a", events, informational), "cargo a CVE-2024-1 affected");
    let text = r#"{"id": "RUSTSEC-1", "affected": [{"package": {"ecosystem": "crates.io", "name": "a"},
        "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}], "database_specific": {"informational": null}}]}"#;
    let (records, _) = parse("osv-languages", &[Input { name: "x", bytes: text.as_bytes() }]).unwrap();
    assert_eq!(records.iter().map(line).collect::<Vec<_>>(), ["cargo a RUSTSEC-1 affected"]);
}

#[test]
fn a_date_before_computers_is_none() {
    let text = r#"{"id": "GO-1", "published": "0001-01-01T00:00:00Z", "affected": [{"package": {"ecosystem": "Go",
        "name": "a"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]}]}"#;
    let (records, _) = parse("osv-languages", &[Input { name: "x", bytes: text.as_bytes() }]).unwrap();
    assert_eq!(records[0].disclosed, None);
}

#[test]
fn what_no_rule_covers_is_an_error() {
    let good = r#"{"id": "X", "affected": [{"package": {"ecosystem": "npm", "name": "a"}, "versions": ["1"],
        "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]}]}"#;
    let read = |text: &str| parse("osv-languages", &[Input { name: "x", bytes: text.as_bytes() }]);
    assert!(read(good).is_ok());
    for (from, to) in [
        ("SEMVER", "OTHER"),
        ("{\"introduced\": \"0\"}", ""),
        ("introduced", "began"),
        ("\"0\"", "0"),
        ("[\"1\"]", "1"),
        ("\"id\"", "\"other\""),
    ] {
        assert!(read(&good.replacen(from, to, 1)).is_err(), "{from} {to}");
    }
}

#[test]
fn damage_is_found() {
    refuses_or_repeats("osv-languages");
}
