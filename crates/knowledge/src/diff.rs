//! What differs between two databases, each kind apart: only keys whose rows changed match anew.
//!
//! Segments of the same digest are passed over. Others are walked side by side in their own order, without a record
//! being built: numbers differ between files where what they stand for does not, so rows are compared by what they
//! say. Texts are compared last, and only of rows that say the same otherwise.

use crate::error::KnowledgeError;
use crate::knowledge::{Knowledge, keys_of};
use crate::row::{Key, Row, SubjectPlace};
use crate::rows::Rows;
use crate::segment::Segment;
use hashbrown::HashMap;
use imagescan_model::{LifecycleRecord, MatchedBy, PackageType, Release, RepositoryRecord};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::hash::Hash;

/// A key whose rows changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangedKey {
    /// The release.
    pub release: Release,
    /// The package manager.
    pub package_type: PackageType,
    /// Whether `package` is a source or a binary name.
    pub matched_by: MatchedBy,
    /// The package's name.
    pub package: String,
}

impl From<Key<'_>> for ChangedKey {
    fn from(key: Key<'_>) -> Self {
        Self {
            release: key.release.clone(),
            package_type: key.package_type.clone(),
            matched_by: key.matched_by,
            package: key.package.into(),
        }
    }
}

/// What changed from one database to another; all sorted. What is only in one of them has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Keys whose rows say something else, or are stated by other feeds.
    pub keys: BTreeSet<ChangedKey>,
    /// CVEs of which a source says something else, EPSS apart.
    pub cves: BTreeSet<String>,
    /// CVEs whose EPSS changed.
    pub epss: BTreeSet<String>,
    /// Releases of which a source says another end of support.
    pub lifecycles: BTreeSet<Release>,
    /// Repositories, with their distribution first, that belong to other products.
    pub repositories: BTreeSet<(String, String)>,
}

/// What changed from `old` to `new`.
pub fn diff(old: &Knowledge, new: &Knowledge) -> Result<Changes, KnowledgeError> {
    let mut changes = Changes::default();
    let distributions: BTreeSet<&str> = old.distributions().chain(new.distributions()).collect();
    for distribution in distributions {
        if !same(old, new, &[distribution, &format!("texts/{distribution}")]) {
            let mut comparison = Comparison::default();
            joined(
                keys_in(old.segment(distribution)),
                keys_in(new.segment(distribution)),
                |old, new| comparison.same_rows(old, new),
                |Place(key)| {
                    changes.keys.insert(key.into());
                },
            )?;
        }
    }
    facts(old, new, &mut changes)?;
    Ok(changes)
}

/// Whether both have the same files under all of `names`.
fn same(old: &Knowledge, new: &Knowledge, names: &[&str]) -> bool {
    let digest = |knowledge: &Knowledge, name: &str| {
        let found = knowledge.info().segments.iter().find(|segment| segment.name == name);
        found.map(|segment| segment.digest.clone())
    };
    names.iter().all(|name| digest(old, name) == digest(new, name))
}

/// A key in the order of the file.
struct Place<'a>(Key<'a>);

impl Place<'_> {
    fn order(&self) -> (&str, &str, &str, MatchedBy) {
        let Key { release, package_type, matched_by, package } = self.0;
        (package, &release.version, package_type.name(), matched_by)
    }
}

impl PartialEq for Place<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Place<'_> {}

impl PartialOrd for Place<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Place<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order())
    }
}

/// The keys of a segment with their rows; one that only had rows once is as good as none.
fn keys_in<'a>(
    segment: Option<&'a Segment>,
) -> impl Iterator<Item = Result<(Option<Place<'a>>, Rows<'a>), KnowledgeError>> {
    let keys = segment.into_iter().flat_map(keys_of);
    keys.filter(|rows| rows.as_ref().map_or(true, |rows| !rows.is_empty()))
        .map(|rows| rows.map(|rows| (rows.key().map(Place), rows)))
}

/// Walks two sorted lists side by side and hands over what is in one only, or not the same in both.
fn joined<K: Ord, V>(
    old: impl Iterator<Item = Result<(Option<K>, V), KnowledgeError>>,
    new: impl Iterator<Item = Result<(Option<K>, V), KnowledgeError>>,
    mut is_same: impl FnMut(V, V) -> Result<bool, KnowledgeError>,
    mut changed: impl FnMut(K),
) -> Result<(), KnowledgeError> {
    let (mut old, mut new) = (old, new);
    let (mut left, mut right) = (old.next().transpose()?, new.next().transpose()?);
    loop {
        let order = match (&left, &right) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((one, _)), Some((other, _))) => one.cmp(other),
        };
        let from_old =
            if order.is_le() { std::mem::replace(&mut left, old.next().transpose()?) } else { None };
        let from_new =
            if order.is_ge() { std::mem::replace(&mut right, new.next().transpose()?) } else { None };
        let (key, is_same) = match (from_old, from_new) {
            (Some((key, one)), Some((_, other))) => (key, is_same(one, other)?),
            (Some((key, _)), None) | (None, Some((key, _))) => (key, false),
            (None, None) => (None, true),
        };
        if let Some(key) = key.filter(|_| !is_same) {
            changed(key);
        }
    }
}

/// Compares rows of two segments, and remembers of what many rows share whether it is the same.
#[derive(Default)]
struct Comparison {
    contexts: HashMap<(u32, u32), bool>,
    subjects: HashMap<(SubjectPlace, SubjectPlace), bool>,
    issues: HashMap<(u32, u32), bool>,
}

impl Comparison {
    /// Whether both keys have the same rows: they stand in an order that only depends on what they say.
    fn same_rows(&mut self, mut old: Rows<'_>, mut new: Rows<'_>) -> Result<bool, KnowledgeError> {
        loop {
            match (old.next().transpose()?, new.next().transpose()?) {
                (None, None) => return Ok(true),
                (Some(one), Some(other)) if self.same_row(&one, &other)? => (),
                _ => return Ok(false),
            }
        }
    }

    fn same_row(&mut self, old: &Row<'_>, new: &Row<'_>) -> Result<bool, KnowledgeError> {
        let said = |row: &Row<'_>| (row.state, row.severity, row.hidden);
        if old.id != new.id
            || said(old) != said(new)
            || old.fixed_version != new.fixed_version
            || old.introduced != new.introduced
        {
            return Ok(false);
        }
        let ((old_parts, new_parts), key) =
            ((old.detail_parts()?, new.detail_parts()?), (old.context_number(), new.context_number()));
        Ok(remembered(&mut self.contexts, key, || same_context(old, new))?
            && remembered(&mut self.subjects, (old_parts.subject, new_parts.subject), || {
                let (one, other) = (old.subject(old_parts)?, new.subject(new_parts)?);
                Ok(one == other)
            })?
            && remembered(&mut self.issues, (old_parts.issue, new_parts.issue), || {
                let (one, other) = (old.issue(old_parts)?, new.issue(new_parts)?);
                Ok(one == other)
            })?)
    }
}

fn same_context(old: &Row<'_>, new: &Row<'_>) -> Result<bool, KnowledgeError> {
    let short =
        (old.module, old.stream, old.severity_source) == (new.module, new.stream, new.severity_source);
    Ok(short && old.architectures()? == new.architectures()? && old.feeds()? == new.feeds()?)
}

fn remembered<K: Hash + Eq>(
    known: &mut HashMap<K, bool>,
    key: K,
    find: impl FnOnce() -> Result<bool, KnowledgeError>,
) -> Result<bool, KnowledgeError> {
    if let Some(same) = known.get(&key) {
        return Ok(*same);
    }
    let same = find()?;
    known.insert(key, same);
    Ok(same)
}

fn facts(old: &Knowledge, new: &Knowledge, changes: &mut Changes) -> Result<(), KnowledgeError> {
    let (one, other) = (old.facts(), new.facts());
    if !same(old, new, &["facts/cves", "facts/texts"]) {
        joined(
            one.by_cve(),
            other.by_cve(),
            |one, other| Ok(one == other),
            |id| {
                changes.cves.insert(id.to_string());
            },
        )?;
    }
    if !same(old, new, &["facts/epss"]) {
        joined(
            one.by_estimated(),
            other.by_estimated(),
            |one, other| Ok(one == other),
            |id| {
                changes.epss.insert(id.to_string());
            },
        )?;
    }
    if !same(old, new, &["facts/lifecycles"]) {
        let by_release = |record: Result<LifecycleRecord, _>| record.map(|record| (Some(record.clone()), ()));
        joined(
            one.lifecycles().map(by_release),
            other.lifecycles().map(by_release),
            |(), ()| Ok(true),
            |record| {
                changes.lifecycles.insert(record.release);
            },
        )?;
    }
    let by_name = |record: Result<RepositoryRecord, _>| {
        record.map(|record| (Some((record.distribution, record.repository)), record.cpes))
    };
    joined(
        one.repositories().map(by_name),
        other.repositories().map(by_name),
        |one, other| Ok(one == other),
        |name| {
            changes.repositories.insert(name);
        },
    )
}
