//! What an advisory announces, in whatever format it was: in one release and stream, packages with the versions
//! that fix what it is about.

use crate::reader::Out;
use imagescan_model::{
    AdvisoryRecord, AdvisoryReference, DateKind, DatedAs, MatchedBy, PackageType, Release, Severity,
};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};

/// The packages of sources, which nothing installs.
const SOURCES: [&str; 2] = ["src", "nosrc"];

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

/// One package for one architecture.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Built {
    pub(crate) name: String,
    /// `[epoch:]version-release`.
    pub(crate) version: String,
    pub(crate) module: Option<String>,
    pub(crate) architecture: String,
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
