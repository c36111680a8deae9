//! Sharing work among threads, where there are any.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
#[cfg(not(target_arch = "wasm32"))]
use std::sync::{MutexGuard, OnceLock, TryLockError};
#[cfg(not(target_arch = "wasm32"))]
use std::time::{Duration, Instant};

#[cfg(not(target_arch = "wasm32"))]
use rayon::ThreadPoolBuilder;
use rayon::{Scope, ThreadPool};

use crate::lock::locked;

/// A call that reads and writes fewer bytes than this uses the calling thread alone.
///
/// With more, it shares the work with other threads in a rayon pool, or shortly after another such call, when they are
/// likely to be awake. From 4 MiB on, it also wakes them: one for each 2 MiB.
pub const PARALLEL_MIN_BYTES: usize = 2 * AWAKE_BYTES;

/// How many bytes are worth a thread that is awake. In the caller's own pool, a thread may also be asleep: the caller
/// does the work of one that comes too late.
const AWAKE_BYTES: usize = 512 << 10;

/// How many are worth one that has to be woken, which takes up to 100 us, and for which the caller waits.
#[cfg(not(target_arch = "wasm32"))]
const ASLEEP_BYTES: usize = 2 << 20;

/// How long rayon's threads look for work before they sleep, at least.
#[cfg(not(target_arch = "wasm32"))]
const AWAKE: Duration = Duration::from_micros(10);

/// How often the calling thread looks whether the others are done before it sleeps, since waking it takes as long. In
/// between it lets them run on its own core, if they have no other.
const LOOKS: usize = 1 << 6;

thread_local! {
    static IS_SERIAL: Cell<bool> = const { Cell::new(false) };
}

/// Does `work`, in which calls use the calling thread alone, and start no others. What `work` passes to other threads
/// is not affected.
///
/// To have calls use the threads of a rayon pool, do them there: `pool.install(work)`.
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
/// Within [`serial`], it is 1. In a rayon pool, these are its threads. Elsewhere, there is one for each core, or fewer
/// if `RAYON_NUM_THREADS` says so: the calling thread, and threads of the crate's own, which the first large call or
/// this one starts. They help one call at a time.
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

/// The threads of a call.
struct Team {
    /// The caller among them.
    threads: usize,
    /// None in a pool of the caller's.
    helpers: Option<&'static ThreadPool>,
    /// When the last call ended that might have used the helpers. They help one call at a time, which holds the lock:
    /// another one would have to wait for its end.
    #[cfg(not(target_arch = "wasm32"))]
    last_end: Option<MutexGuard<'static, Option<Instant>>>,
}

impl Team {
    /// The threads for a call of so many bytes, if there may be several.
    #[cfg(not(target_arch = "wasm32"))]
    fn of(bytes: usize) -> Option<Self> {
        static LAST_END: Mutex<Option<Instant>> = Mutex::new(None);
        if bytes < PARALLEL_MIN_BYTES || IS_SERIAL.get() {
            return None;
        }
        if is_in_pool() {
            return Some(Self { threads: threads().min(bytes / AWAKE_BYTES), helpers: None, last_end: None });
        }
        let last_end = match LAST_END.try_lock() {
            Ok(last_end) => last_end,
            Err(TryLockError::Poisoned(last_end)) => last_end.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let wanted = worth_while(bytes, last_end.map(|end| end.elapsed()));
        let threads = if wanted > 1 { threads().min(wanted) } else { 1 };
        Some(Self { threads, helpers: if threads > 1 { helpers() } else { None }, last_end: Some(last_end) })
    }

    #[cfg(target_arch = "wasm32")]
    fn of(bytes: usize) -> Option<Self> {
        let threads = threads().min(bytes / AWAKE_BYTES);
        (is_in_pool() && threads > 1).then_some(Self { threads, helpers: None })
    }

    /// Spawns among the threads, and waits for their end.
    fn scope<'scope, R>(&self, op: impl FnOnce(&Scope<'scope>) -> R) -> R {
        match self.helpers {
            Some(helpers) => helpers.in_place_scope(op),
            None => rayon::in_place_scope(op),
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl Drop for Team {
    fn drop(&mut self) {
        if let Some(last_end) = &mut self.last_end {
            **last_end = Some(Instant::now());
        }
    }
}

/// How many threads are worth while, so long after the last call.
#[cfg(not(target_arch = "wasm32"))]
fn worth_while(bytes: usize, since_last: Option<Duration>) -> usize {
    bytes / if since_last.is_some_and(|time| time < AWAKE) { AWAKE_BYTES } else { ASLEEP_BYTES }
}

/// Does `work` for each of some items and merges the results, in any order. The items stand for so many `bytes` in all,
/// which decides how many threads take part.
pub(crate) fn fold<T: Send, R: Default + Send>(
    bytes: usize,
    items: impl Iterator<Item = T>,
    work: impl Fn(T) -> R + Sync,
    merge: impl Fn(R, R) -> R + Sync,
) -> R {
    match Team::of(bytes) {
        Some(team) if team.threads > 1 => parallel_fold(&team, items, work, merge),
        // While it is alone, nobody else has the helpers.
        _team => items.map(work).fold(R::default(), merge),
    }
}

/// [`fold`] on the calling thread and others.
///
/// Each thread has its own part of the items, so that what a call before has left in its cache is its own. When it is
/// done it helps with the parts of the others.
fn parallel_fold<T: Send, R: Default + Send>(
    team: &Team,
    items: impl Iterator<Item = T>,
    work: impl Fn(T) -> R + Sync,
    merge: impl Fn(R, R) -> R + Sync,
) -> R {
    // Each item is claimed by a counter, so that nobody waits for a lock.
    let mut rest: Vec<_> = items.map(|item| Mutex::new(Some(item))).collect();
    let threads = team.threads.min(rest.len());
    let part = rest.len().div_ceil(threads.max(1));
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
    let own = team.scope(|scope| {
        for (i, result) in others.iter().enumerate() {
            let (run, busy) = (&run, &busy);
            scope.spawn(move |_| {
                *locked(result) = run(i + 1);
                busy.fetch_sub(1, Ordering::Relaxed);
            });
        }
        let own = run(0);
        let mut looks = 0;
        // In a pool, the scope itself looks for work while it waits.
        while team.helpers.is_some() && looks < LOOKS && busy.load(Ordering::Relaxed) > 0 {
            std::thread::yield_now();
            looks += 1;
        }
        own
    });
    others.into_iter().map(|result| result.into_inner().unwrap_or_else(PoisonError::into_inner)).fold(own, merge)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::thread::{self, ThreadId};

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
        // Other tests may have the helpers.
        assert!((0..50).any(|_| seen().len() == default_threads().min(64)));
        let pool = ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        assert_eq!((pool.install(seen).len(), pool.install(threads), pool.install(|| serial(seen)).len()), (3, 3, 1));
    }

    #[test]
    fn a_call_does_not_wait_for_the_helpers_of_another() {
        let team = loop {
            if let Some(team) = Team::of(1 << 30) {
                break team;
            }
            thread::yield_now();
        };
        assert_eq!(seen(), HashSet::from([thread::current().id()]));
        drop(team);
    }

    #[test]
    fn threads_that_sleep_are_worth_while_for_more() {
        let awake = Some(Duration::from_micros(2));
        let asleep = [None, Some(Duration::from_micros(20))];
        assert_eq!((worth_while(PARALLEL_MIN_BYTES, awake), worth_while(4 << 20, awake)), (2, 8));
        assert_eq!(asleep.map(|time| worth_while(PARALLEL_MIN_BYTES, time)), [0, 0]);
        assert_eq!(asleep.map(|time| worth_while(4 << 20, time)), [2, 2]);
    }
}
