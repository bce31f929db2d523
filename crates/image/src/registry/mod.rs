//! What has to be known before a registry is asked: where an image lies, with which credentials and
//! certificates, and what the registry's answer to an anonymous request demands.
//!
//! Nothing here opens a socket or asks the environment. It reads the files that containers-auth.json(5),
//! containers-registries.conf(5) and containers-certs.d(5) describe, starts the credential helpers that those
//! files name, and parses what registries and token servers send. No error repeats a secret.

pub mod certs_d;
pub mod challenge;
pub mod credentials;
pub mod helper;
pub mod registries_conf;
pub mod token;

mod auth_file;
mod file;
mod json;
mod secret;

pub use file::FileError;
pub use json::JsonError;
pub use secret::Secret;
