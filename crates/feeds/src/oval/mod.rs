//! OVAL, in which Oracle, Microsoft and VMware say what is fixed (oval.mitre.org/language, version 5).
//!
//! A document has definitions, each with a tree of criteria; then the tests that the criteria refer to, and the
//! objects (which package) and states (below which version) that the tests refer to, all by id. Some vendors say
//! all of it in the criteria's comments: then definitions can be read one by one. Where they do not, the whole
//! document is needed before the first is understood.

mod comments;

use crate::document::Document;
use crate::error::{FeedError, refused};
use crate::reader::title;
use crate::xml::{self, Element};
pub(crate) use comments::{Fix, fixes};
use std::collections::BTreeMap;

/// What a vendor says, and when it holds.
pub(crate) struct Definition {
    pub(crate) id: String,
    pub(crate) class: String,
    pub(crate) title: Option<String>,
    /// With what each vendor puts into it.
    pub(crate) metadata: Element,
    pub(crate) criteria: Criteria,
}

/// A tree of criteria.
pub(crate) struct Criteria {
    /// All have to hold; else one of them.
    pub(crate) all: bool,
    pub(crate) criterions: Vec<Criterion>,
    pub(crate) children: Vec<Criteria>,
}

/// A leaf.
pub(crate) struct Criterion {
    pub(crate) test: String,
    pub(crate) comment: String,
}

/// What tests are about, by the ids of criterions.
#[derive(Default)]
pub(crate) struct Tests {
    /// Object and state.
    tests: BTreeMap<String, (String, String)>,
    /// Names of packages.
    objects: BTreeMap<String, String>,
    states: BTreeMap<String, State>,
}

/// Of a package's version.
pub(crate) struct State {
    /// `less than`, `less than or equal` …
    pub(crate) operation: String,
    /// As given, without blanks.
    pub(crate) version: String,
}

impl Definition {
    /// The ids of its references of one kind, such as `CVE`.
    pub(crate) fn references<'a>(&'a self, source: &'a str) -> impl Iterator<Item = &'a Element> {
        let of_source = move |reference: &&Element| reference.get("source") == Some(source);
        self.metadata.all("reference").filter(of_source)
    }

    fn read(document: &str, element: Element) -> Result<Self, FeedError> {
        let attribute = |name| element.get(name).map(String::from);
        let id = attribute("id").ok_or_else(|| refused(document, "a definition without", "id"))?;
        let class = attribute("class").ok_or_else(|| refused(document, "no class of definition", &id))?;
        let tree = element.child("criteria").ok_or_else(|| refused(document, "no criteria in", &id))?;
        let criteria = criteria(document, tree)?;
        let metadata = element.children.into_iter().find(|child| child.name == "metadata");
        let metadata = metadata.ok_or_else(|| refused(document, "no metadata in", &id))?;
        Ok(Self { title: metadata.text_of("title").and_then(title), id, class, metadata, criteria })
    }
}

impl Criteria {
    /// Whether nothing in it is an alternative to anything.
    pub(crate) fn holds_together(&self) -> bool {
        let alone = self.criterions.len() + self.children.len() < 2;
        (self.all || alone) && self.children.iter().all(Self::holds_together)
    }

    /// All leaves, in the document's order.
    pub(crate) fn leaves(&self) -> Vec<&Criterion> {
        let below = self.children.iter().flat_map(Self::leaves);
        self.criterions.iter().chain(below).collect()
    }
}

/// The depth of the tree is that of the document, which is bounded.
fn criteria(document: &str, element: &Element) -> Result<Criteria, FeedError> {
    let all = match element.get("operator") {
        None | Some("AND") => true,
        Some("OR") => false,
        Some(other) => return Err(refused(document, "unknown operator", other)),
    };
    let mut tree = Criteria { all, criterions: Vec::new(), children: Vec::new() };
    for child in &element.children {
        if child.get("negate").is_some_and(|negate| negate != "false") {
            return Err(refused(document, "a negated", &child.name));
        }
        match child.name.as_str() {
            "criteria" => tree.children.push(criteria(document, child)?),
            "criterion" => {
                let text = |name| child.get(name).unwrap_or_default().to_owned();
                tree.criterions.push(Criterion { test: text("test_ref"), comment: text("comment") });
            }
            other => return Err(refused(document, "unknown kind of criterion", other)),
        }
    }
    Ok(tree)
}

/// Gives each definition, of a document whose comments say it all.
pub(crate) fn each(
    document: &mut Document<'_>,
    mut give: impl FnMut(Definition) -> Result<(), FeedError>,
) -> Result<(), FeedError> {
    let name = document.name().to_owned();
    xml::each(document, &["definition"], |element| give(Definition::read(&name, element)?))
}

/// All definitions, and what their tests are about.
pub(crate) fn all(document: &mut Document<'_>) -> Result<(Vec<Definition>, Tests), FeedError> {
    const NAMES: [&str; 4] = ["definition", "rpminfo_test", "rpminfo_object", "rpminfo_state"];
    let name = document.name().to_owned();
    let (mut definitions, mut tests) = (Vec::new(), Tests::default());
    xml::each(document, &NAMES, |element| {
        if element.name == "definition" {
            definitions.push(Definition::read(&name, element)?);
        } else {
            let id = element.get("id").ok_or_else(|| refused(&name, "no id of a", &element.name))?;
            tests.add(id, &element);
        }
        Ok(())
    })?;
    Ok((definitions, tests))
}

impl Tests {
    fn add(&mut self, id: &str, element: &Element) {
        let named = |child: &str, name: &str| Some(element.child(child)?.get(name)?.to_owned());
        match element.name.as_str() {
            "rpminfo_test" => {
                let parts = named("object", "object_ref").zip(named("state", "state_ref"));
                self.tests.extend(parts.map(|parts| (id.to_owned(), parts)));
            }
            "rpminfo_object" => {
                self.objects.extend(element.text_of("name").map(|name| (id.to_owned(), name.to_owned())));
            }
            _ => {
                let state = element.child("evr").and_then(|evr| {
                    let version = evr.text.split_whitespace().collect();
                    Some(State { operation: evr.get("operation")?.into(), version })
                });
                self.states.extend(state.map(|state| (id.to_owned(), state)));
            }
        }
    }

    /// Package and version that a test compares. `None`: it is about something else, or is not in the document.
    pub(crate) fn package(&self, test: &str) -> Option<(&str, &State)> {
        let (object, state) = self.tests.get(test)?;
        Some((self.objects.get(object)?, self.states.get(state)?))
    }
}
