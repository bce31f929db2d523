//! Layers side by side: what is known is taken, the rest is read and compared with its digest, once.

use crate::cache::{Keys, Known};
use crate::chain::chain;
use crate::content::Store;
use crate::evidence::LayerEvidence;
use crate::layer::{self, LayerError, Reading, in_time};
use crate::lazy::Job;
use crate::plan::{Check, Source, Stored};
use crate::progress::Meter;
use crate::question::Question;
use crate::read::Options;
use crate::shared::Claim;
use crate::work;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
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
}

/// What a layer says, or why it says nothing.
pub(crate) type Evidence = Result<Arc<LayerEvidence>, String>;

/// A layer that is to be read, unless another target does.
struct Turn<'a> {
    source: &'a Source,
    keys: Option<Keys>,
    claim: OnceLock<Claim<'a>>,
    read: OnceLock<Arc<LayerEvidence>>,
    is_compared: AtomicBool,
    is_told: AtomicBool,
}

/// An item of work: a layer's stream, or the comparison of its bytes with their digest.
enum Item<'t, 'a> {
    Walk(&'t Turn<'a>),
    Hash(&'t Turn<'a>),
}

/// A hash of the stored bytes takes about a sixth of inflating and walking them.
const HASH_COST: u64 = 6;

impl Turn<'_> {
    /// Tells others what the layer says, once it was read and compared: not later, for this target's other layers may
    /// take much longer, or never be read.
    fn tell(&self, known: &Known<'_>) {
        let (Some(keys), Some(evidence)) = (&self.keys, self.read.get()) else { return };
        if !self.is_compared.load(Ordering::Acquire) || self.is_told.swap(true, Ordering::AcqRel) {
            return;
        }
        match self.claim.get() {
            Some(Claim::Mine(reading)) => reading.tell(evidence),
            Some(Claim::Alone) => {}
            _ => return,
        }
        known.store(keys, evidence);
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
        Self { layers, store, tables, options, meter }
    }

    /// What each of `sources` says. An error is one that all share.
    pub(crate) fn read(&self, sources: &[&'a Source], question: &Question) -> Result<Vec<Evidence>, String> {
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
                    None => turns.push(Turn {
                        source,
                        keys,
                        claim: OnceLock::new(),
                        read: OnceLock::new(),
                        is_compared: AtomicBool::new(false),
                        is_told: AtomicBool::new(false),
                    }),
                }
            }
            let read = self.side_by_side(&turns, question, &known)?;
            let mut waiting = Vec::new();
            for (Turn { source, keys, .. }, evidence) in turns.into_iter().zip(read) {
                match evidence {
                    Some(evidence) => {
                        results.insert(&source.key, evidence);
                    }
                    None => waiting.push((source, keys)),
                }
            }
            for keys in waiting.iter().filter_map(|(_, keys)| keys.as_ref()) {
                options.shared.wait(keys.awaited(), options.limits.deadline);
            }
            left = waiting.into_iter().map(|(source, _)| source).collect();
        }
        let result = |source: &&Source| results.remove(&*source.key).unwrap_or_else(|| Ok(Arc::default()));
        Ok(sources.iter().map(result).collect())
    }

    /// Reads the layers whose turn it is, and compares all with their digests. `None`: it is read for another target.
    fn side_by_side(
        &self,
        turns: &[Turn<'a>],
        question: &Question,
        known: &Known<'_>,
    ) -> Result<Vec<Option<Evidence>>, String> {
        let Self { layers, store, tables, options, meter } = *self;
        // What a registry says of sizes may be anything.
        let bytes = turns.iter().map(|turn| turn.source.len()).fold(0, u64::saturating_add);
        meter.begin(turns.len() as u64, bytes);
        let reading =
            Reading { limits: &options.limits, meter, inflater: options.inflater, threads: &options.threads };
        let job = Job { question, store, tables, layers, bytes, reading: &reading };
        let mut items: Vec<Item<'_, 'a>> = turns.iter().map(Item::Walk).collect();
        items.extend(turns.iter().map(Item::Hash));
        let done = work::run(&options.threads, &items, Item::cost, |item| self.work(item, &job, known));
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
        // A wrong digest says more than what the wrong bytes did to the reader.
        let result = |(walked, compared): (Result<Option<_>, String>, Result<_, String>)| match compared {
            Ok(_) => walked.transpose(),
            Err(why) => Some(Err(why)),
        };
        Ok(results.into_iter().zip(comparisons).map(result).collect())
    }

    /// `None`: the layer is read for another target, or this was its comparison.
    fn work(
        &self,
        item: &Item<'_, 'a>,
        job: &Job<'_>,
        known: &Known<'_>,
    ) -> Result<Option<Arc<LayerEvidence>>, LayerError> {
        let turn = item.turn();
        let evidence = match item {
            Item::Walk(turn) => match self.walked(turn, job, known)? {
                Some(evidence) => Some(Arc::clone(turn.read.get_or_init(|| Arc::new(evidence)))),
                None => return Ok(None),
            },
            Item::Hash(turn) => {
                check(turn.source, self.options)?;
                turn.is_compared.store(true, Ordering::Release);
                None
            }
        };
        turn.tell(known);
        Ok(evidence)
    }

    fn walked(
        &self,
        turn: &Turn<'a>,
        job: &Job<'_>,
        known: &Known<'_>,
    ) -> Result<Option<LayerEvidence>, LayerError> {
        let Self { layers, options, meter, .. } = *self;
        let length = turn.source.len();
        if let Some(keys) = &turn.keys {
            let is_local = matches!(turn.source.blob, Ok(Stored::File(_)));
            let claim = turn.claim.get_or_init(|| options.shared.claim(keys.awaited(), layers, is_local));
            match claim {
                Claim::Mine(_) | Claim::Alone => {}
                Claim::Known(evidence) => {
                    meter.spared(length);
                    return known.own(evidence).map(Some);
                }
                Claim::Anothers => {
                    meter.spared(length);
                    return Ok(None);
                }
            }
        }
        let begun = Instant::now();
        let evidence = walk(turn.source, job);
        meter.layer();
        tracing::info!(
            "layer {} of {length} bytes: {} ms{}",
            turn.source.key.escape_debug(),
            begun.elapsed().as_millis(),
            if evidence.is_ok() { "" } else { ", not whole" }
        );
        evidence.map(Some)
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

/// Compares the stored bytes with their digest, unless this run did.
fn check(source: &Source, options: &Options) -> Result<(), LayerError> {
    // What comes from a registry is compared as it streams by.
    let (Ok(Stored::File(blob)), Check::Stored(digest, size)) = (&source.blob, &source.check) else {
        return Ok(());
    };
    if blob.len() != *size {
        return Err(LayerError::Size { expected: *size, got: blob.len() });
    }
    if !options.shared.was_compared(blob.stretch(), digest) {
        blob.verify(digest, |_| in_time(options.limits.deadline))?;
        options.shared.compared(blob.stretch(), digest);
    }
    Ok(())
}

/// What was found without reading, or the error that all layers share.
fn own(found: Result<Arc<LayerEvidence>, LayerError>) -> Result<Evidence, String> {
    match found {
        Err(error @ (LayerError::Shared(_) | LayerError::Late(_))) => Err(error.to_string()),
        found => Ok(found.map_err(|error| error.to_string())),
    }
}
