//! Layers side by side: what is known is taken, the rest is read and compared with its digest, once.

use crate::cache::{Keys, Known};
use crate::chain::chain;
use crate::content::Store;
use crate::evidence::LayerEvidence;
use crate::layer::{self, LayerError, Reading, in_time};
use crate::lazy::Job;
use crate::limits::Limits;
use crate::plan::{Check, Source, Stored};
use crate::progress::Meter;
use crate::question::Question;
use crate::read::Options;
use crate::shared::Claim;
use crate::work;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// Reads layers as often as the question grows.
pub(crate) struct Reader<'a> {
    layers: usize,
    store: &'a Store,
    /// Tables of contents.
    tables: &'a Store,
    options: &'a Options,
    meter: &'a Meter,
    /// Keys of layers that were compared with their digests.
    compared: BTreeSet<&'a str>,
}

/// What a layer says, or why it says nothing.
pub(crate) type Evidence = Result<Arc<LayerEvidence>, String>;

/// A layer that is to be read, unless another target does.
struct Turn<'a> {
    source: &'a Source,
    keys: Option<Keys>,
    claim: OnceLock<Claim<'a>>,
}

/// An item of work: a layer's stream, or the comparison of its bytes with their digest.
enum Item<'t, 'a> {
    Walk(&'t Turn<'a>),
    Hash(&'t Turn<'a>),
}

/// A hash of the stored bytes takes about a sixth of inflating and walking them.
const HASH_COST: u64 = 6;

impl Turn<'_> {
    fn is_anothers(&self) -> bool {
        self.claim.get().is_some_and(|claim| !matches!(claim, Claim::Mine(_)))
    }
}

impl<'t, 'a> Item<'t, 'a> {
    fn turn(&self) -> &'t Turn<'a> {
        match self {
            Self::Walk(turn) | Self::Hash(turn) => turn,
        }
    }

    fn cost(&self) -> u64 {
        let length = self.turn().source.len();
        match self {
            Self::Walk(_) => length.saturating_mul(HASH_COST),
            Self::Hash(_) => length,
        }
    }
}

impl<'a> Reader<'a> {
    /// A reader of `layers` distinct layers.
    pub(crate) fn new(
        layers: usize,
        store: &'a Store,
        tables: &'a Store,
        options: &'a Options,
        meter: &'a Meter,
    ) -> Self {
        Self { layers, store, tables, options, meter, compared: BTreeSet::new() }
    }

    /// What each of `sources` says. An error is one that all share.
    pub(crate) fn read(
        &mut self,
        sources: &[&'a Source],
        question: &Question,
    ) -> Result<Vec<Evidence>, String> {
        let Self { layers, store, options, meter, .. } = *self;
        let known = Known::new(question, layers, store, options, meter);
        let mut results: BTreeMap<&str, Evidence> = BTreeMap::new();
        let mut left = sources.to_vec();
        while !left.is_empty() {
            in_time(options.limits.deadline).map_err(|late| late.to_string())?;
            let keys: Vec<Option<Keys>> = left.iter().map(|source| known.keys(source)).collect();
            let mut turns = Vec::new();
            for ((source, found), keys) in left.into_iter().zip(known.load(&keys)).zip(keys) {
                match found {
                    Some(found) => {
                        results.insert(&source.key, own(found)?);
                    }
                    None => turns.push(Turn { source, keys, claim: OnceLock::new() }),
                }
            }
            let read = self.walk(&turns, question)?;
            let mut fresh = Vec::new();
            let mut waiting = Vec::new();
            for (Turn { source, keys, claim }, evidence) in turns.into_iter().zip(read) {
                let evidence = evidence.map(|evidence| evidence.map(Arc::new));
                match (claim.into_inner(), evidence) {
                    (Some(Claim::Known(evidence)), _) => {
                        results.insert(&source.key, own(known.count(evidence))?);
                    }
                    (Some(Claim::Anothers), _) | (_, None) => waiting.push((source, keys)),
                    (claim, Some(evidence)) => {
                        if let (Some(Claim::Mine(reading)), Some(keys), Ok(evidence)) =
                            (claim, keys, &evidence)
                        {
                            reading.tell(evidence);
                            fresh.push((keys, Arc::clone(evidence)));
                        }
                        results.insert(&source.key, evidence);
                    }
                }
            }
            known.store(&fresh);
            for keys in waiting.iter().filter_map(|(_, keys)| keys.as_ref()) {
                options.shared.wait(keys.awaited(), options.limits.deadline);
            }
            left = waiting.into_iter().map(|(source, _)| source).collect();
        }
        let result = |source: &&Source| results.remove(&*source.key).unwrap_or_else(|| Ok(Arc::default()));
        Ok(sources.iter().map(result).collect())
    }

    /// Reads the layers whose turn it is, and compares each once with its digest. `None`: it is another target's.
    fn walk(
        &mut self,
        turns: &[Turn<'a>],
        question: &Question,
    ) -> Result<Vec<Option<Result<LayerEvidence, String>>>, String> {
        let Self { layers, store, tables, options, meter, .. } = *self;
        // What a registry says of sizes may be anything.
        let bytes = turns.iter().map(|turn| turn.source.len()).fold(0, u64::saturating_add);
        meter.begin(turns.len() as u64, bytes);
        let unhashed = |turn: &&Turn<'a>| !self.compared.contains(&*turn.source.key);
        let hashed: Vec<&Turn<'a>> = turns.iter().filter(unhashed).collect();
        let mut items: Vec<Item<'_, 'a>> = turns.iter().map(Item::Walk).collect();
        items.extend(hashed.iter().map(|turn| Item::Hash(turn)));
        let reading = Reading { limits: &options.limits, meter, inflater: options.inflater };
        let job = Job { question, store, tables, layers, bytes, reading: &reading };
        let done = work::run(options.jobs, &items, Item::cost, |item| self.work(item, &job));
        let mut results = Vec::with_capacity(items.len());
        for (item, result) in items.iter().zip(done) {
            results.push(match (&item.turn().source.blob, result) {
                (Err(why), _) => Err(why.clone()),
                (Ok(_), Ok(Err(error @ (LayerError::Shared(_) | LayerError::Late(_))))) => {
                    return Err(error.to_string());
                }
                (Ok(_), Ok(result)) => result.map_err(|error| chain(&error)),
                (Ok(_), Err(fault)) => Err(fault),
            });
        }
        let comparisons = results.split_off(turns.len());
        let mut wrong = BTreeMap::new();
        for (turn, result) in hashed.into_iter().zip(comparisons) {
            match result {
                Ok(_) if turn.is_anothers() => {}
                Ok(_) => {
                    self.compared.insert(&turn.source.key);
                }
                Err(why) => {
                    wrong.insert(&*turn.source.key, why);
                }
            }
        }
        // A wrong digest says more than what the wrong bytes did to the reader.
        let result = |(turn, result): (&Turn<'a>, Result<Option<LayerEvidence>, String>)| {
            wrong.remove(&*turn.source.key).map_or(result, Err).transpose()
        };
        Ok(turns.iter().zip(results).map(result).collect())
    }

    /// `None`: the layer is another target's, or this was its comparison.
    fn work(&self, item: &Item<'_, 'a>, job: &Job<'_>) -> Result<Option<LayerEvidence>, LayerError> {
        let Self { layers, options, meter, .. } = *self;
        let turn = item.turn();
        let claim = |key| {
            let claim = options.shared.claim(key, layers);
            if !matches!(claim, Claim::Mine(_)) {
                meter.spared(turn.source.len());
            }
            claim
        };
        if let Some(keys) = &turn.keys
            && !matches!(turn.claim.get_or_init(|| claim(keys.awaited())), Claim::Mine(_))
        {
            return Ok(None);
        }
        match item {
            Item::Walk(_) => {
                let begun = Instant::now();
                let evidence = walk(turn.source, job);
                meter.layer();
                tracing::info!(
                    "layer {} of {} bytes: {} ms{}",
                    turn.source.key.escape_debug(),
                    turn.source.len(),
                    begun.elapsed().as_millis(),
                    if evidence.is_ok() { "" } else { ", not whole" }
                );
                evidence.map(Some)
            }
            Item::Hash(_) => check(turn.source, &options.limits).map(|()| None),
        }
    }
}

fn walk(source: &Source, job: &Job<'_>) -> Result<LayerEvidence, LayerError> {
    match (&source.blob, &source.check) {
        (Ok(Stored::Remote(blob, lazy)), Check::Stored(digest, _)) => {
            // By its table of contents if that is enough, else as it comes in.
            if let Some(lazy) = lazy
                && let Some(evidence) = lazy.read(blob, digest, job)?
            {
                return Ok(evidence);
            }
            layer::stream(blob, digest, job.collector(), job.reading)
        }
        (Ok(Stored::File(blob)), Check::DiffId(diff_id)) => {
            layer::read(blob, Some(diff_id), job.collector(), job.reading)
        }
        (Ok(Stored::File(blob)), _) => layer::read(blob, None, job.collector(), job.reading),
        _ => Ok(LayerEvidence::default()),
    }
}

fn check(source: &Source, limits: &Limits) -> Result<(), LayerError> {
    // What comes from a registry is compared as it streams by.
    let (Ok(Stored::File(blob)), Check::Stored(digest, size)) = (&source.blob, &source.check) else {
        return Ok(());
    };
    if blob.len() != *size {
        return Err(LayerError::Size { expected: *size, got: blob.len() });
    }
    blob.verify(digest, |_| in_time(limits.deadline))
}

/// What was found without reading, or the error that all layers share.
fn own(found: Result<Arc<LayerEvidence>, LayerError>) -> Result<Evidence, String> {
    match found {
        Err(error @ (LayerError::Shared(_) | LayerError::Late(_))) => Err(error.to_string()),
        found => Ok(found.map_err(|error| error.to_string())),
    }
}
