//! An answer, and the reading of its body within bounds.

use crate::document::Document;
use crate::engine::Engine;
use crate::error::{Cause, FetchError};
use crate::gates::Place;
use crate::url::shown;
use bytes::{Buf, Bytes};
use reqwest::header::HeaderMap;
use reqwest::{StatusCode, Url};
use std::error::Error;
use std::fmt;
use std::io::{self, Read};
use std::time::{Duration, Instant};

/// How much of an unwanted answer an error shows.
pub(crate) const EXCERPT: usize = 300;
/// How much of an answer that is no success may say why.
pub(crate) const REASON: usize = 4096;

/// An answer with the status 401.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unauthorized {
    /// The values of `WWW-Authenticate`.
    pub challenges: Vec<String>,
    /// The beginning of its body.
    pub body: Vec<u8>,
}

/// The head of an answer, with its body still to come.
pub struct Response {
    answer: reqwest::Response,
    url: Url,
    engine: Engine,
    place: Place,
    idle: Duration,
    deadline: Option<Instant>,
}

impl fmt::Debug for Response {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Response({} from {})", self.status(), shown(&self.url))
    }
}

impl Response {
    pub(crate) fn new(
        answer: reqwest::Response,
        url: Url,
        engine: Engine,
        place: Place,
        idle: Duration,
        deadline: Option<Instant>,
    ) -> Self {
        Self { answer, url, engine, place, idle, deadline }
    }

    /// The status; 304 where a condition of the request was met.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.answer.status().as_u16()
    }

    /// The first header of this name, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.answer.headers().get(name)?.to_str().ok()
    }

    /// All headers of this name that are text.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.answer.headers().get_all(name).iter().filter_map(|value| value.to_str().ok())
    }

    /// Where the answer came from, after redirects.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The length that the server states.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        self.header("content-length")?.trim().parse().ok()
    }

    /// This answer, if its status is one of 200 to 299.
    pub fn success(self) -> Result<Self, FetchError> {
        if self.answer.status().is_success() { Ok(self) } else { Err(self.into_error(1)) }
    }

    /// The body, if it has at most `limit` bytes.
    pub fn bytes(self, limit: u64) -> Result<Vec<u8>, FetchError> {
        let too_long = FetchError::BodyTooLong { url: shown(&self.url), limit };
        if self.content_length().is_some_and(|length| length > limit) {
            return Err(too_long);
        }
        let mut reader = self.reader();
        let mut bytes = Vec::new();
        while let Some(chunk) = reader.chunk()? {
            if (bytes.len() + chunk.len()) as u64 > limit {
                return Err(too_long);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// The whole of it, if its body has at most `limit` bytes.
    pub fn document(self, limit: u64) -> Result<Document, FetchError> {
        Document::read(self, limit)
    }

    pub(crate) fn head(&self) -> (StatusCode, HeaderMap, Url) {
        (self.answer.status(), self.answer.headers().clone(), self.url.clone())
    }

    /// The body as it comes.
    #[must_use]
    pub fn reader(self) -> BodyReader {
        BodyReader {
            url: shown(&self.url),
            source: Some((self.answer, self.place)),
            failed: false,
            chunk: Bytes::new(),
            got: 0,
            engine: self.engine,
            idle: self.idle,
            deadline: self.deadline,
        }
    }

    /// What is demanded by an answer with the status 401. The connection is free for others then.
    #[must_use]
    pub fn unauthorized(self) -> Unauthorized {
        let challenges = self.headers("www-authenticate").map(String::from).collect();
        Unauthorized { challenges, body: self.beginning(REASON) }
    }

    /// The error for an answer that nobody wants.
    pub(crate) fn into_error(self, attempts: u32) -> FetchError {
        let (url, status) = (self.url.clone(), self.status());
        FetchError::status(&url, status, attempts, &self.beginning(EXCERPT))
    }

    /// The first bytes of the body, at most `bound`, as far as they come soon.
    #[must_use]
    pub fn beginning(self, bound: usize) -> Vec<u8> {
        let soon = Instant::now() + self.idle;
        let mut reader = self.reader();
        reader.deadline = Some(reader.deadline.map_or(soon, |deadline| deadline.min(soon)));
        let mut bytes = Vec::new();
        while bytes.len() < bound
            && let Ok(Some(chunk)) = reader.chunk()
        {
            bytes.extend_from_slice(chunk.get(..bound - bytes.len()).unwrap_or(&chunk));
        }
        bytes
    }
}

/// The body of an answer as it comes. Its errors hold a [`FetchError`], see [`FetchError::inside`].
pub struct BodyReader {
    url: String,
    /// Until the end, or the first error.
    source: Option<(reqwest::Response, Place)>,
    failed: bool,
    chunk: Bytes,
    got: u64,
    engine: Engine,
    idle: Duration,
    deadline: Option<Instant>,
}

impl fmt::Debug for BodyReader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "BodyReader({} bytes of {})", self.got, self.url)
    }
}

impl BodyReader {
    /// The next bytes, never none; `None`: the end.
    fn chunk(&mut self) -> Result<Option<Bytes>, FetchError> {
        let Some((answer, _)) = &mut self.source else {
            return if self.failed { Err(self.broken("it has failed before".into())) } else { Ok(None) };
        };
        let next = async {
            loop {
                match answer.chunk().await {
                    Ok(Some(chunk)) if chunk.is_empty() => {}
                    other => return other,
                }
            }
        };
        let next = match self.engine.wait(next, Some(self.idle), self.deadline) {
            Ok(next) => next.map_err(|error| self.broken(Cause::from(&error).into())),
            Err(late) => Err(late.error(self.url.clone())),
        };
        match &next {
            Ok(Some(chunk)) => self.got += chunk.len() as u64,
            // Frees the connection and the place.
            Ok(None) | Err(_) => self.source = None,
        }
        self.failed = next.is_err();
        next
    }

    fn broken(&self, source: Box<dyn Error + Send + Sync>) -> FetchError {
        FetchError::BodyBroken { url: self.url.clone(), got: self.got, source }
    }

    /// As [`Read::read`].
    pub(crate) fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize, FetchError> {
        if self.chunk.is_empty() && !buffer.is_empty() {
            self.chunk = self.chunk()?.unwrap_or_default();
        }
        let count = buffer.len().min(self.chunk.len());
        self.chunk.split_to(count).copy_to_slice(buffer.get_mut(..count).unwrap_or_default());
        Ok(count)
    }
}

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.read_some(buffer)?)
    }
}
