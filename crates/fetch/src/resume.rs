//! A blob of known length, or a part of it, over as many connections as it takes.

use crate::client::Client;
use crate::error::FetchError;
use crate::request::Request;
use crate::response::{BodyReader, Response, Unauthorized};
use crate::url::shown;
use std::error::Error;
use std::fmt;
use std::io::{self, Read};
use std::ops::Range;
use std::time::Instant;

/// Reads a blob of a declared length. Where the connection breaks, the rest is asked for.
///
/// Each attempt asks `request` for a fresh [`Request`], since tokens expire during a long download; it is given what was
/// demanded where the one before was answered with the status 401. After [`Retries::count`](crate::Retries::count)
/// attempts in a row that brought nothing new, the last failure stands. More bytes than declared are an error. That the
/// bytes are the right ones is for the caller to find out, by their digest.
pub struct Body<F> {
    client: Client,
    request: F,
    /// Bytes of the whole blob.
    length: u64,
    /// Which of them are wanted.
    wanted: Range<u64>,
    /// Up to where they were delivered.
    position: u64,
    /// Attempts without progress.
    fruitless: u32,
    /// What the last attempt was answered with, instead of the blob.
    refused: Option<Unauthorized>,
    stream: Option<Stream>,
}

struct Stream {
    reader: BodyReader,
    url: String,
    deadline: Option<Instant>,
    /// Bytes to come that were delivered before, from a server that knows no ranges.
    skip: u64,
    /// Whether its bytes give new courage. Those of a server that begins anew each time do not.
    counts: bool,
}

impl<F> fmt::Debug for Body<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Body({} of {} bytes)", self.position, self.length)
    }
}

impl<F, E> Body<F>
where
    F: FnMut(Option<Unauthorized>) -> Result<Request, E>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    /// A blob of `length` bytes. Nothing is asked for before the first read.
    pub fn new(client: Client, length: u64, request: F) -> Self {
        Self::part(client, length, 0..length, request)
    }

    /// The bytes `wanted` of a blob of `length` bytes. A server that knows no ranges is an error, unless all are wanted.
    pub fn part(client: Client, length: u64, wanted: Range<u64>, request: F) -> Self {
        let position = wanted.start;
        Self { client, request, length, wanted, position, fruitless: 0, refused: None, stream: None }
    }

    fn is_part(&self) -> bool {
        self.wanted != (0..self.length)
    }

    /// Whether some of the bytes came.
    fn has_begun(&self) -> bool {
        self.position > self.wanted.start
    }

    /// Asks for what is missing. `None`: to be tried again.
    fn open(&mut self) -> io::Result<Option<Stream>> {
        let mut request = (self.request)(self.refused.take()).map_err(io::Error::other)?;
        request.range_from = (self.is_part() || self.has_begun()).then_some(self.position);
        request.range_to = self.is_part().then_some(self.wanted.end);
        let deadline = request.deadline;
        let cut = |error, url| self.cut(url, Some(error));
        let response = match self.client.send(&request) {
            Ok(response) => response,
            // There was a server before, so that it is worth waiting for.
            Err(error @ FetchError::Connect { .. }) => {
                self.failed(Some(error), shown(&request.url), deadline)?;
                return Ok(None);
            }
            // The client has tried as often as it may.
            Err(error) if self.has_begun() && error.is_transient() => {
                return Err(cut(error, shown(&request.url)).into());
            }
            Err(error) => return Err(error.into()),
        };
        let url = shown(response.url());
        let (skip, counts) = match response.status() {
            200 if self.is_part() => {
                return Err(
                    FetchError::WrongRange { url, expected: self.position, got: "all of it".into() }.into()
                );
            }
            200 => (self.position, !self.has_begun()),
            206 if request.range_from.is_some() => {
                check_range(&response, self.position, self.length)?;
                (0, true)
            }
            401 if self.fruitless < self.client.settings().retries.count => {
                self.fruitless += 1;
                self.refused = Some(response.unauthorized());
                return Ok(None);
            }
            _ => return Err(response.into_error(1).into()),
        };
        let rest = self.wanted.end - self.position + skip;
        if response.content_length().is_some_and(|length| length > rest) {
            return Err(self.too_long(url).into());
        }
        Ok(Some(Stream { reader: response.reader(), url, deadline, skip, counts }))
    }

    /// After an early end, or an error: waits, unless it was the last that is borne.
    fn failed(
        &mut self,
        error: Option<FetchError>,
        url: String,
        deadline: Option<Instant>,
    ) -> Result<(), FetchError> {
        if let Some(error @ FetchError::Deadline { .. }) = error {
            return Err(error);
        }
        let attempt = self.fruitless;
        self.fruitless += 1;
        let again = self.fruitless <= self.client.settings().retries.count;
        match again.then(|| self.client.wait(attempt, None, deadline)).flatten() {
            Some(wait) => self.client.sleep(wait),
            None => return Err(self.cut(url, error)),
        }
        Ok(())
    }

    fn cut(&self, url: String, source: Option<FetchError>) -> FetchError {
        let (got, expected) = (self.position - self.wanted.start, self.wanted.end - self.wanted.start);
        FetchError::BodyCut { url, got, expected, source: source.map(Box::new) }
    }

    fn too_long(&self, url: String) -> FetchError {
        FetchError::BodyTooLong { url, limit: self.wanted.end - self.wanted.start }
    }
}

fn check_range(response: &Response, start: u64, length: u64) -> Result<(), FetchError> {
    let text = response.header("content-range").unwrap_or_default();
    let parsed = text.strip_prefix("bytes ").and_then(|range| {
        let (range, total) = range.split_once('/')?;
        let (first, _) = range.split_once('-')?;
        Some((first.parse::<u64>().ok()?, total))
    });
    match parsed {
        Some((first, total)) if first == start && (total == "*" || total.parse() == Ok(length)) => Ok(()),
        _ => Err(FetchError::WrongRange {
            url: shown(response.url()),
            expected: start,
            got: text.escape_debug().to_string(),
        }),
    }
}

impl<F, E> Read for Body<F>
where
    F: FnMut(Option<Unauthorized>) -> Result<Request, E>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !buffer.is_empty() {
            let Some(mut stream) = self.stream.take() else {
                if self.position >= self.wanted.end {
                    break;
                }
                self.stream = self.open()?;
                continue;
            };
            let skipped = stream.skip > 0;
            let room = if skipped { cut_to(buffer, stream.skip) } else { &mut *buffer };
            let (count, error) = match stream.reader.read_some(room) {
                Ok(count) => (count as u64, None),
                Err(error) => (0, Some(error)),
            };
            if self.position == self.wanted.end && count == 0 {
                break;
            }
            if count == 0 {
                self.failed(error, stream.url, stream.deadline)?;
                continue;
            }
            if skipped {
                stream.skip -= count;
                self.stream = Some(stream);
                continue;
            }
            if count > self.wanted.end - self.position {
                return Err(self.too_long(stream.url).into());
            }
            if stream.counts {
                self.fruitless = 0;
            }
            self.position += count;
            self.stream = Some(stream);
            return usize::try_from(count).map_err(io::Error::other);
        }
        Ok(0)
    }
}

fn cut_to(buffer: &mut [u8], longest: u64) -> &mut [u8] {
    let end = usize::try_from(longest).unwrap_or(usize::MAX).min(buffer.len());
    buffer.get_mut(..end).unwrap_or_default()
}
