//! Looking at the files as they stand after one layer.

use super::{File, LinkError, Tree};
use crate::evidence::Node;
use crate::path::{join, normal, parents};

const LINKS: usize = 40;

/// What a path leads to.
pub(super) enum Found<'a> {
    Nothing,
    Node(u32, &'a Node),
}

/// An image's files after one of its layers.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    pub(super) tree: &'a Tree,
    pub(super) top: u32,
}

impl<'a> View<'a> {
    /// The regular file that `path` leads to, links followed inside the root. `None`: there is none, or it is
    /// no regular file.
    ///
    /// # Errors
    /// [`LinkError`] for a link that leads in a circle or nowhere.
    pub fn file(&self, path: &str) -> Result<Option<File<'a>>, LinkError> {
        let start = normal(path);
        let mut path = self.resolve(&start)?;
        let mut view = *self;
        for _ in 0..LINKS {
            match view.node(&path) {
                Found::Node(layer, Node::File { content, modified }) => {
                    return Ok(Some(File { layer, path, modified: *modified, content }));
                }
                Found::Node(layer, Node::HardLink(target)) => {
                    // The link holds the file that stood there when its layer was made.
                    view = self.tree.at(layer);
                    path.clone_from(target);
                }
                Found::Nothing if path != self.resolve_folder(&start)? => {
                    return Err(LinkError::Dangling { from: start, to: path });
                }
                Found::Nothing | Found::Node(_, Node::Folder | Node::Symlink(_)) => {
                    return Ok(None);
                }
                Found::Node(_, Node::Other) => return Ok(None),
            }
        }
        Err(LinkError::Loop(start))
    }

    /// Whether something stands where `path` leads that is no regular file: a folder, a device.
    #[must_use]
    pub fn is_no_file(&self, path: &str) -> bool {
        let found = self.resolve(&normal(path)).map(|path| self.node(&path));
        matches!(found, Ok(Found::Node(_, Node::Folder | Node::Other)))
    }

    /// Whether something stands at `path` that is no folder and leads to none: a file, a device, a link to nowhere.
    #[must_use]
    pub fn is_no_folder(&self, path: &str) -> bool {
        let path = normal(path);
        let (Ok(resolved), Ok(own)) = (self.resolve(&path), self.resolve_folder(&path)) else { return true };
        match self.node(&resolved) {
            Found::Node(_, node) => !matches!(node, Node::Folder),
            // Some archives have no entries for folders.
            Found::Nothing => resolved != own && self.list(&resolved).is_ok_and(|names| names.is_empty()),
        }
    }

    /// Names of the files and links that were kept directly in `folder`, sorted.
    ///
    /// # Errors
    /// [`LinkError`] when the folder's own path is a loop.
    pub fn list(&self, folder: &str) -> Result<Vec<String>, LinkError> {
        let folder = self.resolve(&normal(folder))?;
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let named = self.tree.paths.range(prefix.clone()..).map(|(path, _)| path);
        let here = named.take_while(|path| path.starts_with(&prefix)).filter_map(|path| {
            path.get(prefix.len()..).filter(|name| !name.is_empty() && !name.contains('/'))
        });
        let is_file = |name: &&str| matches!(self.node(&join(&folder, name)), Found::Node(_, node) if !matches!(node, Node::Folder));
        Ok(here.filter(is_file).map(String::from).collect())
    }

    /// What stands at a path whose parents are no links.
    pub(super) fn node(&self, path: &str) -> Found<'a> {
        let said = self.tree.paths.get(path).map(Vec::as_slice).unwrap_or_default();
        for index in said.iter().rev().copied().filter(|index| *index <= self.top) {
            let Some(layer) = self.tree.layer(index) else {
                continue;
            };
            if let Some(node) = layer.nodes.get(path) {
                return if self.hidden(path, index) { Found::Nothing } else { Found::Node(index, node) };
            }
            if layer.whiteouts.contains(path) {
                return Found::Nothing;
            }
        }
        Found::Nothing
    }

    /// Whether a layer above `layer` removes or replaces a folder on the way to `path`.
    fn hidden(&self, path: &str, layer: u32) -> bool {
        parents(path).any(|folder| {
            let said = self.tree.paths.get(folder).map(Vec::as_slice).unwrap_or_default();
            said.iter()
                .rev()
                .copied()
                .take_while(|index| *index > layer)
                .filter(|index| *index <= self.top)
                .any(|index| {
                    self.tree.layer(index).is_some_and(|upper| {
                        upper.whiteouts.contains(folder)
                            || upper.opaque.contains(folder)
                            || upper.nodes.get(folder).is_some_and(|node| !matches!(node, Node::Folder))
                    })
                })
        })
    }

    /// `path` with every link on the way and at its end followed.
    pub(super) fn resolve(&self, path: &str) -> Result<String, LinkError> {
        if self.tree.is_straight(path) {
            return Ok(path.into());
        }
        let mut todo: Vec<String> = path.split('/').rev().map(String::from).collect();
        let mut done = String::new();
        let mut links = 0;
        while let Some(part) = todo.pop() {
            match part.as_str() {
                "" | "." => continue,
                ".." => {
                    done = done.rsplit_once('/').map_or_else(String::new, |(folder, _)| folder.into());
                    continue;
                }
                _ => {}
            }
            let next = join(&done, &part);
            let Found::Node(_, Node::Symlink(target)) = self.node(&next) else {
                done = next;
                continue;
            };
            links += 1;
            if links > LINKS {
                return Err(LinkError::Loop(path.into()));
            }
            if target.starts_with('/') {
                done.clear();
            }
            todo.extend(target.split('/').rev().map(String::from));
        }
        Ok(done)
    }

    /// `path` with the links on the way followed, but not one at its end.
    fn resolve_folder(&self, path: &str) -> Result<String, LinkError> {
        match path.rsplit_once('/') {
            Some((folder, name)) => Ok(join(&self.resolve(folder)?, name)),
            None => Ok(path.into()),
        }
    }
}
