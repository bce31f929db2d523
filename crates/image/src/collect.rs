//! A layer's entries, as they pass, into its evidence.

use crate::content::{Keeper, Store};
use crate::evidence::{LayerEvidence, Node};
use crate::languages::{self, Executable};
use crate::layer::LayerError;
use crate::limits::LimitError;
use crate::path::{is_normal, join, normal};
use crate::question::Question;
use crate::tar::{Entry, EntryKind, TarError, Visitor};
use imagescan_model::{Incomplete, IncompleteKind};
use std::borrow::Cow;

const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";

/// Memory that all paths kept of a target may take, divided among its layers.
const NAME_BYTES: u64 = 64 << 20;

/// What one of `layers` layers may take of it: for the question, and for language markers.
pub(crate) fn name_budgets(layers: usize) -> (u64, u64) {
    let names = (NAME_BYTES / layers.max(1) as u64).max(256 << 10);
    (names, names / 2)
}

/// Collects one layer's evidence.
pub(crate) struct Collector<'a> {
    question: &'a Question,
    store: &'a Store,
    evidence: LayerEvidence,
    body: Body,
    /// Bytes of paths this layer may keep: for the question, and for language markers.
    names: u64,
    marker_names: u64,
    other_whiteouts: usize,
}

/// What the body of an entry is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Nothing,
    /// To find out which language an executable was written in.
    Look,
    Keep,
}

/// What `entry` will be wanted for, for whoever has to know before a [`Collector`] sees it.
pub(crate) fn use_of(question: &Question, entry: &Entry<'_>) -> Use {
    let text = String::from_utf8_lossy(entry.path);
    let path = plain(&text);
    let name = path.rsplit('/').next().unwrap_or_default();
    match entry.kind {
        EntryKind::Regular if name.is_empty() || name.starts_with(WHITEOUT) => Use::Nothing,
        EntryKind::Regular if question.wants(&path) => Use::Keep,
        EntryKind::Regular if languages::may_be_executable(entry.mode, entry.size) => Use::Look,
        _ => Use::Nothing,
    }
}

/// An entry's path as evidence has it.
fn plain(path: &str) -> Cow<'_, str> {
    let plain = path.strip_prefix("./").unwrap_or(path);
    let plain = plain.strip_suffix('/').unwrap_or(plain);
    if is_normal(plain) { Cow::Borrowed(plain) } else { Cow::Owned(normal(plain)) }
}

enum Body {
    Nobody,
    Keep { path: String, modified: i64, keeper: Keeper, executable: Option<Executable> },
    Look { path: String, executable: Executable },
}

impl<'a> Collector<'a> {
    pub(crate) fn new(question: &'a Question, store: &'a Store, layers: usize) -> Self {
        let (names, marker_names) = name_budgets(layers);
        Self {
            question,
            store,
            evidence: LayerEvidence::default(),
            body: Body::Nobody,
            names,
            marker_names,
            other_whiteouts: LayerEvidence::OTHER_WHITEOUTS,
        }
    }

    /// `inflated`: how many bytes the archive had.
    pub(crate) fn finish(mut self, inflated: u64) -> LayerEvidence {
        self.evidence.cost.inflated = inflated;
        self.evidence.modified.seal();
        self.evidence
    }

    /// Gives back what it counted of what all layers share, for its evidence will not be used.
    pub(crate) fn abandon(self) {
        self.store.forget_entries(self.evidence.cost.files);
    }

    /// Goes on without the body that was wanted. `false`: it would have been kept.
    pub(crate) fn pass_over(&mut self) -> bool {
        !matches!(std::mem::replace(&mut self.body, Body::Nobody), Body::Keep { .. })
    }

    /// Counts what a kept path costs.
    fn charge(&mut self, length: usize) -> Result<(), LayerError> {
        self.evidence.cost.names += length as u64 + 160;
        if self.evidence.cost.names > self.names {
            let what = "bytes of wanted paths, divided among the layers";
            return Err(LayerError::Limit(LimitError::new(NAME_BYTES, what, "nothing: no image needs that")));
        }
        Ok(())
    }

    /// The same for paths that only language markers need: whether there is room.
    fn charge_marker(&mut self, length: usize) -> bool {
        let cost = &mut self.evidence.cost;
        let sum = cost.marker_names + length as u64 + 64;
        if sum > self.marker_names {
            cost.cut = true;
            return false;
        }
        cost.marker_names = sum;
        true
    }

    fn keep(&mut self, path: &str, node: Node, extra: usize) -> Result<(), LayerError> {
        self.charge(path.len() + extra)?;
        self.evidence.nodes.insert(path.into(), node);
        Ok(())
    }

    fn marker(&mut self, kind: &'static str, path: &str) {
        let marker = (kind, String::from(path));
        if self.evidence.markers.contains(&marker) {
            return;
        }
        let of_kind =
            self.evidence.markers.range((kind, String::new())..).take_while(|marker| marker.0 == kind);
        let full = of_kind.count() >= LayerEvidence::MARKERS;
        if !full && self.charge_marker(path.len()) {
            self.evidence.markers.insert(marker);
        } else {
            *self.evidence.markers_beyond.entry(kind).or_default() += 1;
        }
    }

    /// A whiteout or opaque marker; `None`: an ordinary name.
    fn removal(&mut self, path: &str) -> Result<bool, LayerError> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let Some(removed) = name.strip_prefix(WHITEOUT) else {
            return Ok(false);
        };
        if name == OPAQUE {
            if folder.is_empty() || self.question.touches(folder) {
                self.charge(folder.len())?;
                self.evidence.opaque.insert(folder.into());
            } else {
                self.other_removal(folder, true);
            }
            return Ok(true);
        }
        // Other names of this form are aufs's own bookkeeping.
        if name.starts_with(".wh..wh.") {
            return Ok(true);
        }
        if matches!(removed, "" | "." | "..") {
            self.evidence.incomplete.push(Incomplete {
                what: IncompleteKind::Layer,
                path: Some(path.escape_debug().to_string()),
                why: "a whiteout that names no file: runtimes disagree on what it removes".into(),
            });
            return Ok(true);
        }
        let removed = join(folder, removed);
        if self.question.touches(&removed) {
            self.charge(removed.len())?;
            self.evidence.whiteouts.insert(removed);
        } else {
            self.other_removal(&removed, false);
        }
        Ok(true)
    }

    /// Removals that only language markers care about; beyond the bound, markers may be counted too often.
    fn other_removal(&mut self, path: &str, opaque: bool) {
        if self.other_whiteouts > 0 && self.charge_marker(path.len()) {
            self.other_whiteouts -= 1;
            let set = if opaque { &mut self.evidence.opaque } else { &mut self.evidence.whiteouts };
            set.insert(path.into());
        }
    }

    fn regular(&mut self, path: &str, entry: &Entry<'_>) -> Result<bool, LayerError> {
        let executable = languages::may_be_executable(entry.mode, entry.size).then(Executable::default);
        self.file(path, entry.modified, languages::of_path(path))?;
        self.body = if self.question.wants(path) {
            Body::Keep { path: path.into(), modified: entry.modified, keeper: Keeper::new(), executable }
        } else {
            if self.question.touches(path) {
                self.keep(path, Node::Other, 0)?;
            }
            match executable {
                Some(executable) => Body::Look { path: path.into(), executable },
                None => Body::Nobody,
            }
        };
        Ok(!matches!(self.body, Body::Nobody))
    }

    fn file(&mut self, path: &str, modified: i64, marker: Option<&'static str>) -> Result<(), LayerError> {
        self.store.count_entries(1).map_err(LayerError::Shared)?;
        self.evidence.cost.files += 1;
        self.evidence.modified.push(path, modified);
        self.evidence.newest_modified = self.evidence.newest_modified.max(Some(modified));
        if let Some(kind) = marker {
            self.marker(kind, path);
        }
        Ok(())
    }
}

impl Visitor for Collector<'_> {
    type Error = LayerError;

    fn entry(&mut self, entry: &Entry<'_>) -> Result<bool, LayerError> {
        let text = String::from_utf8_lossy(entry.path);
        let path = plain(&text);
        if path.is_empty() || self.removal(&path)? {
            return Ok(false);
        }
        match entry.kind {
            EntryKind::Regular => return self.regular(&path, entry),
            _ if !self.question.touches(&path) => {}
            EntryKind::Folder => self.keep(&path, Node::Folder, 0)?,
            EntryKind::Special => self.keep(&path, Node::Other, 0)?,
            EntryKind::Symlink => {
                let target = String::from_utf8_lossy(entry.link).into_owned();
                let length = target.len();
                self.keep(&path, Node::Symlink(target), length)?;
            }
            EntryKind::HardLink => {
                let target = normal(&String::from_utf8_lossy(entry.link));
                let length = target.len();
                // A link to itself says nothing new about the name.
                if target != path || !self.evidence.nodes.contains_key(&*path) {
                    self.keep(&path, Node::HardLink(target), length)?;
                }
            }
        }
        Ok(false)
    }

    fn body(&mut self, bytes: &[u8]) -> Result<(), LayerError> {
        match &mut self.body {
            Body::Nobody => {}
            Body::Look { executable, .. } => executable.push(bytes),
            Body::Keep { keeper, executable, .. } => {
                if let Some(executable) = executable {
                    executable.push(bytes);
                }
                keeper.push(self.store, bytes)?;
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), LayerError> {
        match std::mem::replace(&mut self.body, Body::Nobody) {
            Body::Nobody => {}
            Body::Look { path, mut executable } => {
                if let Some(kind) = executable.finish() {
                    self.marker(kind, &path);
                }
            }
            Body::Keep { path, modified, keeper, executable } => {
                if let Some(kind) = executable.and_then(|mut executable| executable.finish()) {
                    self.marker(kind, &path);
                }
                let content = keeper.finish(self.store)?;
                self.keep(&path, Node::File { content, modified }, 0)?;
            }
        }
        Ok(())
    }
}

impl From<TarError> for LayerError {
    fn from(error: TarError) -> Self {
        Self::Tar(error)
    }
}
