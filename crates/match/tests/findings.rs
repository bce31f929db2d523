//! Findings of small images: what is judged by which name, what is hidden, and what is said of our knowledge.

use imagescan_feeds::{Description, Input, descriptions, parse};
use imagescan_knowledge::{Builder, Knowledge};
use imagescan_match::{Options, judge};
use imagescan_model::{
    AdvisoryState, FeedInfo, Finding, FindingKind, HiddenReason, Inventory, MatchVia, Package, PackageType,
    Severity, SourcePackage, System,
};
use jiff::Timestamp;

const TRACKER: &str = r#"{
    "openssl": {
        "CVE-2024-1": {"description": "first", "releases": {
            "bookworm": {"status": "resolved", "fixed_version": "3.0.11-1", "urgency": "high"},
            "trixie": {"status": "resolved", "fixed_version": "3.5.2-1", "urgency": "high"}}},
        "CVE-2024-2": {"releases": {"bookworm": {"status": "open", "urgency": "unimportant"}}}},
    "linux": {"CVE-2024-3": {"releases": {"bookworm": {"status": "open", "urgency": "medium"}}}}}"#;
const LIST: &str = "\
[30 Jan 2024] DSA-1-1 openssl - security update
\t{CVE-2024-1}
\t[bookworm] - openssl 3.0.11-1
";
const SECDB: &str = r#"{"distroversion": "v3.20", "reponame": "main", "packages": [
    {"pkg": {"name": "openssl", "secfixes": {"3.3.0-r3": ["CVE-2024-1"], "0": ["CVE-2024-2"]}}}]}"#;
/// The tracker says the same, and it says nothing of the other.
const OSV: &str = r#"{"id": "DEBIAN-CVE-2024-3", "upstream": ["CVE-2024-3"], "affected": [{
    "package": {"ecosystem": "Debian:12", "name": "linux"},
    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]}]}"#;
const OSV_OWN: &str = r#"{"id": "DEBIAN-CVE-2024-4", "upstream": ["CVE-2024-4"], "affected": [{
    "package": {"ecosystem": "Debian:12", "name": "zlib"},
    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]}]}"#;
const BUILT: &str = "2024-02-01T00:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn knowledge(folder: &std::path::Path) -> Knowledge {
    let mut builder = Builder::new(at(BUILT));
    for (id, documents) in [("debian", &[TRACKER, LIST][..]), ("alpine", &[SECDB]), ("osv", &[OSV, OSV_OWN])]
    {
        let feed: Description = descriptions().into_iter().find(|feed| feed.id == id).unwrap();
        let input = |text: &&'static str| Input { name: "x", bytes: text.as_bytes() };
        let parsed = parse(&feed, &documents.iter().map(input).collect::<Vec<_>>()).unwrap();
        builder.records(id, parsed.records.iter().cloned()).unwrap();
        builder.feed(FeedInfo {
            id: feed.id,
            as_of: at(BUILT),
            stale: None,
            fetched_at: None,
            records: parsed.records.len() as u64,
            dropped: Default::default(),
            licence: None,
            digest: parsed.digest,
            coverage: parsed.coverage,
        });
    }
    builder.write(folder).unwrap();
    Knowledge::open(folder).unwrap()
}

fn system(id: &str, version: &str) -> System {
    System { id: Some(id.into()), version_id: Some(version.into()), ..System::default() }
}

fn package(kind: PackageType, name: &str, version: &str, source: &str) -> Package {
    let source = Some(SourcePackage { name: source.into(), version: None });
    Package { source, architecture: Some("amd64".into()), ..Package::new(kind, name, version) }
}

fn findings(system: System, packages: Vec<Package>, options: &Options) -> Vec<Finding> {
    let folder = tempfile::tempdir().unwrap();
    let inventory = Inventory { system, packages, ..Inventory::default() };
    judge(&inventory, &knowledge(folder.path()), options).unwrap()
}

fn now() -> Options {
    Options::at(at(BUILT))
}

#[test]
fn a_finding_says_all_that_the_vendor_says() {
    let mut libssl = package(PackageType::Deb, "libssl3", "3.0.9-1", "openssl");
    (libssl.introduced_in, libssl.layer) = (Some(0), Some(2));
    let found = findings(system("debian", "12"), vec![libssl], &now());
    let ids: Vec<&str> = found.iter().map(|finding| finding.id.as_str()).collect();
    assert_eq!(ids, ["CVE-2024-1", "CVE-2024-2"]);
    let first = &found[0];
    assert_eq!((first.kind, first.state), (FindingKind::Vulnerability, Some(AdvisoryState::Affected)));
    assert_eq!((first.package.as_deref(), first.version.as_deref()), (Some("libssl3"), Some("3.0.9-1")));
    assert_eq!(first.fixed_version.as_deref(), Some("3.0.11-1"));
    let matched = first.matched.as_ref().unwrap();
    assert_eq!((matched.name.as_str(), matched.via), ("openssl", MatchVia::Source));
    assert_eq!((first.severity, first.severity_source.as_deref()), (Severity::High, Some("debian")));
    assert_eq!((first.title.as_deref(), first.hidden), (Some("first"), None));
    assert_eq!((first.introduced_in, first.layer), (Some(0), Some(2)));
    assert_eq!(first.advisories[0].id, "DSA-1-1");
    assert_eq!(first.dates.fix_available.unwrap().at, at("2024-01-30T00:00:00Z"));
    assert_eq!(first.sources, ["debian"]);
    assert_eq!((found[1].hidden, found[1].severity), (Some(HiddenReason::Unimportant), Severity::Negligible));
}

#[test]
fn sources_are_the_feeds_that_say_so_and_not_all_that_speak_of_the_release() {
    let packages = [("libssl3", "openssl"), ("linux-image", "linux"), ("zlib1g", "zlib")]
        .map(|(name, source)| package(PackageType::Deb, name, "3.0.9-1", source));
    let found = findings(system("debian", "12"), packages.into(), &now());
    let said: Vec<_> = found.iter().map(|finding| (&*finding.id, finding.sources.join(" "))).collect();
    assert_eq!(
        said,
        [
            ("CVE-2024-1", "debian".into()),
            ("CVE-2024-2", "debian".into()),
            ("CVE-2024-3", "debian osv".into()),
            ("CVE-2024-4", "osv".into()),
        ]
    );
}

#[test]
fn the_installed_source_version_decides_not_the_binary_one() {
    let mut rebuilt = package(PackageType::Deb, "libssl3", "1.0", "openssl");
    rebuilt.source = Some(SourcePackage { name: "openssl".into(), version: Some("3.0.11-1".into()) });
    let all = Options { all: true, ..now() };
    let found = findings(system("debian", "12"), vec![rebuilt], &all);
    assert_eq!(found[0].state, Some(AdvisoryState::NotAffected));
}

#[test]
fn what_does_not_affect_the_image_is_shown_only_when_asked_for() {
    let fixed = || vec![package(PackageType::Apk, "libssl3", "3.3.0-r3", "openssl")];
    assert!(findings(system("alpine", "3.20.3"), fixed(), &now()).is_empty());
    let found = findings(system("alpine", "3.20.3"), fixed(), &Options { all: true, ..now() });
    let states: Vec<_> = found.iter().map(|finding| finding.state.unwrap()).collect();
    assert_eq!(states, [AdvisoryState::NotAffected, AdvisoryState::NotAffected]);
    assert_eq!(found[0].matched.as_ref().unwrap().via, MatchVia::Origin);
}

#[test]
fn kernel_headers_are_hidden_and_the_kernel_is_not() {
    let packages = ["linux-image-6.1.0-9-amd64", "linux-libc-dev"]
        .map(|name| package(PackageType::Deb, name, "6.1.27-1", "linux"));
    let found = findings(system("debian", "12"), packages.into(), &now());
    let hidden: Vec<_> = found.iter().map(|finding| finding.hidden).collect();
    assert_eq!(hidden, [None, Some(HiddenReason::KernelHeaders)]);
}

#[test]
fn a_fingerprint_survives_an_upgrade_and_not_another_architecture() {
    let print = |version: &str, architecture: &str| {
        let mut package = package(PackageType::Deb, "libssl3", version, "openssl");
        package.architecture = Some(architecture.into());
        findings(system("debian", "12"), vec![package], &now()).remove(0).fingerprint
    };
    assert_eq!(print("3.0.9-1", "amd64"), print("3.0.8-1", "amd64"));
    assert_ne!(print("3.0.9-1", "amd64"), print("3.0.9-1", "arm64"));
}

#[test]
fn what_nobody_covers_is_a_finding_and_not_silence() {
    let kinds = |system: System, package: Package| -> Vec<(FindingKind, String)> {
        findings(system, vec![package], &now())
            .into_iter()
            .map(|finding| (finding.kind, finding.id))
            .collect()
    };
    let deb = |version| package(PackageType::Deb, "libssl3", version, "openssl");
    let rpm = |name| package(PackageType::Rpm, name, "1-1", "openssl");
    let not_covered = |id: &str| vec![(FindingKind::NotCovered, String::from(id))];
    assert_eq!(kinds(system("debian", "7"), deb("1.0.1-1")), not_covered("debian:7"));
    assert_eq!(
        kinds(system("alpine", "3.21.0"), package(PackageType::Apk, "a", "1-r0", "a")),
        not_covered("alpine:3.21")
    );
    assert_eq!(kinds(system("rocky", "9.4"), rpm("openssl")), not_covered("rocky:9"));
    let unknown = vec![(FindingKind::UnknownSystem, String::from("unknown"))];
    assert_eq!(kinds(System::default(), deb("1.0.1-1")), unknown);
    // No package to judge: the lack of packages is said elsewhere.
    assert_eq!(kinds(system("rocky", "9.4"), rpm("gpg-pubkey")), []);
    // A backport is judged by the release it was rebuilt from.
    let backport = vec![(FindingKind::Vulnerability, String::from("CVE-2024-1"))];
    assert_eq!(kinds(system("debian", "12"), deb("3.5.1-1~bpo12+1")), backport);
}

#[test]
fn packages_of_a_manager_that_nobody_covers_are_counted_and_not_passed_over() {
    let said = |system: System, packages: Vec<Package>| -> Vec<(FindingKind, String, String)> {
        let found = findings(system, packages, &now());
        let line = |finding: Finding| {
            let kind = finding.package_type.map(|kind| kind.to_string()).unwrap_or_default();
            (finding.kind, format!("{} {kind}", finding.id), finding.title.unwrap())
        };
        found.into_iter().map(line).collect()
    };
    let plain = |kind: &str, name: &str| package(PackageType::from(String::from(kind)), name, "1-1", name);
    let not_covered = |name: &str, title: &str| {
        let title = format!("no feed of the database speaks of {title} not judged");
        (FindingKind::NotCovered, String::from(name), title)
    };
    let mixed = ["apk", "apk", "deb", "npm", "rpm"].map(|kind| plain(kind, "a"));
    assert_eq!(
        said(system("debian", "12"), mixed.into()),
        [
            not_covered("debian:12 apk", "apk packages of debian:12: 2 are"),
            not_covered("debian:12 rpm", "rpm packages of debian:12: 1 is"),
            not_covered("npm npm", "npm packages: 1 is"),
        ]
    );
    // A language's packages are filed under no system, so that none need be known.
    let lodash = vec![plain("npm", "lodash"), plain("npm", "gpg-pubkey")];
    assert_eq!(said(System::default(), lodash), [not_covered("npm npm", "npm packages: 2 are")]);
    assert_eq!(said(system("debian", "12"), vec![plain("rpm", "gpg-pubkey")]), []);
    let debian = findings(system("debian", "12"), vec![plain("rpm", "a"), plain("apk", "a")], &now());
    assert_ne!(debian[0].fingerprint, debian[1].fingerprint);
}

#[test]
fn knowledge_is_stale_after_a_week_and_not_at_its_end() {
    let kinds = |as_of: &str| -> Vec<FindingKind> {
        let fixed = package(PackageType::Apk, "libssl3", "3.3.0-r3", "openssl");
        let found = findings(system("alpine", "3.20.3"), vec![fixed], &Options::at(at(as_of)));
        found.into_iter().map(|finding| finding.kind).collect()
    };
    assert_eq!(kinds("2024-02-08T00:00:00Z"), []);
    assert_eq!(kinds("2024-02-08T00:00:00.000000001Z"), [FindingKind::StaleKnowledge]);
}

#[test]
fn the_same_inventory_gives_the_same_findings_in_the_packages_order() {
    let packages = || {
        vec![
            package(PackageType::Deb, "libssl3", "3.0.9-1", "openssl"),
            package(PackageType::Deb, "linux-libc-dev", "6.1.27-1", "linux"),
            package(PackageType::Deb, "openssl", "3.0.9-1", "openssl"),
        ]
    };
    let found = findings(system("debian", "12"), packages(), &now());
    let names: Vec<_> = found.iter().map(|finding| finding.package.as_deref().unwrap()).collect();
    assert_eq!(names, ["libssl3", "libssl3", "linux-libc-dev", "openssl", "openssl"]);
    assert_eq!(found, findings(system("debian", "12"), packages(), &now()));
}
