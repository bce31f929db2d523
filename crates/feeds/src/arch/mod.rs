//! Arch Linux: the tracker's groups of issues (`all.json`), and the texts of advisories, which have the dates.
//!
//! | status | |
//! |---|---|
//! | Vulnerable | affected, no fix |
//! | Testing | affected below the version that is tested |
//! | Fixed | affected below the version that fixes it |
//! | Not affected | not affected |
//! | Unknown | under investigation |
//!
//! A group names binary packages. Its `affected` is a version that is known to be affected, not the first one: it
//! begins nothing. An advisory is of one package of a group.

use crate::announced;
use crate::document::Document;
use crate::error::{FeedError, refused};
use crate::list;
use crate::reader::{Out, Parser};
use imagescan_model::{
    AdvisoryRecord, AdvisoryReference, AdvisoryState, CoveredState, DateKind, DatedAs, MatchedBy,
    PackageType, Release, Severity,
};
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;

const STATES: [CoveredState; 4] =
    [CoveredState::NotAffected, CoveredState::Fixed, CoveredState::Unfixed, CoveredState::UnderInvestigation];

/// The tracker, and advisories.
pub(crate) struct Arch {
    feed: String,
    groups: Vec<Group>,
    advisories: BTreeMap<String, Advisory>,
}

#[derive(Deserialize)]
struct Group {
    name: String,
    packages: Vec<String>,
    status: String,
    severity: String,
    #[serde(default)]
    fixed: Option<String>,
    issues: Vec<String>,
    #[serde(default)]
    advisories: Vec<String>,
}

struct Advisory {
    package: String,
    date: Timestamp,
}

impl Arch {
    pub(crate) fn new(feed: &str) -> Self {
        Self { feed: feed.into(), groups: Vec::new(), advisories: BTreeMap::new() }
    }

    fn give(&self, group: &Group, out: &mut Out<'_>) {
        let (state, fixed_version) = decision(group);
        let severity = severity(&group.severity).unwrap_or_default();
        let release = Release::new("arch", "");
        for package in &group.packages {
            let (advisories, published) = self.references(group, package);
            let fixed = published.filter(|_| fixed_version.is_some());
            for issue in &group.issues {
                let package_type = PackageType::Other("alpm".into());
                out.advisory(AdvisoryRecord {
                    state,
                    fixed_version: fixed_version.clone(),
                    severity,
                    severity_source: (severity != Severity::Unknown).then(|| self.feed.clone()),
                    advisories: advisories.clone(),
                    fix_available: fixed.map(|at| DatedAs { at, kind: DateKind::Advisory }),
                    ..AdvisoryRecord::new(
                        release.clone(),
                        package_type,
                        MatchedBy::Binary,
                        &**package,
                        &**issue,
                    )
                });
            }
        }
    }

    /// The group, the advisories that are of this package as far as is known, and when the first of them came.
    fn references(&self, group: &Group, package: &str) -> (Vec<AdvisoryReference>, Option<Timestamp>) {
        let known = |id: &String| self.advisories.get(id);
        let own = group.advisories.iter().filter(|id| known(id).is_none_or(|known| known.package == package));
        let date = |id: &String| known(id).map(|known| known.date);
        let mut references: Vec<_> = own.map(|id| reference(id, date(id))).collect();
        let published = references.iter().filter_map(|reference| reference.date).min();
        references.push(reference(&group.name, None));
        references.sort();
        (references, published)
    }
}

impl Parser for Arch {
    fn read(&mut self, document: &mut Document<'_>, out: &mut Out<'_>) -> Result<(), FeedError> {
        match document.first()? {
            Some(b'[') => {
                let name = document.name().to_owned();
                out.covers(&Release::new("arch", ""), &PackageType::Other("alpm".into()), STATES);
                list::each(document, "", "groups of Arch Linux's tracker", |group: Group| {
                    check(&name, &group)?;
                    self.groups.push(group);
                    Ok(())
                })
            }
            Some(b'A') => {
                let (id, advisory) = advisory(document)?;
                self.advisories.insert(id, advisory);
                Ok(())
            }
            _ => Err(document.unrecognised(&self.feed, "all.json, or the text of an advisory")),
        }
    }

    fn finish(&mut self, out: &mut Out<'_>) -> Result<(), FeedError> {
        self.groups.iter().for_each(|group| self.give(group, out));
        Ok(())
    }
}

fn check(document: &str, group: &Group) -> Result<(), FeedError> {
    let refused = |why, value: &str| refused(document, why, value);
    match (group.status.as_str(), &group.fixed) {
        ("Fixed", None) => return Err(refused("fixed in no version:", &group.name)),
        ("Vulnerable" | "Testing" | "Fixed" | "Not affected" | "Unknown", _) => {}
        (status, _) => return Err(refused("unknown status", status)),
    }
    severity(&group.severity).map(|_| ()).ok_or_else(|| refused("unknown severity", &group.severity))
}

fn decision(group: &Group) -> (AdvisoryState, Option<String>) {
    match group.status.as_str() {
        "Fixed" | "Testing" => (AdvisoryState::Affected, group.fixed.clone()),
        "Vulnerable" => (AdvisoryState::Affected, None),
        "Not affected" => (AdvisoryState::NotAffected, None),
        _ => (AdvisoryState::UnderInvestigation, None),
    }
}

fn severity(word: &str) -> Option<Severity> {
    if word == "Unknown" { Some(Severity::Unknown) } else { announced::severity(word) }
}

fn reference(id: &str, date: Option<Timestamp>) -> AdvisoryReference {
    AdvisoryReference { id: id.into(), url: Some(format!("https://security.archlinux.org/{id}")), date }
}

/// `Arch Linux Security Advisory ASA-202106-45`, then fields such as `Date    : 2021-06-22`.
fn advisory(document: &mut Document<'_>) -> Result<(String, Advisory), FeedError> {
    let bytes = document.bytes()?;
    let lacks = |field| document.value("an advisory without", field);
    let text = std::str::from_utf8(&bytes).map_err(|_| lacks("a text"))?;
    let field = |field: &'static str| {
        let value = text.lines().find_map(|line| line.strip_prefix(field)?.trim_start().strip_prefix(':'));
        value.map(str::trim).filter(|value| !value.is_empty()).ok_or_else(|| lacks(field))
    };
    let id = text.lines().next().and_then(|line| line.trim().strip_prefix("Arch Linux Security Advisory "));
    let date = field("Date")?;
    let date = announced::instant(date).ok_or_else(|| document.value("no date", date))?;
    let id = id.filter(|id| id.starts_with("ASA-")).ok_or_else(|| lacks("its id"))?;
    Ok((id.into(), Advisory { package: field("Package")?.into(), date }))
}

#[cfg(test)]
mod tests;
