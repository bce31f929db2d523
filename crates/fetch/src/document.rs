//! A whole answer: what is small enough to be read at once.

use crate::error::FetchError;
use crate::response::{EXCERPT, REASON, Response, Unauthorized};
use crate::url::shown;
use reqwest::header::HeaderMap;
use reqwest::{StatusCode, Url};
use std::fmt;

/// An answer with its body. Of an answer that is no success, the beginning of it.
pub struct Document {
    status: StatusCode,
    headers: HeaderMap,
    url: Url,
    bytes: Vec<u8>,
}

impl fmt::Debug for Document {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (status, count) = (self.status(), self.bytes.len());
        write!(formatter, "Document({status} from {}, {count} bytes)", shown(&self.url))
    }
}

impl Document {
    /// Reads all of a body that may have `limit` bytes.
    pub(crate) fn read(response: Response, limit: u64) -> Result<Self, FetchError> {
        let (status, headers, url) = response.head();
        let bytes = match status.is_success() {
            true => response.bytes(limit)?,
            false => response.beginning(REASON),
        };
        Ok(Self { status, headers, url, bytes })
    }

    /// The status; 304 where a condition of the request was met.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The first header of this name, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The body, for keeps.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// This answer, if its status is one of 200 to 299.
    pub fn success(self) -> Result<Self, FetchError> {
        if self.status.is_success() {
            return Ok(self);
        }
        let excerpt = self.bytes.get(..EXCERPT).unwrap_or(&self.bytes);
        Err(FetchError::status(&self.url, self.status(), 1, excerpt))
    }

    /// What is demanded by an answer with the status 401.
    #[must_use]
    pub fn unauthorized(self) -> Unauthorized {
        let challenges = self.headers.get_all("www-authenticate").iter();
        let challenges = challenges.filter_map(|value| value.to_str().ok()).map(String::from).collect();
        Unauthorized { challenges, body: self.bytes }
    }
}
