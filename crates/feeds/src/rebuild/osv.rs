//! A vendor's OSV document: one advisory, with its CVEs as `related`.

use super::{Advisory, Vendor};
use crate::announced::{self, Built};
use crate::cve;
use crate::cvss;
use crate::error::{FeedError, refused};
use crate::osv::{Affected, Event, Vulnerability};
use crate::reader::{Out, title};
use crate::text::is_number;
use imagescan_model::{Release, Severity};
use std::collections::{BTreeMap, BTreeSet};

/// Gives what a document says.
pub(crate) fn osv(
    vendor: &Vendor,
    feed: &str,
    name: &str,
    document: Vulnerability,
    out: &mut Out<'_>,
) -> Result<(), FeedError> {
    if document.withdrawn.is_some() {
        out.dropped("withdrawn");
        return Ok(());
    }
    let mut packages: BTreeMap<Release, Vec<Built>> = BTreeMap::new();
    for affected in &document.affected {
        if is_of_a_group(affected) {
            out.dropped("a package of a special interest group");
            continue;
        }
        match fixes(vendor, name, affected)? {
            Some((release, fixes)) => packages.entry(release).or_default().extend(fixes),
            None => out.dropped("another ecosystem"),
        }
    }
    let cves = cves(&document);
    let dashed = document.id.replace(':', "-");
    let own = |url: &String| url.contains(&dashed) || url.contains(&document.id);
    let urls =
        document.references.iter().map(|reference| &reference.url).filter(|url| own(url)).cloned().collect();
    let advisory = Advisory {
        title: document.summary.as_deref().and_then(title),
        urls,
        severity: severity(&document),
        issued: document.published,
        cves,
        packages,
        id: document.id,
    };
    advisory.give(vendor, feed, name, out)
}

/// The related CVEs; where none is, those whose pages the document refers to.
fn cves(document: &Vulnerability) -> BTreeSet<String> {
    let named = document.related.iter().chain(&document.aliases).chain(&document.upstream);
    let named: BTreeSet<String> = named.filter(|id| id.starts_with("CVE-")).cloned().collect();
    if !named.is_empty() {
        return named;
    }
    cve::ids(document.references.iter().map(|reference| reference.url.as_str()))
}

/// The vendor's word in a title such as `Important: bcel security update`, else by the CVSS vector.
fn severity(document: &Vulnerability) -> Severity {
    let word = document.summary.as_deref().and_then(|title| title.split_once(':')).map(|(word, _)| word);
    let scored = || document.severity.iter().filter_map(|score| cvss::severity(&score.score)).max();
    let stated = word.and_then(announced::severity).filter(|severity| *severity != Severity::Unknown);
    stated.or_else(scored).unwrap_or(Severity::Unknown)
}

/// Whether a purl says `distro=rocky-linux-8-sig-cloud`.
fn is_of_a_group(affected: &Affected) -> bool {
    let purl = affected.package.as_ref().and_then(|package| package.purl.as_deref());
    purl.is_some_and(|purl| purl.contains("-sig-"))
}

/// What fixes a package, and in which release. `None`: it is of another ecosystem.
fn fixes(
    vendor: &Vendor,
    name: &str,
    affected: &Affected,
) -> Result<Option<(Release, Vec<Built>)>, FeedError> {
    let package = affected.package.as_ref().ok_or_else(|| refused(name, "no package in", "affected"))?;
    let Some(version) = package.ecosystem.strip_prefix(vendor.ecosystem) else { return Ok(None) };
    let major = version.strip_prefix(':').filter(|major| is_number(major));
    let major = major.ok_or_else(|| refused(name, "unknown release in ecosystem", &package.ecosystem))?;
    let fix = |range: &crate::osv::Range| match (range.kind.as_str(), range.events.as_slice()) {
        ("ECOSYSTEM", [Event::Introduced(from), Event::Fixed(version)]) if from == "0" => Ok(Built {
            name: package.name.clone(),
            version: version.strip_prefix("0:").unwrap_or(version).into(),
            module: None,
            architecture: String::new(),
        }),
        _ => Err(refused(name, "not one span up to a fix, of package", &package.name)),
    };
    let fixes = affected.ranges.iter().map(fix).collect::<Result<Vec<_>, _>>()?;
    if fixes.is_empty() {
        return Err(refused(name, "no range of package", &package.name));
    }
    Ok(Some((Release::new(vendor.distribution, major), fixes)))
}
