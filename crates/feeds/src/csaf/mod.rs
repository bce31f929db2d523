//! CSAF documents as Red Hat and SUSE publish them (docs.oasis-open.org/csaf/csaf/v2.0/os, sections 3.2.2 and
//! 3.2.3): a tree of products, relationships that put packages into them, and what holds of each such pair.
//!
//! A pair has an id that looks as if one could split it. One cannot: what it means is in the tree
//! ([`products`]), and the form of the ids has changed. Many pairs differ in their architecture only and become one
//! record ([`rows`]).

mod products;
mod purl;
mod rows;

pub(crate) use products::{Leaf, Meaning, Products};
pub(crate) use purl::Purl;
pub(crate) use rows::{Common, Key, Rows};

use crate::document::Document;
use crate::entries::Entries;
use crate::error::FeedError;
use imagescan_model::{Cvss, Severity};
use jiff::Timestamp;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Deref;

/// A text that is a part of the document wherever it has no escapes.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// `document`: what the document is.
#[derive(Debug, Deserialize)]
pub(crate) struct Head<'a> {
    #[serde(borrow)]
    pub(crate) title: Text<'a>,
    #[serde(borrow)]
    pub(crate) tracking: Tracking<'a>,
    #[serde(borrow, default)]
    pub(crate) aggregate_severity: Option<Aggregate<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Aggregate<'a> {
    #[serde(borrow)]
    pub(crate) text: Text<'a>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Tracking<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow)]
    pub(crate) status: Text<'a>,
    pub(crate) initial_release_date: Timestamp,
    pub(crate) current_release_date: Timestamp,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct ProductTree<'a> {
    #[serde(borrow, default)]
    branches: Vec<Branch<'a>>,
    #[serde(borrow, default)]
    relationships: Vec<Relationship<'a>>,
}

#[derive(Debug, Deserialize)]
struct Branch<'a> {
    #[serde(borrow)]
    category: Text<'a>,
    #[serde(borrow, default)]
    product: Option<Product<'a>>,
    #[serde(borrow, default)]
    branches: Vec<Branch<'a>>,
}

#[derive(Debug, Deserialize)]
struct Product<'a> {
    #[serde(borrow)]
    product_id: Text<'a>,
    #[serde(borrow, default)]
    product_identification_helper: Option<Helper<'a>>,
}

#[derive(Debug, Deserialize)]
struct Helper<'a> {
    #[serde(borrow, default)]
    cpe: Option<Text<'a>>,
    #[serde(borrow, default)]
    purl: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct Relationship<'a> {
    #[serde(borrow)]
    category: Text<'a>,
    #[serde(borrow)]
    full_product_name: Product<'a>,
    #[serde(borrow)]
    product_reference: Text<'a>,
    #[serde(borrow)]
    relates_to_product_reference: Text<'a>,
}

/// One of `vulnerabilities`.
#[derive(Debug, Deserialize)]
pub(crate) struct Vulnerability<'a> {
    #[serde(borrow, default)]
    pub(crate) cve: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) title: Option<Text<'a>>,
    #[serde(default)]
    pub(crate) release_date: Option<Timestamp>,
    #[serde(borrow, default = "nothing")]
    product_status: Entries<Text<'a>, Vec<Text<'a>>>,
    #[serde(borrow, default)]
    pub(crate) remediations: Vec<Remediation<'a>>,
    #[serde(borrow, default)]
    pub(crate) threats: Vec<Threat<'a>>,
    #[serde(borrow, default)]
    scores: Vec<Scores<'a>>,
}

fn nothing<K, V>() -> Entries<K, V> {
    Entries(Vec::new())
}

#[derive(Debug, Deserialize)]
pub(crate) struct Remediation<'a> {
    #[serde(borrow)]
    pub(crate) category: Text<'a>,
    #[serde(borrow)]
    pub(crate) details: Text<'a>,
    #[serde(default)]
    pub(crate) date: Option<Timestamp>,
    #[serde(borrow, default)]
    pub(crate) url: Option<Text<'a>>,
    #[serde(borrow, default)]
    product_ids: Vec<Text<'a>>,
    #[serde(borrow, default)]
    group_ids: Vec<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Threat<'a> {
    #[serde(borrow)]
    pub(crate) category: Text<'a>,
    #[serde(borrow)]
    pub(crate) details: Text<'a>,
    #[serde(borrow, default)]
    product_ids: Vec<Text<'a>>,
    #[serde(borrow, default)]
    group_ids: Vec<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct Scores<'a> {
    #[serde(borrow, default)]
    cvss_v2: Option<Score<'a>>,
    #[serde(borrow, default)]
    cvss_v3: Option<Score<'a>>,
    #[serde(borrow, default)]
    cvss_v4: Option<Score<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Score<'a> {
    base_score: f64,
    #[serde(borrow)]
    vector_string: Text<'a>,
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

/// What is said of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Status {
    /// Its version is the one that fixes it.
    Fixed,
    Affected,
    NotAffected,
    UnderInvestigation,
}

impl<'a> Vulnerability<'a> {
    /// What is said, and the id of the product it is said of. `fixed` is the vendor's word for a version that
    /// fixes.
    pub(crate) fn statements(
        &self,
        document: &Document<'_>,
        fixed: &str,
    ) -> Result<Vec<(Status, &str)>, FeedError> {
        let mut statements = Vec::new();
        for (word, ids) in &self.product_status.0 {
            let status = match &**word {
                word if word == fixed => Status::Fixed,
                "known_affected" => Status::Affected,
                "known_not_affected" => Status::NotAffected,
                "under_investigation" => Status::UnderInvestigation,
                word => return Err(document.value("unknown product status", word)),
            };
            statements.extend(ids.iter().map(|id| (status, &**id)));
        }
        Ok(statements)
    }

    /// Its scores, sorted, each once.
    pub(crate) fn cvss(&self, document: &Document<'_>) -> Result<Vec<Cvss>, FeedError> {
        let mut all = Vec::new();
        for scores in &self.scores {
            for score in [&scores.cvss_v2, &scores.cvss_v3, &scores.cvss_v4].into_iter().flatten() {
                if !(0.0..=10.0).contains(&score.base_score) {
                    return Err(document.value("no CVSS score:", score.base_score.to_string()));
                }
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a score is between 0 and 10"
                )]
                let tenths = (score.base_score * 10.0).round() as u8;
                all.push(Cvss { vector: score.vector_string.to_string(), score: tenths });
            }
        }
        all.sort();
        all.dedup();
        Ok(all)
    }
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

impl Scoped for Remediation<'_> {
    fn products(&self) -> &[Text<'_>] {
        &self.product_ids
    }

    fn groups(&self) -> &[Text<'_>] {
        &self.group_ids
    }
}

impl Scoped for Threat<'_> {
    fn products(&self) -> &[Text<'_>] {
        &self.product_ids
    }

    fn groups(&self) -> &[Text<'_>] {
        &self.group_ids
    }
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
