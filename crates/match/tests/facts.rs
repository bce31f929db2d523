//! What is known of a CVE, a release or a repository comes into findings.

use imagescan_knowledge::{Builder, Knowledge};
use imagescan_match::{Options, judge, lifecycle};
use imagescan_model::{
    AdvisoryRecord, CoveredState, CveRecord, Cvss, Epss, Exploited, FeedCoverage, FeedInfo, Finding,
    FindingKind, Inventory, LifecycleRecord, LifecycleState, MatchedBy, Package, PackageType, Release,
    RepositoryRecord, Severity, System,
};
use jiff::Timestamp;
use jiff::civil::date;

const DAY: &str = "2026-11-25T00:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn open(
    release: &Release,
    package_type: &PackageType,
    fill: impl FnOnce(&mut Builder),
) -> (tempfile::TempDir, Knowledge) {
    let folder = tempfile::tempdir().unwrap();
    let mut builder = Builder::new(at(DAY));
    builder.feed(FeedInfo {
        id: "vendor".into(),
        as_of: at(DAY),
        fetched_at: None,
        stale: None,
        records: 1,
        licence: None,
        dropped: Default::default(),
        digest: imagescan_model::Digest::from_sha256(&[0; 32]),
        coverage: vec![FeedCoverage {
            release: release.clone(),
            package_type: package_type.clone(),
            states: CoveredState::ALL.into(),
            repositories: Default::default(),
            missing: Default::default(),
        }],
    });
    fill(&mut builder);
    builder.write(folder.path()).unwrap();
    let knowledge = Knowledge::open(folder.path()).unwrap();
    (folder, knowledge)
}

fn system(id: &str, version_id: &str) -> System {
    System { id: Some(id.into()), version_id: Some(version_id.into()), ..System::default() }
}

fn debian(fill: impl FnOnce(&mut Builder)) -> Vec<Finding> {
    let release = Release::new("debian", "12");
    let (_folder, knowledge) = open(&release, &PackageType::Deb, |builder| {
        for id in ["CVE-2024-1", "CVE-2024-2"] {
            let record = AdvisoryRecord::new(release.clone(), PackageType::Deb, MatchedBy::Source, "a", id);
            builder.record("vendor", &record).unwrap();
        }
        fill(builder);
    });
    let packages = vec![Package::new(PackageType::Deb, "a", "1-1")];
    let inventory = Inventory { system: system("debian", "12"), packages, ..Inventory::default() };
    judge(&inventory, &knowledge, &Options::at(at(DAY))).unwrap()
}

fn said(id: &str, source: &str, severity: Severity) -> CveRecord {
    CveRecord { severity, ..CveRecord::new(id, source) }
}

#[test]
fn a_severity_is_nvds_where_the_distribution_gives_none() {
    let findings = debian(|builder| {
        for record in [
            said("CVE-2024-1", "nvd", Severity::Medium),
            said("CVE-2024-1", "cna.example", Severity::Critical),
            said("CVE-2024-2", "nvd", Severity::Unknown),
            said("CVE-2024-2", "cna.example", Severity::High),
        ] {
            builder.fact(&record).unwrap();
        }
    });
    let said = |index: usize| (findings[index].severity, findings[index].severity_source.as_deref());
    assert_eq!(said(0), (Severity::Medium, Some("nvd")));
    assert_eq!(said(1), (Severity::High, Some("cna.example")));
}

#[test]
fn a_cve_that_was_withdrawn_is_not_found() {
    let findings = debian(|builder| {
        let rejected = CveRecord { rejected: true, ..CveRecord::new("CVE-2024-1", "nvd") };
        builder.fact(&rejected).unwrap();
        // Only NVD can withdraw one.
        let rejected = CveRecord { rejected: true, ..CveRecord::new("CVE-2024-2", "cna.example") };
        builder.fact(&rejected).unwrap();
    });
    let ids: Vec<&str> = findings.iter().map(|finding| finding.id.as_str()).collect();
    assert_eq!(ids, ["CVE-2024-2"]);
}

#[test]
fn what_is_exploited_and_how_likely_that_is_comes_along() {
    let listed = |day| Some(Exploited { added: day, due: None, ransomware: true });
    let epss = |day| Some(Epss { score: 12_345, percentile: Some(99_000), date: day });
    let findings = debian(|builder| {
        let cvss = vec![Cvss { vector: "CVSS:3.1/AV:N".into(), score: 98 }];
        let published = Some(at("2024-02-03T04:05:06Z"));
        for record in [
            CveRecord { cvss, published, ..CveRecord::new("CVE-2024-1", "nvd") },
            CveRecord { exploited: listed(date(2026, 1, 2)), ..CveRecord::new("CVE-2024-1", "kev") },
            CveRecord { epss: epss(date(2026, 11, 24)), ..CveRecord::new("CVE-2024-1", "epss") },
            // Days to come are of no use to who judges as of a day.
            CveRecord { exploited: listed(date(2026, 12, 2)), ..CveRecord::new("CVE-2024-2", "kev") },
            CveRecord { epss: epss(date(2026, 11, 26)), ..CveRecord::new("CVE-2024-2", "epss") },
        ] {
            builder.fact(&record).unwrap();
        }
    });
    let [first, second] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!(first.cvss[0].score, 98);
    assert_eq!(first.epss.as_ref().unwrap().score, 12_345);
    assert!(first.kev.unwrap().ransomware);
    assert_eq!(first.dates.exploited, Some(at("2026-01-02T00:00:00Z")));
    assert_eq!(first.dates.disclosed.unwrap().at, at("2024-02-03T04:05:06Z"));
    assert_eq!((second.kev, second.dates.exploited, &second.epss), (None, None, &None));
    let json = serde_json::to_string(first).unwrap();
    assert!(json.contains("\"score\":9.8") && json.contains("\"score\":0.12345"), "{json}");
    assert_eq!(serde_json::from_str::<Finding>(&json).unwrap(), *first);
}

#[test]
fn an_ended_release_is_a_finding_and_its_life_is_told() {
    let release = Release::new("debian", "12");
    let (_folder, knowledge) = open(&release, &PackageType::Deb, |builder| {
        for (source, end) in [("distro-info-data", date(2026, 6, 10)), ("endoflife.date", date(2030, 1, 1))] {
            let record = LifecycleRecord {
                release: release.clone(),
                source: source.into(),
                released: Some(date(2023, 6, 10)),
                standard_end: Some(end),
                extended_end: None,
                paid_end: None,
            };
            builder.lifecycle(&record).unwrap();
        }
    });
    let inventory = Inventory { system: system("debian", "12"), ..Inventory::default() };
    let findings = judge(&inventory, &knowledge, &Options::at(at(DAY))).unwrap();
    assert_eq!((findings[0].kind, findings[0].id.as_str()), (FindingKind::EndOfLife, "debian:12"));
    let life = lifecycle(&inventory.system, &knowledge, at(DAY)).unwrap().unwrap();
    assert_eq!((life.state, life.standard_end), (LifecycleState::EndOfLife, Some(date(2026, 6, 10))));
    assert!(judge(&inventory, &knowledge, &Options::at(at("2026-06-10T23:59:59Z"))).unwrap().is_empty());
}

#[test]
fn content_sets_choose_the_rows_of_their_products() {
    let release = Release::new("rhel", "8");
    let (_folder, knowledge) = open(&release, &PackageType::Rpm, |builder| {
        for (cpe, fixed) in [
            ("cpe:/a:redhat:enterprise_linux:8::appstream", "1-9.el8_9"),
            ("cpe:/a:redhat:rhel_eus:8.6::appstream", "1-2.el8_6.3"),
        ] {
            let mut record =
                AdvisoryRecord::new(release.clone(), PackageType::Rpm, MatchedBy::Binary, "a", "CVE-2024-1");
            (record.stream, record.fixed_version) = (Some(cpe.into()), Some(fixed.into()));
            builder.record("vendor", &record).unwrap();
        }
        builder.repository(&RepositoryRecord {
            distribution: "rhel".into(),
            repository: "rhel-8-for-x86_64-appstream-eus-rpms".into(),
            cpes: ["8.4", "8.6"].map(|minor| format!("cpe:/a:redhat:rhel_eus:{minor}::appstream")).into(),
        });
    });
    let fix = |content_sets: &[&str]| {
        let content_sets = content_sets.iter().map(|set| String::from(*set)).collect();
        let system = System { content_sets, ..system("rhel", "8.6") };
        let packages = vec![Package::new(PackageType::Rpm, "a", "1-1.el8")];
        let inventory = Inventory { system, packages, ..Inventory::default() };
        let findings = judge(&inventory, &knowledge, &Options::at(at(DAY))).unwrap();
        findings[0].fixed_version.clone().unwrap()
    };
    assert_eq!(fix(&[]), "1-9.el8_9");
    assert_eq!(fix(&["rhel-8-for-x86_64-appstream-eus-rpms"]), "1-2.el8_6.3");
}
