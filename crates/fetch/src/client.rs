//! Sends a request, follows redirects, and tries again.

use crate::connections::Connections;
use crate::document::Document;
use crate::engine::{Engine, Late};
use crate::error::{Cause, FetchError, find};
use crate::gates::Gates;
use crate::guard::Refusal;
use crate::redirect::{self, Hop};
use crate::request::{Method, Request};
use crate::response::Response;
use crate::retry::{self, Backoff};
use crate::settings::Settings;
use crate::url::{host, shown};
use reqwest::Url;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RANGE};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The client. Clones share connections and limits.
///
/// A host gets no more than [`Settings::requests_per_host`] requests at once, and a [`Response`] counts until its body
/// was read or dropped: who holds that many on one thread and sends another waits until the deadline.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Arc<Settings>,
    connections: Connections,
    gates: Gates,
    backoff: Backoff,
    sleep: Box<dyn Fn(Duration) + Send + Sync>,
    engine: Engine,
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Client").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

impl Client {
    /// A client that does as `settings` say. Files they name are read when a host needs them.
    pub fn new(settings: Settings) -> Result<Self, FetchError> {
        Self::with_sleep(settings, std::thread::sleep)
    }

    /// One that waits between attempts by calling `sleep`.
    pub fn with_sleep(
        settings: Settings,
        sleep: impl Fn(Duration) + Send + Sync + 'static,
    ) -> Result<Self, FetchError> {
        let settings = Arc::new(settings);
        let inner = Inner {
            connections: Connections::new(Arc::clone(&settings))?,
            gates: Gates::new(settings.requests_per_host),
            backoff: Backoff::new(settings.retries.clone()),
            sleep: Box::new(sleep),
            engine: Engine::start()?,
            settings,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// Sends `request`. The answer may have any status but those that stand for a failure that may pass
    /// (408, 429, 500, 502, 503, 504): they are errors once all attempts are used up. A connection that cannot be made is
    /// tried once more only.
    pub fn send(&self, request: &Request) -> Result<Response, FetchError> {
        self.persist(request, Ok)
    }

    /// As [`Client::send`], with the body, which may have `limit` bytes: where it breaks off, all of it is asked for again.
    pub fn document(&self, request: &Request, limit: u64) -> Result<Document, FetchError> {
        self.persist(request, |response| response.document(limit))
    }

    /// Asks until `read` has what it needs of an answer, or all attempts are used up.
    fn persist<T>(
        &self,
        request: &Request,
        read: impl Fn(Response) -> Result<T, FetchError>,
    ) -> Result<T, FetchError> {
        let retries = match request.method {
            Method::Get | Method::Head => self.inner.settings.retries.count,
            Method::Post(_) => 0,
        };
        let mut attempt = 0;
        loop {
            let outcome = match self.follow(request) {
                Ok(answer) if retry::is_transient(answer.status()) => Err(Failure::Busy(answer.into())),
                Ok(answer) => read(answer).map_err(Failure::Error),
                Err(error) => Err(Failure::Error(error)),
            };
            let failure = match outcome {
                Ok(got) => return Ok(got),
                Err(Failure::Error(error)) if !error.is_transient() => return Err(error),
                Err(failure) => failure,
            };
            let again = attempt < failure.most_retries(retries);
            let wait = again.then(|| self.wait(attempt, failure.asked_wait(), request.deadline)).flatten();
            let Some(wait) = wait else {
                return Err(failure.into_error(attempt + 1));
            };
            tracing::info!("asking `{}` again in {} ms: {failure}", shown(&request.url), wait.as_millis());
            // Leaves its place at the host to others.
            drop(failure);
            self.sleep(wait);
            attempt += 1;
        }
    }

    /// Sends `request` once. The answer may have any status; a redirect is one, too.
    pub fn send_once(&self, request: &Request) -> Result<Response, FetchError> {
        self.exchange(request, &Hop::first(request))
    }

    /// The wait before the next attempt: what the server asked for, or what it has come to. `None`: the deadline would
    /// pass meanwhile.
    pub(crate) fn wait(
        &self,
        attempt: u32,
        asked: Option<Duration>,
        deadline: Option<Instant>,
    ) -> Option<Duration> {
        let wait = asked.unwrap_or_else(|| self.inner.backoff.wait(attempt));
        let fits = |deadline: Instant| wait < deadline.saturating_duration_since(Instant::now());
        deadline.is_none_or(fits).then_some(wait)
    }

    pub(crate) fn sleep(&self, wait: Duration) {
        (self.inner.sleep)(wait);
    }

    /// Follows redirects from `request` to an answer.
    fn follow(&self, request: &Request) -> Result<Response, FetchError> {
        let mut hop = Hop::first(request);
        for _ in 0..=redirect::MOST {
            let response = self.exchange(request, &hop)?;
            match hop.next(response.status(), response.header("location"))? {
                None => return Ok(response),
                Some(next) => hop = next,
            }
        }
        Err(Hop::first(request).refuse(shown(&hop.url), "that is one redirect too many"))
    }

    /// One request and the head of its answer.
    fn exchange(&self, request: &Request, hop: &Hop) -> Result<Response, FetchError> {
        let Inner { settings, connections, gates, engine, .. } = &*self.inner;
        let late = |late: Late| late.error(shown(&hop.url));
        let pool = connections.pool(&hop.url)?;
        let (method, body) = match &hop.method {
            Method::Get => (reqwest::Method::GET, None),
            Method::Head => (reqwest::Method::HEAD, None),
            Method::Post(payload) => (reqwest::Method::POST, Some(payload.bytes.clone())),
        };
        let mut outgoing = pool.client.request(method, hop.url.clone()).headers(headers(request, hop)?);
        if let Some(body) = body {
            outgoing = outgoing.body(body);
        }
        let place = gates.enter(&host(&hop.url), engine, request.deadline).map_err(late)?;
        let idle = request.idle_timeout.unwrap_or(settings.idle_timeout);
        let longest = settings.connect_timeout + idle;
        let begun = Instant::now();
        let answer = engine.wait(outgoing.send(), Some(longest), request.deadline).map_err(late)?;
        let answer = answer.map_err(|error| match (&settings.socket, find::<io::Error>(&error)) {
            (Some(path), Some(source)) if error.is_connect() => {
                FetchError::Socket { path: path.clone(), source: copy(source) }
            }
            _ => failed(&error, &hop.url, pool.asked.was()),
        })?;
        pool.asked.in_vain();
        tracing::debug!(
            "{} {}: {} over {:?} after {} ms",
            hop.method.name(),
            shown(&hop.url),
            answer.status().as_u16(),
            answer.version(),
            begun.elapsed().as_millis()
        );
        Ok(Response::new(answer, hop.url.clone(), engine.clone(), place, idle, request.deadline))
    }
}

fn headers(request: &Request, hop: &Hop) -> Result<HeaderMap, FetchError> {
    let at_home = hop.url.origin() == request.url.origin();
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        let fault = |reason| FetchError::BadHeader { name: name.escape_debug().to_string(), reason };
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| fault("that is no name of one"))?;
        if parsed == AUTHORIZATION {
            return Err(fault("the request has a place of its own for it"));
        }
        if at_home || redirect::travels(name) {
            headers.append(parsed, text(name, value)?);
        }
    }
    if let Some(accept) = &request.accept {
        headers.insert(ACCEPT, text("accept", accept)?);
    }
    if let Some(start) = request.range_from {
        // The header names the last byte, not the one behind it.
        let last = request.range_to.map_or_else(String::new, |end| end.saturating_sub(1).to_string());
        headers.insert(RANGE, text("range", &format!("bytes={start}-{last}"))?);
    }
    if let Method::Post(payload) = &hop.method {
        headers.insert(CONTENT_TYPE, text("content-type", &payload.content_type)?);
    }
    if let Some(secret) = request.authorization.as_ref().filter(|_| at_home) {
        let mut value = text("authorization", secret.expose())?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

fn text(name: &str, value: &str) -> Result<HeaderValue, FetchError> {
    let fault =
        |_| FetchError::BadHeader { name: name.into(), reason: "its value has characters no header may" };
    HeaderValue::from_str(value).map_err(fault)
}

/// Why something is asked again.
enum Failure {
    /// An answer that may be another one a moment later.
    Busy(Box<Response>),
    Error(FetchError),
}

impl Failure {
    fn most_retries(&self, retries: u32) -> u32 {
        match self {
            // Most often a name or a port is wrong, or the server is down for longer.
            Self::Error(FetchError::Connect { .. }) => retries.min(1),
            _ => retries,
        }
    }

    /// The wait that the server asks for.
    fn asked_wait(&self) -> Option<Duration> {
        let Self::Busy(answer) = self else { return None };
        retry::asked_wait(answer.header("retry-after")?, answer.header("date"))
    }

    fn into_error(self, attempts: u32) -> FetchError {
        match self {
            Self::Busy(answer) => answer.into_error(attempts),
            Self::Error(error) => error,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy(answer) => write!(formatter, "it answered {}", answer.status()),
            Self::Error(error) => error.fmt(formatter),
        }
    }
}

/// What the system says, once more.
fn copy(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

/// Why there is no answer.
fn failed(error: &reqwest::Error, url: &Url, wants_certificate: bool) -> FetchError {
    if let Some(refusal) = find::<Refusal>(error) {
        return refusal.clone().into();
    }
    match find::<rustls::Error>(error) {
        Some(rustls::Error::AlertReceived(_)) if wants_certificate => {
            FetchError::NoCertificate { host: host(url) }
        }
        Some(tls) => FetchError::Tls { host: host(url), source: tls.clone().into() },
        None if error.is_connect() => {
            FetchError::Connect { host: host(url), source: Cause::from(error).into() }
        }
        None => {
            FetchError::NoAnswer { url: shown(url), wants_certificate, source: Cause::from(error).into() }
        }
    }
}
