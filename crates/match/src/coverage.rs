//! Findings about our knowledge: what no feed covers, and what is too old.

use crate::family::{Unjudged, judged_by};
use crate::findings::Options;
use crate::lifecycle::lifecycle;
use imagescan_knowledge::{Knowledge, KnowledgeError};
use imagescan_model::{
    Coverage, Finding, FindingDates, FindingKind, Inventory, LifecycleState, MatchKey, Package, PackageType,
    Severity, fingerprint,
};
use std::collections::BTreeMap;

/// Findings on what the packages would be judged by: one for each release and package manager, for each language,
/// and for each package that somebody else made.
pub(crate) fn findings(
    inventory: &Inventory,
    packages: &[(&Package, MatchKey)],
    knowledge: &Knowledge,
    options: &Options,
) -> Vec<Finding> {
    let mut covered: BTreeMap<(String, &PackageType), Coverage<'_>> = BTreeMap::new();
    let mut uncovered: BTreeMap<(String, &PackageType), (Option<&str>, usize)> = BTreeMap::new();
    let (mut is_unknown, mut third_party) = (false, Vec::new());
    for (package, key) in packages {
        let name = key.covered_as();
        match (judged_by(key), name) {
            (Ok(_), Some(name)) => {
                let coverage = key
                    .release
                    .as_ref()
                    .and_then(|release| knowledge.info().coverage(release, &key.package_type));
                match coverage {
                    Some(coverage) => drop(covered.entry((name, &key.package_type)).or_insert(coverage)),
                    None => uncovered.entry((name, &key.package_type)).or_default().1 += 1,
                }
            }
            (Err(Unjudged::Never(why)), Some(name)) => {
                uncovered.entry((name, &key.package_type)).or_insert((Some(why), 0)).1 += 1;
            }
            (Err(Unjudged::ThirdParty), _) => third_party.push(third_party_finding(package, key)),
            // The packages of a language have no release.
            (Err(Unjudged::Unknown), Some(name)) => {
                uncovered.entry((name, &key.package_type)).or_default().1 += 1
            }
            (_, None) => is_unknown = true,
        }
    }
    let mut findings = Vec::new();
    if is_unknown {
        let id = inventory.system.id.clone().unwrap_or_else(|| "unknown".into());
        let title = "the system or its release is not known: nothing can be said of its packages";
        findings.push(finding(FindingKind::UnknownSystem, id, None, title.into(), Vec::new()));
    }
    for ((name, package_type), (why, count)) in uncovered {
        let title = not_covered(&name, package_type, why, count);
        findings.push(finding(FindingKind::NotCovered, name, Some(package_type), title, Vec::new()));
    }
    for ((name, package_type), coverage) in covered {
        if options.as_of.duration_since(coverage.as_of) > options.max_knowledge_age {
            let days = options.as_of.duration_since(coverage.as_of).as_hours() / 24;
            let title = format!("advisories for {name} are of {}, {days} days before", coverage.as_of);
            let sources = coverage.feeds.iter().map(|feed| feed.id.clone()).collect();
            findings.push(finding(FindingKind::StaleKnowledge, name, Some(package_type), title, sources));
        }
    }
    findings.sort_by(|a, b| (a.kind, &a.id, &a.package_type).cmp(&(b.kind, &b.id, &b.package_type)));
    findings.extend(third_party);
    findings
}

/// That the release has no support any more.
pub(crate) fn end_of_life(
    inventory: &Inventory,
    knowledge: &Knowledge,
    options: &Options,
) -> Result<Option<Finding>, KnowledgeError> {
    let life = lifecycle(&inventory.system, knowledge, options.as_of)?;
    let life = life.filter(|life| life.state == LifecycleState::EndOfLife);
    let (Some(life), Some(release)) = (life, inventory.system.release()) else { return Ok(None) };
    let end = life.extended_end.max(life.standard_end);
    let since = end.map(|end| format!(" since {end}")).unwrap_or_default();
    let title =
        format!("{release} has had no support{since}: what is found later is not fixed, and not always told");
    Ok(Some(finding(FindingKind::EndOfLife, release.to_string(), None, title, Vec::new())))
}

/// `no feed of the database speaks of apk packages of debian:12: 14 are not judged`.
fn not_covered(name: &str, package_type: &PackageType, why: Option<&str>, count: usize) -> String {
    let whose = if name == package_type.name() { String::new() } else { format!(" of {name}") };
    let verb = if count == 1 { "is" } else { "are" };
    match why {
        Some(why) => {
            format!("{name} cannot be judged: {why}; {count} {package_type} packages {verb} not judged")
        }
        None => {
            format!(
                "no feed of the database speaks of {package_type} packages{whose}: {count} {verb} not judged"
            )
        }
    }
}

fn third_party_finding(package: &Package, key: &MatchKey) -> Finding {
    let by = key.origin.as_deref().map_or(String::new(), |origin| format!(" (by {origin})"));
    let name = key.covered_as().unwrap_or_default();
    let title = format!("{} is not a package of {name}{by}: its advisories say nothing of it", package.name);
    let architecture = package.architecture.as_deref().unwrap_or_default();
    let parts = ["not-covered", &name, package.package_type.name(), &package.name, architecture, ""];
    Finding {
        package: Some(package.name.clone()),
        version: Some(package.version.clone()),
        architecture: package.architecture.clone(),
        fingerprint: fingerprint(parts),
        ..finding(FindingKind::NotCovered, name, Some(&package.package_type), title, Vec::new())
    }
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
        other_fixes: Vec::new(),
        severity: Severity::Unknown,
        severity_source: None,
        title: Some(title),
        urls: Vec::new(),
        advisories: Vec::new(),
        cvss: Vec::new(),
        epss: None,
        kev: None,
        dates: FindingDates::default(),
        hidden: None,
        layer: None,
        introduced_in: None,
        sources,
    }
}
