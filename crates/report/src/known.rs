//! What is known of an image's vulnerabilities, in sentences: never that there are none where nobody could look.

use crate::findings;
use crate::text::{counted, escaped};
use imagescan_model::{
    Extent, Finding, FindingKind, ImageReport, IncompleteKind, KnowledgeInfo, MatchKey, PackageType, Release,
    Report, Severity,
};
use std::collections::{BTreeMap, BTreeSet};

/// What was found, and what was not looked at.
pub(crate) fn sentences(report: &Report, image: &ImageReport) -> Vec<String> {
    let Packages { judged, unjudged } = packages(image);
    let Some(knowledge) = report.knowledge.as_ref().filter(|_| !judged.is_empty() || unjudged.is_empty())
    else {
        let any = !image.inventory.packages.is_empty();
        return Vec::from_iter(any.then(|| "Vulnerabilities were not looked for.".into()));
    };
    let mut sentences = Vec::new();
    if !judged.is_empty() && !lacks(image, |kind| kind == IncompleteKind::NoPackageDatabase) {
        let known = Known::of(knowledge, &judged);
        sentences.push(found(image, known.extent, !unjudged.is_empty()));
        sentences.extend(known.repositories());
    }
    let third_party = image.findings.iter().filter(|finding| is_third_party(finding)).count();
    if third_party > 0 {
        let packages = counted(third_party, "package");
        sentences
            .push(format!("Not judged: {packages} that the distribution did not make (-o json lists them)."));
    }
    if !unjudged.is_empty() {
        let kinds = unjudged.iter();
        let kinds: Vec<String> = kinds
            .map(|(kind, count)| counted(*count, &format!("{} package", escaped(kind.name()))))
            .collect();
        sentences.push(format!("Not judged: {}.", kinds.join(", ")));
    }
    sentences
}

fn is_third_party(finding: &Finding) -> bool {
    finding.kind == FindingKind::NotCovered && finding.package.is_some()
}

fn lacks(image: &ImageReport, what: impl Fn(IncompleteKind) -> bool) -> bool {
    image.inventory.incomplete.iter().any(|entry| what(entry.what))
}

/// The packages of an image, by whether there was anything to judge them by.
struct Packages<'a> {
    judged: BTreeSet<(Release, &'a PackageType)>,
    /// How many of each type.
    unjudged: BTreeMap<&'a PackageType, usize>,
}

fn packages(image: &ImageReport) -> Packages<'_> {
    let of_system = |finding: &&Finding| {
        matches!(finding.kind, FindingKind::NotCovered | FindingKind::UnknownSystem)
            && finding.package.is_none()
    };
    let not_covered: BTreeSet<(Option<&str>, Option<&PackageType>)> = image
        .findings
        .iter()
        .filter(of_system)
        .map(|finding| match finding.kind {
            FindingKind::UnknownSystem => (None, None),
            _ => (Some(finding.id.as_str()), finding.package_type.as_ref()),
        })
        .collect();
    let mut packages = Packages { judged: BTreeSet::new(), unjudged: BTreeMap::new() };
    for package in image.inventory.packages.iter().filter(|package| !package.is_public_key()) {
        let key = MatchKey::of(&image.inventory.system, package);
        let name = key.covered_as();
        let kind = name.is_some().then_some(&package.package_type);
        match key.release.filter(|_| !not_covered.contains(&(name.as_deref(), kind))) {
            Some(release) => {
                packages.judged.insert((release, &package.package_type));
            }
            None => *packages.unjudged.entry(&package.package_type).or_default() += 1,
        }
    }
    packages
}

/// What was found in the packages that were judged.
fn found(image: &ImageReport, extent: Extent, in_part: bool) -> String {
    let severities = findings::by_severity(&image.findings);
    let total: usize = severities.values().map(BTreeSet::len).sum();
    if total == 0 {
        let limited = match extent {
            Extent::FixesOnly => ", of those that were ever fixed: the feed lists no others",
            Extent::ListedOnly => ", of those that the feed lists: it never says what is not affected",
            Extent::Full => "",
        };
        let part = match (lacks(image, IncompleteKind::is_fatal), in_part) {
            (true, _) => " in what could be read",
            (false, true) => " in what was judged",
            (false, false) => "",
        };
        return format!("No known vulnerability{part}{limited}.");
    }
    let counts = severities.iter().map(|(severity, ids)| format!("{} {}", ids.len(), severity.0.name()));
    let fixable = findings::fixable(&image.findings).len();
    let fixed = if fixable > 0 {
        format!("; fixes exist for {}", counted(fixable, "package"))
    } else {
        "; no fix exists yet".into()
    };
    let noun = if total == 1 { "vulnerability" } else { "vulnerabilities" };
    let limited = match extent {
        Extent::FixesOnly => " (the feed lists only what was fixed)",
        Extent::ListedOnly => " (the feed never says what is not affected)",
        Extent::Full => "",
    };
    let counts: Vec<String> = counts.collect();
    let known = if severities.keys().all(|severity| severity.0 == Severity::Unknown) {
        "severity not assigned".into()
    } else {
        counts.join(", ")
    };
    format!("{total} known {noun} ({known}){fixed}{limited}.")
}

/// What the feeds can say of the packages that were judged.
struct Known<'a> {
    /// The least that any of these packages is covered by.
    extent: Extent,
    /// What was read of a release, and what was not.
    repositories: BTreeSet<(BTreeSet<&'a str>, BTreeSet<&'a str>)>,
}

impl<'a> Known<'a> {
    fn of(knowledge: &'a KnowledgeInfo, judged: &BTreeSet<(Release, &PackageType)>) -> Self {
        let mut known = Self { extent: Extent::Full, repositories: BTreeSet::new() };
        for coverage in judged.iter().filter_map(|(release, kind)| knowledge.coverage(release, kind)) {
            known.extent = known.extent.min(coverage.extent);
            if !coverage.missing.is_empty() {
                known.repositories.insert((coverage.repositories, coverage.missing));
            }
        }
        known
    }

    /// `Advisories are of main only: those of community are not in the database.`
    fn repositories(&self) -> impl Iterator<Item = String> {
        let names =
            |names: &BTreeSet<&str>| names.iter().map(|name| escaped(name)).collect::<Vec<_>>().join(" and ");
        self.repositories.iter().map(move |(read, missing)| {
            format!(
                "Advisories are of {} only: those of {} are not in the database.",
                names(read),
                names(missing)
            )
        })
    }
}
