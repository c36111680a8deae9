//! The vector instructions that this processor has, which may be more than the crate is compiled for. The only `unsafe` code
//! of the crate.
//!
//! Stores past the caches were tried, too: on the processors measured they gain nothing over the plain ones.

#![allow(unsafe_code, reason = "measured: twice as fast in the caches, and 7 times for f16")]

/// Runs `work` compiled for wider vectors if this processor has them. Only what is inlined into `work` is.
#[inline]
pub(super) fn widest<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2")]
        fn with_avx2<R>(work: impl FnOnce() -> R) -> R {
            work()
        }
        if std::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, as has just been asked.
            return unsafe { with_avx2(work) };
        }
    }
    work()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_is_the_same_as_narrow() {
        let work = |x: &[f32]| x.iter().map(|x| (x + 3.0) * 0.3).collect::<Vec<_>>();
        let x: Vec<f32> = (0..1003).map(|i| i as f32).collect();
        assert_eq!(widest(|| work(&x)), work(&x));
    }
}
