//! What need not be read, because it was before: in this run, or in one that left evidence in the cache.

use super::key::{Key, QuestionVersion};
use crate::content::Store;
use crate::evidence::{Cost, LayerEvidence};
use crate::layer::LayerError;
use crate::plan::Source;
use crate::progress::Meter;
use crate::question::Question;
use crate::read::Options;
use crate::work;
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
    pub(crate) fn key(&self, source: &Source) -> Option<Key> {
        Key::of(source, &self.version)
    }

    /// What is known of each layer.
    pub(crate) fn load(&self, layers: &[Option<Key>]) -> Vec<Found> {
        let size = |key: &Option<Key>| key.as_ref().map_or(0, |key| key.size);
        let loaded = work::run(self.options.jobs, layers, size, |key| self.find(key.as_ref()?));
        // A fault of ours is met by reading.
        loaded.into_iter().map(|found| found.ok().flatten()).collect()
    }

    fn find(&self, key: &Key) -> Found {
        if let Some(evidence) = self.options.shared.known(key, self.layers) {
            return Some(self.count(evidence));
        }
        let charge = |cost: &Cost| self.charge(cost);
        let loaded = self.options.cache.as_ref()?.load(key, self.layers, self.store, charge).transpose()?;
        self.meter.known();
        Some(loaded.map(Arc::new))
    }

    /// Evidence that another target's reading gave.
    pub(crate) fn count(&self, evidence: Arc<LayerEvidence>) -> Result<Arc<LayerEvidence>, LayerError> {
        self.meter.known();
        self.charge(&evidence.cost).map(|()| evidence)
    }

    /// Counts against the bounds what reading it took.
    fn charge(&self, cost: &Cost) -> Result<(), LayerError> {
        self.meter.inflated(cost.inflated, &self.options.limits)?;
        self.store.count_entries(cost.files).map_err(LayerError::Shared)
    }

    /// Remembers what was read of layers whose digests were compared.
    pub(crate) fn store(&self, read: &[(Key, Arc<LayerEvidence>)]) {
        let Some(cache) = self.options.cache.as_ref().filter(|_| !read.is_empty()) else { return };
        let cost = |(key, _): &(Key, Arc<LayerEvidence>)| key.size;
        work::run(self.options.jobs, read, cost, |(key, evidence)| cache.store(key, evidence));
        cache.trim();
    }
}
