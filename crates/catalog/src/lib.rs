//! What is installed in an image, and under which conditions: files in, an inventory out.
//!
//! Comes in: an [`imagescan_image::Image`], the files that [`question`] asked for. Goes out: an
//! [`imagescan_model::Inventory`], facts only. The files are hostile: every parser is bounded by their length,
//! and what cannot be read is an `incomplete` entry, never an empty list. No clock, no network, no judgement:
//! dates are given as found, for `freshness` to weigh.

mod age;
mod apk;
mod apk_world;
mod attribution;
mod config;
mod database;
mod documents;
mod dpkg;
mod inventory;
mod lines;
mod os_release;
mod problem;
mod purl;
mod purl_list;
mod remembered;
mod rpm;
mod text;

pub use documents::{DocumentError, documents};
pub use inventory::{inventory, question};
pub use purl_list::{PurlError, purls};
pub use remembered::{remember, remembered};
