//! Colours, where they are wanted. What they say stands in words, too.

use imagescan_model::{Level, Severity, VerdictResult};

/// Paints or does not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Palette {
    pub colour: bool,
}

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";

impl Palette {
    fn paint(self, code: &str, text: &str) -> String {
        if self.colour && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.into() }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.paint(BOLD, text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.paint(DIM, text)
    }

    pub(crate) fn result(self, result: VerdictResult, text: &str) -> String {
        let code = match result {
            VerdictResult::Passed => GREEN,
            VerdictResult::Denied | VerdictResult::Error => RED,
            VerdictResult::Inconclusive => YELLOW,
        };
        self.paint(&format!("{BOLD};{code}"), text)
    }

    pub(crate) fn level(self, level: Level, text: &str) -> String {
        match level {
            Level::Deny => self.paint(RED, text),
            Level::Warn | Level::Inconclusive => self.paint(YELLOW, text),
            Level::Exempt | Level::Note => self.dim(text),
        }
    }

    pub(crate) fn severity(self, severity: Severity, text: &str) -> String {
        match severity {
            Severity::Critical | Severity::High => self.paint(RED, text),
            Severity::Medium => self.paint(YELLOW, text),
            _ => text.into(),
        }
    }
}
