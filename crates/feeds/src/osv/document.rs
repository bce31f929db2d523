//! A document of the OSV schema (ossf.github.io/osv-schema), as far as records need it.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
pub(crate) struct Vulnerability {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) summary: Option<String>,
    #[serde(default)]
    pub(crate) details: Option<String>,
    #[serde(default)]
    pub(crate) aliases: Vec<String>,
    #[serde(default)]
    pub(crate) upstream: Vec<String>,
    #[serde(default)]
    pub(crate) related: Vec<String>,
    #[serde(default)]
    pub(crate) severity: Vec<Score>,
    #[serde(default)]
    pub(crate) published: Option<Timestamp>,
    #[serde(default)]
    pub(crate) withdrawn: Option<Timestamp>,
    #[serde(default)]
    pub(crate) references: Vec<Reference>,
    #[serde(default)]
    pub(crate) database_specific: Option<Value>,
    #[serde(default)]
    pub(crate) affected: Vec<Affected>,
}

#[derive(Deserialize)]
pub(crate) struct Affected {
    #[serde(default)]
    pub(crate) package: Option<Package>,
    #[serde(default)]
    pub(crate) ranges: Vec<Range>,
    #[serde(default)]
    pub(crate) versions: Vec<serde::de::IgnoredAny>,
    #[serde(default)]
    pub(crate) severity: Vec<Score>,
    #[serde(default)]
    pub(crate) ecosystem_specific: Option<Specific>,
    #[serde(default)]
    pub(crate) database_specific: Option<Value>,
}

#[derive(Deserialize)]
pub(crate) struct Score {
    pub(crate) score: String,
}

#[derive(Deserialize)]
pub(crate) struct Reference {
    pub(crate) url: String,
}

#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) ecosystem: String,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) purl: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Range {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) events: Vec<Event>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    Introduced(String),
    Fixed(String),
    LastAffected(String),
    Limit(String),
}

#[derive(Default, Deserialize)]
pub(crate) struct Specific {
    #[serde(default)]
    pub(crate) urgency: Option<String>,
    /// Of Go's database.
    #[serde(default)]
    pub(crate) custom_ranges: Vec<serde::de::IgnoredAny>,
}
