//! Findings about our knowledge: what no feed covers, and what is too old.

use imagescan_knowledge::Knowledge;
use imagescan_model::{
    Finding, FindingDates, FindingKind, Inventory, MatchKey, Release, Severity, fingerprint,
};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

/// Findings on the releases that `keys` would be judged by.
pub(crate) fn findings<'a>(
    inventory: &Inventory,
    keys: impl Iterator<Item = &'a MatchKey>,
    knowledge: &Knowledge,
    as_of: Timestamp,
    max_age: SignedDuration,
) -> Vec<Finding> {
    let releases: BTreeSet<Option<Release>> = keys.map(|key| key.release.clone()).collect();
    let mut findings = Vec::new();
    for release in releases {
        let Some(release) = release else {
            let id = inventory.system.id.clone().unwrap_or_else(|| "unknown".into());
            let title = "the system or its release is not known: nothing can be said of its packages";
            findings.push(finding(FindingKind::UnknownSystem, id, title.into(), Vec::new()));
            continue;
        };
        let Some(coverage) = knowledge.coverage(&release) else {
            let title = format!("no feed of the database speaks of {release}: its packages are not judged");
            findings.push(finding(FindingKind::NotCovered, release.to_string(), title, Vec::new()));
            continue;
        };
        if as_of.duration_since(coverage.as_of) > max_age {
            let days = as_of.duration_since(coverage.as_of).as_hours() / 24;
            let title = format!("advisories for {release} are of {}, {days} days before", coverage.as_of);
            let sources = coverage.feeds.iter().map(|feed| feed.id.clone()).collect();
            findings.push(finding(FindingKind::StaleKnowledge, release.to_string(), title, sources));
        }
    }
    findings
}

fn finding(kind: FindingKind, id: String, title: String, sources: Vec<String>) -> Finding {
    let name = match kind {
        FindingKind::Vulnerability => "vulnerability",
        FindingKind::EndOfLife => "end-of-life",
        FindingKind::NotCovered => "not-covered",
        FindingKind::StaleKnowledge => "stale-knowledge",
        FindingKind::UnknownSystem => "unknown-system",
    };
    Finding {
        fingerprint: fingerprint([name, &id, "", "", "", ""]),
        id,
        kind,
        aliases: Vec::new(),
        package: None,
        version: None,
        package_type: None,
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
