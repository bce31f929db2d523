//! A document as a parser gets it: a name for errors, and bytes that come once.

use crate::error::FeedError;
use serde::de::DeserializeOwned;
use std::io::BufRead;

/// One document. What a parser leaves unread is read after it, so that damage at the end is found.
pub(crate) struct Document<'a> {
    name: &'a str,
    source: &'a mut dyn BufRead,
}

impl<'a> Document<'a> {
    pub(crate) fn new(name: &'a str, source: &'a mut dyn BufRead) -> Self {
        Self { name, source }
    }

    /// Its name, with the path in an archive.
    pub(crate) fn name(&self) -> &'a str {
        self.name
    }

    /// The bytes as they come, for a parser that streams.
    pub(crate) fn source(&mut self) -> &mut dyn BufRead {
        self.source
    }

    /// Its first byte that is no blank, by which kinds of document are told apart. Blanks before it are consumed.
    pub(crate) fn first(&mut self) -> Result<Option<u8>, FeedError> {
        loop {
            let bytes = self.source.fill_buf().map_err(|source| failed(self.name, source))?;
            let blanks = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            match bytes.get(blanks) {
                Some(first) => return Ok(Some(*first)),
                None if bytes.is_empty() => return Ok(None),
                None => self.source.consume(blanks),
            }
        }
    }

    /// All bytes. For documents that are small, or that one cannot read otherwise.
    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>, FeedError> {
        let mut bytes = Vec::new();
        self.source.read_to_end(&mut bytes).map_err(|source| failed(self.name, source))?;
        Ok(bytes)
    }

    /// The whole document as JSON of the vendor's shape `T`; `what` it should be is for the error.
    pub(crate) fn json<T: DeserializeOwned>(&mut self, what: &'static str) -> Result<T, FeedError> {
        let bytes = self.bytes()?;
        serde_json::from_slice(&bytes).map_err(|source| FeedError::Json {
            name: self.name.into(),
            what,
            source,
        })
    }

    /// That the document is none that `feed` has.
    pub(crate) fn unrecognised(&self, feed: &str, expected: &'static str) -> FeedError {
        FeedError::Unrecognised { name: self.name.into(), feed: feed.into(), expected }
    }

    /// That no rule covers `value`.
    pub(crate) fn value(&self, why: &'static str, value: impl Into<String>) -> FeedError {
        FeedError::Value { name: self.name.into(), why, value: value.into() }
    }
}

pub(crate) fn failed(name: &str, source: std::io::Error) -> FeedError {
    FeedError::Read { name: name.into(), source }
}
