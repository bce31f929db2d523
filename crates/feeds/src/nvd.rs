//! NVD: pages of its API 2.0, and its yearly feeds, which have the same shape (nvd.nist.gov/developers).
//!
//! A CVE has scores of several authorities. Each is a record of its own: `nvd` for what NIST scored itself, else
//! the authority's `source` as NVD names it. A record's severity is that of its Primary score, else of a Secondary
//! one, of the newest version of CVSS. The record of `nvd` is always there: it says whether the CVE was rejected,
//! and when it became public. Dates have no zone and are in UTC.
//!
//! A year has more than a hundred megabytes, so CVEs are given as they are read.

use crate::document::Document;
use crate::error::FeedError;
use crate::instant::instant;
use crate::reader::{Out, Parser, Record, title};
use imagescan_model::{CveRecord, Cvss, Severity};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

#[derive(Deserialize)]
struct Item {
    cve: Cve,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cve {
    id: String,
    published: String,
    #[serde(default)]
    vuln_status: Option<String>,
    #[serde(default)]
    descriptions: Vec<Description>,
    #[serde(default)]
    metrics: Metrics,
}

#[derive(Deserialize)]
struct Description {
    lang: String,
    value: String,
}

#[derive(Default, Deserialize)]
struct Metrics {
    #[serde(default, rename = "cvssMetricV40")]
    v40: Vec<Metric>,
    #[serde(default, rename = "cvssMetricV31")]
    v31: Vec<Metric>,
    #[serde(default, rename = "cvssMetricV30")]
    v30: Vec<Metric>,
    #[serde(default, rename = "cvssMetricV2")]
    v2: Vec<Metric>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metric {
    source: String,
    #[serde(rename = "type")]
    kind: String,
    cvss_data: CvssData,
    /// Of version 2, whose data has no word of its own.
    #[serde(default)]
    base_severity: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CvssData {
    vector_string: String,
    base_score: f64,
    #[serde(default)]
    base_severity: Option<String>,
}

/// Pages and feeds, one each.
pub(crate) struct Nvd {
    feed: String,
}

impl Nvd {
    pub(crate) fn new(feed: &str) -> Self {
        Self { feed: feed.into() }
    }
}

const WHAT: &str = "page or feed of NVD 2.0";

impl Parser for Nvd {
    fn read(&mut self, document: &mut Document<'_>, out: &mut Out<'_>) -> Result<(), FeedError> {
        if document.first()? != Some(b'{') {
            return Err(
                document.unrecognised(&self.feed, "pages of the API 2.0, or feeds nvdcve-2.0-YEAR.json")
            );
        }
        let name = document.name();
        let mut json = serde_json::Deserializer::from_reader(document.source());
        let read = json.deserialize_map(Page { out }).and_then(|()| json.end());
        read.map_err(|source| FeedError::Json { name: name.into(), what: WHAT, source })
    }
}

struct Page<'o, 'a> {
    out: &'o mut Out<'a>,
}

impl<'de> Visitor<'de> for Page<'_, '_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a page with vulnerabilities")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (mut is_told, mut was_given) = (false, false);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "format" | "version" => {
                    let value: String = map.next_value()?;
                    if !matches!(value.as_str(), "NVD_CVE" | "2.0") {
                        return Err(A::Error::custom(format!("unknown {key} `{}`", value.escape_debug())));
                    }
                    is_told = true;
                }
                "vulnerabilities" => {
                    map.next_value_seed(Items { out: &mut *self.out })?;
                    was_given = true;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if is_told && was_given {
            return Ok(());
        }
        Err(A::Error::custom("it has no format, or no vulnerabilities"))
    }
}

struct Items<'o, 'a> {
    out: &'o mut Out<'a>,
}

impl<'de> DeserializeSeed<'de> for Items<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Items<'_, '_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of CVEs")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(Item { cve }) = items.next_element()? {
            for record in records(cve).map_err(A::Error::custom)? {
                self.out.record(Record::Cve(record));
            }
        }
        Ok(())
    }
}

/// Why a CVE was not understood.
#[derive(Debug, thiserror::Error)]
#[error("{id}: {why} `{}`", value.escape_debug())]
struct Unknown {
    id: String,
    why: &'static str,
    value: String,
}

/// How far NVD has come with a CVE (nvd.nist.gov/vuln/vulnerability-status). Since April 2026 most are
/// `Not Scheduled`: nobody will score them.
const STATUSES: [&str; 7] = [
    "Received",
    "Awaiting Analysis",
    "Undergoing Analysis",
    "Analyzed",
    "Modified",
    "Deferred",
    "Not Scheduled",
];

/// The records of one CVE, by who says them.
fn records(cve: Cve) -> Result<impl Iterator<Item = CveRecord>, Unknown> {
    let unknown = |why, value: &str| Unknown { id: cve.id.clone(), why, value: value.into() };
    let rejected = match cve.vuln_status.as_deref() {
        Some("Rejected") => true,
        None => false,
        Some(status) if STATUSES.contains(&status) => false,
        Some(status) => return Err(unknown("unknown vulnStatus", status)),
    };
    let published = Some(instant(&cve.published).ok_or_else(|| unknown("not an instant:", &cve.published))?);
    let english = cve.descriptions.iter().find(|description| description.lang == "en");
    let new = |source: &str| CveRecord { rejected, published, ..CveRecord::new(&*cve.id, source) };
    let mut records = BTreeMap::from([(
        String::from(NIST),
        CveRecord { title: english.and_then(|text| title(&text.value)), ..new(NIST) },
    )]);
    // The one that counts first: of one source Primary before Secondary, then the newest version.
    let Metrics { v40, v31, v30, v2 } = &cve.metrics;
    let all = || [v40, v31, v30, v2].into_iter().flatten();
    for wanted in ["Primary", "Secondary"] {
        for metric in all().filter(|metric| metric.kind == wanted) {
            let source = if metric.source == "nvd@nist.gov" { NIST } else { &metric.source };
            let record = records.entry(source.into()).or_insert_with(|| new(source));
            let said = metric.cvss_data.base_severity.as_deref().or(metric.base_severity.as_deref());
            let severity = severity(said).map_err(|word| unknown("unknown baseSeverity", word))?;
            if record.severity == Severity::Unknown {
                record.severity = severity;
            }
            let data = &metric.cvss_data;
            let score = tenths(data.base_score)
                .ok_or_else(|| unknown("no base score:", &data.base_score.to_string()))?;
            record.cvss.push(Cvss { vector: data.vector_string.clone(), score });
        }
    }
    if let Some(metric) = all().find(|metric| !matches!(metric.kind.as_str(), "Primary" | "Secondary")) {
        return Err(unknown("unknown type of score", &metric.kind));
    }
    Ok(records.into_values().map(|mut record| {
        record.cvss.sort();
        record.cvss.dedup();
        record
    }))
}

/// Who scored what NVD itself scored.
const NIST: &str = "nvd";

fn severity(word: Option<&str>) -> Result<Severity, &str> {
    Ok(match word {
        None => Severity::Unknown,
        Some("NONE") => Severity::Negligible,
        Some("LOW") => Severity::Low,
        Some("MEDIUM") => Severity::Medium,
        Some("HIGH") => Severity::High,
        Some("CRITICAL") => Severity::Critical,
        Some(word) => return Err(word),
    })
}

/// A score of 0 to 10 in tenths.
pub(crate) fn tenths(score: f64) -> Option<u8> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 100")]
    (0.0..=10.0).contains(&score).then(|| (score * 10.0).round() as u8)
}

#[cfg(test)]
mod tests;
