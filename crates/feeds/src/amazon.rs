//! Amazon Linux: an `updateinfo.xml` for each repository, and the catalog of Amazon Linux 2's extras.
//!
//! Core has the advisories `ALAS-2011-1` (of the first Amazon Linux), `ALAS2-2018-939` and `ALAS2023-2023-001`.
//! Each topic of the extras, and live patches, is a repository of its own with its own line of versions and
//! advisories `ALAS2KERNEL-5.15-2022-001`: the same package name is in core and in topics, and a fix of one says
//! nothing of the other. Such a repository is the record's stream.
//!
//! Fixes only: nothing tells what is affected and has none.

use crate::announced::Announced;
use crate::document::Document;
use crate::error::{FeedError, refused};
use crate::reader::{Out, Parser};
use crate::updateinfo::{self, Update};
use imagescan_model::{CoveredState, MatchedBy, PackageType, Release};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The repository of the release itself, in what is covered.
const CORE: &str = "core";

/// Topics of Amazon Linux 2, as amazon-linux-extras gets them.
#[derive(Deserialize)]
struct Catalog {
    topics: Vec<Topic>,
}

#[derive(Deserialize)]
struct Topic {
    #[serde(rename = "n")]
    name: String,
}

/// Documents of any repositories.
pub(crate) struct Amazon {
    feed: String,
    read: BTreeMap<Release, BTreeSet<String>>,
    topics: BTreeSet<String>,
}

impl Amazon {
    pub(crate) fn new(feed: &str) -> Self {
        Self { feed: feed.into(), read: BTreeMap::new(), topics: BTreeSet::new() }
    }

    fn update(&mut self, document: &str, update: &Update, out: &mut Out<'_>) -> Result<(), FeedError> {
        let refused = |why, value: &str| refused(document, why, value);
        if update.status != "final" {
            return Err(refused("unknown status of an update", &update.status));
        }
        let cves = update.cves();
        if !update.security && cves.is_empty() {
            out.dropped("not about security");
            return Ok(());
        }
        for collection in &update.collections {
            let unknown = || refused("unknown collection", &collection.short);
            let (release, stream) = repository(&collection.short, &update.id).ok_or_else(unknown)?;
            self.read.entry(release.clone()).or_default().insert(stream.clone().unwrap_or(CORE.into()));
            let announced = Announced {
                feed: &self.feed,
                release: &release,
                stream: stream.as_deref(),
                matched_by: MatchedBy::Binary,
                id: &update.id,
                cves: &cves,
                title: update.title.as_deref(),
                url: url(&release, stream.as_deref(), &update.id),
                severity: update.severity,
                issued: update.issued,
                disclosed: None,
            };
            announced.records(&collection.packages, out);
        }
        Ok(())
    }
}

impl Parser for Amazon {
    fn read(&mut self, document: &mut Document<'_>, out: &mut Out<'_>) -> Result<(), FeedError> {
        match document.first()? {
            Some(b'<') => {
                let name = document.name().to_owned();
                updateinfo::each(document, |update| self.update(&name, &update, out))
            }
            Some(b'{') => {
                let catalog: Catalog = document.json("catalog of extras")?;
                self.topics.extend(catalog.topics.into_iter().map(|topic| topic.name));
                Ok(())
            }
            _ => Err(document.unrecognised(&self.feed, "updateinfo.xml or extras-catalog.json")),
        }
    }

    fn finish(&mut self, out: &mut Out<'_>) -> Result<(), FeedError> {
        for (release, read) in std::mem::take(&mut self.read) {
            let covered = out.covers(&release, &PackageType::Rpm, [CoveredState::Fixed]);
            if release.version == "2" {
                covered.missing = self.topics.difference(&read).cloned().collect();
            }
            if !read.contains(CORE) {
                covered.missing.insert(CORE.into());
            }
            covered.repositories = read;
        }
        Ok(())
    }
}

/// Release and stream of a collection such as `amazon-linux-2---kernel-5.15`. Where it names the release only,
/// the advisory tells the stream.
fn repository(collection: &str, id: &str) -> Option<(Release, Option<String>)> {
    let rest = collection.strip_prefix("amazon-linux-")?;
    let (version, stream) = match rest.split_once("---") {
        Some((version, stream)) => (version, Some(stream.to_owned()).filter(|stream| !stream.is_empty())),
        None => (rest, None),
    };
    let version = if version == "ami" { "1" } else { version };
    if !matches!(version, "1" | "2" | "2022" | "2023") {
        return None;
    }
    Some((Release::new("amzn", version), stream.or_else(|| topic(version, id))))
}

/// The topic in an advisory's id: `ALAS2DOCKER-2021-001`, formerly `ALASDOCKER-2021-001`.
fn topic(version: &str, id: &str) -> Option<String> {
    let mut parts = id.strip_prefix("ALAS")?.rsplitn(3, '-');
    let (_number, _year, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let topic = rest.strip_prefix(version).unwrap_or(rest);
    match (version, topic) {
        (_, "") => None,
        ("2023", "LIVEPATCH") => Some("kernel-livepatch".into()),
        (_, topic) => Some(topic.to_ascii_lowercase()),
    }
}

/// Where an advisory of core is read. Its pages leave out the release in the id.
fn url(release: &Release, stream: Option<&str>, id: &str) -> Option<String> {
    let folder = match (release.version.as_str(), stream) {
        ("2", None) => "AL2",
        ("2023", None) => "AL2023",
        _ => return None,
    };
    let number = id.strip_prefix("ALAS")?.strip_prefix(release.version.as_str())?;
    Some(format!("https://alas.aws.amazon.com/{folder}/ALAS{number}.html"))
}

#[cfg(test)]
mod tests;
