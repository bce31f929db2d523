//! What bounds a scan, whatever the image holds.

use std::time::Instant;

/// Bounds on one scan. Each is an option of the command line, and the error that a bound raises names it.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes one layer may inflate to.
    pub layer_bytes: u64,
    /// Bytes all layers of a target may inflate to.
    pub total_bytes: u64,
    /// Inflated bytes per compressed byte, asked once a layer passed [`Limits::RATIO_FROM`].
    pub ratio: u64,
    /// Entries of one layer's archive, and files of all layers or of a root filesystem.
    pub entries: u64,
    /// Bytes of one path or link target.
    pub path_length: usize,
    /// Bytes of one file that is kept.
    pub file_bytes: u64,
    /// Bytes of all files that are kept of a target, each distinct piece counted once.
    pub kept_bytes: u64,
    /// Layers of one image.
    pub layers: usize,
    /// When to give up.
    pub deadline: Option<Instant>,
}

impl Limits {
    /// Inflated bytes before the ratio is asked: small layers of zeros are common and harmless.
    pub const RATIO_FROM: u64 = 256 << 20;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            layer_bytes: 64 << 30,
            total_bytes: 256 << 30,
            ratio: 200,
            entries: 5_000_000,
            path_length: 4096,
            file_bytes: 1 << 30,
            kept_bytes: 2 << 30,
            layers: 512,
            deadline: None,
        }
    }
}

/// A bound that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {limit} {what}: if the image is trusted, raise {option}")]
pub struct LimitError {
    /// The bound.
    pub limit: u64,
    /// What it counts.
    pub what: &'static str,
    /// The option that raises it.
    pub option: &'static str,
}

/// The deadline has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the time for reading is over: if the image is trusted, raise --max-time")]
pub(crate) struct Late;

impl LimitError {
    pub(crate) fn new(limit: u64, what: &'static str, option: &'static str) -> Self {
        Self { limit, what, option }
    }
}
