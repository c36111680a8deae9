//! The threads of the command.

use std::sync::OnceLock;

use hard_sigmoid::cpu;

/// Limits the threads of the library, and of rayon, to as many as the user asked for. `main` calls it before there are
/// other threads.
pub(crate) fn limit(threads: Option<u16>) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if let Some(threads) = threads {
        // SAFETY: see above.
        #[allow(unsafe_code, reason = "otherwise, all that uses threads would have to be told")]
        unsafe {
            std::env::set_var("RAYON_NUM_THREADS", cores.min(threads.into()).to_string());
        }
    }
}

/// Whether rayon's pool has several threads. Starts it, since rayon would start more than there are cores if the
/// environment says so, and panics if the system refuses them.
pub(crate) fn are_several() -> bool {
    static STARTED: OnceLock<bool> = OnceLock::new();
    let threads = cpu::threads();
    let start = || rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().is_ok();
    threads > 1 && *STARTED.get_or_init(start)
}
