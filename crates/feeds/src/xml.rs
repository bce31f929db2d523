//! XML, one element with all that is in it at a time, for documents of hundreds of megabytes.
//!
//! No entity but the five predefined ones, no document type, and bounds on depth and size: what grows when it is
//! read is refused.

use crate::document::Document;
use crate::error::FeedError;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// Elements within elements; the vendors' documents have some ten.
const DEPTH: usize = 64;
/// Bytes of one element that is given.
const ELEMENT_BYTES: usize = 64 << 20;

/// An element. Names are without the prefix of their namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Element>,
    /// All text directly in it, blanks at both ends taken off.
    pub(crate) text: String,
}

impl Element {
    /// The value of an attribute.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first child of that name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The children of that name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first child of that name, if there is some.
    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str()).filter(|text| !text.is_empty())
    }
}

/// Gives each element with one of these names that is within none of them.
///
/// A document that ends before its root does is an error.
pub(crate) fn each(
    document: &mut Document<'_>,
    names: &[&str],
    mut give: impl FnMut(Element) -> Result<(), FeedError>,
) -> Result<(), FeedError> {
    let name = document.name().to_owned();
    let damaged = |why: String| FeedError::Value { name: name.clone(), why: "damaged XML:", value: why };
    let mut reader = Reader::from_reader(document.source());
    let mut tree = Tree { open: Vec::new(), depth: 0, bytes: 0 };
    let mut buffer = Vec::new();
    let mut rooted = false;
    loop {
        buffer.clear();
        let event = reader.read_event_into(&mut buffer).map_err(|error| damaged(error.to_string()))?;
        let closed = match event {
            Event::Start(start) => {
                rooted = true;
                tree.start(&start, names).map_err(damaged)?;
                None
            }
            Event::Empty(start) => {
                rooted = true;
                tree.start(&start, names).map_err(damaged)?;
                tree.end()
            }
            Event::End(_) => tree.end(),
            Event::Text(text) => tree.text(&text.xml10_content()).map(|()| None).map_err(damaged)?,
            Event::CData(text) => tree.text(&text.xml10_content()).map(|()| None).map_err(damaged)?,
            Event::GeneralRef(entity) => {
                let text = resolve(&entity).ok_or_else(|| damaged(format!("entity `{}`", &*entity)))?;
                tree.text(&text).map(|()| None).map_err(damaged)?
            }
            Event::DocType(_) => return Err(damaged("it has a document type".into())),
            Event::Eof if !rooted || tree.depth > 0 => {
                return Err(damaged("it ends too early".into()));
            }
            Event::Eof => return Ok(()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => None,
        };
        if let Some(element) = closed {
            give(element)?;
        }
    }
}

fn resolve(entity: &BytesRef<'_>) -> Option<String> {
    match entity.resolve_char_ref() {
        Ok(Some(c)) => Some(c.into()),
        Ok(None) => resolve_predefined_entity(entity).map(String::from),
        Err(_) => None,
    }
}

/// The elements that are open: those of the document around what is wanted are only counted.
struct Tree {
    open: Vec<Element>,
    depth: usize,
    /// Of the element that is to be given.
    bytes: usize,
}

impl Tree {
    fn start(&mut self, start: &BytesStart<'_>, names: &[&str]) -> Result<(), String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(format!("more than {DEPTH} elements within each other"));
        }
        let name = start.local_name();
        if self.open.is_empty() && !names.contains(&name.as_ref()) {
            return Ok(());
        }
        let mut element = Element { name: name.as_ref().into(), ..Element::default() };
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let value =
                attribute.normalized_value(XmlVersion::Explicit1_0).map_err(|error| error.to_string())?;
            element.attributes.push((attribute.key.local_name().as_ref().into(), value.into_owned()));
        }
        self.grow(start.len() + size_of::<Element>())?;
        self.open.push(element);
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), String> {
        self.grow(text.len())?;
        if let Some(element) = self.open.last_mut() {
            element.text.push_str(text);
        }
        Ok(())
    }

    fn grow(&mut self, bytes: usize) -> Result<(), String> {
        self.bytes += bytes;
        if self.open.is_empty() {
            self.bytes = 0;
        }
        if self.bytes > ELEMENT_BYTES {
            return Err(format!("an element of more than {ELEMENT_BYTES} bytes"));
        }
        Ok(())
    }

    /// The element that ends, if it is one to give.
    fn end(&mut self) -> Option<Element> {
        self.depth = self.depth.saturating_sub(1);
        let mut element = self.open.pop()?;
        if element.text.trim().len() != element.text.len() {
            element.text = element.text.trim().into();
        }
        match self.open.last_mut() {
            Some(parent) => {
                parent.children.push(element);
                None
            }
            None => Some(element),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, names: &[&str]) -> Result<Vec<Element>, FeedError> {
        let mut elements = Vec::new();
        let mut source = text.as_bytes();
        let mut document = Document::new("x.xml", &mut source);
        each(&mut document, names, |element| {
            elements.push(element);
            Ok(())
        })?;
        Ok(elements)
    }

    #[test]
    fn elements_come_with_all_that_is_in_them() {
        let text = r#"<?xml version="1.0"?><r xmlns:o="urn:x"><head>no</head>
            <o:u id="a&amp;b" o:kind='c'><t> one &lt; <![CDATA[<two>]]> &#x41;</t><t/></o:u><u/></r>"#;
        let found = read(text, &["u"]).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].get("id"), found[0].get("kind")), (Some("a&b"), Some("c")));
        assert_eq!(found[0].text_of("t"), Some("one < <two> A"));
        assert_eq!(found[0].all("t").count(), 2);
        assert_eq!(found[1], Element { name: "u".into(), ..Element::default() });
    }

    #[test]
    fn what_is_cut_or_grows_is_refused() {
        for text in ["", "  ", "<r>", "<r><u></r>", "<r><u", "<r></r><u>", "<r>&own;</r>"] {
            assert!(read(text, &["u"]).is_err(), "{text}");
        }
        let bomb = r#"<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><r><u>&b;</u></r>"#;
        assert!(read(bomb, &["u"]).is_err());
        assert!(read(&"<r>".repeat(100_000), &["u"]).is_err());
        let long = format!("<r><u>{}</u></r>", "x".repeat(ELEMENT_BYTES + 1));
        assert!(read(&long, &["u"]).is_err());
    }
}
