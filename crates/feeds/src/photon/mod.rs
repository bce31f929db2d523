//! Photon OS: the CVE metadata of each release (`cve_data_photon5.0.json`), OVAL of its advisories, and the texts of
//! the advisories, which have the dates that the metadata lacks.
//!
//! | status | affected | fixed | |
//! |---|---|---|---|
//! | Fixed | any | X | affected below X |
//! | Fixed | a text | NA | affected, no fix |
//! | Fixed | NA | NA | no statement |
//! | Not Affected | any | any | not affected |
//!
//! A row names a binary package or a source package; nothing tells which. It is given as both: the matcher takes
//! what is said of the binary, and where nothing is, what is said of the source. Of ids, only CVEs are kept: the rest is of other
//! databases, or junk. The metadata does not say which release it is of: the versions do (`.ph5`).

mod metadata;
mod updates;

use crate::announced::{self, Announced, Built};
use crate::document::Document;
use crate::error::{FeedError, refused};
use crate::list;
use crate::oval::{self, Definition};
use crate::reader::{Out, Parser};
use crate::text::is_number;
use imagescan_model::{
    AdvisoryRecord, AdvisoryReference, CoveredState, DateKind, DatedAs, MatchedBy, PackageType, Release,
};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Release, package, id.
type Key = (Release, String, String);

/// Documents of any releases.
pub(crate) struct Photon {
    feed: String,
    /// Of the metadata: they get their dates in the end.
    records: Vec<AdvisoryRecord>,
    updates: BTreeMap<Key, BTreeSet<AdvisoryReference>>,
}

/// `photon_versions.json`: which releases there is metadata of.
#[derive(Deserialize)]
struct Versions {
    #[serde(rename = "branches")]
    _branches: Vec<String>,
}

impl Photon {
    pub(crate) fn new(feed: &str) -> Self {
        Self { feed: feed.into(), records: Vec::new(), updates: BTreeMap::new() }
    }

    fn definition(&self, name: &str, definition: &Definition, out: &mut Out<'_>) -> Result<(), FeedError> {
        if definition.class != "patch" {
            return Err(refused(name, "unknown class of definition", &definition.class));
        }
        let own = definition.references("PHSA").next();
        // Few lack it, and with it the date: then the title begins with another form of it.
        let titled = || definition.title.as_deref()?.split(' ').next().filter(|id| id.starts_with("PHSA-"));
        let id = own.and_then(|reference| reference.get("ref_id")).or_else(titled);
        let id = id.ok_or_else(|| refused(name, "no PHSA in", &definition.id))?;
        let advisory = definition.metadata.child("advisory");
        let advisory = advisory.ok_or_else(|| refused(name, "no details of", id))?;
        let word = advisory.text_of("severity").unwrap_or_default();
        let issued = advisory.child("issued").and_then(|issued| issued.get("date"));
        let issued = issued.filter(|date| !date.is_empty());
        let instant = |date| announced::instant(date).ok_or_else(|| refused(name, "no date", date));
        let cves: BTreeSet<String> = advisory.all("cve").map(|cve| cve.text.clone()).collect();
        let cves = cves.into_iter().filter(|id| id.starts_with("CVE-")).collect();
        let mut packages: BTreeMap<Release, Vec<Built>> = BTreeMap::new();
        for fix in oval::fixes(name, definition)? {
            let major = fix.system.strip_prefix("Photon OS ").filter(|major| is_number(major));
            let major = major.ok_or_else(|| refused(name, "unknown system", &fix.system))?;
            packages.entry(Release::new("photon", format!("{major}.0"))).or_default().push(Built {
                name: fix.package,
                version: fix.version,
                module: fix.module,
                architecture: fix.architecture.unwrap_or_default(),
            });
        }
        for (release, packages) in &packages {
            out.covers(release, &PackageType::Rpm, [CoveredState::Fixed]);
            let announced = Announced {
                feed: &self.feed,
                release,
                stream: None,
                matched_by: MatchedBy::Binary,
                id,
                cves: &cves,
                title: definition.title.as_deref(),
                url: own.and_then(|reference| reference.get("ref_url")).map(String::from),
                severity: announced::severity(word).ok_or_else(|| refused(name, "unknown severity", word))?,
                issued: issued.map(instant).transpose()?,
                disclosed: None,
            };
            announced.records(packages, out);
        }
        Ok(())
    }
}

impl Parser for Photon {
    fn read(&mut self, document: &mut Document<'_>, out: &mut Out<'_>) -> Result<(), FeedError> {
        let name = document.name().to_owned();
        match document.first()? {
            Some(b'<') => oval::each(document, |definition| self.definition(&name, &definition, out)),
            Some(b'[') => {
                let bytes = document.bytes()?;
                let release = metadata::release(&name, &bytes)?;
                let states = [CoveredState::NotAffected, CoveredState::Fixed, CoveredState::Unfixed];
                out.covers(&release, &PackageType::Rpm, states);
                list::each(&mut Document::new(&name, &mut &*bytes), "", metadata::WHAT, |row| {
                    self.records.extend(metadata::record(&self.feed, &name, &release, &row, out)?);
                    Ok(())
                })
            }
            Some(b'#') => {
                for (key, reference) in updates::read(document)? {
                    self.updates.entry(key).or_default().insert(reference);
                }
                Ok(())
            }
            Some(b'{') => document.json::<Versions>("list of releases").map(|_| ()),
            _ => Err(document.unrecognised(&self.feed, "CVE metadata, OVAL or a security update's text")),
        }
    }

    fn finish(&mut self, out: &mut Out<'_>) -> Result<(), FeedError> {
        for mut record in std::mem::take(&mut self.records) {
            let key = (record.release.clone(), record.package.clone(), record.id.clone());
            if let Some(updates) = self.updates.get(&key).filter(|_| record.fixed_version.is_some()) {
                // The metadata has the last version, so it came with the last update.
                let last = updates.iter().filter_map(|update| update.date).max();
                record.fix_available = last.map(|at| DatedAs { at, kind: DateKind::Advisory });
                record.advisories = updates.iter().cloned().collect();
            }
            out.advisory(AdvisoryRecord { matched_by: MatchedBy::Source, ..record.clone() });
            out.advisory(record);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
