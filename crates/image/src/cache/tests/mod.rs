//! Whatever becomes of an entry, it is never believed to be more than it was.

mod entry;
mod folder;
mod round_trip;

use super::key::{EntryName, Key, QuestionVersion};
use super::*;
use crate::Limits;
use crate::content::Keeper;
use crate::evidence::{ModificationTimes, Node};
use crate::inflate::Inflater;
use crate::question::Question;
use crate::read::Options;
use crate::read_at::ReadAt;
use imagescan_model::{Digest, Incomplete, IncompleteKind, LayerRead};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use tempfile::TempDir;

const HOUR: Duration = Duration::from_secs(3600);

fn store() -> Store {
    Store::new(std::env::temp_dir(), &Limits::default())
}

pub(crate) fn options() -> Options {
    Options::new(std::env::temp_dir())
}

fn key(layer: u8) -> Key {
    let version = QuestionVersion::of(&Question::new(&["etc/os-release"]), &options());
    Key::new(&Digest::from_sha256(&[layer; 32]), 77, &version)
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
}

fn cache(folder: &TempDir) -> Cache {
    Cache::new(folder.path().join("layers"), Cache::MAX_SIZE, at(0))
}

fn content(store: &Store, bytes: &[u8]) -> crate::Content {
    let mut keeper = Keeper::new();
    keeper.push(store, bytes).unwrap();
    keeper.finish(store).unwrap()
}

fn file(store: &Store, bytes: &[u8]) -> LayerEvidence {
    let node = Node::File { content: content(store, bytes), modified: 7 };
    LayerEvidence { nodes: [("etc/os-release".into(), node)].into(), ..LayerEvidence::default() }
}

fn load(cache: &Cache, key: &Key) -> Option<LayerEvidence> {
    cache.load(key, 1, &store(), |_| Ok(())).unwrap()
}

/// All that evidence says, contents by their bytes.
fn said(evidence: &LayerEvidence) -> String {
    let node = |node: &Node| match node {
        Node::File { content, modified } => {
            format!("{modified} {:?} {:?}", content.digest(), content.bytes().unwrap())
        }
        other => format!("{other:?}"),
    };
    let nodes: Vec<_> = evidence.nodes.iter().map(|(path, at)| (path, node(at))).collect();
    let rest =
        LayerEvidence { nodes: BTreeMap::new(), modified: ModificationTimes::default(), ..evidence.clone() };
    format!("{nodes:?} {:?} {rest:?}", evidence.modified.pairs())
}

fn entry_files(folder: &TempDir) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for bucket in fs::read_dir(folder.path().join("layers")).unwrap() {
        let bucket = bucket.unwrap().path();
        if bucket.is_dir() {
            files.extend(fs::read_dir(bucket).unwrap().map(|file| file.unwrap().path()));
        }
    }
    files
}
