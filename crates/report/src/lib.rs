//! Reports: for people as a table, for programs as JSON.
//!
//! Comes in: a finished [`imagescan_model::Report`] or [`imagescan_model::InventoryDocument`]. Goes out: text, the
//! same for the same report. Every text of an image is hostile here: no control character of it, and none that
//! turns the reading direction, reaches a terminal. `docs/reports.md` says what each part means.

mod column;
mod findings;
mod image;
mod json;
mod known;
mod palette;
mod table;
mod text;

pub use json::{inventory_json, inventory_line, json, json_line};
pub use table::{Style, table};
