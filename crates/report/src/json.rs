//! Documents as JSON, by the schemas in `docs/`.

use imagescan_model::{InventoryDocument, Report};
use serde::Serialize;

/// A report, indented, with a final newline.
#[must_use]
pub fn json(report: &Report) -> String {
    pretty(report)
}

/// An inventory, indented, with a final newline.
#[must_use]
pub fn inventory_json(document: &InventoryDocument) -> String {
    pretty(document)
}

/// A report on one line, for a stream of them.
#[must_use]
pub fn json_line(report: &Report) -> String {
    line(report)
}

/// An inventory on one line.
#[must_use]
pub fn inventory_line(document: &InventoryDocument) -> String {
    line(document)
}

fn line(document: &impl Serialize) -> String {
    let mut text = serde_json::to_string(document).unwrap_or_default();
    text.push('\n');
    text
}

fn pretty(document: &impl Serialize) -> String {
    // Plain data with text keys: there is nothing that JSON could not say.
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    text
}
