//! Where entries below a link land.

use super::Tree;
use crate::evidence::{LayerEvidence, Node};
use crate::path::join;
use hashbrown::HashMap;

impl Tree {
    /// The top layer with everything where it lands: an entry below a name that is a link to a folder, in a lower
    /// layer or in this one, is written where the link leads, and removals are made there. Only an entry for the
    /// folder itself replaces the link. `None`: all is where its name says.
    pub(super) fn placed(&self) -> Option<LayerEvidence> {
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
}
