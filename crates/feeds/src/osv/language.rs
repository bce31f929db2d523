//! Packages of languages, and Bitnami's: what OSV says of them holds whatever the system.
//!
//! An affected entry has ranges of versions: from `introduced` on, up to `fixed`, each a record. Whether a range
//! is of type SEMVER or ECOSYSTEM, its versions are the ecosystem's own; ranges of commits say nothing of them.
//! A list of single versions beside ranges says nothing more than they.
//!
//! The schema lets events stand in any order. To sort them one has to know each ecosystem's order of versions;
//! all databases write beginnings and ends in turn, so that is what is read, and anything else is not judged.
//! Neither is a range that ends with the last affected version: a record has no place for it, so all versions
//! from its beginning on are under investigation, which is never wrong.

use super::{Affected, Event, Package, Range, Vulnerability, ids, record};
use crate::announced;
use crate::error::{FeedError, refused};
use crate::reader::Out;
use imagescan_model::{
    AdvisoryRecord, AdvisoryState, CoveredState, MatchedBy, PackageType, Release, Severity,
};
use jiff::Timestamp;
use serde_json::Value;

/// Ecosystems, and the purl types of their packages.
const ECOSYSTEMS: [(&str, &str); 11] = [
    ("Bitnami", "bitnami"),
    ("crates.io", "cargo"),
    ("Go", "golang"),
    ("Hex", "hex"),
    ("Maven", "maven"),
    ("npm", "npm"),
    ("NuGet", "nuget"),
    ("Packagist", "composer"),
    ("Pub", "pub"),
    ("PyPI", "pypi"),
    ("RubyGems", "gem"),
];

/// From where on, and how it ends.
struct Span {
    from: Option<String>,
    end: End,
}

enum End {
    Fixed(String),
    Never,
    /// What is written cannot be said in a record, for this reason.
    Unknown(&'static str),
}

/// The purl type of an ecosystem's packages.
pub(super) fn purl_type(ecosystem: &str) -> Option<&'static str> {
    ECOSYSTEMS.iter().find(|(known, _)| *known == ecosystem).map(|(_, kind)| *kind)
}

/// Gives what a document says of one package.
pub(super) fn read(
    feed: &str,
    name: &str,
    document: &Vulnerability,
    affected: &Affected,
    package: &Package,
    kind: &'static str,
    out: &mut Out<'_>,
) -> Result<(), FeedError> {
    let ids = ids(document);
    let informational = text(affected.database_specific.as_ref(), "informational").is_some();
    // Unmaintained, unsound: no vulnerability, unless somebody gave it a CVE.
    if informational && !ids.iter().any(|id| id.starts_with("CVE-")) {
        out.dropped("an informational advisory without a CVE");
        return Ok(());
    }
    let spans = spans(name, affected, out)?;
    let (release, package_type) = (Release::new(kind, ""), PackageType::Other(kind.into()));
    let severity = severity(document);
    for id in &ids {
        let mut common =
            record(document, affected, release.clone(), &package_type, package, id, ids.len() == 1);
        common.package = normalised(kind, &package.name);
        common.matched_by = MatchedBy::Binary;
        common.severity = severity.unwrap_or(common.severity);
        common.severity_source = (common.severity != Severity::Unknown).then(|| feed.into());
        // Go's database has the year 1 where it does not know.
        common.disclosed = common.disclosed.filter(|date| date.at > Timestamp::UNIX_EPOCH);
        for span in &spans {
            let (record, state) = apply(common.clone(), span);
            out.covers(&release, &package_type, [state]);
            out.advisory(record);
        }
    }
    Ok(())
}

fn apply(record: AdvisoryRecord, span: &Span) -> (AdvisoryRecord, CoveredState) {
    let record = AdvisoryRecord { introduced: span.from.clone(), ..record };
    match &span.end {
        End::Fixed(version) => {
            (AdvisoryRecord { fixed_version: Some(version.clone()), ..record }, CoveredState::Fixed)
        }
        End::Never => (record, CoveredState::Unfixed),
        End::Unknown(_) => {
            let state = AdvisoryState::UnderInvestigation;
            (AdvisoryRecord { state, ..record }, CoveredState::UnderInvestigation)
        }
    }
}

/// The spans of all ranges. What is passed over is counted.
fn spans(name: &str, affected: &Affected, out: &mut Out<'_>) -> Result<Vec<Span>, FeedError> {
    let mut spans = Vec::new();
    let mut ranges = 0;
    for range in &affected.ranges {
        match range.kind.as_str() {
            "SEMVER" | "ECOSYSTEM" => {
                ranges += 1;
                spans.extend(in_turn(name, range)?);
            }
            "GIT" => out.dropped("a range of commits"),
            kind => return Err(refused(name, "unknown type of range", kind)),
        }
    }
    if ranges == 0 && affected.versions.is_empty() {
        out.dropped("neither ranges nor versions");
    } else if ranges == 0 {
        out.dropped("versions without a range");
    }
    // Go: versions of the modules that Go itself does not see as such, so that every version is in the range.
    let other =
        affected.ecosystem_specific.as_ref().is_some_and(|specific| !specific.custom_ranges.is_empty());
    if let ([Span { from: None, end: end @ End::Never }], true) = (&mut spans[..], other) {
        *end = End::Unknown("a range of versions that are not the module's own");
    }
    for span in &spans {
        if let End::Unknown(reason) = span.end {
            out.dropped(reason);
        }
    }
    Ok(spans)
}

/// The spans of events that begin and end in turn.
fn in_turn(name: &str, range: &Range) -> Result<Vec<Span>, FeedError> {
    let mut spans = Vec::new();
    let mut open: Option<Option<String>> = None;
    for event in &range.events {
        let end = match event {
            Event::Introduced(version) => {
                // The least version of all, in whatever way it is written.
                let from = Some(version.clone()).filter(|from| !matches!(from.as_str(), "0" | "0.0.0-0"));
                if open.replace(from).is_none() {
                    continue;
                }
                return Ok(unordered());
            }
            Event::Fixed(version) => End::Fixed(version.clone()),
            Event::LastAffected(_) => End::Unknown("the last affected version of a range"),
            Event::Limit(_) => End::Unknown("the limit of a range"),
        };
        let Some(from) = open.take() else { return Ok(unordered()) };
        spans.push(Span { from, end });
    }
    spans.extend(open.map(|from| Span { from, end: End::Never }));
    if spans.is_empty() { Err(refused(name, "a range without events:", &range.kind)) } else { Ok(spans) }
}

fn unordered() -> Vec<Span> {
    vec![Span { from: None, end: End::Unknown("a range whose events do not stand in turn") }]
}

/// The database's own word, where it has one that we know.
fn severity(document: &Vulnerability) -> Option<Severity> {
    let word = text(document.database_specific.as_ref(), "severity")?;
    announced::severity(word).filter(|severity| *severity != Severity::Unknown)
}

fn text<'a>(specific: Option<&'a Value>, member: &str) -> Option<&'a str> {
    specific?.get(member)?.as_str()
}

/// Names under which a package is the same: PEP 503 for Python; where case does not count, lower case.
fn normalised(kind: &str, name: &str) -> String {
    match kind {
        "pypi" => {
            let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
            parts.collect::<Vec<_>>().join("-").to_ascii_lowercase()
        }
        "bitnami" | "composer" | "hex" | "nuget" | "pub" => name.to_ascii_lowercase(),
        _ => name.into(),
    }
}

#[cfg(test)]
mod tests;
