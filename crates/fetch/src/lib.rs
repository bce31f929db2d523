//! The one HTTP client of imagescan.
//!
//! In goes a [`Request`]; out comes a [`Response`] whose body is read within bounds, or a [`FetchError`] that says what
//! failed and where. A [`Document`] is an answer that came as a whole; [`Body`] reads a blob of known length over as many connections as it takes.
//!
//! Servers are not trusted: registries and feeds are named by the user, but redirects and tokens lead wherever a server
//! says. Hence the guard: names are resolved here, and an address of an internal network is refused at the moment of
//! connecting, so that no second answer of a name server slips through. Through a proxy it is the proxy that resolves,
//! and only addresses written in the URL are judged.
//!
//! What never happens here: a body is decompressed; a credential goes to another scheme, host or port than it was given
//! for, or into an error text; a wait outlasts the request's deadline.
//!
//! The interface blocks, for callers that are threads, and must not be called on a thread of an asynchronous runtime.

mod address;
mod client;
mod connections;
mod document;
mod engine;
mod error;
mod gates;
mod guard;
mod redirect;
mod request;
mod response;
mod resume;
mod retry;
mod settings;
mod tls;
mod url;

pub use address::{AddressError, Host, Network};
pub use client::Client;
pub use connections::is_this_machine;
pub use document::Document;
pub use error::FetchError;
pub use guard::{Refusal, refused};
pub use request::{Method, Payload, Request, Secret};
pub use reqwest::Url;
pub use response::{BodyReader, Response, Unauthorized};
pub use resume::Body;
pub use settings::{HostCertificates, Identity, Proxies, Retries, Settings};
