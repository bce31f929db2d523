//! Ubuntu, keyed by source package. Canonical publishes the same knowledge in two ways, which are two feeds: OSV and
//! OpenVEX documents, and the files of its CVE tracker.
//!
//! Both name the parts of the archive that a statement is about by *pocket*: a codename alone is the plain archive,
//! `esm-infra/xenial` is what Ubuntu Pro adds to it, `fips-updates/focal` what certified machines get instead. A
//! pocket is the `stream` of a record. What is said of one says nothing of the others.

mod join;
mod kept;
mod osv;
mod purl;
mod tracker;
mod vex;

pub(crate) use tracker::Tracker;

use crate::document::Document;
use crate::error::FeedError;
use crate::reader::{Out, Parser};
use imagescan_model::{Release, Severity};
use kept::Kept;

/// OSV and OpenVEX documents, one each.
pub(crate) struct Ubuntu {
    feed: String,
    kept: Kept,
}

impl Ubuntu {
    pub(crate) fn new(feed: &str) -> Self {
        Self { feed: feed.into(), kept: Kept::default() }
    }
}

impl Parser for Ubuntu {
    fn read(&mut self, document: &mut Document<'_>, out: &mut Out<'_>) -> Result<(), FeedError> {
        let expected = "OSV or OpenVEX documents, one a file, or the archives of them";
        if document.first()? != Some(b'{') {
            return Err(document.unrecognised(&self.feed, expected));
        }
        let bytes = document.bytes()?;
        let either: osv::Either<'_> = serde_json::from_slice(&bytes).map_err(|source| FeedError::Json {
            name: document.name().into(),
            what: "OSV or OpenVEX document",
            source,
        })?;
        match (&either.affected, &either.statements) {
            (Some(affected), None) => osv::read(document, &either, affected, &mut self.kept, out),
            (None, Some(statements)) => vex::read(document, statements, &mut self.kept, out),
            _ => Err(document.unrecognised(&self.feed, expected)),
        }
    }

    fn finish(&mut self, out: &mut Out<'_>) -> Result<(), FeedError> {
        join::finish(&self.feed, std::mem::take(&mut self.kept), out);
        Ok(())
    }
}

/// What a release's name in a statement stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// A release, or a pocket of it.
    Archive(Release, Option<String>),
    /// The release that is being made, whose number the statement does not tell.
    Development,
    /// The original project.
    Upstream,
    /// A snap, or a product of Canonical: no package of a release.
    Product,
}

/// `jammy`, `esm-infra/xenial`, in old files `vivid/ubuntu-core`. One pocket has two spellings: `trusty/esm` is
/// `esm-infra-legacy/trusty`. A release that is newer than this program keeps its codename.
fn place(text: &str) -> Place {
    let archive = |codename: &str, pocket: Option<&str>| match codename {
        "devel" => Place::Development,
        _ => Place::Archive(
            Release::ubuntu_codename(codename).unwrap_or_else(|| Release::new("ubuntu", codename)),
            pocket.map(|pocket| if pocket == "esm" { "esm-infra-legacy" } else { pocket }.into()),
        ),
    };
    match text.split_once('/').unwrap_or((text, "")) {
        ("upstream", _) => Place::Upstream,
        ("product" | "snap", _) => Place::Product,
        (codename, "") => archive(codename, None),
        (codename, pocket) if Release::ubuntu_codename(codename).is_some() || pocket == "esm" => {
            archive(codename, Some(pocket))
        }
        (pocket, codename) => archive(codename, Some(pocket)),
    }
}

/// The security team's priority (ubuntu.com/security/cves/about).
fn severity(priority: &str) -> Option<Severity> {
    Some(match priority {
        "untriaged" | "not-for-us" | "" => Severity::Unknown,
        "negligible" => Severity::Negligible,
        "low" => Severity::Low,
        "medium" => Severity::Medium,
        "high" => Severity::High,
        "critical" => Severity::Critical,
        _ => return None,
    })
}

/// Whether a remark says that support has ended: `reached end-of-life`, `end of standard support, was needed`,
/// `out of standard support`, `upstream sun-java5 is EoL`. `libv8 not supported` does not.
fn is_end_of_life(remark: &str) -> bool {
    let plain = remark.to_ascii_lowercase().replace('-', " ");
    let ended = plain.contains("end of") || plain.contains("out of");
    plain.contains("end of li")
        || (ended && plain.contains("support"))
        || plain.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == "eol")
}

/// Whether it can be a version of a package, rather than a remark.
fn is_version(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+:~-".contains(&byte))
}

#[cfg(test)]
mod tests;
