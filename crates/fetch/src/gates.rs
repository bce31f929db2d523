//! How many requests a host gets at the same time.

use crate::engine::{Engine, Late};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// One gate for each host and port.
#[derive(Debug)]
pub(crate) struct Gates {
    width: usize,
    gates: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// A place in the gate, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Gates {
    pub(crate) fn new(width: usize) -> Self {
        Self { width: width.clamp(1, Semaphore::MAX_PERMITS), gates: Mutex::default() }
    }

    /// Waits for a place at `host`.
    pub(crate) fn enter(
        &self,
        host: &str,
        engine: &Engine,
        deadline: Option<Instant>,
    ) -> Result<Place, Late> {
        let gate = {
            let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(gates.entry(host.into()).or_insert_with(|| Arc::new(Semaphore::new(self.width))))
        };
        // No gate is ever closed.
        Ok(Place { _permit: engine.wait(gate.acquire_owned(), None, deadline)?.ok() })
    }
}
