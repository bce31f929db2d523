//! The Ubuntu CVE tracker: a file for each CVE, in `active/`, `retired/` and `ignored/`
//! (git.launchpad.net/ubuntu-cve-tracker, whose README describes the fields).
//!
//! Each status stays what it is:
//!
//! | status | record |
//! |---|---|
//! | `released (X)` | affected below X |
//! | `released-esm (X)` | affected below X in Ubuntu Pro; no fix will come to the plain archive |
//! | `needed`, `active`, `in-progress` | affected, no fix yet |
//! | `pending (X)` | the same: X is not to be had |
//! | `deferred (…)` | the fix is deferred |
//! | `ignored (…)` | no fix will come, or support has ended, as the remark says |
//! | `needs-triage`, none | under investigation |
//! | `not-affected (…)` | not affected, in whatever version that is |
//! | `DNE` | no record: there is no such package |
//!
//! Where support has ended, that goes over whatever was to be done. `released` with a text instead of a version
//! leaves nothing to compare with: under investigation. A line for `devel` is about a release that has no number in
//! it; `upstream`, `snap` and `product` are no releases. These are counted.
//!
//! Nothing in a file tells where it ends: one that was cut between two lines looks whole.

mod file;

use super::{Place, is_end_of_life, is_version, place, severity};
use crate::document::Document;
use crate::error::FeedError;
use crate::instant::instant;
use crate::reader::{Out, Parser, Record, title};
use crate::{cvss, nvd};
use file::{File, Status};
use imagescan_model::{
    AdvisoryRecord, AdvisoryState, CoveredState, CveRecord, Cvss, DateKind, DatedAs, MatchedBy, PackageType,
    Release, Severity,
};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Files of the tracker, one each.
pub(crate) struct Tracker {
    feed: String,
    releases: BTreeSet<Release>,
}

impl Tracker {
    pub(crate) fn new(feed: &str) -> Self {
        Self { feed: feed.into(), releases: BTreeSet::new() }
    }
}

impl Parser for Tracker {
    fn read(&mut self, document: &mut Document<'_>, out: &mut Out<'_>) -> Result<(), FeedError> {
        let bytes = document.bytes()?;
        let text = String::from_utf8_lossy(&bytes);
        if !text.lines().any(|line| line.starts_with("Candidate:")) {
            if is_cve(document.name()) {
                return Err(document.unrecognised(&self.feed, "files of the tracker, with a Candidate"));
            }
            out.dropped("another file of the tracker's tree");
            return Ok(());
        }
        if is_cve(document.name()) && !text.ends_with('\n') {
            return Err(document.value("its last line has no end:", text.lines().last().unwrap_or_default()));
        }
        let file = File::parse(document.name(), &text)?;
        if file.candidate.is_empty() {
            out.dropped("a template for new files");
            return Ok(());
        }
        self.statuses(document, &file, out)?;
        scores(&file, out);
        Ok(())
    }

    fn finish(&mut self, out: &mut Out<'_>) -> Result<(), FeedError> {
        for release in &self.releases {
            out.covers(release, &PackageType::Deb, CoveredState::ALL);
        }
        Ok(())
    }
}

/// Whether a document has the name of a CVE's file.
fn is_cve(name: &str) -> bool {
    name.rsplit('/').next().is_some_and(|name| name.starts_with("CVE-"))
}

impl Tracker {
    fn statuses(
        &mut self,
        document: &Document<'_>,
        file: &File<'_>,
        out: &mut Out<'_>,
    ) -> Result<(), FeedError> {
        let about = About {
            title: title(&file.description),
            disclosed: file.disclosed().and_then(|text| disclosed(text, out)),
        };
        let mut seen = BTreeMap::new();
        for status in &file.statuses {
            let failed = |why| FeedError::Line { name: document.name().into(), line: status.line, why };
            let said = said(status.value).ok_or_else(|| failed("its status is unknown"))?;
            let Some((release, stream)) = archive(status, out) else { continue };
            match seen.insert((status.release, status.package), said) {
                Some(known) if known != said => return Err(failed("it contradicts a line before it")),
                Some(_) => continue,
                None => {}
            }
            let priority = file.priority(status.package, status.release);
            let severity = severity(priority).ok_or_else(|| document.value("unknown Priority", priority))?;
            if !self.releases.contains(&release) {
                self.releases.insert(release.clone());
            }
            let record = AdvisoryRecord {
                stream,
                severity,
                severity_source: (severity != Severity::Unknown).then(|| self.feed.clone()),
                ..about.record(release, status.package, file.candidate)
            };
            give(record, said, out);
        }
        Ok(())
    }
}

/// What all records of a CVE have in common.
struct About {
    title: Option<String>,
    disclosed: Option<DatedAs>,
}

impl About {
    fn record(&self, release: Release, package: &str, id: &str) -> AdvisoryRecord {
        AdvisoryRecord {
            title: self.title.clone(),
            disclosed: self.disclosed,
            ..AdvisoryRecord::new(release, PackageType::Deb, MatchedBy::Source, package, id)
        }
    }
}

/// The release and pocket of a status; another place is counted.
fn archive(status: &Status<'_>, out: &mut Out<'_>) -> Option<(Release, Option<String>)> {
    out.dropped(match place(status.release) {
        Place::Archive(release, stream) => return Some((release, stream)),
        Place::Development => "a status in the release being made, whose number is not told",
        Place::Upstream => "a status of the original project",
        Place::Product => "a status of a snap or product, which is no package of a release",
    });
    None
}

fn give(record: AdvisoryRecord, said: Said<'_>, out: &mut Out<'_>) {
    match said {
        Said::Absent => out.dropped("there is no such package in the release"),
        Said::State(state, version) => {
            out.advisory(AdvisoryRecord { state, fixed_version: version.map(String::from), ..record });
        }
        Said::OnlyInEsm(version) => {
            let fixed_version = Some(version.into());
            let Some(stream) = &record.stream else {
                let stream = Some("esm-infra".into());
                out.advisory(AdvisoryRecord { stream, fixed_version, ..record.clone() });
                return out.advisory(AdvisoryRecord { state: AdvisoryState::WillNotFix, ..record });
            };
            out.advisory(AdvisoryRecord { stream: Some(stream.clone()), fixed_version, ..record });
        }
    }
}

/// A status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said<'a> {
    Absent,
    /// With the version that fixes it.
    State(AdvisoryState, Option<&'a str>),
    /// Fixed for Ubuntu Pro by this version, and for nobody else.
    OnlyInEsm(&'a str),
}

/// The status that `word (remark)` stands for; `None`: nobody has described it. Old files have a version alone for
/// what was released, and nothing for what nobody looked at; and some have other brackets, or not all of them.
fn said(value: &str) -> Option<Said<'_>> {
    use AdvisoryState::*;
    let (word, remark) = value.split_once([' ', '(']).unwrap_or((value, ""));
    let remark = remark.trim_matches([' ', '(', ')', '[', ']']);
    let version = Some(remark).filter(|text| is_version(text));
    let open = |state| if is_end_of_life(remark) { EndOfLife } else { state };
    Some(match (word, version) {
        ("released", Some(version)) => Said::State(Affected, Some(version)),
        ("released-esm", Some(version)) => Said::OnlyInEsm(version),
        ("released" | "released-esm", None) => Said::State(UnderInvestigation, None),
        ("needed" | "active" | "in-progress" | "pending", _) => Said::State(open(Affected), None),
        ("deferred", _) => Said::State(open(FixDeferred), None),
        ("ignored", _) => Said::State(open(WillNotFix), None),
        ("needs-triage" | "", _) => Said::State(open(UnderInvestigation), None),
        ("not-affected", _) => Said::State(NotAffected, None),
        ("DNE", _) => Said::Absent,
        (version, None) if remark.is_empty() && is_version(version) => Said::State(Affected, Some(version)),
        _ => return None,
    })
}

/// When it became public, if somebody has said. Dates are written by hand: one that is none is counted.
fn disclosed(text: &str, out: &mut Out<'_>) -> Option<DatedAs> {
    if matches!(text, "" | "unknown") {
        return None;
    }
    let at = public(text);
    if at.is_none() {
        out.dropped("a date that is none");
    }
    at.map(|at| DatedAs { at, kind: DateKind::Disclosed })
}

/// `2020-01-21 06:15:00 UTC`; a few have the zone that its writer lives in.
fn public(text: &str) -> Option<Timestamp> {
    let Some((local, zone)) = text.rsplit_once(' ') else { return instant(text) };
    let hours = match zone {
        "UCT" | "GMT" => 0,
        "BST" | "CET" => 1,
        "CEST" => 2,
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        _ => return instant(text).or_else(|| instant(&format!("{local}{zone}"))),
    };
    instant(local)?.checked_sub(SignedDuration::from_hours(hours)).ok()
}

/// CVSS vectors, which the tracker repeats of others.
fn scores(file: &File<'_>, out: &mut Out<'_>) {
    let mut records = BTreeMap::new();
    for (source, vector) in &file.cvss {
        let Some((vector, score, severity)) = score(vector) else {
            out.dropped("a CVSS vector without a score");
            continue;
        };
        let record = records.entry(*source).or_insert_with(|| CveRecord::new(file.candidate, *source));
        record.severity = record.severity.max(severity);
        record.cvss.push(Cvss { vector: vector.into(), score });
    }
    for (_, mut record) in records {
        record.cvss.sort();
        record.cvss.dedup();
        out.record(Record::Cve(record));
    }
}

/// Of `CVSS:3.1/AV:L/…`, behind which newer files have the score, as in `[5.5 MEDIUM]`.
fn score(text: &str) -> Option<(&str, u8, Severity)> {
    let (vector, said) = text.split_once(' ').unwrap_or((text, ""));
    if let (Some(score), Some(severity)) = (cvss::tenths(vector), cvss::severity(vector)) {
        return Some((vector, score.try_into().ok()?, severity));
    }
    let (score, word) = said.trim().strip_prefix('[')?.strip_suffix(']')?.split_once(' ')?;
    let severity = severity(&word.to_ascii_lowercase().replace("none", "negligible"))?;
    Some((vector, nvd::tenths(score.parse().ok()?)?, severity))
}

#[cfg(test)]
mod tests;
