//! Sharing work among rayon's threads, where there are any.

use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use rayon::ThreadPoolBuilder;

/// Whether rayon's threads can be used from here: those of the pool that the caller runs in, or the global ones.
///
/// Wherever rayon's global pool is first used, it panics if the system refuses it its threads. So it is started here,
/// where that can be noticed; if the app has started it before, it is as good.
pub(crate) fn available() -> bool {
    static GLOBAL: OnceLock<bool> = OnceLock::new();
    rayon::current_thread_index().is_some()
        || *GLOBAL.get_or_init(|| match ThreadPoolBuilder::new().build_global() {
            Ok(()) => true,
            // Only a refusal by the system has a source. Without one the app has started it before, or tried to.
            Err(error) => error.source().is_none() && std::panic::catch_unwind(rayon::current_num_threads).is_ok(),
        })
}

/// Does `work` for each item, here and on rayon's other threads, and sums its results up with `and`.
///
/// The calling thread takes part: handing all of it to rayon and waiting costs two more wake-ups, as long as 2^18 elements
/// take. Each thread has its own part of the items, so that what it finds in its cache from the call before is its own,
/// and helps with the others' at the end.
pub(crate) fn share<T, R>(
    items: impl Iterator<Item = T>,
    work: impl Fn(T) -> R + Sync,
    and: impl Fn(R, R) -> R + Sync,
) -> R
where
    T: Send,
    R: Default + Send,
{
    let threads = rayon::current_num_threads();
    // Each item is claimed by a counter, so that nobody waits for a lock.
    let mut rest: Vec<_> = items.map(|item| Mutex::new(Some(item))).collect();
    let part = rest.len().div_ceil(threads);
    let mut parts = Vec::with_capacity(threads);
    for _ in 0..threads {
        let behind = rest.split_off(part.min(rest.len()));
        parts.push((AtomicUsize::new(0), std::mem::replace(&mut rest, behind)));
    }
    let run = |first: usize| {
        let mut own = R::default();
        for (next, items) in parts.iter().cycle().skip(first).take(threads) {
            while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                if let Some(item) = locked(item).take() {
                    own = and(own, work(item));
                }
            }
        }
        own
    };
    let others: Vec<_> = (1..threads).map(|_| Mutex::new(R::default())).collect();
    let own = rayon::in_place_scope(|scope| {
        for (i, result) in others.iter().enumerate() {
            let run = &run;
            scope.spawn(move |_| *locked(result) = run(i + 1));
        }
        run(0)
    });
    others.into_iter().map(|result| result.into_inner().unwrap_or_else(PoisonError::into_inner)).fold(own, and)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
