//! What the criteria of an OVAL document refer to: tests, which name an object and a state
//! (OVAL 5.11, linux-definitions-schema).
//!
//! They stand behind the definitions, or before them. What is kept of each is what a test of an rpm says: a name,
//! a bound on its version, architectures. Files have millions of references, so each id is kept once.

use crate::xml::Element;
use std::collections::HashMap;

/// The elements to read for [`Checks::add`].
pub(crate) const ELEMENTS: [&str; 3] = ["rpminfo_test", "rpminfo_object", "rpminfo_state"];

/// Pairs of a package and a product in one definition; those of kernels have some ten thousand.
pub(crate) const MOST: usize = 1 << 20;

/// The number of an id, in one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Id(usize);

/// All tests of a document, with what they refer to.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    ids: HashMap<Box<str>, Id>,
    tests: HashMap<Id, (Id, Option<Id>)>,
    objects: HashMap<Id, Box<str>>,
    states: HashMap<Id, State>,
}

#[derive(Debug)]
struct State {
    bound: Option<Bound>,
    architectures: Vec<String>,
}

/// What a test says of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Bound {
    /// Below `[epoch:]version-release`.
    Below(String),
    /// Exactly `0`, which no package is.
    Never,
    /// Another comparison, in the vendor's words.
    Other(String),
}

/// What a test says.
#[derive(Debug)]
pub(crate) struct Check<'a> {
    pub(crate) package: &'a str,
    /// `None`: only that the package is there, or who signed it.
    pub(crate) bound: Option<&'a Bound>,
    /// Sorted; empty: all.
    pub(crate) architectures: &'a [String],
}

impl Checks {
    /// The number of an id, whether or not what it names was read already.
    pub(crate) fn id(&mut self, text: &str) -> Id {
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        let id = Id(self.ids.len());
        self.ids.insert(text.into(), id);
        id
    }

    /// Keeps an element, if it is one of [`ELEMENTS`] and has what it needs.
    pub(crate) fn add(&mut self, element: &Element) {
        let Some(id) = element.get("id").map(|id| self.id(id)) else { return };
        match element.name.as_str() {
            "rpminfo_test" => {
                let object = element.child("object").and_then(|object| object.get("object_ref"));
                let state = element.child("state").and_then(|state| state.get("state_ref"));
                if let Some(object) = object {
                    let refers = (self.id(object), state.map(|state| self.id(state)));
                    self.tests.insert(id, refers);
                }
            }
            "rpminfo_object" => {
                if let Some(name) = element.text_of("name") {
                    self.objects.insert(id, name.into());
                }
            }
            "rpminfo_state" => {
                let architectures = element.text_of("arch").map(alternatives).unwrap_or_default();
                self.states.insert(id, State { bound: bound(element), architectures });
            }
            _ => {}
        }
    }

    /// What that test says; `None` where the document has not all of it.
    pub(crate) fn get(&self, test: Id) -> Option<Check<'_>> {
        let (object, state) = self.tests.get(&test)?;
        let package = self.objects.get(object)?;
        let Some(state) = state else { return Some(Check { package, bound: None, architectures: &[] }) };
        let State { bound, architectures } = self.states.get(state)?;
        Some(Check { package, bound: bound.as_ref(), architectures })
    }
}

fn bound(state: &Element) -> Option<Bound> {
    if let Some(evr) = state.child("evr") {
        return Some(match evr.get("operation") {
            // Some of SUSE's states have the place of the operation in its enumeration.
            Some("less than" | "6") => Bound::Below(without_zero_epoch(&evr.text).into()),
            operation => Bound::Other(format!("{} {}", operation.unwrap_or("equals"), evr.text)),
        });
    }
    let version = state.child("version")?;
    Some(match (version.get("operation"), version.text.as_str()) {
        (None | Some("equals"), "0") => Bound::Never,
        (operation, text) => Bound::Other(format!("{} {text}", operation.unwrap_or("equals"))),
    })
}

fn without_zero_epoch(evr: &str) -> &str {
    evr.strip_prefix("0:").unwrap_or(evr)
}

/// `aarch64`, `x86_64` of `(aarch64|x86_64)`.
fn alternatives(pattern: &str) -> Vec<String> {
    let names = pattern.trim_matches(|c| matches!(c, '(' | ')' | '^' | '$')).split('|');
    let mut names: Vec<String> = names.filter(|name| !name.is_empty()).map(String::from).collect();
    names.sort();
    names.dedup();
    names
}
