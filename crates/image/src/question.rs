//! Which paths of an image somebody wants to read.

use crate::path::parents;
use std::collections::{BTreeMap, BTreeSet};

/// Path patterns, relative to the image's root. Everything else is skipped as it streams by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Question {
    /// Wanted names by folder; a name may hold one `*`.
    names: BTreeMap<String, Vec<Name>>,
    /// All folders on the way to a wanted file: links and whiteouts there matter.
    folders: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    before: String,
    /// What follows the `*`, if there is one.
    after: Option<String>,
}

impl Name {
    fn matches(&self, name: &str) -> bool {
        match &self.after {
            None => self.before == name,
            Some(after) => {
                name.len() >= self.before.len() + after.len()
                    && name.starts_with(&self.before)
                    && name.ends_with(after.as_str())
            }
        }
    }
}

impl Question {
    /// A question for `patterns`: paths without a leading slash, whose last segment may hold one `*`.
    ///
    /// What is asked of `usr/lib` is asked of `lib` too, for a layer may carry a file by either name of a
    /// merged `/usr`.
    #[must_use]
    pub fn new(patterns: &[&str]) -> Self {
        let mut question = Self::default();
        for pattern in patterns {
            question.add(pattern);
            if let Some(unmerged) = pattern.strip_prefix("usr/") {
                question.add(unmerged);
            }
        }
        question
    }

    /// Adds one pattern; `false` when it was there.
    pub(crate) fn add(&mut self, pattern: &str) -> bool {
        let (folder, last) = pattern.rsplit_once('/').unwrap_or(("", pattern));
        let name = match last.split_once('*') {
            Some((before, after)) => Name { before: before.into(), after: Some(after.into()) },
            None => Name { before: last.into(), after: None },
        };
        let names = self.names.entry(folder.into()).or_default();
        if names.contains(&name) {
            return false;
        }
        names.push(name);
        self.folders.extend(parents(pattern).map(String::from));
        true
    }

    /// Whether the file at `path` is wanted.
    pub(crate) fn wants(&self, path: &str) -> bool {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        self.names.get(folder).is_some_and(|names| names.iter().any(|wanted| wanted.matches(name)))
    }

    /// Whether `path` is a folder on the way to a wanted file.
    pub(crate) fn leads(&self, path: &str) -> bool {
        self.folders.contains(path)
    }

    /// Whether what `path` is decides where wanted files are: a folder on the way to one, one itself, or any
    /// entry of the root, where links such as `lib -> usr/lib` rename whole trees.
    pub(crate) fn touches(&self, path: &str) -> bool {
        !path.contains('/') || self.leads(path) || self.wants(path)
    }

    /// The folders that hold wanted files, each with the patterns asked there.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = (&str, String)> {
        self.names.iter().flat_map(|(folder, names)| {
            names.iter().map(move |name| match &name.after {
                None => (folder.as_str(), name.before.clone()),
                Some(after) => (folder.as_str(), format!("{}*{after}", name.before)),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_wants_files_and_watches_the_way_to_them() {
        let question = Question::new(&["usr/lib/os-release", "var/lib/dpkg/info/*.list"]);
        for wanted in ["usr/lib/os-release", "lib/os-release", "var/lib/dpkg/info/bash.list"] {
            assert!(question.wants(wanted), "{wanted}");
        }
        for other in ["os-release", "var/lib/dpkg/info/bash.postinst", "var/lib/dpkg/info/a/b.list", ".list"]
        {
            assert!(!question.wants(other), "{other}");
        }
        for watched in ["lib", "var", "var/lib/dpkg", "bin"] {
            assert!(question.touches(watched), "{watched}");
        }
        assert!(!question.touches("usr/bin"));
    }
}
