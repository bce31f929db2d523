//! What is known of an image's vulnerabilities, in sentences: never that there are none where nobody could look.

use crate::findings;
use crate::text::{counted, escaped};
use imagescan_model::{
    Finding, FindingKind, ImageReport, IncompleteKind, Inventory, MatchKey, Package, PackageType, Report,
    Severity,
};
use std::collections::{BTreeMap, BTreeSet};

/// What was found, and what was not looked at.
pub(crate) fn sentences(report: &Report, image: &ImageReport) -> Vec<String> {
    let inventory = &image.inventory;
    let (judged, unjudged) = packages(image);
    if report.knowledge.is_none() || (judged == 0 && !unjudged.is_empty()) {
        let any = !inventory.packages.is_empty();
        return Vec::from_iter(any.then(|| "Vulnerabilities were not looked for.".into()));
    }
    let mut sentences = Vec::from_iter(found(report, image, judged, !unjudged.is_empty()));
    if !unjudged.is_empty() {
        let kinds = unjudged.iter();
        let kinds: Vec<String> = kinds
            .map(|(kind, count)| counted(*count, &format!("{} package", escaped(kind.name()))))
            .collect();
        sentences.push(format!("Not judged: {}.", kinds.join(", ")));
    }
    sentences
}

/// How many packages were judged, and of each type how many were not for want of knowledge.
fn packages(image: &ImageReport) -> (usize, BTreeMap<&PackageType, usize>) {
    let blind =
        |finding: &&Finding| matches!(finding.kind, FindingKind::NotCovered | FindingKind::UnknownSystem);
    let not_covered: BTreeSet<(Option<&str>, Option<&PackageType>)> = image
        .findings
        .iter()
        .filter(blind)
        .map(|finding| match finding.kind {
            FindingKind::UnknownSystem => (None, None),
            _ => (Some(finding.id.as_str()), finding.package_type.as_ref()),
        })
        .collect();
    let is_judged = |package: &Package| {
        let name = MatchKey::of(&image.inventory.system, package).covered_as();
        let kind = name.is_some().then_some(&package.package_type);
        !not_covered.contains(&(name.as_deref(), kind))
    };
    let (mut judged, mut unjudged) = (0, BTreeMap::new());
    for package in image.inventory.packages.iter().filter(|package| !package.is_public_key()) {
        if is_judged(package) {
            judged += 1;
        } else {
            *unjudged.entry(&package.package_type).or_default() += 1;
        }
    }
    (judged, unjudged)
}

/// What was found in the packages that were judged.
fn found(report: &Report, image: &ImageReport, judged: usize, in_part: bool) -> Option<String> {
    let inventory = &image.inventory;
    let lacks = |what: fn(IncompleteKind) -> bool| inventory.incomplete.iter().any(|entry| what(entry.what));
    if judged == 0 || lacks(|kind| kind == IncompleteKind::NoPackageDatabase) {
        return None;
    }
    let severities = findings::by_severity(&image.findings);
    let total: usize = severities.values().map(BTreeSet::len).sum();
    if total == 0 {
        let limited = if fixes_only(report, inventory) {
            ", of those that were ever fixed: the feed lists no others"
        } else {
            ""
        };
        let part = match (lacks(IncompleteKind::is_fatal), in_part) {
            (true, _) => " in what could be read",
            (false, true) => " in what was judged",
            (false, false) => "",
        };
        return Some(format!("No known vulnerability{part}{limited}."));
    }
    let counts = severities.iter().map(|(severity, ids)| format!("{} {}", ids.len(), severity.0.name()));
    let fixable = findings::fixable(&image.findings).len();
    let fixed = if fixable > 0 {
        format!("; fixes exist for {}", counted(fixable, "package"))
    } else {
        "; no fix exists yet".into()
    };
    let noun = if total == 1 { "vulnerability" } else { "vulnerabilities" };
    let limited = if fixes_only(report, inventory) { " (the feed lists only what was fixed)" } else { "" };
    let counts: Vec<String> = counts.collect();
    let known = if severities.keys().all(|severity| severity.0 == Severity::Unknown) {
        "severity not assigned".into()
    } else {
        counts.join(", ")
    };
    Some(format!("{total} known {noun} ({known}){fixed}{limited}."))
}

/// Whether every feed that speaks of the image's release lists fixes only.
fn fixes_only(report: &Report, inventory: &Inventory) -> bool {
    let Some(release) = inventory.system.release() else { return false };
    let feeds = report.knowledge.iter().flat_map(|knowledge| &knowledge.feeds);
    let covering = feeds.flat_map(|feed| &feed.coverage).filter(|covered| covered.release == release);
    let mut covering = covering.peekable();
    covering.peek().is_some() && covering.all(|covered| covered.fixes_only)
}
