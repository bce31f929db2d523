//! What each command does with its arguments.

pub(crate) mod cache;
pub(crate) mod compare_versions;
pub(crate) mod db;
pub(crate) mod inventory;
pub(crate) mod scan;
pub(crate) mod update;

use imagescan_model::Tool;

/// Who writes our documents.
fn tool() -> Tool {
    Tool { name: "imagescan".into(), version: env!("CARGO_PKG_VERSION").into() }
}
