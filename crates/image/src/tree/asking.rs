//! What links lead to, and nobody has asked for yet.

use super::view::Found;
use super::{Tree, View};
use crate::evidence::Node;
use crate::path::join;
use crate::question::Question;
use std::collections::BTreeSet;

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

impl View<'_> {
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
