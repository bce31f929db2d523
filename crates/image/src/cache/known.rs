//! What need not be read, because a run before left evidence in the cache.

use super::key::{Key, QuestionVersion};
use crate::content::Store;
use crate::evidence::{Cost, LayerEvidence};
use crate::layer::LayerError;
use crate::plan::Source;
use crate::progress::Meter;
use crate::question::Question;
use crate::read::Options;
use crate::work;
use imagescan_model::LayerRead;
use std::sync::Arc;

/// What is known of layers under one question.
pub(crate) struct Known<'a> {
    version: QuestionVersion,
    options: &'a Options,
    store: &'a Store,
    meter: &'a Meter,
    /// To be read in all, known or not.
    layers: usize,
}

/// What one layer may be known by.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    whole: Key,
    /// Where its manifest vouches for a table of contents that may be used.
    lazy: Option<Key>,
}

impl Keys {
    /// What others wait by for somebody to read it.
    pub(crate) fn awaited(&self) -> &Key {
        self.lazy.as_ref().unwrap_or(&self.whole)
    }

    fn of(&self, read: LayerRead) -> Option<&Key> {
        match read {
            LayerRead::Whole => Some(&self.whole),
            LayerRead::Lazy => self.lazy.as_ref(),
        }
    }
}

/// What was found of a layer, or what reading it would end with. `None`: it must be read.
type Found = Option<Result<Arc<LayerEvidence>, LayerError>>;

impl<'a> Known<'a> {
    pub(crate) fn new(
        question: &Question,
        layers: usize,
        store: &'a Store,
        options: &'a Options,
        meter: &'a Meter,
    ) -> Self {
        Self { version: QuestionVersion::of(question, options), options, store, meter, layers }
    }

    /// By what a layer is known. `None`: only by reading it.
    pub(crate) fn keys(&self, source: &Source) -> Option<Keys> {
        let whole = Key::of(source, &self.version)?;
        let lazy = source.lazy().map(|lazy| whole.lazily(&lazy.vouched()));
        Some(Keys { whole, lazy })
    }

    /// What is known of each layer.
    pub(crate) fn load(&self, layers: &[Option<Keys>]) -> Vec<Found> {
        let size = |keys: &Option<Keys>| keys.as_ref().map_or(0, |keys| keys.whole.size);
        let loaded = work::run(&self.options.threads, layers, size, |keys| {
            let keys = keys.as_ref()?;
            // What was read as a whole takes nothing on trust.
            self.find(&keys.whole).or_else(|| self.find(keys.lazy.as_ref()?))
        });
        // A fault of ours is met by reading.
        loaded.into_iter().map(|found| found.ok().flatten()).collect()
    }

    fn find(&self, key: &Key) -> Found {
        let charge = |cost: &Cost| self.charge(cost);
        let loaded = self.options.cache.as_ref()?.load(key, self.layers, self.store, charge).transpose()?;
        self.meter.known();
        Some(loaded.map(Arc::new))
    }

    /// Evidence that another target's reading gave, as if it had been read for this one.
    pub(crate) fn own(&self, evidence: &LayerEvidence) -> Result<LayerEvidence, LayerError> {
        self.meter.known();
        self.charge(&evidence.cost)?;
        evidence.kept_in(self.store)
    }

    /// Counts against the bounds what reading it took.
    fn charge(&self, cost: &Cost) -> Result<(), LayerError> {
        self.meter.inflated(cost.inflated, &self.options.limits)?;
        self.store.count_entries(cost.files).map_err(LayerError::Shared)
    }

    /// Remembers what was read of a layer whose digest was compared.
    pub(crate) fn store(&self, keys: &Keys, evidence: &LayerEvidence) {
        if let (Some(cache), Some(key)) = (&self.options.cache, keys.of(evidence.read)) {
            cache.store(key, evidence);
            cache.trim();
        }
    }
}
