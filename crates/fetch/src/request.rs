//! What is asked for.

use crate::error::FetchError;
use reqwest::Url;
use std::fmt;
use std::time::{Duration, Instant};

/// A text that no output shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether there is nothing to hide.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("…")
    }
}

/// A document to post. Tokens are asked for by such, so it is not shown either.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload {
    /// The document.
    pub bytes: Vec<u8>,
    /// Its media type.
    pub content_type: String,
}

impl fmt::Debug for Payload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Payload({} bytes of {})", self.bytes.len(), self.content_type)
    }
}

/// What is done to the URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// Fetch it.
    Get,
    /// Fetch its headers.
    Head,
    /// Send it a document. This is never repeated.
    Post(Payload),
}

impl Method {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post(_) => "POST",
        }
    }
}

/// A request. [`Request::get`] and its like check the URL; everything else is data.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is done.
    pub method: Method,
    /// To what.
    pub(crate) url: Url,
    /// Further headers, such as `If-None-Match`. A redirect to another host is sent only those that say which
    /// representation is wanted (`If-…`, `Accept-…`).
    pub headers: Vec<(String, String)>,
    /// The value of `Authorization`, for this scheme, host and port only.
    pub authorization: Option<Secret>,
    /// Media types that are wanted.
    pub accept: Option<String>,
    /// Asks for the bytes from here on only.
    pub range_from: Option<u64>,
    /// Asks for no bytes from here on, where [`Request::range_from`] is given.
    pub range_to: Option<u64>,
    /// When all must be done: waiting, redirects, retries and the body.
    pub deadline: Option<Instant>,
    /// How long the server may be silent, if it is not [`Settings::idle_timeout`](crate::Settings::idle_timeout).
    pub idle_timeout: Option<Duration>,
}

impl Request {
    /// A `GET` of this URL.
    pub fn get(url: &str) -> Result<Self, FetchError> {
        Self::new(Method::Get, url)
    }

    /// A `HEAD` of this URL.
    pub fn head(url: &str) -> Result<Self, FetchError> {
        Self::new(Method::Head, url)
    }

    /// A `POST` to this URL.
    pub fn post(url: &str, payload: Payload) -> Result<Self, FetchError> {
        Self::new(Method::Post(payload), url)
    }

    fn new(method: Method, url: &str) -> Result<Self, FetchError> {
        let url = crate::url::parse(url)?;
        let (headers, authorization, accept) = Default::default();
        let (range_from, range_to, deadline, idle_timeout) = Default::default();
        Ok(Self { method, url, headers, authorization, accept, range_from, range_to, deadline, idle_timeout })
    }

    /// To what: an http or https URL without credentials.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_printed() {
        let payload = Payload { bytes: b"refresh_token=hush".to_vec(), content_type: "text/plain".into() };
        let mut request = Request::post("https://host/token", payload).unwrap();
        request.authorization = Some(Secret::new("Bearer hush"));
        let text = format!("{request:?} {}", Secret::new("hush"));
        assert!(!text.contains("hush"), "{text}");
        assert!(text.contains("Payload(18 bytes of text/plain)"), "{text}");
    }
}
