//! yum's `updateinfo.xml`, in which Amazon, Fedora, AlmaLinux and Rocky Linux announce updates.
//!
//! An update lists the binary packages that hold it, one for each architecture, in collections: one for each
//! repository or module. Which release and stream a collection is of, is the vendor's way to say it, and in the
//! vendor's module. It tells fixes only: nothing of what has none.

use crate::document::Document;
use crate::error::FeedError;
use crate::reader::{Out, title};
use crate::xml::{self, Element};
use imagescan_model::{
    AdvisoryRecord, AdvisoryReference, DateKind, DatedAs, MatchedBy, PackageType, Release, Severity,
};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};

/// Types of update that are not about security.
const OTHER_TYPES: [&str; 7] =
    ["bugfix", "enhancement", "newpackage", "recommended", "optional", "unspecified", "feature"];

/// The packages of sources, which nothing installs.
pub(crate) const SOURCES: [&str; 2] = ["src", "nosrc"];

/// One update.
pub(crate) struct Update {
    pub(crate) id: String,
    pub(crate) security: bool,
    pub(crate) status: String,
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) severity: Severity,
    pub(crate) issued: Option<Timestamp>,
    pub(crate) references: Vec<Reference>,
    pub(crate) collections: Vec<Collection>,
}

/// What an update refers to.
pub(crate) struct Reference {
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) url: Option<String>,
}

/// Packages of one repository or module.
pub(crate) struct Collection {
    pub(crate) short: String,
    pub(crate) module: Option<String>,
    pub(crate) packages: Vec<Built>,
}

/// One package for one architecture.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Built {
    pub(crate) name: String,
    /// `[epoch:]version-release`.
    pub(crate) version: String,
    pub(crate) module: Option<String>,
    pub(crate) architecture: String,
}

impl Update {
    /// The CVEs that it refers to as such.
    pub(crate) fn cves(&self) -> BTreeSet<String> {
        let cves = self.references.iter().filter(|reference| reference.kind == "cve");
        cves.map(|reference| reference.id.clone()).filter(|id| id.starts_with("CVE-")).collect()
    }

    /// Its own address, where it gives one.
    pub(crate) fn url(&self) -> Option<String> {
        self.references.iter().find(|reference| reference.kind == "self")?.url.clone()
    }
}

/// Gives each update of a document.
pub(crate) fn each(
    document: &mut Document<'_>,
    mut give: impl FnMut(Update) -> Result<(), FeedError>,
) -> Result<(), FeedError> {
    let name = document.name().to_owned();
    xml::each(document, &["update"], |element| {
        let wrong =
            |(why, value): (&'static str, String)| FeedError::Value { name: name.clone(), why, value };
        give(update(&element).map_err(wrong)?)
    })
}

fn update(element: &Element) -> Result<Update, (&'static str, String)> {
    let id = element.text_of("id").ok_or(("an update without an id:", String::new()))?;
    let lacks = |why| (why, id.to_owned());
    let security = match element.get("type").ok_or_else(|| lacks("no type of update"))? {
        "security" => true,
        other if OTHER_TYPES.contains(&other) => false,
        other => return Err(("unknown type of update", other.into())),
    };
    let word = element.text_of("severity").unwrap_or_default();
    let date = element.child("issued").and_then(|issued| issued.get("date"));
    Ok(Update {
        id: id.into(),
        security,
        status: element.get("status").unwrap_or_default().into(),
        title: element.text_of("title").and_then(title),
        description: element.text_of("description").map(String::from),
        severity: severity(word).ok_or_else(|| ("unknown severity", word.to_owned()))?,
        issued: date.map(|date| instant(date).ok_or_else(|| ("no date", date.to_owned()))).transpose()?,
        references: element
            .child("references")
            .map(|list| list.all("reference").map(reference).collect())
            .unwrap_or_default(),
        collections: element
            .child("pkglist")
            .map(|list| list.all("collection").map(|element| collection(element, id)).collect())
            .unwrap_or_else(|| Err(lacks("no list of packages in")))?,
    })
}

fn reference(element: &Element) -> Reference {
    let text = |name| element.get(name).unwrap_or_default().to_owned();
    Reference {
        kind: text("type"),
        id: text("id"),
        title: text("title"),
        url: element.get("href").map(String::from),
    }
}

fn collection(element: &Element, id: &str) -> Result<Collection, (&'static str, String)> {
    let module = element.child("module").and_then(|module| {
        let (name, stream) = (module.get("name")?, module.get("stream")?);
        Some(format!("{name}:{stream}"))
    });
    let built = |package: &Element| {
        let text = |name| package.get(name).filter(|text| !text.is_empty());
        Some(Built {
            name: text("name")?.into(),
            version: evr(text("epoch"), text("version")?, text("release")?),
            module: module.clone(),
            architecture: text("arch")?.into(),
        })
    };
    let packages = element.all("package").map(built).collect::<Option<_>>();
    Ok(Collection {
        short: element.get("short").unwrap_or_default().into(),
        packages: packages
            .ok_or_else(|| ("a package without name, version or architecture in", id.into()))?,
        module,
    })
}

/// `[epoch:]version-release`: no epoch where it is 0.
pub(crate) fn evr(epoch: Option<&str>, version: &str, release: &str) -> String {
    match epoch {
        None | Some("" | "0") => format!("{version}-{release}"),
        Some(epoch) => format!("{epoch}:{version}-{release}"),
    }
}

/// A severity by Red Hat's words, or by Bodhi's. `None` for an unknown word.
pub(crate) fn severity(word: &str) -> Option<Severity> {
    Some(match word.to_ascii_lowercase().as_str() {
        "critical" | "urgent" => Severity::Critical,
        "important" | "high" => Severity::High,
        "moderate" | "medium" => Severity::Medium,
        "low" => Severity::Low,
        "" | "none" | "unspecified" | "n/a" => Severity::Unknown,
        _ => return None,
    })
}

/// `2013-08-07 21:43:00`, with or without seconds or time, and RFC 3339. Without a zone it is UTC.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    let civil: DateTime = match text.parse::<DateTime>() {
        Ok(civil) => civil,
        Err(_) => text.parse::<Date>().ok()?.at(0, 0, 0, 0),
    };
    TimeZone::UTC.to_timestamp(civil).ok()
}

/// What an advisory says in one release and stream, whatever its format was.
pub(crate) struct Announced<'a> {
    pub(crate) feed: &'a str,
    pub(crate) release: &'a Release,
    pub(crate) stream: Option<&'a str>,
    pub(crate) matched_by: MatchedBy,
    pub(crate) id: &'a str,
    pub(crate) cves: &'a BTreeSet<String>,
    pub(crate) title: Option<&'a str>,
    pub(crate) url: Option<String>,
    pub(crate) severity: Severity,
    pub(crate) issued: Option<Timestamp>,
    pub(crate) disclosed: Option<Timestamp>,
}

impl Announced<'_> {
    /// A record for each id, package and version, with the architectures that have that version.
    pub(crate) fn records<'p>(&self, packages: impl IntoIterator<Item = &'p Built>, out: &mut Out<'_>) {
        let mut fixes: BTreeMap<(&str, &str, Option<&str>), BTreeSet<&str>> = BTreeMap::new();
        for package in packages {
            if SOURCES.contains(&package.architecture.as_str()) {
                out.dropped("a source package beside its binary packages");
                continue;
            }
            let key = (package.name.as_str(), package.version.as_str(), package.module.as_deref());
            fixes.entry(key).or_default().insert(&package.architecture);
        }
        for ((package, version, module), architectures) in fixes {
            for id in self.ids() {
                out.advisory(AdvisoryRecord {
                    module: module.map(String::from),
                    architectures: architectures
                        .iter()
                        .filter(|name| !name.is_empty())
                        .map(|name| (*name).into())
                        .collect(),
                    ..self.record(package, version, id)
                });
            }
        }
    }

    /// The CVEs, else the advisory itself.
    pub(crate) fn ids(&self) -> Vec<&str> {
        if self.cves.is_empty() { vec![self.id] } else { self.cves.iter().map(String::as_str).collect() }
    }

    pub(crate) fn record(&self, package: &str, version: &str, id: &str) -> AdvisoryRecord {
        AdvisoryRecord {
            fixed_version: Some(version.into()),
            stream: self.stream.map(String::from),
            severity: self.severity,
            severity_source: (self.severity != Severity::Unknown).then(|| self.feed.into()),
            title: self.title.map(String::from),
            advisories: vec![AdvisoryReference {
                id: self.id.into(),
                url: self.url.clone(),
                date: self.issued,
            }],
            disclosed: self.disclosed.map(|at| DatedAs { at, kind: DateKind::Disclosed }),
            fix_available: self.issued.map(|at| DatedAs { at, kind: DateKind::Advisory }),
            ..AdvisoryRecord::new(self.release.clone(), PackageType::Rpm, self.matched_by, package, id)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_come_with_and_without_time() {
        for (text, expected) in [
            ("2011-09-27 22:46", "2011-09-27T22:46:00Z"),
            ("2023-02-17 20:41:00", "2023-02-17T20:41:00Z"),
            ("2007-06-26", "2007-06-26T00:00:00Z"),
            ("2023-01-02T00:00:00Z", "2023-01-02T00:00:00Z"),
            ("2025-11-27T09:11:22.820964+00:00", "2025-11-27T09:11:22.820964Z"),
        ] {
            assert_eq!(instant(text).map(|at| at.to_string()).as_deref(), Some(expected));
        }
        assert_eq!(instant("yesterday"), None);
    }

    #[test]
    fn an_epoch_of_zero_is_not_written() {
        assert_eq!(evr(Some("0"), "1", "2"), "1-2");
        assert_eq!(evr(None, "1", "2"), "1-2");
        assert_eq!(evr(Some("30"), "9.3.3", "8.el5"), "30:9.3.3-8.el5");
    }
}
