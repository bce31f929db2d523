//! Oracle Linux: OVAL of its errata (ELSA).
//!
//! Three flavours of a package are built beside each other and are never compared with each other: the normal
//! one, user space that Ksplice can patch (`ksplice` in the release) and what is certified for FIPS 140 (`_fips`).
//! The flavour is the record's stream. Architectures are those of the system: builds of one ELSA can differ.
//!
//! Fixes only: nothing tells what is affected and has none.

use crate::announced::{self, Announced, Built};
use crate::document::Document;
use crate::error::{FeedError, refused};
use crate::oval::{self, Definition, Fix};
use crate::reader::{Out, Parser};
use crate::text::is_number;
use crate::xml::Element;
use imagescan_model::{CoveredState, MatchedBy, PackageType, Release, Severity};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};

/// One document of all errata, or one for each year.
pub(crate) struct Oracle {
    feed: String,
}

/// What all records of an erratum have in common.
struct Erratum<'a> {
    id: &'a str,
    title: Option<&'a str>,
    url: Option<&'a str>,
    severity: Severity,
    issued: Option<Timestamp>,
    /// With the day on which each became public.
    cves: BTreeMap<&'a str, Option<Timestamp>>,
}

impl Oracle {
    pub(crate) fn new(feed: &str) -> Self {
        Self { feed: feed.into() }
    }

    fn definition(&self, name: &str, definition: &Definition, out: &mut Out<'_>) -> Result<(), FeedError> {
        if definition.class != "patch" {
            return Err(refused(name, "unknown class of definition", &definition.class));
        }
        let mut erratum = erratum(name, definition)?;
        if erratum.cves.is_empty() {
            // It is said to be of security all the same.
            erratum.cves.insert(erratum.id, None);
        }
        let mut parts: BTreeMap<(Release, Option<&str>), Vec<Built>> = BTreeMap::new();
        for fix in oval::fixes(name, definition)? {
            let release = fix.system.strip_prefix("Oracle Linux ").filter(|version| is_number(version));
            let release = release.ok_or_else(|| refused(name, "unknown system", &fix.system))?;
            let key = (Release::new("ol", release), flavour(&fix.version));
            parts.entry(key).or_default().push(built(fix));
        }
        for ((release, stream), packages) in &parts {
            out.covers(release, &PackageType::Rpm, [CoveredState::Fixed]);
            for (cve, disclosed) in &erratum.cves {
                let announced = Announced {
                    feed: &self.feed,
                    release,
                    stream: *stream,
                    matched_by: MatchedBy::Binary,
                    id: erratum.id,
                    cves: &BTreeSet::from([(*cve).to_owned()]),
                    title: erratum.title,
                    url: erratum.url.map(String::from),
                    severity: erratum.severity,
                    issued: erratum.issued,
                    disclosed: *disclosed,
                };
                announced.records(packages, out);
            }
        }
        Ok(())
    }
}

impl Parser for Oracle {
    fn read(&mut self, document: &mut Document<'_>, out: &mut Out<'_>) -> Result<(), FeedError> {
        if document.first()? != Some(b'<') {
            return Err(document.unrecognised(&self.feed, "OVAL such as com.oracle.elsa-all.xml"));
        }
        let name = document.name().to_owned();
        oval::each(document, |definition| self.definition(&name, &definition, out))
    }
}

fn erratum<'a>(document: &str, definition: &'a Definition) -> Result<Erratum<'a>, FeedError> {
    let own = definition.references("elsa").next();
    let id = own.and_then(|reference| reference.get("ref_id"));
    let id = id.ok_or_else(|| refused(document, "no ELSA in", &definition.id))?;
    let advisory = definition.metadata.child("advisory");
    let advisory = advisory.ok_or_else(|| refused(document, "no details of", id))?;
    let severity = advisory.text_of("severity").unwrap_or_default();
    let issued = advisory.child("issued").and_then(|issued| issued.get("date"));
    let instant = |date: &str| announced::instant(date).ok_or_else(|| refused(document, "no date", date));
    let named = definition.references("CVE").filter_map(|reference| reference.get("ref_id"));
    let mut cves: BTreeMap<&str, Option<Timestamp>> = named.map(|id| (id, None)).collect();
    for cve in advisory.all("cve").filter(|cve| !cve.text.is_empty()) {
        cves.insert(&cve.text, public(document, cve)?);
    }
    cves.retain(|id, _| id.starts_with("CVE-"));
    Ok(Erratum {
        id,
        title: definition.title.as_deref(),
        url: own.and_then(|reference| reference.get("ref_url")),
        severity: announced::severity(severity)
            .ok_or_else(|| refused(document, "unknown severity", severity))?,
        issued: issued.map(instant).transpose()?,
        cves,
    })
}

/// `20070125`.
fn public(document: &str, cve: &Element) -> Result<Option<Timestamp>, FeedError> {
    let Some(text) = cve.get("public").filter(|text| !text.is_empty()) else { return Ok(None) };
    let day = Date::strptime("%Y%m%d", text).ok();
    let at = day.and_then(|day| TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok());
    at.map(Some).ok_or_else(|| refused(document, "no date", text))
}

fn flavour(version: &str) -> Option<&'static str> {
    if version.contains(".ksplice") {
        Some("ksplice")
    } else if version.ends_with("_fips") || version.contains("_fips.") {
        Some("fips")
    } else {
        None
    }
}

fn built(fix: Fix) -> Built {
    Built {
        name: fix.package,
        version: fix.version,
        module: fix.module,
        architecture: fix.architecture.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
