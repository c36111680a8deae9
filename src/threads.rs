//! Sharing work among rayon's threads, where there are any.

use std::error::Error;
use std::sync::OnceLock;

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
            // Only a refusal by the system has a source.
            Err(error) => error.source().is_none(),
        })
}
