//! The whole table.

use crate::image;
use crate::palette::Palette;
use crate::text::{counted, wrapped};
use imagescan_model::{Report, VerdictResult};

/// How a table is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Columns; no line is wider. At least 40 are taken.
    pub width: usize,
    /// Colours, by ANSI sequences.
    pub colour: bool,
}

/// A report for people.
#[must_use]
pub fn table(report: &Report, style: &Style) -> String {
    let columns = style.width.max(40);
    let palette = Palette { colour: style.colour };
    let mut lines: Vec<String> = Vec::new();
    for image in &report.images {
        if !lines.is_empty() {
            lines.push(String::new());
            lines.push(palette.dim(&"─".repeat(columns)));
        }
        lines.extend(image::lines(report, image, columns, palette));
    }
    if report.images.len() > 1 {
        lines.push(String::new());
        lines.extend(wrapped(&overall(report), columns).iter().map(|line| palette.bold(line)));
    }
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

/// One line over all images.
fn overall(report: &Report) -> String {
    let count =
        |result: VerdictResult| report.images.iter().filter(|image| image.verdict.result == result).count();
    let parts = [
        (VerdictResult::Error, "not scanned"),
        (VerdictResult::Denied, "denied"),
        (VerdictResult::Inconclusive, "inconclusive"),
        (VerdictResult::Passed, "passed"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(result, _)| count(*result) > 0)
        .map(|(result, word)| format!("{} {word}", count(result)))
        .collect();
    format!("{}: {}.", counted(report.images.len(), "image"), parts.join(", "))
}
