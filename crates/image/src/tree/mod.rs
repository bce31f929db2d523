//! Layers on top of each other: the files as the container sees them, after any layer.
//!
//! Rules (OCI image specification, layer.md, "Changesets"): an upper layer's entry replaces a lower one's; a
//! whiteout `.wh.NAME` removes the lower `NAME` with all below it; an opaque marker `.wh..wh..opq` removes what
//! lower layers put into its folder. Both speak of lower layers only, wherever they stand within their own.
//! Something that is no folder hides whatever lower layers have below its name. Links are followed as inside a
//! chroot: `..` stops at the root, and forty links are a loop, as in Linux (path_resolution(7)). So are the links on
//! the way to a layer's own entries, as runtimes unpack them.

mod asking;
mod builder;
mod modified;
mod placing;
mod view;

pub use builder::TreeBuilder;
pub use modified::ModifiedIn;
pub use view::View;

use crate::content::Content;
use crate::evidence::{LayerEvidence, Node};
use crate::path::{is_normal, parents};
use crate::read_at::ReadAt;
use hashbrown::HashSet;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// All layers of an image, lowest first.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    layers: Vec<Arc<LayerEvidence>>,
    /// Path → the layers that say something about it, ascending.
    paths: BTreeMap<String, Vec<u32>>,
    /// Where any layer has a symbolic link: few, and most paths lead over none of them.
    links: HashSet<String>,
}

/// A link that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// More than forty links.
    #[error("`{}` is a loop of links", .0.escape_debug())]
    Loop(String),
    /// A link to nothing that was read.
    #[error("`{}` is a link to `{}`, which is not in the image", from.escape_debug(), to.escape_debug())]
    Dangling {
        /// The link.
        from: String,
        /// Where it leads, resolved.
        to: String,
    },
}

/// A file as one view sees it.
#[derive(Debug, Clone)]
pub struct File<'a> {
    /// Layer that holds these bytes.
    pub layer: u32,
    /// Where it lies once links are followed.
    pub path: String,
    /// Seconds since 1970.
    pub modified: i64,
    content: &'a Content,
}

impl File<'_> {
    /// All bytes; see [`Content::bytes`].
    ///
    /// # Errors
    /// What reading the private cache says.
    pub fn bytes(&self) -> io::Result<Cow<'_, [u8]>> {
        self.content.bytes()
    }

    /// Equal for equal content within one image.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.content.digest()
    }
}

impl ReadAt for File<'_> {
    fn len(&self) -> u64 {
        self.content.len()
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.content.read_exact_at(buffer, offset)
    }
}

impl Tree {
    pub(crate) fn new(layers: Vec<Arc<LayerEvidence>>) -> Self {
        let mut tree = Self::default();
        for layer in layers {
            tree.push(layer);
            if let Some(placed) = tree.placed() {
                tree.pop();
                tree.push(Arc::new(placed));
            }
        }
        tree
    }

    fn push(&mut self, layer: Arc<LayerEvidence>) {
        let index = self.layers();
        for path in layer.named() {
            match self.paths.get_mut(path) {
                Some(said) => said.push(index),
                None => {
                    self.paths.insert(path.clone(), vec![index]);
                }
            }
        }
        let links = layer.nodes.iter().filter(|(_, node)| matches!(node, Node::Symlink(_)));
        self.links.extend(links.map(|(path, _)| path.clone()));
        self.layers.push(layer);
    }

    fn pop(&mut self) {
        let Some(layer) = self.layers.pop() else { return };
        for path in layer.named() {
            if let Some(said) = self.paths.get_mut(path) {
                said.pop();
            }
        }
        self.paths.retain(|_, said| !said.is_empty());
    }

    /// Whether `path` leads over no link, whichever layer is asked.
    fn is_straight(&self, path: &str) -> bool {
        is_normal(path)
            && !self.links.contains(path)
            && parents(path).all(|folder| !self.links.contains(folder))
    }

    /// What each layer says.
    pub(crate) fn evidence(&self) -> &[Arc<LayerEvidence>] {
        &self.layers
    }

    /// How many layers there are; a root filesystem is one.
    #[must_use]
    pub fn layers(&self) -> u32 {
        u32::try_from(self.layers.len()).unwrap_or(u32::MAX)
    }

    /// The files as they stand after layer `layer`.
    #[must_use]
    pub fn at(&self, layer: u32) -> View<'_> {
        View { tree: self, top: layer }
    }

    /// The files as the container sees them.
    #[must_use]
    pub fn top(&self) -> View<'_> {
        self.at(self.layers().saturating_sub(1))
    }

    fn layer(&self, index: u32) -> Option<&LayerEvidence> {
        self.layers.get(usize::try_from(index).ok()?).map(AsRef::as_ref)
    }
}

#[cfg(test)]
mod tests;
