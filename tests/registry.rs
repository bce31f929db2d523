//! Images pulled from a real registry, and from one that something stands before.
//!
//! The registry is Debian's `docker-registry`; whatever it would not do is done by a server of the tests before it.

mod support;

#[path = "support/docker_registry.rs"]
mod docker_registry;
#[path = "registry/fixture.rs"]
mod fixture;
#[path = "support/http.rs"]
mod http;
#[path = "support/identity.rs"]
mod identity;
#[path = "support/packed.rs"]
mod packed;
#[path = "support/pull.rs"]
mod pull;
#[path = "support/server.rs"]
mod server;
#[path = "support/token_server.rs"]
mod token_server;

#[path = "registry/authentication.rs"]
mod authentication;
#[path = "registry/certificates.rs"]
mod certificates;
#[path = "registry/faults.rs"]
mod faults;
#[path = "registry/lazy.rs"]
mod lazy;
#[path = "registry/lies.rs"]
mod lies;
#[path = "registry/logins.rs"]
mod logins;
#[path = "registry/places.rs"]
mod places;
#[path = "registry/redirects.rs"]
mod redirects;
#[path = "registry/shapes.rs"]
mod shapes;
#[path = "registry/together.rs"]
mod together;
#[path = "registry/tokens.rs"]
mod tokens;
