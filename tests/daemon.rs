//! Images of a container engine, and of containerd's store.
//!
//! The engine is a server of the tests that speaks docker's API as docker and podman do: the archive in chunks, errors
//! as JSON with a message.

mod support;

#[expect(dead_code, reason = "each test file uses a part")]
#[path = "support/http.rs"]
mod http;
#[expect(dead_code, reason = "each test file uses a part")]
#[path = "support/identity.rs"]
mod identity;
#[expect(dead_code, reason = "each test file uses a part")]
#[path = "support/pull.rs"]
mod pull;
#[expect(dead_code, reason = "each test file uses a part")]
#[path = "support/server.rs"]
mod server;

#[path = "daemon/containerd.rs"]
mod containerd;
#[path = "daemon/engine.rs"]
mod engine;
#[path = "daemon/faults.rs"]
mod faults;
#[path = "daemon/places.rs"]
mod places;
