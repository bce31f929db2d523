//! OSV documents of Debian and Alpine (ossf.github.io/osv-schema; ecosystems `Debian:12`, `Alpine:v3.20`).
//!
//! Each range of type ECOSYSTEM is a record: from `introduced` on, up to `fixed`. `last_affected` has no place in
//! the vendors' own data and is refused. Withdrawn documents say nothing any more.

use crate::error::FeedError;
use crate::parse::{Input, title};
use imagescan_model::{
    AdvisoryRecord, AdvisoryState, DateKind, DatedAs, FeedCoverage, MatchedBy, PackageType, Release, Severity,
};
use jiff::Timestamp;
use serde::Deserialize;

#[derive(Deserialize)]
struct Document {
    id: String,
    #[serde(default)]
    summary: Option<String>,
    #[serde(default)]
    details: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    upstream: Vec<String>,
    #[serde(default)]
    published: Option<Timestamp>,
    #[serde(default)]
    withdrawn: Option<Timestamp>,
    #[serde(default)]
    affected: Vec<Affected>,
}

#[derive(Deserialize)]
struct Affected {
    #[serde(default)]
    package: Option<Package>,
    #[serde(default)]
    ranges: Vec<Range>,
    #[serde(default)]
    ecosystem_specific: Option<Specific>,
}

#[derive(Deserialize)]
struct Package {
    ecosystem: String,
    name: String,
}

#[derive(Deserialize)]
struct Range {
    #[serde(rename = "type")]
    kind: String,
    events: Vec<Event>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    Introduced(String),
    Fixed(String),
    LastAffected(String),
    Limit(String),
}

#[derive(Default, Deserialize)]
struct Specific {
    #[serde(default)]
    urgency: Option<String>,
}

pub(crate) fn parse(
    feed: &str,
    inputs: &[Input<'_>],
) -> Result<(Vec<AdvisoryRecord>, Vec<FeedCoverage>), FeedError> {
    let mut records = Vec::new();
    let mut coverage = Vec::new();
    for input in inputs {
        if !input.bytes.trim_ascii_start().starts_with(b"{") {
            let expected = "OSV documents, one a file, or the archive of them";
            return Err(FeedError::Unrecognised { name: input.name.into(), feed: feed.into(), expected });
        }
        let document: Document = serde_json::from_slice(input.bytes).map_err(|source| FeedError::Json {
            name: input.name.into(),
            what: "OSV document",
            source,
        })?;
        if document.withdrawn.is_some() {
            continue;
        }
        for affected in &document.affected {
            let Some(package) = &affected.package else { continue };
            let Some((release, package_type)) = ecosystem(&package.ecosystem) else { continue };
            // Only documents of a CVE each list what has no fix; DSAs and secdb's list fixes.
            let fixes_only = !document.id.starts_with("DEBIAN-CVE-");
            coverage.push(FeedCoverage { release: release.clone(), fixes_only });
            for range in affected.ranges.iter().filter(|range| range.kind == "ECOSYSTEM") {
                let spans = spans(input.name, &range.events)?;
                for id in ids(&document) {
                    for (introduced, fixed) in &spans {
                        let mut record = record(&document, affected, &release, &package_type, package, id);
                        record.introduced.clone_from(introduced);
                        record.fixed_version.clone_from(fixed);
                        records.push(record);
                    }
                }
            }
        }
    }
    // A release is covered in full as soon as one document speaks of what has no fix there.
    let full: Vec<Release> = coverage
        .iter()
        .filter(|covered| !covered.fixes_only)
        .map(|covered| covered.release.clone())
        .collect();
    coverage.retain(|covered| !covered.fixes_only || !full.contains(&covered.release));
    Ok((records, coverage))
}

/// `Debian:12`, `Alpine:v3.20`; `None` for others and for the distribution without a release.
fn ecosystem(text: &str) -> Option<(Release, PackageType)> {
    let (name, version) = text.split_once(':')?;
    let (id, package_type) = match name {
        "Debian" => ("debian", PackageType::Deb),
        "Alpine" => ("alpine", PackageType::Apk),
        _ => return None,
    };
    let version = version.strip_prefix('v').unwrap_or(version);
    Some((format!("{id}:{version}").parse().ok()?, package_type))
}

/// The CVEs of a document; its own id where there is none.
fn ids(document: &Document) -> Vec<&str> {
    let own =
        document.id.split_once("CVE-").map(|(before, _)| document.id.get(before.len()..).unwrap_or_default());
    let named = document.aliases.iter().chain(&document.upstream).map(String::as_str);
    let mut ids: Vec<&str> = named.chain(own).filter(|id| id.starts_with("CVE-")).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() { vec![&document.id] } else { ids }
}

/// Spans of affected versions: from, up to. OSV sorts events by version; so do the vendors.
#[expect(clippy::type_complexity, reason = "a list of pairs")]
fn spans(name: &str, events: &[Event]) -> Result<Vec<(Option<String>, Option<String>)>, FeedError> {
    let mut spans = Vec::new();
    let mut open: Option<Option<String>> = None;
    for event in events {
        match event {
            Event::Introduced(version) => {
                if let Some(introduced) = open.take() {
                    spans.push((introduced, None));
                }
                open = Some(Some(version.clone()).filter(|version| version != "0"));
            }
            Event::Fixed(version) => spans.push((open.take().flatten(), Some(version.clone()))),
            Event::LastAffected(version) | Event::Limit(version) => {
                let why = "an event that the vendors do not use, for version";
                return Err(FeedError::Value { name: name.into(), why, value: version.clone() });
            }
        }
    }
    spans.extend(open.map(|introduced| (introduced, None)));
    Ok(spans)
}

fn record(
    document: &Document,
    affected: &Affected,
    release: &Release,
    package_type: &PackageType,
    package: &Package,
    id: &str,
) -> AdvisoryRecord {
    let urgency = affected.ecosystem_specific.as_ref().and_then(|specific| specific.urgency.as_deref());
    let severity = match urgency.map(|urgency| urgency.trim_end_matches('*')) {
        Some("unimportant") => Severity::Negligible,
        Some("low") => Severity::Low,
        Some("medium") => Severity::Medium,
        Some("high") => Severity::High,
        _ => Severity::Unknown,
    };
    let mut aliases: Vec<String> = document.aliases.iter().chain([&document.id]).cloned().collect();
    aliases.retain(|alias| alias != id);
    aliases.sort();
    aliases.dedup();
    AdvisoryRecord {
        release: release.clone(),
        package_type: package_type.clone(),
        package: package.name.clone(),
        matched_by: MatchedBy::Source,
        id: id.into(),
        aliases,
        state: AdvisoryState::Affected,
        fixed_version: None,
        introduced: None,
        architectures: Vec::new(),
        module: None,
        severity,
        severity_source: urgency.map(|_| "osv".into()),
        hidden: (urgency == Some("unimportant")).then_some(imagescan_model::HiddenReason::Unimportant),
        title: document.summary.as_deref().or(document.details.as_deref()).and_then(title),
        advisories: Vec::new(),
        disclosed: document.published.map(|at| DatedAs { at, kind: DateKind::Disclosed }),
        fix_available: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_records_and_withdrawn_documents_are_none() {
        let text = r#"{"id": "DEBIAN-CVE-2024-1", "published": "2024-01-01T00:00:00Z", "upstream": ["CVE-2024-1"],
            "affected": [{"package": {"ecosystem": "Debian:12", "name": "a"}, "ranges": [{"type": "ECOSYSTEM",
            "events": [{"introduced": "0"}, {"fixed": "1-1"}, {"introduced": "2-1"}]}],
            "ecosystem_specific": {"urgency": "low"}}, {"package": {"ecosystem": "npm", "name": "b"}}]}"#;
        let withdrawn = r#"{"id": "DSA-1", "withdrawn": "2024-01-01T00:00:00Z"}"#;
        let inputs = [text, withdrawn].map(|text| Input { name: "x", bytes: text.as_bytes() });
        let (records, coverage) = parse("osv", &inputs).unwrap();
        let spans: Vec<_> =
            records.iter().map(|r| (r.introduced.as_deref(), r.fixed_version.as_deref())).collect();
        assert_eq!(spans, [(None, Some("1-1")), (Some("2-1"), None)]);
        assert_eq!((records[0].id.as_str(), records[0].severity), ("CVE-2024-1", Severity::Low));
        assert_eq!(coverage.len(), 1);
        assert!(!coverage[0].fixes_only);
    }

    #[test]
    fn damage_is_an_error() {
        for text in ["", "[]", "{", r#"{"id": 1}"#] {
            assert!(parse("osv", &[Input { name: "x", bytes: text.as_bytes() }]).is_err(), "{text}");
        }
    }
}
