//! Registries: where an image lies, with which credentials and certificates to ask, what is demanded, and the image
//! itself, whose layers are streams.
//!
//! Nothing here asks the environment. The files are those that containers-auth.json(5),
//! containers-registries.conf(5) and containers-certs.d(5) describe, and the credential helpers those that the files
//! name. All HTTP is `imagescan-fetch`'s. No error repeats a secret.

pub mod certs_d;
pub mod challenge;
pub mod credentials;
pub mod helper;
pub mod registries_conf;
pub mod token;

mod auth_file;
mod file;
mod json;
mod registries;
pub(crate) mod remote;
mod session;

pub use file::FileError;
pub use json::JsonError;
pub use registries::{Pull, Registries, RegistrySettings, RegistrySetupError};
