//! What the rebuilds of Red Hat's packages have in common: AlmaLinux and Rocky Linux.
//!
//! Their advisories are Red Hat's under other letters (`ALSA-2023:0005`, `RLSA-2023:0005`): of security, of bugs
//! (`ALBA`) and of enhancements (`ALEA`). The latter count where they name a CVE. They come as OSV documents, as
//! updateinfo, and in a format of each vendor's own.
//!
//! OSV documents have no architectures, and tell a module only by `.module_el8` or `.module+el8` in the release:
//! then the record has no module, and a package with such a release is to be compared with such a fix only.
//!
//! Fixes only: silence about a package does not mean that it is not affected.

mod osv;

use crate::announced::{Announced, Built};
use crate::document::Document;
use crate::error::{FeedError, refused};
use crate::reader::Out;
use crate::text::is_number;
use crate::updateinfo::{self, Collection, Update};
use imagescan_model::{CoveredState, MatchedBy, PackageType, Release, Severity};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// One of the two.
pub(crate) struct Vendor {
    /// os-release `ID`.
    pub(crate) distribution: &'static str,
    /// `AlmaLinux` of the ecosystem `AlmaLinux:9`.
    pub(crate) ecosystem: &'static str,
    /// `almalinux-` of the collection `almalinux-9-for-x86_64-baseos-rpms__9_default`.
    pub(crate) collection: &'static str,
    /// Ids of advisories on security begin with it.
    pub(crate) security: &'static str,
    /// And those on bugs and enhancements.
    pub(crate) others: [&'static str; 2],
    /// And those of special interest groups, whose packages are not the distribution's.
    pub(crate) groups: &'static [&'static str],
}

/// An advisory, whatever its format was.
pub(crate) struct Advisory {
    pub(crate) id: String,
    pub(crate) title: Option<String>,
    /// Its own addresses, one for each release.
    pub(crate) urls: Vec<String>,
    pub(crate) severity: Severity,
    pub(crate) issued: Option<Timestamp>,
    pub(crate) cves: BTreeSet<String>,
    pub(crate) packages: BTreeMap<Release, Vec<Built>>,
}

impl Advisory {
    /// Gives its records, if it is about security and about the distribution.
    pub(crate) fn give(
        &self,
        vendor: &Vendor,
        feed: &str,
        document: &str,
        out: &mut Out<'_>,
    ) -> Result<(), FeedError> {
        let begins = |letters: &&str| self.id.starts_with(*letters);
        if vendor.groups.iter().any(begins) {
            out.dropped("an advisory of a special interest group");
            return Ok(());
        }
        let other = vendor.others.iter().any(begins);
        if !other && !begins(&vendor.security) {
            return Err(refused(document, "unknown kind of advisory", &self.id));
        }
        for release in self.packages.keys() {
            out.covers(release, &PackageType::Rpm, [CoveredState::Fixed]);
        }
        if other && self.cves.is_empty() {
            out.dropped("an advisory on bugs or enhancements");
            return Ok(());
        }
        for (release, packages) in &self.packages {
            let announced = Announced {
                feed,
                release,
                stream: None,
                matched_by: MatchedBy::Binary,
                id: &self.id,
                cves: &self.cves,
                title: self.title.as_deref(),
                url: self.url(release),
                severity: self.severity,
                issued: self.issued,
                disclosed: None,
            };
            announced.records(packages, out);
        }
        Ok(())
    }

    fn url(&self, release: &Release) -> Option<String> {
        let folder = format!("/{}/", release.version);
        self.urls.iter().find(|url| url.contains(&folder)).or(self.urls.first()).cloned()
    }
}

/// Reads updateinfo of a vendor's repositories.
pub(crate) fn updateinfo(
    vendor: &Vendor,
    feed: &str,
    document: &mut Document<'_>,
    out: &mut Out<'_>,
) -> Result<(), FeedError> {
    let name = document.name().to_owned();
    updateinfo::each(document, |update| {
        if update.status != "final" {
            return Err(refused(&name, "unknown status of an update", &update.status));
        }
        match of_collections(vendor, &name, update)? {
            Some(advisory) => advisory.give(vendor, feed, &name, out),
            None => {
                out.dropped("an advisory of a special interest group");
                Ok(())
            }
        }
    })
}

/// `None`: all of its collections are special interest groups'.
fn of_collections(vendor: &Vendor, document: &str, update: Update) -> Result<Option<Advisory>, FeedError> {
    let (cves, url) = (update.cves(), update.url());
    let mut packages: BTreeMap<Release, Vec<Built>> = BTreeMap::new();
    for Collection { short, packages: built, .. } in update.collections {
        if short.contains("-sig-") {
            continue;
        }
        let major = short.strip_prefix(vendor.collection).and_then(|rest| rest.split('-').next());
        let major = major.filter(|major| is_number(major));
        let major = major.ok_or_else(|| refused(document, "unknown collection", &short))?;
        packages.entry(Release::new(vendor.distribution, major)).or_default().extend(built);
    }
    Ok(Some(packages).filter(|packages| !packages.is_empty()).map(|packages| Advisory {
        id: update.id,
        title: update.title,
        urls: url.into_iter().collect(),
        severity: update.severity,
        issued: update.issued,
        cves,
        packages,
    }))
}

/// `8` of the release `5.1.el8_4` or `18.module_el8.5.0+2632+14ced695`.
pub(crate) fn major(release: &str) -> Option<&str> {
    release.match_indices("el").find_map(|(at, _)| {
        let before = release.get(..at)?.chars().next_back();
        let rest = release.get(at + 2..)?;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let apart = before.is_none_or(|before| !before.is_ascii_alphanumeric());
        rest.get(..digits).filter(|digits| apart && !digits.is_empty())
    })
}

pub(crate) use osv::osv;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_is_in_the_release() {
        for (release, expected) in [
            ("5.1.el8_4", Some("8")),
            ("18.module_el8.5.0+2632+14ced695", Some("8")),
            ("2.module+el9.1.0+13358+56c3b6a3", Some("9")),
            ("1.el10_1", Some("10")),
            ("1.model8", None),
            ("1.fc40", None),
            ("el", None),
        ] {
            assert_eq!(major(release), expected, "{release}");
        }
    }
}
