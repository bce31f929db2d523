//! OpenVEX documents, one for each CVE (documentation.ubuntu.com/security/security-updates/vex), which keep the
//! tracker's statuses apart where OSV does not.
//!
//! | status | and | the tracker's |
//! |---|---|---|
//! | `not_affected` | `component_not_present` | DNE |
//! | | else | not-affected |
//! | `affected` | "decided to not fix it" | ignored |
//! | | "no longer supported" | ignored, for the end of support |
//! | | else | needed, pending, in-progress |
//! | `under_investigation` | "deferred" | deferred |
//! | | else | needs-triage |
//! | `fixed` | | released |
//!
//! A product is a package of a pocket. Binary packages repeat what is said of their source. The documents of
//! notices say `fixed` of what OSV has with versions, and are counted.

use super::kept::{Kept, Stated, Statement};
use super::purl;
use crate::document::Document;
use crate::error::FeedError;
use crate::reader::Out;
use serde::Deserialize;
use std::borrow::Cow;

#[derive(Deserialize)]
pub(super) struct Said<'a> {
    #[serde(borrow)]
    vulnerability: Vulnerability<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow, default)]
    justification: Option<Text<'a>>,
    #[serde(borrow, default)]
    action_statement: Option<Text<'a>>,
    #[serde(borrow, default)]
    status_notes: Option<Text<'a>>,
    #[serde(borrow)]
    products: Vec<Product<'a>>,
}

#[derive(Deserialize)]
struct Vulnerability<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

#[derive(Deserialize)]
struct Product<'a> {
    #[serde(borrow, rename = "@id")]
    id: Text<'a>,
}

/// Borrowed from the document where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Said<'_> {
    fn stated(&self) -> Option<Stated> {
        let says = |text: &Option<Text<'_>>, words: &str| {
            text.as_ref().is_some_and(|Text(text)| text.contains(words))
        };
        Some(match &*self.status.0 {
            "not_affected" if says(&self.justification, "component_not_present") => Stated::Absent,
            "not_affected" => Stated::NotAffected,
            "affected" if says(&self.action_statement, "decided to not fix it") => Stated::WillNotFix,
            "affected" if says(&self.action_statement, "is no longer supported") => Stated::EndOfLife,
            "affected" => Stated::Affected,
            "under_investigation" if says(&self.status_notes, "deferred") => Stated::FixDeferred,
            "under_investigation" => Stated::UnderInvestigation,
            "fixed" => Stated::Fixed,
            _ => return None,
        })
    }
}

/// Keeps what the statements of a document say.
pub(super) fn read(
    document: &Document<'_>,
    statements: &[Said<'_>],
    kept: &mut Kept,
    out: &mut Out<'_>,
) -> Result<(), FeedError> {
    for said in statements {
        let stated = said.stated().ok_or_else(|| document.value("unknown status", &*said.status.0))?;
        let Text(id) = &said.vulnerability.name;
        if id.starts_with("USN-") {
            out.dropped("a notice's statement, which OSV has with versions");
            continue;
        }
        let cve = kept.names.add(id);
        for Product { id: Text(product) } in &said.products {
            let Some(source) = purl::source(product) else {
                out.dropped("a binary package, which repeats its source package");
                continue;
            };
            let distro = source.distro.as_deref().unwrap_or_default();
            let Some(archive) =
                Some(distro).filter(|text| !text.is_empty()).and_then(|text| kept.archive_named(text))
            else {
                out.dropped("a product of no release");
                continue;
            };
            let source = kept.names.add(&source.name);
            kept.statements.push(Statement { cve, source, archive, stated });
        }
    }
    Ok(())
}
