//! A long list in a JSON document, one item at a time.

use crate::document::Document;
use crate::entries::Entries;
use crate::error::FeedError;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use std::fmt;
use std::marker::PhantomData;

/// Gives each item of the list that the document is, or that its member `member` is. `what` the document should
/// be is for the error.
pub(crate) fn each<T: DeserializeOwned>(
    document: &mut Document<'_>,
    member: &str,
    what: &'static str,
    mut give: impl FnMut(T) -> Result<(), FeedError>,
) -> Result<(), FeedError> {
    let bytes = document.bytes()?;
    let mut failed = None;
    let mut json = serde_json::Deserializer::from_slice(&bytes);
    let mut give = |item| give(item).map_err(|error| failed = Some(error)).is_ok();
    let list = List { member, give: &mut give, item: PhantomData };
    let read = list.deserialize(&mut json).and_then(|()| json.end());
    match (failed, read) {
        (Some(error), _) => Err(error),
        (None, Ok(())) => Ok(()),
        (None, Err(source)) => Err(FeedError::Json { name: document.name().into(), what, source }),
    }
}

/// Whether the object that `bytes` are has such a member, by which kinds of document are told apart.
pub(crate) fn has_member(
    name: &str,
    bytes: &[u8],
    member: &str,
    what: &'static str,
) -> Result<bool, FeedError> {
    let members: Entries<String, IgnoredAny> = serde_json::from_slice(bytes)
        .map_err(|source| FeedError::Json { name: name.into(), what, source })?;
    Ok(members.0.iter().any(|(known, _)| known == member))
}

struct List<'a, T> {
    member: &'a str,
    /// Whether to go on.
    give: &'a mut dyn FnMut(T) -> bool,
    item: PhantomData<T>,
}

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for List<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for List<'_, T> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "a list, or an object with the list `{}`", self.member)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element()? {
            if !(self.give)(item) {
                return Err(A::Error::custom("an item that no rule covers"));
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut found = false;
        while let Some(name) = members.next_key::<String>()? {
            if name == self.member {
                found = true;
                // A list in the place of the member, or else it lacks the member `` and is refused.
                members.next_value_seed(List { member: "", give: &mut *self.give, item: PhantomData })?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        if found { Ok(()) } else { Err(A::Error::custom(format!("no member `{}`", self.member))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<u32>, FeedError> {
        let mut items = Vec::new();
        let mut source = text.as_bytes();
        each(&mut Document::new("x", &mut source), "data", "list of numbers", |item: u32| {
            items.push(item);
            if item == 9 { Err(FeedError::Empty("nine".into())) } else { Ok(()) }
        })?;
        Ok(items)
    }

    #[test]
    fn items_come_one_by_one() {
        assert_eq!(read("[1, 2]").unwrap(), [1, 2]);
        assert_eq!(read(r#"{"a": {"data": 1}, "data": [1, 2], "b": [3]}"#).unwrap(), [1, 2]);
        assert_eq!(read("[1, 9, 2]").unwrap_err().to_string(), FeedError::Empty("nine".into()).to_string());
        for text in ["", "[1", "[1] 2", "{}", r#"{"data": {"data": [1]}}"#, r#"{"data": 1}"#, r#"["a"]"#] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
