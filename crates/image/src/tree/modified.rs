//! When files were last changed.

use super::{Tree, View};
use crate::evidence::{ModificationTimes, path_hash};
use crate::path::{join, normal};

impl Tree {
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
