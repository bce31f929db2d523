//! Findings about our knowledge: what no feed covers, and what is too old.

use imagescan_knowledge::Knowledge;
use imagescan_model::{
    Finding, FindingDates, FindingKind, Inventory, MatchKey, PackageType, Release, Severity, fingerprint,
};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// Findings on what `keys` would be judged by: one for each release and package manager, and for each language.
pub(crate) fn findings<'a>(
    inventory: &Inventory,
    keys: impl Iterator<Item = &'a MatchKey>,
    knowledge: &Knowledge,
    as_of: Timestamp,
    max_age: SignedDuration,
) -> Vec<Finding> {
    let mut asked: BTreeMap<_, (Option<&Release>, usize)> = BTreeMap::new();
    for key in keys {
        let asked = asked.entry((key.covered_as(), &key.package_type)).or_default();
        *asked = (key.release.as_ref(), asked.1 + 1);
    }
    let mut findings = Vec::new();
    if asked.keys().any(|(name, _)| name.is_none()) {
        let id = inventory.system.id.clone().unwrap_or_else(|| "unknown".into());
        let title = "the system or its release is not known: nothing can be said of its packages";
        findings.push(finding(FindingKind::UnknownSystem, id, None, title.into(), Vec::new()));
    }
    for ((name, package_type), (release, count)) in asked {
        let Some(name) = name else { continue };
        let about = |kind, title, sources| finding(kind, name.clone(), Some(package_type), title, sources);
        let Some(coverage) = release.and_then(|release| knowledge.info().coverage(release, package_type))
        else {
            let title = not_covered(&name, package_type, count);
            findings.push(about(FindingKind::NotCovered, title, Vec::new()));
            continue;
        };
        if as_of.duration_since(coverage.as_of) > max_age {
            let days = as_of.duration_since(coverage.as_of).as_hours() / 24;
            let title = format!("advisories for {name} are of {}, {days} days before", coverage.as_of);
            let sources = coverage.feeds.iter().map(|feed| feed.id.clone()).collect();
            findings.push(about(FindingKind::StaleKnowledge, title, sources));
        }
    }
    findings
}

/// `no feed of the database speaks of apk packages of debian:12: 14 are not judged`.
fn not_covered(name: &str, package_type: &PackageType, count: usize) -> String {
    let whose = if name == package_type.name() { String::new() } else { format!(" of {name}") };
    let verb = if count == 1 { "is" } else { "are" };
    format!("no feed of the database speaks of {package_type} packages{whose}: {count} {verb} not judged")
}

fn finding(
    kind: FindingKind,
    id: String,
    package_type: Option<&PackageType>,
    title: String,
    sources: Vec<String>,
) -> Finding {
    let name = match kind {
        FindingKind::Vulnerability => "vulnerability",
        FindingKind::EndOfLife => "end-of-life",
        FindingKind::NotCovered => "not-covered",
        FindingKind::StaleKnowledge => "stale-knowledge",
        FindingKind::UnknownSystem => "unknown-system",
    };
    Finding {
        fingerprint: fingerprint([name, &id, package_type.map_or("", PackageType::name), "", "", ""]),
        id,
        kind,
        aliases: Vec::new(),
        package: None,
        version: None,
        package_type: package_type.cloned(),
        architecture: None,
        matched: None,
        state: None,
        fixed_version: None,
        severity: Severity::Unknown,
        severity_source: None,
        title: Some(title),
        urls: Vec::new(),
        advisories: Vec::new(),
        dates: FindingDates::default(),
        hidden: None,
        layer: None,
        introduced_in: None,
        sources,
    }
}
