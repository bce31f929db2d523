//! One image, read.

use crate::cache::EntryName;
use crate::tree::Tree;
use imagescan_model::{Digest, Incomplete, LanguageMarkers, Layer, Platform};
use std::collections::BTreeMap;

/// What was read of an image: its description and the files that were asked for.
#[derive(Debug, Clone, Default)]
pub struct Image {
    /// As the user named it.
    pub target: String,
    /// The reference it carries (`RepoTags`, `org.opencontainers.image.ref.name`).
    pub reference: Option<String>,
    /// Digest of the index that its manifest was chosen from.
    pub index_digest: Option<Digest>,
    /// Digest of its manifest.
    pub digest: Option<Digest>,
    /// Digest of its config.
    pub config_digest: Option<Digest>,
    /// Platform that index or config name.
    pub platform: Option<Platform>,
    /// The config's JSON. A root filesystem has none.
    pub config: Option<Vec<u8>>,
    /// Annotations of the manifest, over those of its descriptor.
    pub annotations: BTreeMap<String, String>,
    /// Lowest first, without what the history says of them. A root filesystem has none.
    pub layers: Vec<Layer>,
    /// The files. A root filesystem is one layer here.
    pub tree: Tree,
    /// Signs of language packages that the container sees.
    pub languages: Vec<LanguageMarkers>,
    /// Newest modification time of a regular file, for each layer of the tree.
    pub newest_modified: Vec<Option<i64>>,
    /// What could not be read, or not whole.
    pub incomplete: Vec<Incomplete>,
    /// What was made of it before, as [`crate::Cache::remember_image`] was given it: then no layer was read, and all
    /// that only layers tell is empty here.
    pub remembered: Option<Vec<u8>>,
    /// What its facts are called in the cache.
    pub name: Option<EntryName>,
}
