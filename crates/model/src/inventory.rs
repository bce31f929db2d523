//! An image's facts: all that a later judgement needs, and no judgement.

use crate::{Age, Digest, Package, Pin, Platform, System};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The document `imagescan inventory` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryDocument {
    /// [`crate::INVENTORY_SCHEMA`].
    pub schema: String,
    /// Who wrote it.
    pub tool: Tool,
    /// The instant that plausibility of dates was judged at.
    pub as_of: Timestamp,
    /// One entry an image, in the order asked for.
    pub images: Vec<Inventory>,
}

/// The program that wrote a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// `imagescan`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// One image's facts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Inventory {
    /// As the user named it.
    pub target: String,
    /// The reference the image carries (RepoTags, `ref.name`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Digest of the index the manifest was chosen from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index_digest: Option<Digest>,
    /// Digest of the manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Digest of the config.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_digest: Option<Digest>,
    /// Platform of the config.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// [`crate::EXTRACTOR_VERSION`] at the time; 0: not extracted by us.
    pub extractor_version: u32,
    /// The distribution.
    pub system: System,
    /// Dates and their evidence. Absent for package lists without an image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age: Option<Age>,
    /// Lowest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Layer>,
    /// Sorted by [`Package::sort_key`].
    pub packages: Vec<Package>,
    /// What keeps packages at a version, or away. Sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pins: Vec<Pin>,
    /// Configuration and content facts.
    pub facts: Facts,
    /// What was there and could not be read. Sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub incomplete: Vec<Incomplete>,
}

/// One layer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Layer {
    /// 0 is the lowest; empty history entries are not counted.
    pub index: u32,
    /// Digest of the blob; absent in docker archives, which know only diff IDs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Digest of the uncompressed tar, as the config names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff_id: Option<Digest>,
    /// Bytes of the blob.
    pub size: u64,
    /// As the manifest says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// How it was read; absent: it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<LayerRead>,
    /// History entry's command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// History entry's instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// Packages of the final inventory that this layer introduced.
    pub packages_added: u32,
    /// Packages of the final inventory that this layer changed last, without those it introduced.
    pub packages_changed: u32,
}

/// How a layer was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, Hash)]
#[serde(rename_all = "kebab-case")]
pub enum LayerRead {
    /// To its end, and compared with its digest: it holds what a runtime would unpack.
    #[default]
    Whole,
    /// Its table of contents and the wanted files, by digests that the manifest vouches for. Whoever made the layer may
    /// have written a table that says something else than its archive.
    Lazy,
}

/// Configuration of the image and what else its content shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// Config `User`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Config `ExposedPorts`, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<String>,
    /// Config `Entrypoint`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
    /// Config `Cmd`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Config `Labels`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Config `history`, empty entries counted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<HistoryEntry>,
    /// Language packages that are present and not judged, sorted by kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<LanguageMarkers>,
}

/// One entry of the config's history.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HistoryEntry {
    /// When, as written there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// The author.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The comment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// It made no layer.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub empty_layer: bool,
    /// The layer it made, where entries and layers count up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer: Option<u32>,
}

/// How many packages of one language ecosystem are present.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LanguageMarkers {
    /// `cargo`, `gem`, `golang`, `maven`, `npm`, `pypi`: purl types.
    pub kind: String,
    /// How many in all.
    pub count: u64,
    /// Where, sorted; at most 10,000.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
}

/// Something that was there and could not be read, or not whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Incomplete {
    /// What kind of thing.
    pub what: IncompleteKind,
    /// Which one: a path in the image, a digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Why, and what to do.
    pub why: String,
}

/// The list of things an inventory can lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IncompleteKind {
    /// The image as a whole could not be read.
    Image,
    /// A layer could not be read whole.
    Layer,
    /// A layer that may not be distributed is not where the image is.
    ForeignLayer,
    /// The image config could not be read.
    Config,
    /// A package database could not be read whole.
    PackageDatabase,
    /// The image holds no package database.
    NoPackageDatabase,
    /// No file says which system this is.
    System,
    /// A link leads nowhere, round in a circle, or out of what is read.
    Link,
    /// A file that was wanted could not be read.
    File,
    /// A package's record lacks a part or is damaged.
    Package,
    /// The list of language packages is cut.
    Languages,
}

impl IncompleteKind {
    /// All of them, in the documented order.
    pub const ALL: [Self; 11] = [
        Self::Image,
        Self::Layer,
        Self::ForeignLayer,
        Self::Config,
        Self::PackageDatabase,
        Self::NoPackageDatabase,
        Self::System,
        Self::Link,
        Self::File,
        Self::Package,
        Self::Languages,
    ];

    /// Whether an image with this could not be scanned (exit 3), rather than scanned in part.
    #[must_use]
    pub fn is_fatal(self) -> bool {
        matches!(self, Self::Image | Self::Layer | Self::Config | Self::PackageDatabase | Self::Package)
    }
}
