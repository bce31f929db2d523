//! Ctrl-C, and what build pipelines send: the report of what is finished is still written, then the signal has its way.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::low_level::emulate_default_handler;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether somebody wants the command to end.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt {
    any: Arc<AtomicBool>,
    each: [(i32, Arc<AtomicBool>); 2],
}

impl Interrupt {
    /// From now on a first signal is noted, and a second one, whichever of the two, ends the command at once.
    pub(crate) fn listen() -> std::io::Result<Self> {
        let any = Arc::new(AtomicBool::new(false));
        let each = [SIGINT, SIGTERM].map(|signal| (signal, Arc::new(AtomicBool::new(false))));
        for (signal, came) in &each {
            flag::register_conditional_default(*signal, Arc::clone(&any))?;
            flag::register(*signal, Arc::clone(came))?;
        }
        for (signal, _) in &each {
            flag::register(*signal, Arc::clone(&any))?;
        }
        Ok(Self { any, each })
    }

    pub(crate) fn came(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// Ends the command as the signal would have: whoever started it, a shell's loop for one, can tell.
    pub(crate) fn obey(&self) {
        if let Some((signal, _)) = self.each.iter().find(|(_, came)| came.load(Ordering::Relaxed)) {
            // If that is not possible, the exit code says that not all was scanned.
            let _ = emulate_default_handler(*signal);
        }
    }
}
