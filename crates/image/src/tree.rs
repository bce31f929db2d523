//! Layers on top of each other: the files as the container sees them, after any layer.
//!
//! Rules (OCI image specification, layer.md, "Changesets"): an upper layer's entry replaces a lower one's; a
//! whiteout `.wh.NAME` removes the lower `NAME` with all below it; an opaque marker `.wh..wh..opq` removes what
//! lower layers put into its folder. Both speak of lower layers only, wherever they stand within their own.
//! Something that is no folder hides whatever lower layers have below its name. Links are followed as inside a
//! chroot: `..` stops at the root, and forty links are a loop, as in Linux (path_resolution(7)). So are the links on
//! the way to a layer's own entries, as runtimes unpack them.

use crate::content::Content;
use crate::evidence::{LayerEvidence, ModificationTimes, Node, path_hash};
use crate::path::{is_normal, join, normal, parents};
use crate::question::Question;
use crate::read_at::ReadAt;
use hashbrown::{HashMap, HashSet};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

const LINKS: usize = 40;

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

/// What a path leads to.
enum Found<'a> {
    Nothing,
    Node(u32, &'a Node),
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

    /// The top layer with everything where it lands: an entry below a name that is a link to a folder, in a lower
    /// layer or in this one, is written where the link leads, and removals are made there. Only an entry for the
    /// folder itself replaces the link. `None`: all is where its name says.
    fn placed(&self) -> Option<LayerEvidence> {
        let top = self.layers().checked_sub(1)?;
        let (layer, view) = (self.layers.last()?, self.at(top));
        let mut folders: HashMap<String, Option<String>> = HashMap::new();
        let mut folder = |path: &str| {
            let resolve = || view.resolve(path).ok().filter(|resolved| resolved != path);
            folders.entry_ref(path).or_insert_with(resolve).clone()
        };
        let mut place = |path: &String| {
            let (parent, name) = path.rsplit_once('/')?;
            folder(parent).map(|parent| join(&parent, name))
        };
        let links = |node: &Node| match node {
            Node::HardLink(target) => Some(target.clone()),
            _ => None,
        };
        let names: Vec<&String> = layer.nodes.keys().chain(&layer.whiteouts).collect();
        let targets: Vec<String> = layer.nodes.values().filter_map(links).collect();
        let moves = names.into_iter().chain(&targets).any(|path| place(path).is_some());
        let opaque = |path: &String| view.resolve(path).unwrap_or_else(|_| path.clone());
        if !moves && layer.opaque.iter().all(|path| opaque(path) == *path) {
            return None;
        }
        let mut placed = LayerEvidence::clone(layer);
        placed.opaque = layer.opaque.iter().map(opaque).collect();
        placed.whiteouts =
            layer.whiteouts.iter().map(|path| place(path).unwrap_or_else(|| path.clone())).collect();
        for (path, node) in &layer.nodes {
            let mut node = node.clone();
            if let Node::HardLink(target) = &mut node
                && let Some(moved) = place(target)
            {
                *target = moved;
            }
            let landed = place(path).unwrap_or_else(|| path.clone());
            if landed != *path {
                placed.nodes.remove(path);
            }
            placed.nodes.insert(landed, node);
        }
        Some(placed)
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

    /// Modification times of the regular files that `layer` itself carries.
    #[must_use]
    pub fn modified_in(&self, layer: u32) -> ModifiedIn<'_> {
        self.modified_in_first([layer])
    }

    /// The same of the first of `layers` that has the file.
    #[must_use]
    pub fn modified_in_first(&self, layers: impl IntoIterator<Item = u32>) -> ModifiedIn<'_> {
        let layers = layers.into_iter().filter_map(|layer| {
            let times = &self.layer(layer)?.modified;
            Some(TimesOf { times, view: self.at(layer), resolved: None })
        });
        ModifiedIn { tree: self, layers: layers.collect(), folder: String::new(), is_straight: false }
    }

    fn layer(&self, index: u32) -> Option<&LayerEvidence> {
        self.layers.get(usize::try_from(index).ok()?).map(AsRef::as_ref)
    }
}

/// The modification times of some layers. Lists of files go folder by folder, so the last folder is remembered.
#[derive(Debug)]
pub struct ModifiedIn<'a> {
    tree: &'a Tree,
    layers: Vec<TimesOf<'a>>,
    folder: String,
    is_straight: bool,
}

/// One layer's.
#[derive(Debug)]
struct TimesOf<'a> {
    times: &'a ModificationTimes,
    view: View<'a>,
    /// Where the folder leads, once that was asked; `None` in it: nowhere.
    resolved: Option<Option<String>>,
}

impl ModifiedIn<'_> {
    /// Seconds since 1970, of the file at `path`, by the name given or by the one that folder links lead to.
    pub fn of(&mut self, path: &str) -> Option<i64> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if folder != self.folder {
            folder.clone_into(&mut self.folder);
            self.is_straight = self.tree.is_straight(folder);
            self.layers.iter_mut().for_each(|layer| layer.resolved = None);
        }
        let hash = path_hash(path);
        let is_straight = self.is_straight;
        self.layers.iter_mut().find_map(|TimesOf { times, view, resolved }| {
            let time = times.at(hash);
            if time.is_some() || is_straight {
                return time;
            }
            let resolved = resolved.get_or_insert_with(|| view.resolve(&normal(folder)).ok());
            let resolved = resolved.as_deref().filter(|resolved| *resolved != folder)?;
            times.of(&join(resolved, name))
        })
    }
}

/// An image's files after one of its layers.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    tree: &'a Tree,
    top: u32,
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
    fn node(&self, path: &str) -> Found<'a> {
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
    fn resolve(&self, path: &str) -> Result<String, LinkError> {
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

    /// Patterns that links lead to and that `question` does not ask for.
    fn unasked(&self, question: &Question) -> BTreeSet<String> {
        let mut unasked = BTreeSet::new();
        for (folder, name) in question.patterns() {
            let Ok(resolved) = self.resolve(folder) else {
                continue;
            };
            if resolved != folder {
                unasked.insert(join(&resolved, &name));
            }
            let wildcard = name.contains('*');
            let names = if wildcard { self.list(folder).unwrap_or_default() } else { vec![name] };
            for name in names.iter().map(|name| join(&resolved, name)).filter(|path| question.wants(path)) {
                match self.node(&name) {
                    Found::Node(_, Node::Symlink(_)) => {
                        unasked.extend(self.resolve(&name).ok());
                    }
                    Found::Node(_, Node::HardLink(target)) => {
                        unasked.insert(target.clone());
                    }
                    Found::Nothing | Found::Node(..) => {}
                }
            }
        }
        unasked
    }
}

impl Tree {
    /// Adds to `question` what links of any layer lead to. `false`: there is nothing new.
    pub(crate) fn extend(&self, question: &mut Question) -> bool {
        let unasked: BTreeSet<String> =
            (0..self.layers()).flat_map(|layer| self.at(layer).unasked(question)).collect();
        let mut added = false;
        for pattern in unasked {
            added |= !pattern.is_empty() && question.add(&pattern);
        }
        added
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn text(view: View<'_>, path: &str) -> Option<String> {
        let file = view.file(path).unwrap()?;
        Some(String::from_utf8(file.bytes().unwrap().into_owned()).unwrap())
    }

    #[test]
    fn upper_layers_replace_remove_and_empty() {
        let tree = TreeBuilder::new()
            .layer()
            .file("a/x", b"0", 0)
            .file("a/y", b"0", 0)
            .file("b/x", b"0", 0)
            .layer()
            .file("a/x", b"1", 0)
            .whiteout("b")
            .layer()
            .file("a/z", b"2", 0)
            .opaque("a")
            .file("b/y", b"2", 0)
            .build();
        assert_eq!(text(tree.at(0), "a/x").as_deref(), Some("0"));
        assert_eq!(text(tree.at(1), "a/x").as_deref(), Some("1"));
        assert_eq!(text(tree.at(1), "b/x"), None);
        assert_eq!(tree.at(1).list("a").unwrap(), ["x", "y"]);
        assert_eq!(tree.top().list("a").unwrap(), ["z"]);
        assert_eq!(tree.top().list("b").unwrap(), ["y"]);
        assert_eq!(tree.at(0).list("b").unwrap(), ["x"]);
    }

    #[test]
    fn a_whiteout_says_nothing_of_its_own_layer() {
        let tree = TreeBuilder::new()
            .layer()
            .file("a/x", b"0", 0)
            .layer()
            .whiteout("a")
            .whiteout("a/x")
            .file("a/x", b"1", 0)
            .build();
        assert_eq!(text(tree.top(), "a/x").as_deref(), Some("1"));
    }

    #[test]
    fn entries_below_a_link_land_where_it_leads() {
        let base = || {
            let old = TreeBuilder::new().layer().file("data/lib/status", b"old", 0);
            old.file("data/lib/other", b"old", 0).symlink("var", "/data")
        };
        let seen = |tree: Tree| {
            let read = |path| text(tree.top(), path);
            assert_eq!(read("var/lib/status"), read("data/lib/status"));
            (read("var/lib/status"), read("var/lib/other"))
        };
        let [old, new] = ["old", "new"].map(|text| Some(String::from(text)));
        // As `umoci unpack` has it, each.
        let written = base().layer().file("var/lib/status", b"new", 0).build();
        assert_eq!(seen(written), (new.clone(), old.clone()));
        let in_one_layer =
            TreeBuilder::new().layer().symlink("var", "data").file("var/lib/status", b"new", 0);
        assert_eq!(seen(in_one_layer.build()), (new.clone(), None));
        assert_eq!(seen(base().layer().whiteout("var/lib/status").build()), (None, old.clone()));
        assert_eq!(seen(base().layer().opaque("var/lib").build()), (None, None));
        let linked = base().layer().hard_link("var/lib/status", "var/lib/other").build();
        assert_eq!(seen(linked), (old.clone(), old.clone()));
        // An entry for the folder itself, or the link's removal, takes the link away.
        for layer in [base().layer().folder("var"), base().layer().whiteout("var")] {
            let tree = layer.file("var/lib/status", b"new", 0).build();
            assert_eq!(text(tree.top(), "var/lib/status"), new);
            assert_eq!(text(tree.top(), "data/lib/status"), old);
            assert_eq!(text(tree.top(), "var/lib/other"), None);
        }
    }

    #[test]
    fn what_is_no_folder_hides_what_lay_below() {
        let tree = TreeBuilder::new()
            .layer()
            .file("lib/x", b"old", 0)
            .layer()
            .symlink("lib", "usr/lib")
            .file("usr/lib/y", b"new", 0)
            .build();
        assert_eq!(text(tree.top(), "lib/y").as_deref(), Some("new"));
        assert_eq!(text(tree.top(), "usr/lib/x"), None);
        assert!(matches!(tree.top().file("lib/x"), Err(LinkError::Dangling { .. }) | Ok(None)));
    }

    #[test]
    fn links_are_followed_inside_the_root_and_loops_are_errors() {
        let tree = TreeBuilder::new()
            .layer()
            .symlink("etc/os-release", "../../../usr/lib/os-release")
            .file("usr/lib/os-release", b"ID=debian", 0)
            .symlink("var/lib/rpm", "/usr/lib/sysimage/rpm")
            .file("usr/lib/sysimage/rpm/Packages", b"db", 0)
            .hard_link("etc/second", "usr/lib/os-release")
            .symlink("loop", "pool")
            .symlink("pool", "loop")
            .hard_link("round", "round")
            .symlink("etc/nowhere", "/opt/nothing")
            .build();
        let view = tree.top();
        assert_eq!(text(view, "etc/os-release").as_deref(), Some("ID=debian"));
        assert_eq!(text(view, "/etc/second").as_deref(), Some("ID=debian"));
        assert_eq!(text(view, "var/lib/rpm/Packages").as_deref(), Some("db"));
        assert_eq!(view.list("var/lib/rpm").unwrap(), ["Packages"]);
        assert!(matches!(view.file("loop"), Err(LinkError::Loop(_))));
        assert!(matches!(view.file("round"), Err(LinkError::Loop(_))));
        let dangling = view.file("etc/nowhere").unwrap_err();
        assert_eq!(
            dangling.to_string(),
            "`etc/nowhere` is a link to `opt/nothing`, which is not in the image"
        );
        assert!(view.file("etc/absent").unwrap().is_none());
    }

    #[test]
    fn what_stands_in_the_place_of_a_file_or_a_folder_is_told_from_absence() {
        let tree = TreeBuilder::new()
            .layer()
            .folder("a/folder")
            .special("a/pipe")
            .file("a/file", b"", 0)
            .symlink("nowhere", "b")
            .symlink("round", "round")
            .symlink("unsaid", "a")
            .symlink("link", "a/folder")
            .build();
        let view = tree.top();
        let no_file = ["a/folder", "a/pipe", "link"];
        let no_folder = ["a/pipe", "a/file", "nowhere", "round"];
        for path in
            ["a/folder", "a/pipe", "a/file", "nowhere", "round", "unsaid", "link", "absent", "absent/x"]
        {
            assert_eq!(view.is_no_file(path), no_file.contains(&path), "{path}");
            assert_eq!(view.is_no_folder(path), no_folder.contains(&path), "{path}");
        }
    }

    #[test]
    fn hard_links_reach_files_of_lower_layers() {
        let tree = TreeBuilder::new()
            .layer()
            .file("a", b"0", 0)
            .layer()
            .hard_link("b", "a")
            .layer()
            .whiteout("a")
            .build();
        assert_eq!(text(tree.top(), "b").as_deref(), Some("0"));
    }

    #[test]
    fn a_question_grows_by_what_links_lead_to() {
        let mut question =
            Question::new(&["etc/os-release", "var/lib/rpm/Packages", "var/lib/dpkg/info/*.list"]);
        let tree = TreeBuilder::new()
            .layer()
            .symlink("etc/os-release", "/opt/release")
            .symlink("var/lib/rpm", "../../srv/rpm")
            .hard_link("var/lib/dpkg/info/a.list", "srv/a")
            .build();
        assert!(tree.extend(&mut question));
        for path in ["opt/release", "srv/rpm/Packages", "srv/a"] {
            assert!(question.wants(path), "{path}");
        }
        assert!(!tree.extend(&mut question));
    }

    #[test]
    fn modification_times_are_found_by_either_name_of_a_merged_usr() {
        let tree = TreeBuilder::new().layer().symlink("lib", "usr/lib").file("usr/lib/x", b"", 7).build();
        assert_eq!(tree.modified_in(0).of("/lib/x"), Some(7));
        assert_eq!(tree.modified_in(0).of("/usr/lib/x"), Some(7));
        assert_eq!(tree.modified_in(0).of("/lib/y"), None);
        assert_eq!(tree.modified_in(1).of("/lib/x"), None);
    }
}
