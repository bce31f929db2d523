//! The cache as one reading of layers uses it: asked before any is read, told once all are.

use super::Cache;
use super::key::{Key, QuestionVersion};
use crate::content::Store;
use crate::evidence::{Cost, LayerEvidence};
use crate::layer::LayerError;
use crate::plan::Source;
use crate::progress::Meter;
use crate::question::Question;
use crate::read::Options;
use crate::work;

/// What is known of layers under one question.
pub(crate) struct Known<'a> {
    cache: Option<(&'a Cache, QuestionVersion)>,
    options: &'a Options,
    /// To be read in all, known or not.
    layers: usize,
}

impl<'a> Known<'a> {
    pub(crate) fn new(question: &Question, layers: usize, options: &'a Options) -> Self {
        let cache = options.cache.as_ref();
        let cache = cache.map(|cache| (cache, QuestionVersion::of(question, options)));
        Self { cache, options, layers }
    }

    /// What is known of each source; `None`: it must be read. An error is what reading it would end with.
    pub(crate) fn load(
        &self,
        sources: &[&Source],
        store: &Store,
        meter: &Meter,
    ) -> Vec<Option<Result<LayerEvidence, LayerError>>> {
        let Some((cache, version)) = &self.cache else {
            return sources.iter().map(|_| None).collect();
        };
        let charge = |cost: &Cost| {
            meter.inflated(cost.inflated, &self.options.limits)?;
            store.count_entries(cost.files).map_err(LayerError::Shared)
        };
        let load = |source: &&Source| {
            let key = Key::of(source, version)?;
            let loaded = cache.load(&key, self.layers, store, charge).transpose();
            if loaded.is_some() {
                meter.known();
            }
            loaded
        };
        let loaded = work::run(self.options.jobs, sources, |source| source.len(), load);
        // A fault of ours is met by reading.
        loaded.into_iter().map(Result::ok).map(Option::flatten).collect()
    }

    /// Remembers what was read of layers whose digests were compared.
    pub(crate) fn store(&self, read: &[(&Source, &LayerEvidence)]) {
        let Some((cache, version)) = self.cache.as_ref().filter(|_| !read.is_empty()) else { return };
        let store = |(source, evidence): &(&Source, &LayerEvidence)| {
            if let Some(key) = Key::of(source, version) {
                cache.store(&key, evidence);
            }
        };
        work::run(self.options.jobs, read, |(source, _)| source.len(), store);
        cache.trim();
    }
}
