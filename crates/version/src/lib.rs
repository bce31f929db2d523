//! Version order of deb, rpm and apk packages.
//!
//! Comes in: two versions as the package managers write them. Goes out: their order, the same that dpkg, rpm
//! and apk-tools give; `tests/` puts random and real pairs to those tools. Any text has a place in each order,
//! so that a sort never fails; what the tools would call invalid merely stands somewhere. Nothing allocates.

mod apk;
mod deb;
mod order;
mod rpm;

pub use order::{Order, OrderError};
