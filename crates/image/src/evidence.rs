//! What one layer says, as far as anybody asked.

use crate::content::{Content, Store};
use crate::layer::LayerError;
use imagescan_model::{Incomplete, LayerRead};
use std::collections::{BTreeMap, BTreeSet};
use xxhash_rust::xxh3::xxh3_64;

/// The answer a layer gives to a question. Holds no bytes that were not asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct LayerEvidence {
    /// How it was got.
    pub read: LayerRead,
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

    /// The same with its files in another store.
    pub(crate) fn kept_in(&self, store: &Store) -> Result<Self, LayerError> {
        let mut own = self.clone();
        for node in own.nodes.values_mut() {
            if let Node::File { content, .. } = node {
                *content = content.kept_in(store)?;
            }
        }
        Ok(own)
    }

    /// About how much memory it takes.
    pub(crate) fn bytes(&self) -> u64 {
        let kept = self.nodes.values().map(|node| match node {
            Node::File { content, .. } => content.in_memory(),
            _ => 0,
        });
        let names = self.cost.names.saturating_add(self.cost.marker_names);
        kept.fold(names, u64::saturating_add).saturating_add(self.modified.bytes())
    }

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

/// Modification times by path hash: what package dates need, in 16 bytes a file and a little.
#[derive(Debug, Clone, Default)]
pub(crate) struct ModificationTimes {
    /// Sorted by hash, each hash once.
    pairs: Vec<(u64, i64)>,
    /// Where those begin whose hashes have the same highest bits, and one more.
    starts: Vec<u32>,
}

/// Files for each start: package dates look up every file of every package, and each look-up has few to compare.
const PER_START: usize = 4;

impl ModificationTimes {
    pub(crate) fn push(&mut self, path: &str, modified: i64) {
        self.pairs.push((path_hash(path), modified));
    }

    /// To be called once all are pushed: of equal paths, the last stays.
    pub(crate) fn seal(&mut self) {
        self.pairs.reverse();
        self.pairs.sort_by_key(|(hash, _)| *hash);
        self.pairs.dedup_by_key(|(hash, _)| *hash);
        self.pairs.shrink_to_fit();
        self.index();
    }

    fn bytes(&self) -> u64 {
        size_of_val(self.pairs.as_slice()) as u64 + size_of_val(self.starts.as_slice()) as u64
    }

    /// Sorted by hash, each hash once.
    pub(crate) fn pairs(&self) -> &[(u64, i64)] {
        &self.pairs
    }

    /// What [`Self::pairs`] gave. `None`: it is not sorted.
    pub(crate) fn from_pairs(pairs: Vec<(u64, i64)>) -> Option<Self> {
        let is_sorted = pairs.is_sorted_by(|(a, _), (b, _)| a < b);
        let mut times = Self { pairs, starts: Vec::new() };
        times.index();
        is_sorted.then_some(times)
    }

    fn index(&mut self) {
        let starts = (self.pairs.len() / PER_START).next_power_of_two().min(1 << 24);
        self.starts = Vec::with_capacity(starts + 1);
        let shift = shift(starts);
        for (index, (hash, _)) in (0..).zip(&self.pairs) {
            while self.starts.len() <= stretch(*hash, shift) {
                self.starts.push(index);
            }
        }
        self.starts.resize(starts + 1, u32::try_from(self.pairs.len()).unwrap_or(u32::MAX));
    }

    pub(crate) fn of(&self, path: &str) -> Option<i64> {
        self.at(path_hash(path))
    }

    /// The time of the path with this [`path_hash`].
    pub(crate) fn at(&self, hash: u64) -> Option<i64> {
        let stretch = stretch(hash, shift(self.starts.len().checked_sub(1)?));
        let bound = |index: usize| usize::try_from(*self.starts.get(index)?).ok();
        let near = self.pairs.get(bound(stretch)?..bound(stretch + 1)?)?;
        // Whoever chooses paths so that their hashes lie together gains a binary search.
        let index = near.binary_search_by_key(&hash, |(hash, _)| *hash).ok()?;
        near.get(index).map(|(_, modified)| *modified)
    }
}

pub(crate) fn path_hash(path: &str) -> u64 {
    xxh3_64(path.as_bytes())
}

/// What is left of a hash's bits is which of `starts`, a power of two, it belongs to.
fn shift(starts: usize) -> u32 {
    u64::BITS - starts.trailing_zeros()
}

fn stretch(hash: u64, shift: u32) -> usize {
    usize::try_from(hash.checked_shr(shift).unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_by_path_and_of_equal_paths_the_last_is() {
        for count in [0, 1, 2, 4, 33, 5000] {
            let mut times = ModificationTimes::default();
            let path = |number: i64| format!("usr/share/{number}");
            (0..count).for_each(|number| times.push(&path(number), -1));
            (0..count).for_each(|number| times.push(&path(number), number));
            times.seal();
            for times in [&times, &ModificationTimes::from_pairs(times.pairs().to_vec()).unwrap()] {
                assert!((0..count).all(|number| times.of(&path(number)) == Some(number)), "{count}");
                assert!((count..count + 1000).all(|number| times.of(&path(number)).is_none()), "{count}");
            }
        }
        assert!(ModificationTimes::default().of("").is_none());
    }

    #[test]
    fn hashes_that_lie_together_are_found_too() {
        for hashes in [0..5000, u64::MAX - 5000..u64::MAX] {
            let pairs: Vec<(u64, i64)> = hashes.map(|hash| (hash, 1)).collect();
            let times = ModificationTimes::from_pairs(pairs.clone()).unwrap();
            assert_eq!(times.starts.len(), 2049);
            let shift = shift(2048);
            for (index, (hash, _)) in (0_u32..).zip(&pairs) {
                let stretch = stretch(*hash, shift);
                assert!((times.starts[stretch]..times.starts[stretch + 1]).contains(&index));
            }
        }
        assert!(ModificationTimes::from_pairs(vec![(2, 0), (1, 0)]).is_none());
    }
}
