//! Fedora and EPEL: pages of Bodhi, which builds updates, or `updateinfo.xml` of the repositories.
//!
//! Bodhi names builds, that is source packages; updateinfo names the binary packages. Only stable updates were
//! published. CVEs stand in titles of bugs and in notes; an update without any is filed under its own id.
//!
//! EPEL is a distribution of its own beside the one that it is for. Flatpaks and containers are no packages of
//! the system, and of a module Bodhi does not tell the packages.

mod bodhi;

use crate::announced::{Announced, Built};
use crate::cve;
use crate::document::Document;
use crate::error::FeedError;
use crate::list;
use crate::reader::{Out, Parser};
use crate::updateinfo::{self, Collection, Update};
use imagescan_model::{CoveredState, MatchedBy, PackageType, Release};
use std::collections::BTreeSet;

/// Words of Bodhi for updates that are not out, or not any more.
const NOT_PUBLISHED: [&str; 7] =
    ["pending", "testing", "unpushed", "obsolete", "processing", "side_tag_active", "side_tag_expired"];

/// A module is no package of the system, but its packages are.
const NO_PACKAGES: &str = "a module whose packages are not listed";

/// Documents of any releases.
pub(crate) struct Fedora {
    feed: String,
}

/// What a name such as `F38M` is of.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// Packages of a release; of EPEL's branches for minor releases and for Stream the branch is a stream.
    Packages(Release, Option<String>),
    /// Modules of a release.
    Modules(Release),
    /// No packages of the system.
    Else(&'static str),
}

impl Fedora {
    pub(crate) fn new(feed: &str) -> Self {
        Self { feed: feed.into() }
    }

    fn update(&self, document: &str, update: &Update, out: &mut Out<'_>) -> Result<(), FeedError> {
        let places = update.collections.iter().map(|collection| place(document, &collection.short));
        let places = places.collect::<Result<Vec<_>, _>>()?;
        places.iter().for_each(|place| place.cover(out));
        if !published(document, &update.status, update.security, out)? {
            return Ok(());
        }
        let texts = [update.title.as_deref(), update.description.as_deref()];
        let referred = update.references.iter().flat_map(|reference| [&reference.id, &reference.title]);
        let cves = cve::ids(texts.into_iter().flatten().chain(referred.map(String::as_str)));
        for (place, collection) in places.iter().zip(&update.collections) {
            match place {
                Place::Packages(release, stream) => {
                    let announced = self.announced(release, stream.as_deref(), update, &cves);
                    announced.records(&collection.packages, out);
                }
                Place::Modules(release) => {
                    let packages = of_module(document, update, collection, out)?;
                    self.announced(release, None, update, &cves).records(&packages, out);
                }
                Place::Else(reason) => out.dropped(reason),
            }
        }
        Ok(())
    }

    fn announced<'a>(
        &'a self,
        release: &'a Release,
        stream: Option<&'a str>,
        update: &'a Update,
        cves: &'a BTreeSet<String>,
    ) -> Announced<'a> {
        Announced {
            feed: &self.feed,
            release,
            stream,
            matched_by: MatchedBy::Binary,
            id: &update.id,
            cves,
            title: update.title.as_deref(),
            url: Some(url(&update.id)),
            severity: update.severity,
            issued: update.issued,
            disclosed: None,
        }
    }
}

impl Parser for Fedora {
    fn read(&mut self, document: &mut Document<'_>, out: &mut Out<'_>) -> Result<(), FeedError> {
        let name = document.name().to_owned();
        match document.first()? {
            Some(b'<') => updateinfo::each(document, |update| self.update(&name, &update, out)),
            Some(b'{' | b'[') => list::each(document, "updates", "page of Bodhi", |update| {
                bodhi::update(&self.feed, &name, &update, out)
            }),
            _ => Err(document.unrecognised(&self.feed, "updateinfo.xml, or a page of Bodhi's updates")),
        }
    }
}

impl Place {
    /// What is not in an update of the release is not told, whatever the update is about.
    fn cover(&self, out: &mut Out<'_>) {
        if let Self::Packages(release, _) | Self::Modules(release) = self {
            out.covers(release, &PackageType::Rpm, [CoveredState::Fixed]);
        }
    }
}

/// The packages of a modular update. Which module they are of, the collection tells, or the update's title.
fn of_module(
    document: &str,
    update: &Update,
    collection: &Collection,
    out: &mut Out<'_>,
) -> Result<Vec<Built>, FeedError> {
    if collection.packages.is_empty() {
        out.dropped(NO_PACKAGES);
        return Ok(Vec::new());
    }
    let titled = || module(update.title.as_deref()?);
    let name = collection.module.clone().or_else(titled).ok_or_else(|| FeedError::Value {
        name: document.into(),
        why: "packages of an unknown module in",
        value: update.id.clone(),
    })?;
    let packages = collection.packages.iter();
    Ok(packages.map(|package| Built { module: Some(name.clone()), ..package.clone() }).collect())
}

/// Whether an update is about security and was published; else it is counted.
fn published(document: &str, status: &str, security: bool, out: &mut Out<'_>) -> Result<bool, FeedError> {
    if NOT_PUBLISHED.contains(&status) {
        out.dropped("not stable");
    } else if status != "stable" {
        let (why, value) = ("unknown status of an update", status.into());
        return Err(FeedError::Value { name: document.into(), why, value });
    } else if !security {
        out.dropped("not about security");
    } else {
        return Ok(true);
    }
    Ok(false)
}

/// `F38`, `F38M` for modules, `F38F` for Flatpaks, `F29C` for containers, `EL-6`, `EPEL-9`, `EPEL-8M`, `EPEL-9N`
/// for Stream, `EPEL-10.1`.
fn place(document: &str, name: &str) -> Result<Place, FeedError> {
    let known = || {
        if name == "ELN" {
            return Some(Place::Else("Fedora's builds of the next Enterprise Linux"));
        }
        let (distribution, rest) = match name.strip_prefix("EPEL-").or_else(|| name.strip_prefix("EL-")) {
            Some(rest) => ("epel", rest),
            None => ("fedora", name.strip_prefix('F')?),
        };
        let version = rest.trim_end_matches(|c: char| c.is_ascii_uppercase());
        let numbers = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let (major, minor) =
            version.split_once('.').map_or((version, None), |(major, minor)| (major, Some(minor)));
        if !numbers(major) || !minor.is_none_or(numbers) {
            return None;
        }
        let release = Release::new(distribution, major);
        Some(match rest.strip_prefix(version)? {
            "" => Place::Packages(release, minor.map(|_| name.to_ascii_lowercase())),
            "N" => Place::Packages(release, Some(name.to_ascii_lowercase())),
            "M" => Place::Modules(release),
            "F" => Place::Else("a Flatpak"),
            "C" => Place::Else("a container"),
            _ => return None,
        })
    };
    known().ok_or_else(|| FeedError::Value {
        name: document.into(),
        why: "unknown release of Fedora or EPEL",
        value: name.into(),
    })
}

/// `nginx:mainline` of the build `nginx-mainline-3820240218193500.f38`, where an update is one build.
fn module(title: &str) -> Option<String> {
    let build = Some(title).filter(|title| !title.contains(' '))?;
    let (rest, _version) = build.rsplit_once('-')?;
    let (name, stream) = rest.rsplit_once('-')?;
    Some(format!("{name}:{stream}"))
}

fn url(id: &str) -> String {
    format!("https://bodhi.fedoraproject.org/updates/{id}")
}

#[cfg(test)]
mod tests;
