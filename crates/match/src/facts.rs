//! What is known of a CVE whatever package it is in, put into findings.
//!
//! A severity is the distribution's; where it gives none, NVD's; where that gives none, of those who passed theirs on
//! the highest. It is never computed here.

use imagescan_knowledge::{Knowledge, KnowledgeError};
use imagescan_model::{CveRecord, DateKind, DatedAs, Epss, Finding, FindingCvss, FindingEpss, Severity};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Facts by CVE, each looked up once.
pub(crate) struct Facts<'k> {
    knowledge: &'k Knowledge,
    as_of: Timestamp,
    known: BTreeMap<String, (Vec<CveRecord>, Option<Epss>)>,
}

impl<'k> Facts<'k> {
    pub(crate) fn new(knowledge: &'k Knowledge, as_of: Timestamp) -> Self {
        Self { knowledge, as_of, known: BTreeMap::new() }
    }

    /// Adds what is known of the finding's CVE. `false`: the CVE was withdrawn, so that there is nothing to find.
    pub(crate) fn add_to(&mut self, finding: &mut Finding) -> Result<bool, KnowledgeError> {
        let (records, epss) = match self.known.entry(finding.id.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let records = self.knowledge.cve(&finding.id)?;
                new.insert((records, self.knowledge.epss(&finding.id)?))
            }
        };
        if records.iter().any(|record| record.source == "nvd" && record.rejected) {
            return Ok(false);
        }
        add_severity(finding, records);
        add_dates(finding, records, self.as_of);
        for record in records.iter() {
            let score = |cvss: &imagescan_model::Cvss| FindingCvss {
                source: record.source.clone(),
                vector: cvss.vector.clone(),
                score: cvss.score,
            };
            finding.cvss.extend(record.cvss.iter().map(score));
            if finding.title.is_none() {
                finding.title.clone_from(&record.title);
            }
        }
        finding.cvss.sort_by(|a, b| (&a.source, &a.vector).cmp(&(&b.source, &b.vector)));
        let is_past = |epss: &&Epss| start_of(epss.date).is_some_and(|day| day <= self.as_of);
        finding.epss = epss.as_ref().filter(is_past).map(|epss| FindingEpss {
            score: epss.score,
            percentile: epss.percentile,
            date: epss.date,
        });
        Ok(true)
    }
}

fn add_severity(finding: &mut Finding, records: &[CveRecord]) {
    if finding.severity != Severity::Unknown {
        return;
    }
    let rated = || records.iter().filter(|record| record.severity != Severity::Unknown);
    let nvd = rated().find(|record| record.source == "nvd");
    let other = || rated().max_by(|a, b| (a.severity, &b.source).cmp(&(b.severity, &a.source)));
    if let Some(record) = nvd.or_else(other) {
        finding.severity = record.severity;
        finding.severity_source = Some(record.source.clone());
    }
}

fn add_dates(finding: &mut Finding, records: &[CveRecord], as_of: Timestamp) {
    if finding.dates.disclosed.is_none() {
        let published = records.iter().filter_map(|record| record.published).min();
        finding.dates.disclosed = published.map(|at| DatedAs { at, kind: DateKind::Disclosed });
    }
    let listed = records.iter().find_map(|record| record.exploited);
    // A capture of the list may name a day to come.
    let listed = listed.filter(|entry| start_of(entry.added).is_some_and(|day| day <= as_of));
    finding.kev = listed;
    finding.dates.exploited = listed.and_then(|entry| start_of(entry.added));
}

fn start_of(day: jiff::civil::Date) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()
}
