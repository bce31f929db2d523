//! How far a scan is, and the bounds that its layers share.

use crate::layer::{LayerError, in_time};
use crate::limits::{LimitError, Limits};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts for whoever shows them.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes of layers to read.
    pub bytes: AtomicU64,
    /// Bytes of layers read.
    pub bytes_read: AtomicU64,
    /// Layers to read.
    pub layers: AtomicU64,
    /// Layers read.
    pub layers_read: AtomicU64,
    /// Layers that need not be read, for the cache knows them.
    pub layers_known: AtomicU64,
    /// Bytes that came from container engines.
    pub received: AtomicU64,
}

/// Counts one target's reading.
pub(crate) struct Meter {
    progress: Arc<Progress>,
    inflated: AtomicU64,
}

impl Meter {
    pub(crate) fn new(progress: Arc<Progress>) -> Self {
        Self { progress, inflated: AtomicU64::new(0) }
    }

    pub(crate) fn begin(&self, layers: u64, bytes: u64) {
        self.progress.layers.fetch_add(layers, Ordering::Relaxed);
        self.progress.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// A layer of those that were to be read is read for another target.
    pub(crate) fn spared(&self, bytes: u64) {
        self.progress.layers.fetch_sub(1, Ordering::Relaxed);
        self.progress.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(crate) fn read(&self, bytes: u64) {
        self.progress.bytes_read.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn layer(&self) {
        self.progress.layers_read.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn received(&self, bytes: u64) {
        self.progress.received.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn known(&self) {
        self.progress.layers_known.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts inflated bytes of any layer, and looks at the clock.
    pub(crate) fn inflated(&self, bytes: u64, limits: &Limits) -> Result<(), LayerError> {
        let total = self.inflated.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if total > limits.total_bytes {
            let what = "inflated bytes in all layers";
            return Err(LayerError::Shared(LimitError::new(limits.total_bytes, what, "--max-total-bytes")));
        }
        in_time(limits.deadline)
    }
}
