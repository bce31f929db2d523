//! The crate as its users see it: a folder written, read, damaged, killed.

#![expect(clippy::print_stdout, reason = "a test that could not run says so")]

mod atomic;
mod common;
mod damage;
mod round_trip;
