//! From what size on results are written past the caches.

use std::sync::atomic::{AtomicUsize, Ordering};

/// What reads and writes less is written to the caches in any case. Asking for their size takes long in a virtual
/// machine.
const LEAST: usize = 16 << 20;

/// Whether a call that reads and writes so many bytes should write past the caches.
pub(super) fn overflows(bytes: usize) -> bool {
    // 0 is unknown. Two threads may both ask.
    static LIMIT: AtomicUsize = AtomicUsize::new(0);
    if bytes < LEAST {
        return false;
    }
    let mut limit = LIMIT.load(Ordering::Relaxed);
    if limit == 0 {
        limit = limit_for(last_level_bytes());
        LIMIT.store(limit, Ordering::Relaxed);
    }
    bytes >= limit
}

/// What fits is written to the caches, where it is faster, and where whoever reads it next finds it. A quarter is left
/// for others that use the cache.
fn limit_for(last_level_bytes: Option<usize>) -> usize {
    last_level_bytes.map_or(LEAST, |size| size / 4 * 3).max(LEAST)
}

#[cfg(target_arch = "x86_64")]
fn last_level_bytes() -> Option<usize> {
    let caches = raw_cpuid::CpuId::new().get_cache_parameters()?;
    caches.map(|it| it.sets() * it.associativity() * it.physical_line_partitions() * it.coherency_line_size()).max()
}

/// There are no streaming stores.
#[cfg(not(target_arch = "x86_64"))]
fn last_level_bytes() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_quarters_of_the_cache() {
        assert_eq!([None, Some(0), Some(32 << 20)].map(limit_for), [16 << 20, 16 << 20, 24 << 20]);
        assert!(!overflows(LEAST - 1) && overflows(usize::MAX));
        #[cfg(target_arch = "x86_64")]
        assert!(last_level_bytes().is_none_or(|size| (1 << 16..1 << 32).contains(&size)));
    }
}
