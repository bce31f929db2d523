//! The crate as its users see it: a folder written, read, damaged, killed.

mod atomic;
mod common;
mod damage;
mod diff;
mod facts;
mod lineage;
mod round_trip;
