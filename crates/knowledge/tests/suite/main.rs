//! The crate as its users see it: a folder written, read, damaged, killed.

mod atomic;
mod common;
mod damage;
mod facts;
mod round_trip;
