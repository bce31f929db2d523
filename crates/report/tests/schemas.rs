//! The two schemas and the documents they describe.

use imagescan_model::*;
use serde_json::{Value, json};

const REPORT: &str = include_str!("../../../docs/report.schema.json");
const INVENTORY: &str = include_str!("../../../docs/inventory.schema.json");

fn at(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

fn digest() -> Digest {
    format!("sha256:{}", "0a".repeat(32)).parse().unwrap()
}

fn fact() -> AgeFact {
    let said = AgeEvidence {
        source: EvidenceSource::ConfigCreated,
        at: Some(at("2026-01-01T00:00:00Z")),
        text: Some("yesterday".into()),
        layer: Some(0),
        subject: Some("bash".into()),
        set_aside: Some(SetAside::Sentinel),
    };
    AgeFact { at: said.at, bound: Some(AgeBound::AtMost), evidence: vec![said] }
}

fn package() -> Package {
    let text = || Some(String::from("x"));
    Package {
        architecture: text(),
        source: Some(SourcePackage { name: "a".into(), version: text() }),
        purl: "pkg:deb/debian/a@1".into(),
        module: text(),
        vendor: text(),
        maintainer: text(),
        origin: text(),
        licence: text(),
        hold: true,
        essential: true,
        multi_arch: text(),
        built_using: vec!["b".into()],
        built_at: Some(at("2026-01-01T00:00:00.5Z")),
        installed_at: Some(at("2026-01-01T00:00:00Z")),
        introduced_in: Some(0),
        layer: Some(1),
        ..Package::new(PackageType::Deb, "a", "1")
    }
}

/// An inventory with every field that a fact can have.
fn inventory() -> Inventory {
    let text = || Some(String::from("x"));
    Inventory {
        target: "oci:x".into(),
        reference: text(),
        index_digest: Some(digest()),
        digest: Some(digest()),
        config_digest: Some(digest()),
        platform: Some("linux/arm64/v8".parse().unwrap()),
        extractor_version: 1,
        system: System {
            id: text(),
            id_like: vec!["y".into()],
            version_id: text(),
            codename: text(),
            pretty_name: text(),
            cpe_name: text(),
            platform_id: text(),
            content_sets: vec!["z".into()],
            pro: Some(Pro { infra: true, apps: false }),
            lifecycle: None,
        },
        age: Some(Age { build: fact(), base: fact(), packages: fact(), judged: None }),
        layers: vec![Layer {
            index: 0,
            digest: Some(digest()),
            diff_id: Some(digest()),
            size: 1,
            media_type: text(),
            read: Some(LayerRead::Lazy),
            created_by: text(),
            created: Some(at("2026-01-01T00:00:00Z")),
            packages_added: 1,
            packages_changed: 0,
        }],
        packages: vec![package()],
        pins: PinKind::ALL
            .into_iter()
            .map(|kind| Pin {
                kind,
                subject: "a".into(),
                statement: "a=1".into(),
                location: PinLocation { path: "etc/apk/world".into(), line: Some(1), layer: Some(0) },
            })
            .collect(),
        facts: Facts {
            user: text(),
            ports: vec!["80/tcp".into()],
            entrypoint: vec!["a".into()],
            command: vec!["b".into()],
            labels: [(String::from("k"), String::from("v"))].into(),
            history: vec![HistoryEntry {
                created: text(),
                created_by: text(),
                author: text(),
                comment: text(),
                empty_layer: true,
                layer: Some(0),
            }],
            languages: vec![LanguageMarkers { kind: "npm".into(), count: 2, paths: vec!["a".into()] }],
        },
        incomplete: IncompleteKind::ALL
            .into_iter()
            .map(|what| Incomplete { what, path: text(), why: "x".into() })
            .collect(),
    }
}

fn finding(kind: FindingKind, state: AdvisoryState) -> Finding {
    let text = || Some(String::from("x"));
    let dated = Some(DatedAs { at: at("2026-01-01T00:00:00Z"), kind: DateKind::Advisory });
    Finding {
        id: "CVE-1".into(),
        kind,
        aliases: vec!["a".into()],
        package: text(),
        version: text(),
        package_type: Some(PackageType::Deb),
        architecture: text(),
        matched: Some(FindingMatch { name: "x".into(), via: MatchVia::Origin }),
        state: Some(state),
        fixed_version: text(),
        other_fixes: vec![OtherFix { stream: "esm-apps".into(), version: "1".into() }],
        severity: Severity::High,
        severity_source: text(),
        title: text(),
        urls: vec!["https://advisories.example/1".into()],
        advisories: vec![AdvisoryReference {
            id: "DSA-1-1".into(),
            url: text(),
            date: Some(at("2026-01-01T00:00:00Z")),
        }],
        cvss: vec![FindingCvss { source: "nvd".into(), vector: "CVSS:3.1/AV:N".into(), score: 98 }],
        epss: Some(FindingEpss {
            score: 12_345,
            percentile: Some(99_999),
            date: jiff::civil::date(2026, 11, 25),
        }),
        kev: Some(Exploited {
            added: jiff::civil::date(2026, 1, 2),
            due: Some(jiff::civil::date(2026, 1, 23)),
            ransomware: true,
        }),
        dates: FindingDates {
            disclosed: dated,
            fix_available: dated,
            exploited: Some(at("2026-01-01T00:00:00Z")),
            first_observed: Some(at("2026-01-01T00:00:00Z")),
        },
        hidden: Some(HiddenReason::KernelHeaders),
        layer: Some(1),
        introduced_in: Some(0),
        fingerprint: fingerprint(["", "", "", "", "", ""]),
        sources: vec!["debian".into()],
    }
}

/// A report with every field there is.
fn report() -> Report {
    let mut inventory = inventory();
    inventory.system.lifecycle = Some(Lifecycle {
        state: LifecycleState::EndOfLife,
        standard_end: Some("2026-07-11".parse().unwrap()),
        extended_end: Some("2028-06-30".parse().unwrap()),
    });
    inventory.age.as_mut().unwrap().judged = Some(JudgedAge {
        clock: Clock::Packages,
        at: Some(at("2026-01-01T00:00:00Z")),
        bound: Some(AgeBound::Exact),
        confidence: AgeConfidence::High,
        expires_at: Some(at("2026-07-01T00:00:00Z")),
    });
    let rule = RuleOutcome {
        rule: "lifespan.max_age".into(),
        level: Level::Deny,
        subject: "image".into(),
        actual: Some("x".into()),
        limit: Some("6mo".into()),
        since: Some(at("2026-07-01T00:00:00Z")),
        due: Some(at("2026-07-01T00:00:00Z")),
        evidence: vec!["x".into()],
        layer: Some(0),
        fix: Some("rebuild".into()),
        fingerprint: fingerprint(["", "", "", "", "", ""]),
    };
    let kinds = [
        FindingKind::Vulnerability,
        FindingKind::EndOfLife,
        FindingKind::NotCovered,
        FindingKind::StaleKnowledge,
        FindingKind::UnknownSystem,
    ];
    let states = [
        AdvisoryState::NotAffected,
        AdvisoryState::Affected,
        AdvisoryState::FixDeferred,
        AdvisoryState::WillNotFix,
        AdvisoryState::EndOfLife,
        AdvisoryState::UnderInvestigation,
    ];
    let findings = kinds.iter().flat_map(|kind| states.iter().map(|state| finding(*kind, *state))).collect();
    Report {
        schema: REPORT_SCHEMA.into(),
        tool: Tool { name: "imagescan".into(), version: "0.1.0".into() },
        as_of: at("2026-11-24T12:00:00Z"),
        knowledge: Some(KnowledgeInfo {
            digest: digest(),
            built_at: at("2026-11-24T12:00:00Z"),
            lineage: vec![digest()],
            segments: vec![SegmentInfo { name: "debian".into(), digest: digest(), size: 1 }],
            feeds: vec![FeedInfo {
                id: "debian".into(),
                as_of: at("2026-11-24T12:00:00Z"),
                stale: Some("why".into()),
                fetched_at: Some(at("2026-11-24T12:00:00Z")),
                records: 1,
                dropped: [("withdrawn".into(), 3)].into(),
                licence: Some("x".into()),
                digest: digest(),
                coverage: vec![FeedCoverage {
                    release: Release::new("debian", "12"),
                    package_type: PackageType::Deb,
                    states: CoveredState::ALL.into(),
                    repositories: ["main".into()].into(),
                    missing: ["community".into()].into(),
                }],
            }],
        }),
        policy: PolicyInfo { name: "default".into(), digest: Some(digest()) },
        images: vec![ImageReport {
            inventory,
            findings,
            verdict: Verdict {
                result: VerdictResult::Denied,
                exit_code: ExitCode::Denied,
                rules: vec![rule],
            },
        }],
    }
}

fn problems(schema: &str, document: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

fn inventory_document() -> Value {
    let document = InventoryDocument {
        schema: INVENTORY_SCHEMA.into(),
        tool: Tool { name: "imagescan".into(), version: "0.1.0".into() },
        as_of: at("2026-11-24T12:00:00Z"),
        images: vec![inventory(), Inventory::default()],
    };
    serde_json::from_str(&imagescan_report::inventory_json(&document)).unwrap()
}

#[test]
fn documents_with_every_field_are_valid() {
    let report: Value = serde_json::from_str(&imagescan_report::json(&report())).unwrap();
    assert_eq!(problems(REPORT, &report), Vec::<String>::new());
    assert_eq!(problems(INVENTORY, &inventory_document()), Vec::<String>::new());
}

#[test]
fn a_judgement_or_a_stranger_in_an_inventory_is_refused() {
    for path in [
        "/images/0",
        "/images/0/system",
        "/images/0/age",
        "/images/0/packages/0",
        "/images/0/facts",
        "/images/0/pins/0",
        "",
    ] {
        let mut document = inventory_document();
        document.pointer_mut(path).unwrap()["surprise"] = json!(1);
        assert!(!problems(INVENTORY, &document).is_empty(), "{path}");
    }
    let mut document = inventory_document();
    document["images"][0]["findings"] = json!([]);
    assert!(!problems(INVENTORY, &document).is_empty());
    document["schema"] = json!("imagescan/report/1");
    assert!(!problems(INVENTORY, &document).is_empty());
}

#[test]
fn the_schema_names_no_field_that_no_document_has() {
    fn properties<'a>(schema: &'a Value, found: &mut std::collections::BTreeSet<&'a str>) {
        match schema {
            Value::Object(fields) => {
                if let Some(Value::Object(named)) = fields.get("properties") {
                    found.extend(named.keys().map(String::as_str));
                }
                fields.values().for_each(|value| properties(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| properties(item, found)),
            _ => {}
        }
    }
    let schema: Value = serde_json::from_str(REPORT).unwrap();
    let mut named = std::collections::BTreeSet::new();
    properties(&schema, &mut named);
    let text = imagescan_report::json(&report());
    let missing: Vec<_> = named.into_iter().filter(|name| !text.contains(&format!("\"{name}\":"))).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn every_incomplete_kind_and_every_kind_of_pin_is_documented() {
    let documentation = include_str!("../../../docs/reports.md");
    let incomplete = IncompleteKind::ALL.map(|kind| serde_json::to_value(kind).unwrap());
    let pins = PinKind::ALL.map(|kind| serde_json::to_value(kind).unwrap());
    for name in incomplete.into_iter().chain(pins) {
        assert!(documentation.contains(&format!("- `{}`:", name.as_str().unwrap())), "{name}");
    }
}
