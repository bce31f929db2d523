//! All findings of an image.

use crate::coverage;
use crate::facts::Facts;
use crate::family::judged_by;
use crate::judge::{Judgement, judge_key};
use crate::stream::Products;
use imagescan_knowledge::{FiledRecord, Knowledge, KnowledgeError};
use imagescan_model::{
    AdvisoryRecord, AdvisoryState, Family, Finding, FindingDates, FindingKind, FindingMatch, HiddenReason,
    Inventory, MatchKey, MatchVia, MatchedBy, Names, OtherFix, Package, PackageType, Release, fingerprint,
};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// How to judge.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The instant; only the age of the knowledge depends on it.
    pub as_of: Timestamp,
    /// Give what does not affect the image, too.
    pub all: bool,
    /// From when on knowledge is called stale.
    pub max_knowledge_age: SignedDuration,
}

impl Options {
    /// Judgement at `as_of`, with what affects the image only, and a week until knowledge is stale.
    #[must_use]
    pub fn at(as_of: Timestamp) -> Self {
        Self { as_of, all: false, max_knowledge_age: SignedDuration::from_hours(7 * 24) }
    }
}

/// The findings of `inventory`: first those about knowledge, then those of its packages in their order, by id.
///
/// # Errors
/// [`KnowledgeError`] where the database is damaged; nothing is then known.
pub fn judge(
    inventory: &Inventory,
    knowledge: &Knowledge,
    options: &Options,
) -> Result<Vec<Finding>, KnowledgeError> {
    let judged = inventory.packages.iter().filter(|package| !package.is_public_key());
    let keyed: Vec<(&Package, MatchKey)> =
        judged.map(|package| (package, MatchKey::of(&inventory.system, package))).collect();
    let mut findings = coverage::findings(inventory, &keyed, knowledge, options);
    findings.extend(coverage::end_of_life(inventory, knowledge, options)?);
    let products = products(inventory, knowledge)?;
    let mut facts = Facts::new(knowledge, options.as_of);
    // Binaries of one source share their rows.
    let mut known: BTreeMap<Filed<'_>, Vec<FiledRecord>> = BTreeMap::new();
    for (package, key) in &keyed {
        let (Ok(family), Some(release)) = (judged_by(key), &key.release) else { continue };
        let mut rows = Vec::new();
        for filed in filed(key, release, family) {
            let found = match known.entry(filed) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    let (release, package_type, matched_by, name) = new.key();
                    let found = knowledge.lookup(release, package_type, *matched_by, name)?;
                    let found = found.map(|row| row?.to_filed()).collect::<Result<_, _>>()?;
                    new.insert(found)
                }
            };
            rows.extend(found.iter().cloned());
        }
        rows.sort_by(|a, b| a.record.id.cmp(&b.record.id));
        for judgement in judge_key(key, &rows, &products) {
            if options.all || judgement.state != AdvisoryState::NotAffected {
                let mut finding = finding(package, key, &judgement);
                if facts.add_to(&mut finding)? {
                    findings.push(finding);
                }
            }
        }
    }
    Ok(findings)
}

/// The products whose repositories the image has: by its content sets, those of its own minor where a set belongs to
/// many.
fn products(inventory: &Inventory, knowledge: &Knowledge) -> Result<Products, KnowledgeError> {
    let system = &inventory.system;
    let mut cpes: Vec<String> = Vec::new();
    for set in &system.content_sets {
        let known = knowledge.repository("rhel", set)?.unwrap_or_default();
        cpes.extend(known.into_iter().map(String::from));
    }
    Ok(Products::of(cpes, system.version_id.as_deref()))
}

/// What rows are filed under: release, package manager, which name, and the name.
type Filed<'k> = (&'k Release, &'k PackageType, MatchedBy, &'k str);

/// Where the rows of a package are.
fn filed<'k>(key: &'k MatchKey, release: &'k Release, family: &Family) -> Vec<Filed<'k>> {
    let of = |matched_by, name: &'k String| (release, &key.package_type, matched_by, name.as_str());
    let binary = of(MatchedBy::Binary, &key.name);
    let source = of(MatchedBy::Source, &key.source_name);
    match family.names {
        Names::Source => vec![source],
        Names::Binary => vec![binary],
        Names::Both => vec![binary, source],
    }
}

fn finding(package: &Package, key: &MatchKey, judgement: &Judgement<'_>) -> Finding {
    let row = judgement.row;
    let (name, via) = match (row.matched_by, &key.package_type) {
        (MatchedBy::Binary, _) => (&key.name, MatchVia::Binary),
        (MatchedBy::Source, PackageType::Apk) => (&key.source_name, MatchVia::Origin),
        (MatchedBy::Source, _) => (&key.source_name, MatchVia::Source),
    };
    let architecture = package.architecture.as_deref().unwrap_or_default();
    let parts = ["vulnerability", &row.id, package.package_type.name(), &package.name, architecture, ""];
    let mut urls: Vec<String> = row.advisories.iter().filter_map(|advisory| advisory.url.clone()).collect();
    urls.extend(url(row));
    urls.sort();
    urls.dedup();
    Finding {
        id: row.id.clone(),
        kind: FindingKind::Vulnerability,
        aliases: row.aliases.clone(),
        package: Some(package.name.clone()),
        version: Some(package.version.clone()),
        package_type: Some(package.package_type.clone()),
        architecture: package.architecture.clone(),
        matched: Some(FindingMatch { name: name.clone(), via }),
        state: Some(judgement.state),
        fixed_version: judgement.fixed_version.map(String::from),
        other_fixes: judgement.elsewhere.iter().map(other_fix).collect(),
        severity: row.severity,
        severity_source: row.severity_source.clone(),
        cvss: Vec::new(),
        epss: None,
        kev: None,
        title: row.title.clone(),
        urls,
        advisories: row.advisories.clone(),
        dates: FindingDates {
            disclosed: row.disclosed,
            fix_available: row.fix_available,
            ..FindingDates::default()
        },
        hidden: row.hidden.or_else(|| kernel_headers(package, name)),
        layer: package.layer,
        introduced_in: package.introduced_in,
        fingerprint: fingerprint(parts),
        sources: judgement.feeds.iter().map(|feed| String::from(*feed)).collect(),
    }
}

fn other_fix((stream, version): &(&str, &str)) -> OtherFix {
    OtherFix { stream: (*stream).into(), version: (*version).into() }
}

/// Where the vendor writes about an id.
fn url(row: &AdvisoryRecord) -> Option<String> {
    let known =
        row.release.distribution == "debian" && (row.id.starts_with("CVE-") || row.id.starts_with("TEMP-"));
    known.then(|| format!("https://security-tracker.debian.org/tracker/{}", row.id))
}

/// Headers come from the kernel's source and hold none of its code that runs.
fn kernel_headers(package: &Package, source: &str) -> Option<HiddenReason> {
    let is_kernel = source == "linux" || source.starts_with("linux-");
    let headers = package.name == "linux-libc-dev" || package.name.starts_with("linux-headers");
    (is_kernel && headers).then_some(HiddenReason::KernelHeaders)
}
