//! Columns side by side, the widths shared out.

use crate::text::{cut, padded, width};

/// A cell, and how it is painted once it has its width.
pub(crate) struct Cell {
    pub text: String,
    pub paint: Box<dyn Fn(&str) -> String>,
}

impl Cell {
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), paint: Box::new(|text: &str| text.into()) }
    }
}

/// Rows with a heading, in at most `columns`. A column is as wide as its widest cell; where all together are too
/// wide, those named in `flexible` give way, each down to its least width, in this order.
pub(crate) fn rows(
    heading: &[&str],
    rows: &[Vec<Cell>],
    flexible: &[(usize, usize)],
    columns: usize,
) -> Vec<String> {
    const GAP: usize = 2;
    let mut widths: Vec<usize> = heading.iter().map(|title| width(title)).collect();
    for row in rows {
        for (column, cell) in widths.iter_mut().zip(row) {
            *column = (*column).max(width(&cell.text));
        }
    }
    let available = columns.saturating_sub(GAP * heading.len().saturating_sub(1));
    for (index, least) in flexible {
        let excess = widths.iter().sum::<usize>().saturating_sub(available);
        if let Some(column) = widths.get_mut(*index) {
            *column -= excess.min(column.saturating_sub(*least));
        }
    }
    let line = |cells: Vec<(String, Option<&Cell>)>| {
        let last = cells.len().saturating_sub(1);
        let mut line = String::new();
        for (index, ((text, cell), column)) in cells.into_iter().zip(&widths).enumerate() {
            let text = cut(&text, *column);
            let painted = cell.map_or_else(|| text.clone(), |cell| (cell.paint)(&text));
            line.push_str(&painted);
            if index != last {
                let blanks = width(&padded(&text, *column)) - width(&text) + GAP;
                line.push_str(&" ".repeat(blanks));
            }
        }
        line.trim_end().to_string()
    };
    let mut lines = vec![line(heading.iter().map(|title| (String::from(*title), None)).collect())];
    lines.extend(
        rows.iter().map(|row| line(row.iter().map(|cell| (cell.text.clone(), Some(cell))).collect())),
    );
    lines
}
