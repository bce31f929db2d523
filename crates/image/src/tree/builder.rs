//! Trees of a few files, for tests of what reads them.

use super::Tree;
use crate::content::Content;
use crate::evidence::{LayerEvidence, Node};
use crate::path::normal;
use std::sync::Arc;

/// Makes trees of a few files, for tests of what reads them.
#[derive(Debug, Default)]
pub struct TreeBuilder {
    layers: Vec<LayerEvidence>,
}

impl TreeBuilder {
    /// No layer yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins the next layer.
    #[must_use]
    pub fn layer(mut self) -> Self {
        self.layers.push(LayerEvidence::default());
        self
    }

    fn top(&mut self) -> &mut LayerEvidence {
        if self.layers.is_empty() {
            self.layers.push(LayerEvidence::default());
        }
        let last = self.layers.len() - 1;
        &mut self.layers[last]
    }

    /// A regular file with its modification time.
    #[must_use]
    pub fn file(mut self, path: &str, bytes: &[u8], modified: i64) -> Self {
        let path = normal(path);
        let layer = self.top();
        layer.modified.push(&path, modified);
        layer.newest_modified = layer.newest_modified.max(Some(modified));
        layer.nodes.insert(path, Node::File { content: Content::from_bytes(bytes), modified });
        self
    }

    /// A symbolic link.
    #[must_use]
    pub fn symlink(mut self, path: &str, target: &str) -> Self {
        self.top().nodes.insert(normal(path), Node::Symlink(target.into()));
        self
    }

    /// A second name of a file.
    #[must_use]
    pub fn hard_link(mut self, path: &str, target: &str) -> Self {
        self.top().nodes.insert(normal(path), Node::HardLink(normal(target)));
        self
    }

    /// A folder.
    #[must_use]
    pub fn folder(mut self, path: &str) -> Self {
        self.top().nodes.insert(normal(path), Node::Folder);
        self
    }

    /// A device, a pipe.
    #[must_use]
    pub fn special(mut self, path: &str) -> Self {
        self.top().nodes.insert(normal(path), Node::Other);
        self
    }

    /// Removes a path of the layers below.
    #[must_use]
    pub fn whiteout(mut self, path: &str) -> Self {
        self.top().whiteouts.insert(normal(path));
        self
    }

    /// Empties a folder of the layers below.
    #[must_use]
    pub fn opaque(mut self, folder: &str) -> Self {
        self.top().opaque.insert(normal(folder));
        self
    }

    /// The layers as a tree.
    #[must_use]
    pub fn build(mut self) -> Tree {
        for layer in &mut self.layers {
            layer.modified.seal();
        }
        Tree::new(self.layers.into_iter().map(Arc::new).collect())
    }
}
