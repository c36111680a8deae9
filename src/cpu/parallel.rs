//! Sharing work among threads, where there are any.

use std::cell::Cell;
#[cfg(not(target_arch = "wasm32"))]
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
#[cfg(not(target_arch = "wasm32"))]
use std::time::Instant;

#[cfg(not(target_arch = "wasm32"))]
use rayon::ThreadPoolBuilder;
use rayon::{Scope, ThreadPool};

use crate::lock::locked;

/// A call that reads and writes fewer bytes than this uses the calling thread alone.
///
/// With more, it shares the work with other threads if they are likely to be awake, in a rayon pool or shortly after
/// another such call. From 4 MiB on, it wakes them.
pub const PARALLEL_MIN_BYTES: usize = 2 * AWAKE_BYTES;

/// How many bytes are worth a thread that is awake. One of a pool that the calling thread is in need not be: the
/// calling thread does the work of one that comes too late.
const AWAKE_BYTES: usize = 512 << 10;

/// How many are worth one that has to be woken, which takes up to 100 us, and for which the calling thread waits.
const ASLEEP_BYTES: usize = 2 << 20;

/// How long rayon's threads look for work before they sleep, at least.
const AWAKE_NANOSECONDS: u64 = 10_000;

/// How often the calling thread looks whether the others are done before it sleeps, since waking it takes as long. In
/// between it lets them run on its own core, if they have no other.
const LOOKS: usize = 1 << 6;

thread_local! {
    static IS_SERIAL: Cell<bool> = const { Cell::new(false) };
}

/// Does `work`, in which calls use the calling thread alone, and start no others.
///
/// To have them use the threads of a rayon pool, do it there: `pool.install(work)`.
///
/// ```
/// use hard_sigmoid::{HardSigmoid, cpu};
///
/// let mut x = vec![1.25_f32; 1 << 20];
/// cpu::serial(|| cpu::apply_in_place(HardSigmoid::ONNX, &mut x));
/// assert!(x.iter().all(|&y| y == 0.75));
/// ```
pub fn serial<R>(work: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            IS_SERIAL.set(self.0);
        }
    }
    let _restore = Restore(IS_SERIAL.replace(true));
    work()
}

/// The number of threads that the CPU path uses for large calls, the calling thread among them.
///
/// Within [`serial`], it is 1. In a rayon pool, these are its threads. Elsewhere, the first large call or this one
/// starts threads for the crate's own use: as many as make one for each core with the calling thread, or fewer if
/// `RAYON_NUM_THREADS` says so.
#[must_use]
pub fn threads() -> usize {
    if IS_SERIAL.get() {
        1
    } else if is_in_pool() {
        rayon::current_num_threads()
    } else {
        1 + helpers().map_or(0, ThreadPool::current_num_threads)
    }
}

fn is_in_pool() -> bool {
    rayon::current_thread_index().is_some()
}

/// The threads that help a caller outside of any pool, unless it is alone or the system refuses them.
///
/// In a pool with one thread more, such as rayon's global one, a thread that begins to work wakes another, which would
/// take the processor from the calling thread.
#[cfg(not(target_arch = "wasm32"))]
fn helpers() -> Option<&'static ThreadPool> {
    static HELPERS: OnceLock<Option<ThreadPool>> = OnceLock::new();
    let start = || match default_threads() - 1 {
        0 => None,
        helpers => ThreadPoolBuilder::new().num_threads(helpers).build().ok(),
    };
    HELPERS.get_or_init(start).as_ref()
}

/// In a browser, only the app can start threads.
#[cfg(target_arch = "wasm32")]
fn helpers() -> Option<&'static ThreadPool> {
    None
}

/// The number of threads that [`threads`] would start, with the calling one: one for each core, or fewer if
/// `RAYON_NUM_THREADS` says so.
///
/// That is as rayon has it, but never more: rayon would start up to 65,535, which takes minutes.
#[cfg(not(target_arch = "wasm32"))]
#[must_use]
pub fn default_threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let wanted = std::env::var("RAYON_NUM_THREADS").ok().and_then(|number| number.parse().ok());
    wanted.filter(|&number| number > 0).unwrap_or(cores).min(cores)
}

/// Does `work` for each of some items and merges the results, in any order. The items stand for so many `bytes` in all,
/// which decides how many threads take part.
pub(crate) fn fold<T: Send, R: Default + Send>(
    bytes: usize,
    items: impl Iterator<Item = T>,
    work: impl Fn(T) -> R + Sync,
    merge: impl Fn(R, R) -> R + Sync,
) -> R {
    if bytes < PARALLEL_MIN_BYTES {
        return items.map(work).fold(R::default(), merge);
    }
    let items: Vec<_> = items.collect();
    let since_last = nanoseconds().saturating_sub(LAST_END.load(Ordering::Relaxed));
    let is_awake = is_in_pool() || since_last < AWAKE_NANOSECONDS;
    let most = items.len().min(threads_worth_while(bytes, is_awake));
    let threads = if most > 1 { threads().min(most) } else { 1 };
    let result = if threads > 1 {
        parallel_fold(threads, items, work, merge)
    } else {
        items.into_iter().map(work).fold(R::default(), merge)
    };
    LAST_END.store(nanoseconds(), Ordering::Relaxed);
    result
}

const fn threads_worth_while(bytes: usize, is_awake: bool) -> usize {
    bytes / if is_awake { AWAKE_BYTES } else { ASLEEP_BYTES }
}

/// When a call ended for which other threads might have been of use.
static LAST_END: AtomicU64 = AtomicU64::new(0);

/// The time since the first call.
#[cfg(not(target_arch = "wasm32"))]
fn nanoseconds() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// There is no clock, and only an app's pool.
#[cfg(target_arch = "wasm32")]
const fn nanoseconds() -> u64 {
    0
}

/// [`fold`] on the calling thread and others.
///
/// Each thread has its own part of the items, so that what a call before has left in its cache is its own. When it is
/// done it helps with the parts of the others.
fn parallel_fold<T: Send, R: Default + Send>(
    threads: usize,
    items: Vec<T>,
    work: impl Fn(T) -> R + Sync,
    merge: impl Fn(R, R) -> R + Sync,
) -> R {
    // Each item is claimed by a counter, so that nobody waits for a lock.
    let mut rest: Vec<_> = items.into_iter().map(|item| Mutex::new(Some(item))).collect();
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
    let busy = AtomicUsize::new(others.len());
    let own = in_scope(|scope| {
        for (i, result) in others.iter().enumerate() {
            let (run, busy) = (&run, &busy);
            scope.spawn(move |_| {
                *locked(result) = run(i + 1);
                busy.fetch_sub(1, Ordering::Relaxed);
            });
        }
        let own = run(0);
        let mut looks = 0;
        while !is_in_pool() && looks < LOOKS && busy.load(Ordering::Relaxed) > 0 {
            std::thread::yield_now();
            looks += 1;
        }
        own
    });
    others.into_iter().map(|result| result.into_inner().unwrap_or_else(PoisonError::into_inner)).fold(own, merge)
}

/// Spawns in the pool that the caller is in, or else among the helpers, and waits for their end.
fn in_scope<'scope, R>(op: impl FnOnce(&Scope<'scope>) -> R) -> R {
    match if is_in_pool() { None } else { helpers() } {
        Some(helpers) => helpers.in_place_scope(op),
        None => rayon::in_place_scope(op),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::thread::{self, ThreadId};
    use std::time::Duration;

    use super::*;

    /// The threads that take part in a large call.
    fn seen() -> HashSet<ThreadId> {
        let work = |_| {
            thread::sleep(Duration::from_millis(2));
            HashSet::from([thread::current().id()])
        };
        fold(1 << 30, 0..64, work, |a, b| &a | &b)
    }

    #[test]
    fn the_calling_thread_and_others_share_unless_serial() {
        let own = HashSet::from([thread::current().id()]);
        assert_eq!(serial(seen), own);
        assert_eq!(serial(|| serial(threads) + threads()), 2);
        let shared = seen();
        assert_eq!(shared.len(), default_threads().min(64));
        assert!(shared.is_superset(&own));
        let pool = ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        assert_eq!((pool.install(seen).len(), pool.install(threads), pool.install(|| serial(seen)).len()), (3, 3, 1));
    }

    #[test]
    fn threads_that_sleep_take_more() {
        assert_eq!([true, false].map(|is_awake| threads_worth_while(PARALLEL_MIN_BYTES, is_awake)), [2, 0]);
        assert_eq!([true, false].map(|is_awake| threads_worth_while(4 << 20, is_awake)), [8, 2]);
        let start = nanoseconds();
        fold(PARALLEL_MIN_BYTES, 0..2, drop, |(), ()| ());
        assert!(LAST_END.load(Ordering::Relaxed) >= start);
    }
}
