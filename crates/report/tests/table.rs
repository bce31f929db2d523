//! Tables as people see them.

use imagescan_model::*;
use imagescan_report::{Style, table};

fn at(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

fn finding(
    id: &str,
    package: &str,
    severity: Severity,
    state: AdvisoryState,
    fixed: Option<&str>,
) -> Finding {
    Finding {
        id: id.into(),
        kind: FindingKind::Vulnerability,
        aliases: Vec::new(),
        package: Some(package.into()),
        version: Some("3.0.11-1~deb12u2".into()),
        package_type: Some(PackageType::Deb),
        architecture: Some("amd64".into()),
        matched: Some(FindingMatch { name: "openssl".into(), via: MatchVia::Source }),
        state: Some(state),
        other_fixes: Vec::new(),
        fixed_version: fixed.map(String::from),
        severity,
        severity_source: None,
        title: None,
        urls: Vec::new(),
        advisories: Vec::new(),
        cvss: Vec::new(),
        epss: None,
        kev: None,
        dates: FindingDates::default(),
        hidden: None,
        layer: None,
        introduced_in: None,
        fingerprint: String::new(),
        sources: Vec::new(),
    }
}

fn rule(rule: &str, level: Level, actual: &str) -> RuleOutcome {
    RuleOutcome {
        rule: rule.into(),
        level,
        subject: "image".into(),
        actual: Some(actual.into()),
        limit: None,
        since: None,
        due: None,
        evidence: Vec::new(),
        layer: None,
        fix: Some("rebuild the image".into()),
        fingerprint: String::new(),
    }
}

fn inventory(target: &str) -> Inventory {
    let fact =
        AgeFact { at: Some(at("2026-01-01T00:00:00Z")), bound: Some(AgeBound::Exact), evidence: Vec::new() };
    let mut held = Package::new(PackageType::Deb, "openssl", "3.0.11-1~deb12u2");
    held.hold = true;
    Inventory {
        target: target.into(),
        digest: Some(format!("sha256:{}", "0a".repeat(32)).parse().unwrap()),
        platform: Some("linux/amd64".parse().unwrap()),
        system: System {
            id: Some("debian".into()),
            version_id: Some("12".into()),
            pretty_name: Some("Debian GNU/Linux 12 (bookworm)".into()),
            ..System::default()
        },
        age: Some(Age { build: fact.clone(), base: AgeFact::default(), packages: fact, judged: None }),
        packages: vec![Package::new(PackageType::Deb, "bash", "5.2"), held],
        facts: Facts {
            languages: vec![LanguageMarkers { kind: "npm".into(), count: 214, paths: Vec::new() }],
            ..Facts::default()
        },
        ..Inventory::default()
    }
}

fn knowledge(states: &[CoveredState]) -> KnowledgeInfo {
    let digest: Digest = format!("sha256:{}", "0a".repeat(32)).parse().unwrap();
    KnowledgeInfo {
        digest: digest.clone(),
        built_at: at("2026-11-24T12:00:00Z"),
        lineage: Vec::new(),
        segments: Vec::new(),
        feeds: vec![FeedInfo {
            id: "debian".into(),
            as_of: at("2026-11-24T12:00:00Z"),
            stale: None,
            fetched_at: None,
            records: 1,
            dropped: Default::default(),
            licence: None,
            digest,
            coverage: vec![FeedCoverage {
                release: Release::new("debian", "12"),
                package_type: PackageType::Deb,
                states: states.iter().copied().collect(),
                repositories: Default::default(),
                missing: Default::default(),
            }],
        }],
    }
}

fn report(knowledge: Option<KnowledgeInfo>, images: Vec<ImageReport>) -> Report {
    Report {
        schema: REPORT_SCHEMA.into(),
        tool: Tool { name: "imagescan".into(), version: "0.1.0".into() },
        as_of: at("2026-11-24T12:00:00Z"),
        knowledge,
        policy: PolicyInfo { name: "default".into(), digest: None },
        images,
    }
}

fn judged(
    inventory: Inventory,
    findings: Vec<Finding>,
    code: ExitCode,
    rules: Vec<RuleOutcome>,
) -> ImageReport {
    ImageReport { inventory, findings, verdict: Verdict { result: code.result(), exit_code: code, rules } }
}

fn denied() -> Report {
    let mut hidden = finding("CVE-2007-6755", "libssl3", Severity::Negligible, AdvisoryState::Affected, None);
    hidden.hidden = Some(HiddenReason::Unimportant);
    let findings = vec![
        finding(
            "CVE-2023-5678",
            "libssl3",
            Severity::Medium,
            AdvisoryState::Affected,
            Some("3.0.13-1~deb12u1"),
        ),
        finding(
            "CVE-2024-0727",
            "libssl3",
            Severity::High,
            AdvisoryState::Affected,
            Some("3.0.13-1~deb12u1"),
        ),
        finding(
            "CVE-2024-0727",
            "openssl",
            Severity::High,
            AdvisoryState::Affected,
            Some("3.0.13-1~deb12u1"),
        ),
        finding("CVE-2024-2511", "libssl3", Severity::Low, AdvisoryState::FixDeferred, None),
        hidden,
    ];
    let mut old = rule("lifespan.max_age", Level::Deny, "built 2026-01-01 (327 days ago)");
    old.limit = Some("6mo".into());
    old.since = Some(at("2026-07-01T00:00:00Z"));
    old.due = old.since;
    old.evidence = vec!["config created 2026-01-01".into()];
    let image = judged(inventory("oci:shop"), findings, ExitCode::Denied, vec![old]);
    report(Some(knowledge(&CoveredState::ALL)), vec![image])
}

fn plain(report: &Report, width: usize) -> String {
    table(report, &Style { width, colour: false })
}

#[test]
fn a_denied_image_in_80_and_120_columns() {
    insta::assert_snapshot!("denied-80", plain(&denied(), 80));
    insta::assert_snapshot!("denied-120", plain(&denied(), 120));
}

#[test]
fn colour_adds_nothing_but_colour() {
    let coloured = table(&denied(), &Style { width: 80, colour: true });
    assert!(coloured.contains("\u{1b}["));
    let mut bare = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        bare.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    bare.push_str(rest);
    assert_eq!(bare, plain(&denied(), 80));
}

#[test]
fn what_was_not_looked_for_is_never_called_absent() {
    let open = rule("no-knowledge", Level::Inconclusive, "there is no advisory database");
    let image = judged(inventory("oci:shop"), Vec::new(), ExitCode::Inconclusive, vec![open]);
    let text = plain(&report(None, vec![image.clone()]), 80);
    assert!(text.contains("Vulnerabilities were not looked for."), "{text}");
    let mut blind = finding("debian:12", "", Severity::Unknown, AdvisoryState::Affected, None);
    blind.kind = FindingKind::NotCovered;
    let mut others = judged(inventory("oci:shop"), vec![blind.clone()], ExitCode::Passed, Vec::new());
    others.findings[0].package = Some("docker-ce".into());
    let text = plain(&report(Some(knowledge(&CoveredState::ALL)), vec![others]), 120);
    assert!(
        text.contains("No known vulnerability. Not judged: 1 package that the distribution did not make"),
        "{text}"
    );
    blind.package = None;
    let uncovered = judged(inventory("oci:shop"), vec![blind], ExitCode::Inconclusive, Vec::new());
    let text = plain(&report(Some(knowledge(&CoveredState::ALL)), vec![uncovered]), 80);
    assert!(text.contains("Vulnerabilities were not looked for."), "{text}");
    let passed = judged(inventory("oci:shop"), Vec::new(), ExitCode::Passed, Vec::new());
    let fixes = knowledge(&[CoveredState::NotAffected, CoveredState::Fixed]);
    let text = plain(&report(Some(fixes), vec![passed.clone()]), 80);
    assert!(text.contains("of those that were ever fixed"), "{text}");
    let listed = knowledge(&[CoveredState::Fixed, CoveredState::Unfixed]);
    let text = plain(&report(Some(listed), vec![passed.clone()]), 120);
    assert!(text.contains("of those that the feed lists: it never says what is not affected."), "{text}");
    let mut main = knowledge(&CoveredState::ALL);
    main.feeds[0].coverage[0].repositories = ["main".into()].into();
    main.feeds[0].coverage[0].missing = ["community".into()].into();
    let text = plain(&report(Some(main), vec![passed]), 120);
    assert!(
        text.contains("Advisories are of main only: those of community are not in the database."),
        "{text}"
    );
}

#[test]
fn several_images_end_with_one_line() {
    let failed = Inventory {
        target: "oci:gone".into(),
        incomplete: vec![Incomplete {
            what: IncompleteKind::Image,
            path: None,
            why: "it is not there".into(),
        }],
        ..Inventory::default()
    };
    let failed = judged(
        failed,
        Vec::new(),
        ExitCode::Failed,
        vec![rule("incomplete", Level::Inconclusive, "it is not there")],
    );
    let passed = judged(inventory("oci:shop"), Vec::new(), ExitCode::Passed, Vec::new());
    insta::assert_snapshot!(
        "several-80",
        plain(&report(Some(knowledge(&CoveredState::ALL)), vec![passed, failed]), 80)
    );
}

#[test]
fn no_line_is_wider_than_the_terminal_and_none_obeys_the_image() {
    let mut hostile = denied();
    let image = &mut hostile.images[0];
    image.inventory.target = "漢字\u{1b}[2J\u{202e}".repeat(20);
    image.inventory.system.pretty_name = Some("x\n\ty".repeat(50));
    image.findings[0].package = Some("\u{9b}31m".repeat(30));
    image.findings[0].version = Some("9".repeat(200));
    image.findings[0].id = "CVE\r\n".repeat(20);
    image.verdict.rules[0].actual = Some("\u{7}word ".repeat(100));
    for width in 40..200 {
        let text = plain(&hostile, width);
        for line in text.lines() {
            assert!(unicode_width::UnicodeWidthStr::width(line) <= width, "{width}: {line}");
            assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'), "{line:?}");
        }
    }
}

#[test]
fn pins_are_one_line_and_no_more_than_a_dozen() {
    let pin = |number: u32| Pin {
        kind: PinKind::ApkWorld,
        subject: format!("p{number}"),
        statement: format!("p{number}\u{1b}=1"),
        location: PinLocation { path: "etc/apk/world".into(), line: Some(number), layer: Some(0) },
    };
    let inventory = Inventory { pins: (10..30).map(pin).collect(), ..inventory("oci:app") };
    let verdict = Verdict { result: VerdictResult::Passed, exit_code: ExitCode::Passed, rules: Vec::new() };
    let images = vec![ImageReport { inventory, findings: Vec::new(), verdict }];
    let text = plain(&report(None, images), 500);
    let line = text.lines().find(|line| line.contains("pinned: ")).unwrap();
    assert!(line.contains("p21") && !line.contains("p22") && line.ends_with("… and 8 more"), "{line}");
    assert!(!text.contains('\u{1b}'));
}
