//! OSV documents of Debian and Alpine (ossf.github.io/osv-schema; ecosystems `Debian:12`, `Alpine:v3.20`), and of
//! languages, whose rules are in a module of their own.
//!
//! Each range of type ECOSYSTEM is a record: from `introduced` on, up to `fixed`. `last_affected`, and versions
//! without a range, have no place in the vendors' own data and are refused. Withdrawn documents say nothing any
//! more.
//!
//! Two kinds of document: one for each CVE (`DEBIAN-CVE-…`, `ALPINE-CVE-…`, formerly `CVE-…`), which is dated by
//! the day it became public; and one for each advisory (`DSA-…`, `DLA-…`, `DTSA-…`), which is dated by the fix and
//! names its CVEs as `upstream`, in older documents as `related`.
//!
//! A document stands alone: nothing tells whether all of them are there, and none says that something is not
//! affected. So coverage is what the documents at hand do say of a release, and never full; where none of them
//! is about something without a fix (Alpine's, and those of advisories), it is fixes only.

mod document;
mod language;

use crate::cvss;
use crate::document::Document;
use crate::error::FeedError;
use crate::reader::{Out, Parser, title};
pub(crate) use document::{Affected, Event, Package, Range, Score, Vulnerability};
use imagescan_model::{
    AdvisoryRecord, AdvisoryReference, AdvisoryState, CoveredState, DateKind, DatedAs, HiddenReason,
    MatchedBy, PackageType, Release, Severity,
};
use imagescan_version::Order;

/// OSV documents, one each.
pub(crate) struct Osv {
    feed: String,
}

impl Osv {
    pub(crate) fn new(feed: &str) -> Self {
        Self { feed: feed.into() }
    }
}

impl Parser for Osv {
    fn read(&mut self, input: &mut Document<'_>, out: &mut Out<'_>) -> Result<(), FeedError> {
        if input.first()? != Some(b'{') {
            return Err(input.unrecognised(&self.feed, "OSV documents, one a file, or the archive of them"));
        }
        let document: Vulnerability = input.json("OSV document")?;
        if document.withdrawn.is_some() {
            out.dropped("withdrawn");
            return Ok(());
        }
        for affected in &document.affected {
            let Some(package) = &affected.package else {
                out.dropped("names no package");
                continue;
            };
            if let Some(kind) = language::purl_type(&package.ecosystem) {
                language::read(&self.feed, input.name(), &document, affected, package, kind, out)?;
                continue;
            }
            let Some((release, package_type)) = ecosystem(input.name(), &package.ecosystem)? else {
                out.dropped("another ecosystem");
                continue;
            };
            let spans = affected_spans(input.name(), &document, affected, &package_type)?;
            let ids = ids(&document);
            for id in &ids {
                let alone = ids.len() == 1;
                let record = record(&document, affected, release.clone(), &package_type, package, id, alone);
                for (introduced, fixed) in &spans {
                    let mut record = record.clone();
                    record.introduced.clone_from(introduced);
                    record.fixed_version.clone_from(fixed);
                    if fixed.is_none() && urgency(affected) == Some("end-of-life") {
                        record.state = AdvisoryState::EndOfLife;
                    }
                    let state = match (fixed, record.state) {
                        (Some(_), _) => CoveredState::Fixed,
                        (None, AdvisoryState::EndOfLife) => CoveredState::EndOfLife,
                        (None, _) => CoveredState::Unfixed,
                    };
                    out.covers(&release, &package_type, [state]);
                    out.advisory(record);
                }
            }
        }
        Ok(())
    }
}

/// `Debian:12`, `Alpine:v3.20`; `None` for others and for a distribution without a release.
fn ecosystem(name: &str, text: &str) -> Result<Option<(Release, PackageType)>, FeedError> {
    let (id, package_type, version) = match text.split_once(':') {
        Some(("Debian", version)) => ("debian", PackageType::Deb, version),
        Some(("Alpine", version)) => ("alpine", PackageType::Apk, version),
        _ => return Ok(None),
    };
    let version = version.strip_prefix('v').unwrap_or(version);
    let release = format!("{id}:{version}").parse().map_err(|_| FeedError::Value {
        name: name.into(),
        why: "unknown release in ecosystem",
        value: text.into(),
    })?;
    Ok(Some((release, package_type)))
}

/// The advisory that the document is, if it is one rather than a CVE.
fn advisory(document: &Vulnerability) -> Option<&str> {
    let kinds = ["DSA-", "DLA-", "DTSA-"];
    kinds.iter().any(|kind| document.id.starts_with(kind)).then_some(document.id.as_str())
}

/// The CVEs of a document; its own id where there is none.
fn ids(document: &Vulnerability) -> Vec<&str> {
    let own = document.id.find("CVE-").and_then(|start| document.id.get(start..));
    // Elsewhere `related` only means that somebody may want to read it, too.
    let related: &[String] = if advisory(document).is_some() { &document.related } else { &[] };
    let named = document.aliases.iter().chain(&document.upstream).chain(related).map(String::as_str);
    let mut ids: Vec<&str> = named.chain(own).filter(|id| id.starts_with("CVE-")).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() { vec![&document.id] } else { ids }
}

/// From, up to.
type Span = (Option<String>, Option<String>);

/// Spans of all ranges in the distribution's own order of versions.
fn affected_spans(
    name: &str,
    document: &Vulnerability,
    affected: &Affected,
    package_type: &PackageType,
) -> Result<Vec<Span>, FeedError> {
    let order = if *package_type == PackageType::Apk { Order::Apk } else { Order::Deb };
    let ranges: Vec<&Range> = affected.ranges.iter().filter(|range| range.kind == "ECOSYSTEM").collect();
    if ranges.is_empty() && !affected.versions.is_empty() {
        let why = "versions without a range in";
        return Err(FeedError::Value { name: name.into(), why, value: document.id.clone() });
    }
    let spans = ranges.into_iter().map(|range| spans(name, &range.events, order));
    Ok(spans.collect::<Result<Vec<_>, _>>()?.concat())
}

/// Spans of affected versions. The schema lets events stand in any order: they are sorted by version first.
fn spans(name: &str, events: &[Event], order: Order) -> Result<Vec<Span>, FeedError> {
    let mut sorted: Vec<(&str, bool)> = Vec::new();
    for event in events {
        match event {
            Event::Introduced(version) => sorted.push((version, true)),
            Event::Fixed(version) => sorted.push((version, false)),
            Event::LastAffected(version) | Event::Limit(version) => {
                let why = "an event that the vendors do not use, for version";
                return Err(FeedError::Value { name: name.into(), why, value: version.clone() });
            }
        }
    }
    // `0` is before every version, even before those that sort below it, such as `0~1`.
    sorted.sort_by(|(a, _), (b, _)| (*a != "0").cmp(&(*b != "0")).then_with(|| order.compare(a, b)));
    let mut spans = Vec::new();
    let mut open: Option<Option<String>> = None;
    for (version, introduced) in sorted {
        match (introduced, open.take()) {
            (true, Some(already)) => open = Some(already),
            (true, None) => open = Some(Some(version.to_string()).filter(|version| version != "0")),
            (false, Some(from)) => spans.push((from, Some(version.into()))),
            (false, None) if spans.is_empty() => spans.push((None, Some(version.into()))),
            (false, None) => {}
        }
    }
    spans.extend(open.map(|from| (from, None)));
    Ok(spans)
}

fn urgency(affected: &Affected) -> Option<&str> {
    let urgency = affected.ecosystem_specific.as_ref()?.urgency.as_deref()?;
    Some(urgency.trim_end_matches('*'))
}

/// Debian's urgency where it is a level, else the highest CVSS vector of the entry, else of the document.
fn severity(document: &Vulnerability, affected: &Affected) -> Severity {
    let stated = match urgency(affected) {
        Some("unimportant") => Some(Severity::Negligible),
        Some("low") => Some(Severity::Low),
        Some("medium") => Some(Severity::Medium),
        Some("high") => Some(Severity::High),
        _ => None,
    };
    let scored = |scores: &[Score]| scores.iter().filter_map(|score| cvss::severity(&score.score)).max();
    stated
        .or_else(|| scored(&affected.severity))
        .or_else(|| scored(&document.severity))
        .unwrap_or(Severity::Unknown)
}

fn record(
    document: &Vulnerability,
    affected: &Affected,
    release: Release,
    package_type: &PackageType,
    package: &Package,
    id: &str,
    alone: bool,
) -> AdvisoryRecord {
    let advisory = advisory(document);
    let severity = severity(document, affected);
    // Of a document on several CVEs none is another name of the other.
    let named = document.aliases.iter().filter(|alias| alone || !alias.starts_with("CVE-"));
    let mut aliases: Vec<String> = named.chain([&document.id]).cloned().collect();
    aliases.retain(|alias| alias != id && Some(alias.as_str()) != advisory);
    aliases.sort();
    aliases.dedup();
    let dated = |kind| document.published.map(|at| DatedAs { at, kind });
    let reference = |id: &str| AdvisoryReference {
        id: id.into(),
        url: Some(format!("https://security-tracker.debian.org/tracker/{id}")),
        date: document.published,
    };
    AdvisoryRecord {
        aliases,
        severity,
        severity_source: (severity != Severity::Unknown).then(|| "osv".into()),
        hidden: (urgency(affected) == Some("unimportant")).then_some(HiddenReason::Unimportant),
        title: document.summary.as_deref().or(document.details.as_deref()).and_then(title),
        advisories: advisory.map(reference).into_iter().collect(),
        disclosed: if advisory.is_none() { dated(DateKind::Disclosed) } else { None },
        fix_available: advisory.and_then(|_| dated(DateKind::Advisory)),
        ..AdvisoryRecord::new(release, package_type.clone(), MatchedBy::Source, &*package.name, id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::Input;
    use crate::testing::parse;
    use imagescan_model::Extent;
    use std::collections::BTreeSet;

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
        assert_eq!(coverage[0].extent(), Extent::ListedOnly);
    }

    #[test]
    fn coverage_is_what_the_documents_say_of_a_release_and_never_full() {
        let of = |id: &str, ecosystem: &str, events: &str, urgency: &str| {
            let text = format!(
                r#"{{"id": "{id}", "affected": [{{"package": {{"ecosystem": "{ecosystem}", "name": "a"}},
                "ranges": [{{"type": "ECOSYSTEM", "events": [{events}]}}],
                "ecosystem_specific": {{"urgency": "{urgency}"}}}}]}}"#
            );
            let (_, coverage) = parse("osv", &[Input { name: "x", bytes: text.as_bytes() }]).unwrap();
            coverage.into_iter().map(|covered| (covered.extent(), covered.states)).collect::<Vec<_>>()
        };
        let (fixed, open) = (r#"{"introduced": "0"}, {"fixed": "1-1"}"#, r#"{"introduced": "0"}"#);
        let fixes = vec![(Extent::FixesOnly, BTreeSet::from([CoveredState::Fixed]))];
        assert_eq!(of("DEBIAN-CVE-2024-1", "Debian:12", fixed, ""), fixes);
        assert_eq!(of("DSA-1-1", "Debian:12", fixed, ""), fixes);
        assert_eq!(of("ALPINE-CVE-2024-1", "Alpine:v3.20", fixed, ""), fixes);
        let ended = vec![(Extent::FixesOnly, BTreeSet::from([CoveredState::EndOfLife]))];
        assert_eq!(of("DEBIAN-CVE-2024-1", "Debian:12", open, "end-of-life"), ended);
        let listed = vec![(Extent::ListedOnly, BTreeSet::from([CoveredState::Unfixed]))];
        assert_eq!(of("DEBIAN-CVE-2024-1", "Debian:12", open, ""), listed);
        // What says nothing of a release does not cover it.
        assert_eq!(of("DEBIAN-CVE-2024-1", "Debian:12", "", ""), []);
    }

    fn read(text: &str) -> Vec<AdvisoryRecord> {
        parse("osv", &[Input { name: "x", bytes: text.as_bytes() }]).unwrap().0
    }

    #[test]
    fn an_advisory_is_dated_by_its_fix_and_filed_under_its_cves() {
        let records = read(
            r#"{"id": "DLA-1-1", "published": "2014-06-02T00:00:00Z", "related": ["CVE-2014-1", "CVE-2014-2"],
            "affected": [{"package": {"ecosystem": "Debian:6.0", "name": "a"}, "ranges": [{"type": "ECOSYSTEM",
            "events": [{"fixed": "2-1"}, {"introduced": "0"}]}], "versions": ["1-1"]}]}"#,
        );
        let ids: Vec<&str> = records.iter().map(|record| record.id.as_str()).collect();
        assert_eq!(ids, ["CVE-2014-1", "CVE-2014-2"]);
        let first = &records[0];
        assert_eq!(
            (first.release.to_string().as_str(), first.fixed_version.as_deref()),
            ("debian:6", Some("2-1"))
        );
        assert_eq!((first.disclosed, &first.aliases), (None, &Vec::new()));
        assert_eq!(first.fix_available.unwrap().kind, DateKind::Advisory);
        assert_eq!(first.advisories[0].id, "DLA-1-1");
    }

    #[test]
    fn a_vector_is_a_severity_where_no_urgency_is() {
        let records = read(
            r#"{"id": "ALPINE-CVE-2023-1", "upstream": ["CVE-2023-1"], "severity": [
            {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}], "affected": [
            {"package": {"ecosystem": "Alpine:v3.20", "name": "a"}, "ranges": [{"type": "ECOSYSTEM",
            "events": [{"introduced": "0"}, {"fixed": "2-r0"}]}]},
            {"package": {"ecosystem": "Debian:12", "name": "a"}, "ranges": [{"type": "ECOSYSTEM",
            "events": [{"introduced": "0"}]}], "ecosystem_specific": {"urgency": "end-of-life"}},
            {"package": {"ecosystem": "Debian:11", "name": "a"}, "ranges": [{"type": "ECOSYSTEM",
            "events": [{"introduced": "0"}]}], "ecosystem_specific": {"urgency": "unimportant"}}]}"#,
        );
        let said: Vec<_> = records.iter().map(|record| (record.state, record.severity)).collect();
        let (critical, negligible) = (Severity::Critical, Severity::Negligible);
        assert_eq!(
            said,
            [
                (AdvisoryState::Affected, critical),
                (AdvisoryState::EndOfLife, critical),
                (AdvisoryState::Affected, negligible)
            ]
        );
        assert_eq!(records[0].aliases, ["ALPINE-CVE-2023-1"]);
        assert_eq!(records[2].hidden, Some(HiddenReason::Unimportant));
    }

    #[test]
    fn events_are_sorted_by_the_distributions_order() {
        let of = |text: &str| {
            let events: Vec<Event> = serde_json::from_str(text).unwrap();
            let spans = spans("x", &events, Order::Deb).unwrap();
            spans.into_iter().map(|(from, to)| format!("{from:?}..{to:?}")).collect::<Vec<_>>().join(" ")
        };
        let unsorted = r#"[{"fixed": "1.10"}, {"introduced": "2"}, {"fixed": "1.9~rc1"}, {"introduced": "1.9"}, {"introduced": "0"}]"#;
        assert_eq!(of(unsorted), r#"None..Some("1.9~rc1") Some("1.9")..Some("1.10") Some("2")..None"#);
        assert_eq!(of(r#"[{"fixed": "1"}]"#), r#"None..Some("1")"#);
        assert_eq!(of(r#"[{"introduced": "0"}, {"fixed": "0~1"}]"#), r#"None..Some("0~1")"#);
    }

    #[test]
    fn damage_is_an_error() {
        for text in [
            "",
            "[]",
            "{",
            r#"{"id": 1}"#,
            r#"{"id": "X", "affected": [{"package": {"ecosystem": "Debian:x y", "name": "a"}}]}"#,
            r#"{"id": "X", "affected": [{"package": {"ecosystem": "Debian:12", "name": "a"}, "versions": ["1"]}]}"#,
            r#"{"id": "X", "affected": [{"package": {"ecosystem": "Debian:12", "name": "a"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"last_affected": "1"}]}]}]}"#,
        ] {
            assert!(parse("osv", &[Input { name: "x", bytes: text.as_bytes() }]).is_err(), "{text}");
        }
    }
}
