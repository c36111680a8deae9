//! From what size on results are written past the caches.

use std::sync::OnceLock;

/// What fits is written to the caches, where it is faster, and where whoever reads it next finds it. This share of the
/// last-level cache allows for others that use it, too.
const SHARE: (usize, usize) = (3, 4);

/// The least size of the last-level cache that is expected. A smaller call need not ask, which takes long in a virtual
/// machine.
const LEAST: usize = 16 << 20;

/// Whether a call that reads and writes so many bytes should write past the caches.
pub(super) fn overflows(bytes: usize) -> bool {
    static LIMIT: OnceLock<usize> = OnceLock::new();
    bytes >= LEAST && bytes >= *LIMIT.get_or_init(|| last_level_bytes().map_or(LEAST, |size| size / SHARE.1 * SHARE.0))
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
