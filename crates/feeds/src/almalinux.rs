//! AlmaLinux: its database of OSV documents, `errata.full.json`, or `updateinfo.xml` of its repositories. What
//! they tell is in [`crate::rebuild`]; only `errata.full.json` is AlmaLinux's own format.

use crate::announced::{self, Built};
use crate::document::Document;
use crate::error::{FeedError, refused};
use crate::list;
use crate::reader::{Out, Parser, title};
use crate::rebuild::{self, Advisory, Vendor};
use crate::text::is_number;
use imagescan_model::Release;
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;

const ALMALINUX: Vendor = Vendor {
    distribution: "almalinux",
    ecosystem: "AlmaLinux",
    collection: "almalinux-",
    security: "ALSA-",
    others: ["ALBA-", "ALEA-"],
    groups: &[],
};

/// Documents of any releases.
pub(crate) struct Almalinux {
    feed: String,
}

/// An item of `errata.full.json`.
#[derive(Deserialize)]
struct Erratum {
    id: String,
    issued_date: i64,
    severity: String,
    title: String,
    packages: Vec<Package>,
    references: Vec<Reference>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    epoch: String,
    version: String,
    release: String,
    arch: String,
    /// `mariadb:10.3:8050020220427075058:c5368500:x86_64`.
    #[serde(default)]
    module: Option<String>,
}

#[derive(Deserialize)]
struct Reference {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    href: Option<String>,
}

impl Almalinux {
    pub(crate) fn new(feed: &str) -> Self {
        Self { feed: feed.into() }
    }
}

impl Parser for Almalinux {
    fn read(&mut self, document: &mut Document<'_>, out: &mut Out<'_>) -> Result<(), FeedError> {
        let name = document.name().to_owned();
        match document.first()? {
            Some(b'<') => rebuild::updateinfo(&ALMALINUX, &self.feed, document, out),
            Some(b'{') => {
                let bytes = document.bytes()?;
                let mut source = &*bytes;
                let mut document = Document::new(&name, &mut source);
                if list::has_member(&name, &bytes, "data", "JSON of AlmaLinux's errata")? {
                    list::each(&mut document, "data", "errata.full.json", |erratum: Erratum| {
                        advisory(&name, erratum)?.give(&ALMALINUX, &self.feed, &name, out)
                    })
                } else {
                    let vulnerability = document.json("OSV document of AlmaLinux")?;
                    rebuild::osv(&ALMALINUX, &self.feed, &name, vulnerability, out)
                }
            }
            _ => Err(document.unrecognised(&self.feed, "OSV documents, errata.full.json or updateinfo.xml")),
        }
    }
}

fn advisory(document: &str, erratum: Erratum) -> Result<Advisory, FeedError> {
    let of_kind = |kind| erratum.references.iter().filter(move |reference| reference.kind == kind);
    let url = of_kind("self").find_map(|reference| reference.href.clone());
    let cves = of_kind("cve").map(|reference| reference.id.clone()).filter(|id| id.starts_with("CVE-"));
    let mut packages: BTreeMap<Release, Vec<Built>> = BTreeMap::new();
    for package in &erratum.packages {
        // Only the package tells the release, or else the folder of the advisory's address.
        let folder = || url.as_deref()?.rsplit('/').nth(1).filter(|folder| is_number(folder));
        let major = rebuild::major(&package.release).or_else(folder);
        let major = major.ok_or_else(|| refused(document, "unknown release of package", &package.name))?;
        packages.entry(Release::new(ALMALINUX.distribution, major)).or_default().push(built(package));
    }
    let severity = announced::severity(&erratum.severity);
    let date = Timestamp::from_second(erratum.issued_date);
    Ok(Advisory {
        title: title(&erratum.title),
        severity: severity.ok_or_else(|| refused(document, "unknown severity", &erratum.severity))?,
        issued: Some(date.map_err(|_| refused(document, "no date", &erratum.issued_date.to_string()))?),
        cves: cves.collect(),
        urls: url.into_iter().collect(),
        packages,
        id: erratum.id,
    })
}

fn built(package: &Package) -> Built {
    let module = package.module.as_deref().filter(|module| !module.is_empty());
    let stream = |module: &str| module.split(':').take(2).collect::<Vec<_>>().join(":");
    Built {
        name: package.name.clone(),
        version: announced::evr(Some(&package.epoch), &package.version, &package.release),
        module: module.map(stream),
        architecture: package.arch.clone(),
    }
}

#[cfg(test)]
mod tests;
