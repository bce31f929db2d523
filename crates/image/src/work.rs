//! Items of work of very different size on a few threads: the largest begins first.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The threads that may work at the same time, in all targets of a run. Clones are the same.
#[derive(Debug, Clone)]
pub struct Threads(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Debug)]
struct State {
    free: usize,
    waiting: usize,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Permit<'a>(&'a Threads);

impl Threads {
    /// At most `most`, and at least one.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let most = most.max(1);
        let state = Mutex::new(State { free: most, waiting: 0 });
        Self(Arc::new(Inner { most, state, freed: Condvar::new() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One, as soon as one is free.
    fn take(&self) -> Permit<'_> {
        let mut state = self.state();
        state.waiting += 1;
        while state.free == 0 {
            state = self.0.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting -= 1;
        state.free -= 1;
        Permit(self)
    }

    /// One that nobody else has use for.
    pub(crate) fn spare(&self) -> Option<Permit<'_>> {
        let mut state = self.state();
        (state.free > state.waiting).then(|| {
            state.free -= 1;
            Permit(self)
        })
    }

    #[cfg(test)]
    pub(crate) fn free(&self) -> usize {
        self.state().free
    }
}

impl Default for Threads {
    fn default() -> Self {
        Self::new(1)
    }
}

impl Permit<'_> {
    /// Whether somebody waits for one.
    pub(crate) fn is_wanted(&self) -> bool {
        self.0.state().waiting > 0
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.state().free += 1;
        self.0.0.freed.notify_one();
    }
}

/// Does `work` on each item, on as many of `threads` as are free, and gives the results in the items' order.
///
/// A panic ends its item only, and stands in its place as a text: one bad layer must not end a server.
pub(crate) fn run<T: Sync, R: Send>(
    threads: &Threads,
    items: &[T],
    cost: impl Fn(&T) -> u64,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<Result<R, String>> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(items.get(*index).map_or(0, &cost)));
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(items.len()));
    let worker = || {
        while next.load(Ordering::Relaxed) < order.len() {
            let _permit = threads.take();
            let index = order.get(next.fetch_add(1, Ordering::Relaxed));
            let Some((index, item)) = index.and_then(|index| Some((*index, items.get(*index)?))) else {
                break;
            };
            let result = catch_unwind(AssertUnwindSafe(|| work(item))).map_err(message);
            results.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.0.most.min(items.len()) {
            // Where the system gives no more threads, those that there are do it.
            if std::thread::Builder::new().spawn_scoped(scope, worker).is_err() {
                break;
            }
        }
        worker();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

fn message(panic: Box<dyn Any + Send>) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic");
    format!("a fault of imagescan's own: {text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_items_order_on_any_number_of_threads() {
        let items: Vec<u64> = (0..100).map(|item| (item * 37) % 101).collect();
        for jobs in [0, 1, 2, 16, 1000] {
            let results = run(&Threads::new(jobs), &items, |item| *item, |item| item + 1);
            let expected: Vec<_> = items.iter().map(|item| Ok(item + 1)).collect();
            assert_eq!(results, expected);
        }
        assert!(run(&Threads::new(4), &[], |(): &()| 0, |()| ()).is_empty());
    }

    #[test]
    fn no_more_work_at_once_than_there_are_threads_however_many_run() {
        let (threads, now, most) = (Threads::new(3), AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    run(
                        &threads,
                        &[(); 20],
                        |()| 0,
                        |()| {
                            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                            std::thread::sleep(std::time::Duration::from_millis(1));
                            now.fetch_sub(1, Ordering::SeqCst);
                        },
                    )
                });
            }
        });
        assert_eq!((most.into_inner(), threads.free()), (3, 3));
    }

    #[test]
    fn a_panic_ends_its_own_item_only() {
        let results = run(&Threads::new(2), &[1, 0, 2], |_| 0, |item| 10 / item);
        assert_eq!(results[0], Ok(10));
        assert!(results[1].as_ref().unwrap_err().contains("divide by zero"));
        assert_eq!(results[2], Ok(5));
    }
}
