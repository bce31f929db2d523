//! Layers that several targets of one run have in common: one of them reads each, the others wait for what it says.

use crate::blob::Stretch;
use crate::cache::Key;
use crate::collect::name_budgets;
use crate::evidence::LayerEvidence;
use imagescan_model::Digest;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Bytes of evidence that are held for targets to come, beyond what targets being read hold.
const HELD: u64 = 16 << 20;
/// How often somebody who waits looks at the clock.
const PATIENCE: Duration = Duration::from_millis(500);

/// What layers said in this run. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct SharedLayers(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    layers: HashMap<Key, Layer>,
    /// Those that are known, the one that was read first in front.
    known: VecDeque<Key>,
    held: u64,
    /// Stored bytes that were compared with a digest, and are what it says.
    compared: HashSet<(Stretch, Digest)>,
}

#[derive(Debug)]
enum Layer {
    /// From this machine, or from elsewhere, which may take any time.
    BeingRead {
        is_local: bool,
    },
    Known(Arc<LayerEvidence>),
}

/// Whose work a layer is.
#[derive(Debug)]
pub(crate) enum Claim<'a> {
    /// The one who asked: others wait until it is told or dropped.
    Mine(Reading<'a>),
    /// The one who asked, for itself: somebody reads it from elsewhere, and it is here.
    Alone,
    /// Another target's, right now.
    Anothers,
    /// Nobody's any more.
    Known(Arc<LayerEvidence>),
}

/// A promise to read a layer.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    shared: &'a SharedLayers,
    key: Key,
    told: AtomicBool,
}

impl SharedLayers {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether these bytes were found to be what the digest says.
    pub(crate) fn was_compared(&self, bytes: Stretch, digest: &Digest) -> bool {
        self.state().compared.contains(&(bytes, digest.clone()))
    }

    pub(crate) fn compared(&self, bytes: Stretch, digest: &Digest) {
        self.state().compared.insert((bytes, digest.clone()));
    }

    /// Whose work a layer is, which is one of `layers` to be read. `is_local`: the one who asks has it on this machine.
    pub(crate) fn claim(&self, key: &Key, layers: usize, is_local: bool) -> Claim<'_> {
        let mut state = self.state();
        match state.layers.get(key) {
            Some(Layer::BeingRead { is_local: false }) if is_local => return Claim::Alone,
            Some(Layer::BeingRead { .. }) => return Claim::Anothers,
            Some(Layer::Known(evidence)) if fits(evidence, layers) => {
                return Claim::Known(Arc::clone(evidence));
            }
            // What was read beside fewer layers had more room; it stays until this reading is done.
            Some(Layer::Known(_)) => state.forget(key),
            None => {}
        }
        state.layers.insert(key.clone(), Layer::BeingRead { is_local });
        Claim::Mine(Reading { shared: self, key: key.clone(), told: AtomicBool::new(false) })
    }

    /// Waits until nobody reads the layer, or until `deadline`.
    pub(crate) fn wait(&self, key: &Key, deadline: Option<Instant>) {
        let mut state = self.state();
        while matches!(state.layers.get(key), Some(Layer::BeingRead { .. }))
            && deadline.is_none_or(|deadline| Instant::now() < deadline)
        {
            let woken = self.0.changed.wait_timeout(state, PATIENCE);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Whether reading it as one of `layers` would say the same.
fn fits(evidence: &LayerEvidence, layers: usize) -> bool {
    let (names, marker_names) = name_budgets(layers);
    !evidence.cost.cut && evidence.cost.names <= names && evidence.cost.marker_names <= marker_names
}

impl State {
    fn forget(&mut self, key: &Key) {
        if let Some(Layer::Known(evidence)) = self.layers.remove(key) {
            self.held = self.held.saturating_sub(evidence.bytes());
            self.known.retain(|known| known != key);
        }
    }
}

impl Reading<'_> {
    /// The layer was read, and is what its digest says.
    pub(crate) fn tell(&self, evidence: &Arc<LayerEvidence>) {
        let mut state = self.shared.state();
        state.held = state.held.saturating_add(evidence.bytes());
        state.layers.insert(self.key.clone(), Layer::Known(Arc::clone(evidence)));
        state.known.push_back(self.key.clone());
        while state.held > HELD
            && let Some(first) = state.known.front().cloned()
        {
            state.forget(&first);
        }
        drop(state);
        self.told.store(true, Ordering::Relaxed);
        self.shared.0.changed.notify_all();
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        if !self.told.load(Ordering::Relaxed) {
            self.shared.state().layers.remove(&self.key);
            self.shared.0.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::QuestionVersion;
    use crate::question::Question;
    use imagescan_model::Digest;

    fn key(number: u8) -> Key {
        let options = crate::cache::tests::options();
        let version = QuestionVersion::of(&Question::new(&["a"]), &options);
        Key::new(&Digest::from_sha256(&[number; 32]), 1, &version)
    }

    fn is_known(shared: &SharedLayers, key: &Key, layers: usize) -> bool {
        matches!(shared.claim(key, layers, true), Claim::Known(_))
    }

    fn evidence(files: usize) -> Arc<LayerEvidence> {
        let mut evidence = LayerEvidence::default();
        (0..files).for_each(|file| evidence.modified.push(&file.to_string(), 0));
        evidence.modified.seal();
        Arc::new(evidence)
    }

    #[test]
    fn one_reads_and_the_others_wait() {
        let (shared, key) = (SharedLayers::default(), key(1));
        let Claim::Mine(reading) = shared.claim(&key, 1, true) else { panic!() };
        assert!(matches!(shared.claim(&key, 1, true), Claim::Anothers));

        // Nobody waits beyond a deadline.
        shared.wait(&key, Some(Instant::now()));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                shared.wait(&key, None);
                is_known(&shared, &key, 1)
            });
            reading.tell(&evidence(1));
            assert!(waiting.join().unwrap());
        });
        assert!(matches!(shared.claim(&key, 1, true), Claim::Known(_)));
    }

    #[test]
    fn who_has_a_layer_here_does_not_wait_for_the_network() {
        let (shared, key) = (SharedLayers::default(), key(1));
        let remote = shared.claim(&key, 1, false);
        assert!(matches!(remote, Claim::Mine(_)));
        assert!(matches!(shared.claim(&key, 1, true), Claim::Alone));
        assert!(matches!(shared.claim(&key, 1, false), Claim::Anothers));
    }

    #[test]
    fn who_fails_leaves_the_layer_to_the_next() {
        let (shared, key) = (SharedLayers::default(), key(1));
        drop(shared.claim(&key, 1, true));
        assert!(matches!(shared.claim(&key, 1, true), Claim::Mine(_)));
    }

    #[test]
    fn what_more_room_allowed_is_read_again_beside_more_layers() {
        let (shared, key) = (SharedLayers::default(), key(1));
        let mut large = LayerEvidence::default();
        large.cost.names = name_budgets(8).0;
        let Claim::Mine(reading) = shared.claim(&key, 8, true) else { panic!() };
        reading.tell(&Arc::new(large));
        assert!(is_known(&shared, &key, 8));
        assert!(matches!(shared.claim(&key, 100, true), Claim::Mine(_)));
    }

    #[test]
    fn what_is_held_is_bounded() {
        let shared = SharedLayers::default();
        let keys: Vec<Key> = (0..20).map(key).collect();
        let evidence = evidence(100_000);
        for key in &keys {
            let Claim::Mine(reading) = shared.claim(key, 1, true) else { panic!() };
            reading.tell(&evidence);
        }
        let known = keys.iter().filter(|key| is_known(&shared, key, 1)).count() as u64;
        assert_eq!(known, HELD / evidence.bytes());
        assert!(is_known(&shared, &keys[19], 1));
        assert_eq!(shared.state().held, known * evidence.bytes());
    }
}
