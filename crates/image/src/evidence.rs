//! What one layer says, as far as anybody asked.

use crate::content::Content;
use imagescan_model::Incomplete;
use std::collections::{BTreeMap, BTreeSet};
use xxhash_rust::xxh3::xxh3_64;

/// The answer a layer gives to a question. Holds no bytes that were not asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct LayerEvidence {
    /// What the layer holds at the paths that matter; the last entry of a name counts.
    pub nodes: BTreeMap<String, Node>,
    /// Paths of lower layers that it removes.
    pub whiteouts: BTreeSet<String>,
    /// Folders whose lower content it removes.
    pub opaque: BTreeSet<String>,
    /// Modification times of all its regular files.
    pub modified: ModificationTimes,
    /// Newest modification time of a regular file, in seconds since 1970.
    pub newest_modified: Option<i64>,
    /// Signs of language packages: (kind, path), at most [`LayerEvidence::MARKERS`] of a kind.
    pub markers: BTreeSet<(&'static str, String)>,
    /// Markers beyond that, by kind.
    pub markers_beyond: BTreeMap<&'static str, u64>,
    /// What could not be read.
    pub incomplete: Vec<Incomplete>,
    /// What reading it took of the bounds.
    pub cost: Cost,
}

/// What a layer takes of the bounds that all layers share. Evidence that was kept takes the same again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Bytes that the tar inside has.
    pub inflated: u64,
    /// Regular files, equal names counted each time.
    pub files: u64,
    /// Memory for the paths that the question asks for, and for those of language markers.
    pub names: u64,
    pub marker_names: u64,
    /// The memory for markers was not enough: with fewer layers beside it, this one would say more.
    pub cut: bool,
}

impl LayerEvidence {
    /// Paths of markers kept, of each kind (the report's own bound).
    pub(crate) const MARKERS: usize = 10_000;
    /// Whiteouts kept that no question watches: they only matter to language markers.
    pub(crate) const OTHER_WHITEOUTS: usize = 20_000;

    /// Every path it says something about, once.
    pub(crate) fn named(&self) -> BTreeSet<&String> {
        self.nodes.keys().chain(&self.whiteouts).chain(&self.opaque).collect()
    }
}

/// What stands at a path.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    File {
        content: Content,
        modified: i64,
    },
    /// A second name of another file of the image.
    HardLink(String),
    Symlink(String),
    Folder,
    /// A file nobody asked for, a device, a socket: in the way of what lies below.
    Other,
}

/// Modification times by path hash: what package dates need, in 16 bytes a file.
#[derive(Debug, Clone, Default)]
pub(crate) struct ModificationTimes(Vec<(u64, i64)>);

impl ModificationTimes {
    pub(crate) fn push(&mut self, path: &str, modified: i64) {
        self.0.push((xxh3_64(path.as_bytes()), modified));
    }

    /// To be called once all are pushed: of equal paths, the last stays.
    pub(crate) fn seal(&mut self) {
        self.0.reverse();
        self.0.sort_by_key(|(hash, _)| *hash);
        self.0.dedup_by_key(|(hash, _)| *hash);
        self.0.shrink_to_fit();
    }

    /// Sorted by hash, each hash once.
    pub(crate) fn pairs(&self) -> &[(u64, i64)] {
        &self.0
    }

    /// What [`Self::pairs`] gave. `None`: it is not sorted.
    pub(crate) fn from_pairs(pairs: Vec<(u64, i64)>) -> Option<Self> {
        pairs.is_sorted_by(|(a, _), (b, _)| a < b).then_some(Self(pairs))
    }

    pub(crate) fn of(&self, path: &str) -> Option<i64> {
        let hash = xxh3_64(path.as_bytes());
        let index = self.0.binary_search_by_key(&hash, |(hash, _)| *hash).ok()?;
        self.0.get(index).map(|(_, modified)| *modified)
    }
}
