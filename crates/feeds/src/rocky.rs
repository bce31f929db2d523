//! Rocky Linux: its OSV documents, pages of Apollo (its errata), or `updateinfo.xml` of its repositories. What they
//! tell is in [`crate::rebuild`]; only Apollo's pages are Rocky's own format.
//!
//! Advisories with the letters `RXSA`, and products of special interest groups, are of packages that are not the
//! distribution's.

use crate::announced::{self, Built};
use crate::document::Document;
use crate::error::{FeedError, refused};
use crate::list;
use crate::reader::{Out, Parser, title};
use crate::rebuild::{self, Advisory, Vendor};
use crate::text::is_number;
use imagescan_model::Release;
use serde::Deserialize;
use std::collections::BTreeMap;

const ROCKY: Vendor = Vendor {
    distribution: "rocky",
    ecosystem: "Rocky Linux",
    collection: "rocky-linux-",
    security: "RLSA-",
    others: ["RLBA-", "RLEA-"],
    groups: &["RXSA-", "RXBA-", "RXEA-"],
};

/// Documents of any releases.
pub(crate) struct Rocky {
    feed: String,
}

/// An advisory of Apollo.
#[derive(Deserialize)]
struct Listed {
    name: String,
    synopsis: String,
    severity: String,
    published_at: String,
    cves: Vec<Named>,
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Named {
    cve: String,
}

#[derive(Deserialize)]
struct Package {
    nevra: String,
    #[serde(default)]
    module_name: Option<String>,
    #[serde(default)]
    module_stream: Option<String>,
    product_name: String,
}

impl Rocky {
    pub(crate) fn new(feed: &str) -> Self {
        Self { feed: feed.into() }
    }
}

impl Parser for Rocky {
    fn read(&mut self, document: &mut Document<'_>, out: &mut Out<'_>) -> Result<(), FeedError> {
        let name = document.name().to_owned();
        match document.first()? {
            Some(b'<') => rebuild::updateinfo(&ROCKY, &self.feed, document, out),
            Some(b'{') => {
                let bytes = document.bytes()?;
                let mut source = &*bytes;
                let mut document = Document::new(&name, &mut source);
                if list::has_member(&name, &bytes, "advisories", "JSON of Rocky Linux's errata")? {
                    list::each(&mut document, "advisories", "page of Apollo", |listed: Listed| {
                        advisory(&name, &listed, out)?.give(&ROCKY, &self.feed, &name, out)
                    })
                } else {
                    let vulnerability = document.json("OSV document of Rocky Linux")?;
                    rebuild::osv(&ROCKY, &self.feed, &name, vulnerability, out)
                }
            }
            _ => Err(document.unrecognised(&self.feed, "OSV documents, pages of Apollo or updateinfo.xml")),
        }
    }
}

fn advisory(document: &str, listed: &Listed, out: &mut Out<'_>) -> Result<Advisory, FeedError> {
    let mut packages: BTreeMap<Release, Vec<Built>> = BTreeMap::new();
    for package in &listed.packages {
        match release(&package.product_name) {
            Some(release) => {
                let built = built(package).ok_or_else(|| refused(document, "no package", &package.nevra))?;
                packages.entry(release).or_default().push(built);
            }
            None if package.product_name.contains("SIG") => {
                out.dropped("a package of a special interest group")
            }
            None => return Err(refused(document, "unknown product", &package.product_name)),
        }
    }
    let severity = announced::severity(&listed.severity);
    let issued = announced::instant(&listed.published_at);
    let cves = listed.cves.iter().map(|named| named.cve.clone()).filter(|id| id.starts_with("CVE-"));
    Ok(Advisory {
        id: listed.name.clone(),
        title: title(&listed.synopsis),
        urls: vec![format!("https://apollo.build.resf.org/{}", listed.name)],
        severity: severity.ok_or_else(|| refused(document, "unknown severity", &listed.severity))?,
        issued: Some(issued.ok_or_else(|| refused(document, "no date", &listed.published_at))?),
        cves: cves.collect(),
        packages,
    })
}

/// The release of `Rocky Linux 10 aarch64` or `Rocky Linux 8.4 x86_64 (Legacy)`.
fn release(product: &str) -> Option<Release> {
    let version = product.strip_prefix("Rocky Linux ")?.split(' ').next()?;
    let major = version.split('.').next().filter(|major| is_number(major))?;
    Some(Release::new(ROCKY.distribution, major))
}

/// `delve-0:1.25.2-1.el10_1.aarch64.rpm`.
fn built(package: &Package) -> Option<Built> {
    let (rest, architecture) = package.nevra.strip_suffix(".rpm")?.rsplit_once('.')?;
    let (rest, release) = rest.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    let (epoch, version) = version.split_once(':').unwrap_or(("0", version));
    let (module, stream) = (package.module_name.as_deref(), package.module_stream.as_deref());
    Some(Built {
        name: name.into(),
        version: announced::evr(Some(epoch), version, release),
        module: module.zip(stream).map(|(name, stream)| format!("{name}:{stream}")),
        architecture: architecture.into(),
    })
}

#[cfg(test)]
mod tests;
