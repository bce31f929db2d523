//! What can go wrong between a request and the last byte of its answer.

use crate::guard::Refusal;
use crate::url::shown;
use reqwest::Url;
use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

type Source = Box<dyn Error + Send + Sync>;

/// Why something could not be fetched. URLs in it are without credentials and query.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// A text is no URL that can be fetched.
    #[error("`{url}` is no address to fetch from: {reason}")]
    BadUrl {
        /// The text, masked.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// A header cannot be sent as given.
    #[error("the header `{name}` cannot be sent: {reason}")]
    BadHeader {
        /// Its name; its value may be a secret.
        name: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A proxy's address is no such thing.
    #[error("the proxy for {scheme} is no address of an HTTP proxy, like http://proxy.example:3128")]
    BadProxy {
        /// What it was to carry.
        scheme: &'static str,
    },
    /// The guard on addresses.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Plain HTTP to a host that it is not allowed for.
    #[error("`{url}` is plain HTTP, which is for this machine and for hosts that are named as insecure")]
    PlainHttp {
        /// What was asked for.
        url: String,
    },
    /// A redirect that is not followed.
    #[error("`{url}` redirects to `{to}`: {reason}")]
    Redirect {
        /// Who redirects.
        url: String,
        /// Where to.
        to: String,
        /// Why not.
        reason: &'static str,
    },
    /// A file of certificates or a key.
    #[error("cannot use the certificates or the key in `{}`", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Source,
    },
    /// There is nothing to judge a server's certificate by.
    #[error(
        "this system has no list of certificate authorities: install its `ca-certificates`, or name a file of them"
    )]
    NoAuthorities,
    /// The HTTP client does not start.
    #[error("the HTTP client does not start")]
    Start(#[source] Source),
    /// No secure connection: the certificate, or the handshake.
    #[error("no secure connection to `{host}`")]
    Tls {
        /// Host and port.
        host: String,
        /// What TLS says.
        source: Source,
    },
    /// The server wants to know who we are, by a certificate.
    #[error("`{host}` refuses the connection: a client certificate was asked for, and none is set for it")]
    NoCertificate {
        /// Host and port.
        host: String,
    },
    /// No connection, because of the name, the network or the server.
    #[error("cannot connect to `{host}`")]
    Connect {
        /// Host and port.
        host: String,
        /// The cause.
        source: Source,
    },
    /// No connection to a socket of this machine.
    #[error("cannot connect to the socket `{}`", path.display().to_string().escape_debug())]
    Socket {
        /// Its path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The connection ended, or made no sense, before the answer began.
    #[error(
        "`{url}` gave no answer{}",
        if *wants_certificate { ": perhaps because a client certificate was asked for, and none is set for it" } else { "" }
    )]
    NoAnswer {
        /// What was asked for.
        url: String,
        /// Whether a server asked for a certificate that we do not have, and none has answered since.
        wants_certificate: bool,
        /// The cause.
        source: Source,
    },
    /// The server was silent for too long.
    #[error("`{url}` was silent for {} s", waited.as_secs_f32())]
    Silent {
        /// What was asked for.
        url: String,
        /// For how long.
        waited: Duration,
    },
    /// The deadline of the request has passed.
    #[error("`{url}` was not done by its deadline")]
    Deadline {
        /// What was asked for.
        url: String,
    },
    /// An answer that is none of those wanted.
    #[error(
        "`{url}` answered {status}{}{}",
        if *attempts > 1 { format!(" ({attempts} attempts)") } else { String::new() },
        if body.is_empty() { String::new() } else { format!(": `{body}`") }
    )]
    Status {
        /// What was asked for.
        url: String,
        /// The status.
        status: u16,
        /// How often it was asked.
        attempts: u32,
        /// The first 300 bytes of the answer, escaped.
        body: String,
    },
    /// More bytes than there may be.
    #[error("`{url}` has more than the {limit} bytes it may have")]
    BodyTooLong {
        /// What was asked for.
        url: String,
        /// The bound.
        limit: u64,
    },
    /// The connection broke inside the answer.
    #[error("`{url}` broke off after {got} bytes")]
    BodyBroken {
        /// What was asked for.
        url: String,
        /// What had come.
        got: u64,
        /// The cause.
        source: Source,
    },
    /// A blob ended early, and asking again did not help.
    #[error("`{url}` ended after {got} of {expected} bytes")]
    BodyCut {
        /// What was asked for.
        url: String,
        /// What had come.
        got: u64,
        /// The declared length.
        expected: u64,
        /// The last failure, if there was more than an early end.
        source: Option<Box<FetchError>>,
    },
    /// A part of a blob is not the one that was asked for.
    #[error("`{url}` was asked for the bytes from {expected} on and answered `{got}`")]
    WrongRange {
        /// What was asked for.
        url: String,
        /// Where the part was to begin.
        expected: u64,
        /// The answer's `Content-Range`, escaped.
        got: String,
    },
}

impl FetchError {
    /// An answer that nobody wants, which begins with `excerpt`.
    pub(crate) fn status(url: &Url, status: u16, attempts: u32, excerpt: &[u8]) -> Self {
        let body = String::from_utf8_lossy(excerpt).trim().escape_debug().to_string();
        Self::Status { url: shown(url), status, attempts, body }
    }

    /// Whether the same request may go better a moment later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::NoAnswer { .. } | Self::Silent { .. } | Self::BodyBroken { .. } => {
                true
            }
            Self::Status { status, .. } => crate::retry::is_transient(*status),
            _ => false,
        }
    }

    /// Whether plain HTTP may find somebody where TLS did not: nobody took the connection, or answered in another
    /// language. A certificate that is not believed is no such case.
    #[must_use]
    pub fn is_without_tls(&self) -> bool {
        match self {
            Self::Connect { .. } => true,
            Self::Tls { source, .. } => {
                matches!(source.downcast_ref(), Some(rustls::Error::InvalidMessage(_)))
            }
            _ => false,
        }
    }

    /// The error of this kind inside one that a reader gave.
    #[must_use]
    pub fn inside(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl From<FetchError> for io::Error {
    fn from(error: FetchError) -> Self {
        let kind = match error {
            FetchError::Deadline { .. } | FetchError::Silent { .. } => io::ErrorKind::TimedOut,
            FetchError::BodyCut { .. } | FetchError::BodyBroken { .. } => io::ErrorKind::UnexpectedEof,
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

/// The first error of type `T` in the chain, also where an I/O error wraps one.
pub(crate) fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// What the HTTP library says, without the levels that only say that it failed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Cause(String);

impl From<&reqwest::Error> for Cause {
    fn from(error: &reqwest::Error) -> Self {
        let mut texts = Vec::new();
        let mut next = error.source();
        while let Some(error) = next {
            if !error.is::<reqwest::Error>() && !error.is::<hyper_util::client::legacy::Error>() {
                texts.push(error.to_string());
            }
            next = error.source();
        }
        // Its own text holds the URL, query and all.
        Self(if texts.is_empty() { "the HTTP library does not say why".into() } else { texts.join(": ") })
    }
}
