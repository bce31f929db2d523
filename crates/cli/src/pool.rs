//! Work on a list, side by side, whose results come in the list's order.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How far results may be ahead of the one that is waited for: they are held until it comes.
const AHEAD: usize = 256;
/// How often whoever waits looks up.
const STEP: Duration = Duration::from_millis(50);

/// Why there is no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// `stop` said so before it came.
    Stopped,
    /// The work ended in a panic.
    Fault,
}

struct Shared<W> {
    work: W,
    /// The next to be begun, and how many were given away.
    state: Mutex<(usize, usize)>,
    moved: Condvar,
    count: usize,
}

/// Does `work` for each number below `count` on `threads` threads, and gives each result to `each`, in order. Once `stop`
/// says so, what is not done is given as missing; threads are left behind then, in the middle of their work.
pub(crate) fn in_order<R: Send + 'static, E>(
    count: usize,
    threads: usize,
    work: impl Fn(usize) -> R + Send + Sync + 'static,
    stop: impl Fn() -> bool,
    mut each: impl FnMut(usize, Result<R, Missing>) -> Result<(), E>,
) -> Result<(), E> {
    let shared = Arc::new(Shared { work, state: Mutex::default(), moved: Condvar::new(), count });
    let (sender, results) = channel();
    for _ in 0..threads {
        let (shared, sender) = (Arc::clone(&shared), sender.clone());
        let worker = move || {
            while let Some(index) = begin(&shared) {
                let result = catch_unwind(AssertUnwindSafe(|| (shared.work)(index)));
                // Nobody waits any more.
                let Ok(()) = sender.send((index, result.map_err(|_| Missing::Fault))) else { break };
            }
        };
        // Where the system gives no more threads, those that there are do it.
        if std::thread::Builder::new().spawn(worker).is_err() {
            break;
        }
    }
    drop(sender);
    let mut waiting: Vec<(usize, Result<R, Missing>)> = Vec::new();
    for index in 0..count {
        each(index, take(index, &mut waiting, &results, &stop))?;
        let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Nothing is begun after a stop.
        *state = (if stop() { count } else { state.0 }, index + 1);
        shared.moved.notify_all();
    }
    Ok(())
}

/// The number of the next piece of work, once results are not too far ahead.
fn begin<W>(shared: &Shared<W>) -> Option<usize> {
    let state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
    let far = |(next, given): &mut (usize, usize)| *next < shared.count && *next >= *given + AHEAD;
    let mut state = shared.moved.wait_while(state, far).unwrap_or_else(PoisonError::into_inner);
    let index = state.0;
    state.0 += 1;
    (index < shared.count).then_some(index)
}

fn take<R>(
    index: usize,
    waiting: &mut Vec<(usize, Result<R, Missing>)>,
    results: &Receiver<(usize, Result<R, Missing>)>,
    stop: impl Fn() -> bool,
) -> Result<R, Missing> {
    loop {
        if let Some(found) = waiting.iter().position(|(number, _)| *number == index) {
            return waiting.swap_remove(found).1;
        }
        let stopped = stop();
        match results.recv_timeout(if stopped { Duration::ZERO } else { STEP }) {
            Ok(result) => waiting.push(result),
            Err(RecvTimeoutError::Timeout) if stopped => return Err(Missing::Stopped),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(Missing::Fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    fn results(
        count: usize,
        threads: usize,
        work: impl Fn(usize) -> usize + Send + Sync + 'static,
    ) -> Vec<usize> {
        let mut results = Vec::new();
        let each = |index: usize, result: Result<usize, Missing>| {
            results.push(result.unwrap_or(1000 + index));
            Ok::<(), ()>(())
        };
        in_order(count, threads, work, || false, each).unwrap();
        results
    }

    #[test]
    fn results_come_in_order_whoever_is_first() {
        let slow_first = |index: usize| {
            std::thread::sleep(Duration::from_millis(if index == 0 { 30 } else { 0 }));
            index
        };
        for threads in [1, 4, 50] {
            assert_eq!(results(20, threads, slow_first), (0..20).collect::<Vec<_>>());
        }
        assert_eq!(results(0, 3, slow_first), Vec::<usize>::new());
    }

    #[test]
    fn a_panic_is_one_missing_result() {
        let work = |index: usize| if index == 1 { panic!("on purpose") } else { index };
        assert_eq!(results(3, 2, work), [0, 1001, 2]);
    }

    #[test]
    fn results_do_not_run_far_ahead() {
        let most = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&most);
        let work = move |index: usize| {
            if index == 0 {
                std::thread::sleep(Duration::from_millis(100));
            }
            seen.fetch_max(index, Ordering::Relaxed);
        };
        let mut first = true;
        let each = |_, _| {
            if std::mem::take(&mut first) {
                assert!(most.load(Ordering::Relaxed) < AHEAD);
            }
            Ok::<(), ()>(())
        };
        in_order(2 * AHEAD, 2, work, || false, each).unwrap();
    }

    #[test]
    fn what_is_not_done_when_it_stops_is_missing() {
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        let work = move |index: usize| {
            if index == 2 {
                stopping.store(true, Ordering::Relaxed);
                std::thread::sleep(Duration::from_secs(600));
            }
        };
        let mut got = Vec::new();
        let each = |_, result: Result<(), Missing>| {
            got.push(result);
            Ok::<(), ()>(())
        };
        in_order(4, 1, work, || stop.load(Ordering::Relaxed), each).unwrap();
        assert_eq!(got, [Ok(()), Ok(()), Err(Missing::Stopped), Err(Missing::Stopped)]);
    }
}
