//! The parts of a CSAF document that are read, as the schema has them.

use super::Scoped;
use crate::document::Document;
use crate::entries::Entries;
use crate::error::FeedError;
use imagescan_model::Cvss;
use jiff::Timestamp;
use serde::Deserialize;
use std::borrow::Cow;
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
    #[serde(borrow, default)]
    pub(crate) references: Vec<Reference<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Aggregate<'a> {
    #[serde(borrow)]
    pub(crate) text: Text<'a>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Reference<'a> {
    #[serde(borrow, default)]
    pub(crate) category: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) url: Text<'a>,
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
    pub(super) branches: Vec<Branch<'a>>,
    #[serde(borrow, default)]
    pub(super) relationships: Vec<Relationship<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Branch<'a> {
    #[serde(borrow)]
    pub(super) category: Text<'a>,
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow, default)]
    pub(super) product: Option<Product<'a>>,
    #[serde(borrow, default)]
    pub(super) branches: Vec<Branch<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Product<'a> {
    #[serde(borrow)]
    pub(super) product_id: Text<'a>,
    #[serde(borrow, default)]
    pub(super) product_identification_helper: Option<Helper<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Helper<'a> {
    #[serde(borrow, default)]
    pub(super) cpe: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) purl: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Relationship<'a> {
    #[serde(borrow)]
    pub(super) category: Text<'a>,
    #[serde(borrow)]
    pub(super) full_product_name: Product<'a>,
    #[serde(borrow)]
    pub(super) product_reference: Text<'a>,
    #[serde(borrow)]
    pub(super) relates_to_product_reference: Text<'a>,
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
