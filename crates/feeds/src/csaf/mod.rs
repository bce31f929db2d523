//! CSAF documents as Red Hat and SUSE publish them (CSAF 2.0, sections 3.2.2 and 3.2.3): a tree of products,
//! relationships that put packages into them, and what holds of each such pair.
//!
//! A pair has an id that looks as if one could split it. One cannot: what it means is in the tree
//! ([`products`]), and the form of the ids has changed. Many pairs differ in their architecture only and become one
//! record ([`rows`]).

mod products;
mod purl;
mod rows;
mod shape;

pub(crate) use products::{Leaf, Meaning, Products};
pub(crate) use purl::Purl;
pub(crate) use rows::{Common, Key, Rows};
pub(crate) use shape::{Head, ProductTree, Remediation, Status, Text, Threat, Vulnerability};

use crate::document::Document;
use crate::error::FeedError;
use imagescan_model::Severity;
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::HashMap;

/// A CSAF document, as its vendor reads it.
pub(crate) struct Said<'a> {
    pub(crate) head: &'a Head<'a>,
    pub(crate) tree: &'a ProductTree<'a>,
    pub(crate) of: &'a [Vulnerability<'a>],
}

/// The document as JSON of the shape `T`, which may borrow from it.
pub(crate) fn json<'a, T: Deserialize<'a>>(
    document: &Document<'_>,
    bytes: &'a [u8],
    what: &'static str,
) -> Result<T, FeedError> {
    serde_json::from_slice(bytes).map_err(|source| FeedError::Json {
        name: document.name().into(),
        what,
        source,
    })
}

/// Things that are said of some products, or of all.
pub(crate) struct ByProduct<'v, T> {
    of: HashMap<&'v str, Vec<&'v T>>,
    all: Vec<&'v T>,
}

impl<'v, T> ByProduct<'v, T> {
    pub(crate) fn get(&self, product: &str) -> impl Iterator<Item = &'v T> {
        self.of.get(product).into_iter().flatten().chain(&self.all).copied()
    }
}

/// Something that names the products it is about.
pub(crate) trait Scoped {
    fn products(&self) -> &[Text<'_>];
    fn groups(&self) -> &[Text<'_>];
}

/// `items` by the products they are about.
pub(crate) fn by_product<'v, T: Scoped>(
    document: &Document<'_>,
    items: impl Iterator<Item = &'v T>,
) -> Result<ByProduct<'v, T>, FeedError> {
    let mut found = ByProduct { of: HashMap::new(), all: Vec::new() };
    for item in items {
        // No vendor uses groups; to pass over one would leave its products without what is said.
        if let Some(group) = item.groups().first() {
            return Err(document.value("a group of products, which no rule covers:", &**group));
        }
        for product in item.products() {
            found.of.entry(product).or_default().push(item);
        }
        if item.products().is_empty() {
            found.all.push(item);
        }
    }
    Ok(found)
}

/// The level of a vendor's word.
pub(crate) fn severity(document: &Document<'_>, word: &str) -> Result<Severity, FeedError> {
    level(word).ok_or_else(|| document.value("unknown severity", word))
}

/// Both vendors use the same four words.
pub(crate) fn level(word: &str) -> Option<Severity> {
    Some(match word.trim().to_ascii_lowercase().as_str() {
        "low" => Severity::Low,
        "moderate" => Severity::Medium,
        "important" => Severity::High,
        "critical" => Severity::Critical,
        "" | "none" | "not set" => Severity::Unknown,
        _ => return None,
    })
}

/// Whether this is what lies beside the documents and says nothing of packages: signatures, checksums, lists
/// of names and dates, the name of the newest archive.
pub(crate) fn is_companion(name: &str, text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii();
    let hex = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let checksum = matches!(hex, 64 | 128) && line.get(hex).is_none_or(u8::is_ascii_whitespace);
    let ends = |end: &[u8]| line.ends_with(end) && !line.contains(&b' ');
    line.starts_with(b"-----BEGIN PGP SIGNATURE")
        || checksum
        || ends(b".json")
        || ends(b".tar.zst")
        || ends(b".tar.bz2")
        || name.rsplit('/').next() == Some("LICENSE")
}

/// The rows of a list such as changes.csv: `"2023/cve-2023-6240.json","2024-08-04T10:17:22+00:00"`.
pub(crate) fn dated_names(
    document: &Document<'_>,
    text: &str,
) -> Result<Vec<(String, Timestamp)>, FeedError> {
    let row = |line: &str| {
        let (name, date) = line.trim().strip_prefix('"')?.strip_suffix('"')?.split_once("\",\"")?;
        let name = name.rsplit('/').next()?.strip_suffix(".json")?;
        Some((name.to_ascii_lowercase(), date.parse().ok()?))
    };
    let mut rows = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        rows.push(row(line).ok_or_else(|| FeedError::Line {
            name: document.name().into(),
            line: index + 1,
            why: "not the name of a document and a date",
        })?);
    }
    Ok(rows)
}

/// A document's id as its file is named: `RHSA-2023:7434` is rhsa-2023_7434.json.
pub(crate) fn file_name(id: &str) -> String {
    id.to_ascii_lowercase().replace(':', "_")
}
