//! Sharing work among rayon's threads, where there are any.

#[cfg(not(target_arch = "wasm32"))]
use std::error::Error;
#[cfg(not(target_arch = "wasm32"))]
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

#[cfg(not(target_arch = "wasm32"))]
use rayon::ThreadPoolBuilder;

use crate::lock::locked;

/// A call that reads and writes this many bytes shares its work with rayon's threads. With fewer, the calling thread is
/// done before another one has woken up.
pub const PARALLEL_MIN_BYTES: usize = 1 << 20;

/// The number of threads that the CPU path uses for calls of at least [`PARALLEL_MIN_BYTES`].
///
/// Outside a pool, these are the threads of rayon's global pool. If there is none yet, this call or the first large one
/// starts it, with a thread for each core, or fewer if `RAYON_NUM_THREADS` says so.
#[must_use]
pub fn threads() -> usize {
    if available() { rayon::current_num_threads() } else { 1 }
}

/// Whether rayon's threads can be used: those of the pool that the caller runs in, or the global ones.
fn available() -> bool {
    rayon::current_thread_index().is_some() || has_global_pool()
}

/// Wherever rayon's global pool is first used, it panics if the system refuses it its threads. So the pool is started
/// here, where that can be noticed.
#[cfg(not(target_arch = "wasm32"))]
fn has_global_pool() -> bool {
    static GLOBAL: OnceLock<bool> = OnceLock::new();
    *GLOBAL.get_or_init(|| match ThreadPoolBuilder::new().num_threads(default_threads()).build_global() {
        Ok(()) => true,
        // A refusal by the system has a source. Without one, the app has started the pool, or tried to.
        Err(error) => error.source().is_none() && std::panic::catch_unwind(rayon::current_num_threads).is_ok(),
    })
}

/// The number of threads that [`threads`] would start: one for each core, or fewer if `RAYON_NUM_THREADS` says so.
///
/// That is as rayon has it, but never more: rayon would start up to 65,535, which takes minutes.
#[cfg(not(target_arch = "wasm32"))]
#[must_use]
pub fn default_threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let wanted = std::env::var("RAYON_NUM_THREADS").ok().and_then(|number| number.parse().ok());
    wanted.filter(|&number| number > 0).unwrap_or(cores).min(cores)
}

/// In a browser, only the app can start a pool, once. Looking for its pool would start one.
#[cfg(target_arch = "wasm32")]
fn has_global_pool() -> bool {
    false
}

/// Does `work` for each item and merges the results, in any order. The items stand for so many `bytes` in all, which
/// decides whether other threads take part.
pub(crate) fn fold<T: Send, R: Default + Send>(
    bytes: usize,
    items: impl Iterator<Item = T>,
    work: impl Fn(T) -> R + Sync,
    merge: impl Fn(R, R) -> R + Sync,
) -> R {
    if bytes >= PARALLEL_MIN_BYTES && available() {
        parallel_fold(items, work, merge)
    } else {
        items.map(work).fold(R::default(), merge)
    }
}

/// [`fold`] on the calling thread and rayon's others.
///
/// The calling thread takes part: handing everything to rayon and waiting costs two more wake-ups, as long as 2^18
/// f32 take. Each thread has its own part of the items, so that what a call before has left in its cache is its
/// own. When it is done it helps with the parts of the others.
fn parallel_fold<T: Send, R: Default + Send>(
    items: impl Iterator<Item = T>,
    work: impl Fn(T) -> R + Sync,
    merge: impl Fn(R, R) -> R + Sync,
) -> R {
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
                    own = merge(own, work(item));
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
    others.into_iter().map(|result| result.into_inner().unwrap_or_else(PoisonError::into_inner)).fold(own, merge)
}
