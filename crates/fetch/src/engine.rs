//! The runtime beneath the blocking interface: waits for a future, but not for ever.

use crate::error::FetchError;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Runs connections on one thread of its own. reqwest's blocking client bounds single reads but no whole exchange, and
/// would start a thread for each of our configurations.
#[derive(Debug, Clone)]
pub(crate) struct Engine(Arc<Inner>);

#[derive(Debug)]
struct Inner(Option<Runtime>);

/// Why waiting ended.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Late {
    Silent(Duration),
    Deadline,
}

impl Late {
    pub(crate) fn error(self, url: String) -> FetchError {
        match self {
            Self::Silent(waited) => FetchError::Silent { url, waited },
            Self::Deadline => FetchError::Deadline { url },
        }
    }
}

impl Engine {
    pub(crate) fn start() -> Result<Self, FetchError> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).thread_name("fetch").enable_all().build();
        Ok(Self(Arc::new(Inner(Some(runtime.map_err(|error| FetchError::Start(error.into()))?)))))
    }

    /// Waits for `future`, at most for `longest` and until `deadline`.
    pub(crate) fn wait<T>(
        &self,
        future: impl Future<Output = T>,
        longest: Option<Duration>,
        deadline: Option<Instant>,
    ) -> Result<T, Late> {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let (bound, late) = match (longest, left) {
            (_, Some(Duration::ZERO)) => return Err(Late::Deadline),
            (Some(longest), Some(left)) if longest <= left => (Some(longest), Late::Silent(longest)),
            (_, Some(left)) => (Some(left), Late::Deadline),
            (longest, None) => (longest, Late::Silent(longest.unwrap_or_default())),
        };
        // It is there until it is dropped.
        let Some(runtime) = &self.0.0 else { return Err(Late::Deadline) };
        runtime.block_on(async {
            match bound {
                Some(bound) => tokio::time::timeout(bound, future).await.map_err(|_| late),
                None => Ok(future.await),
            }
        })
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // A name server that does not answer must not hold us up.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
