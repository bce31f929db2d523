//! Items of work of very different size on a few threads: the largest begins first.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many threads have no more to do than to end, and may help those that have.
#[derive(Debug, Default)]
pub(crate) struct Idle(AtomicUsize);

/// One of them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Permit<'a>(&'a Idle);

impl Idle {
    /// One that may help.
    pub(crate) fn take(&self) -> Option<Permit<'_>> {
        self.0
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |idle| idle.checked_sub(1))
            .ok()
            .map(|_| Permit(self))
    }
}

#[cfg(test)]
impl Idle {
    pub(crate) fn of(threads: usize) -> Self {
        Self(AtomicUsize::new(threads))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Does `work` on each item, on at most `jobs` threads, and gives the results in the items' order. `idle` counts the threads that
/// have no more items.
///
/// A panic ends its item only, and stands in its place as a text: one bad layer must not end a server.
pub(crate) fn run<T: Sync, R: Send>(
    jobs: usize,
    idle: &Idle,
    items: &[T],
    cost: impl Fn(&T) -> u64,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<Result<R, String>> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(items.get(*index).map_or(0, &cost)));
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(items.len()));
    let worker = || {
        while let Some(index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            let Some(item) = items.get(*index) else { break };
            let result = catch_unwind(AssertUnwindSafe(|| work(item))).map_err(message);
            results.lock().unwrap_or_else(PoisonError::into_inner).push((*index, result));
        }
        idle.0.fetch_add(1, Ordering::Relaxed);
    };
    std::thread::scope(|scope| {
        for _ in 1..jobs.min(items.len()) {
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
            let results = run(jobs, &Idle::default(), &items, |item| *item, |item| item + 1);
            let expected: Vec<_> = items.iter().map(|item| Ok(item + 1)).collect();
            assert_eq!(results, expected);
        }
        assert!(run(4, &Idle::default(), &[], |(): &()| 0, |()| ()).is_empty());
    }

    #[test]
    fn a_panic_ends_its_own_item_only() {
        let results = run(2, &Idle::default(), &[1, 0, 2], |_| 0, |item| 10 / item);
        assert_eq!(results[0], Ok(10));
        assert!(results[1].as_ref().unwrap_err().contains("divide by zero"));
        assert_eq!(results[2], Ok(5));
    }
}
