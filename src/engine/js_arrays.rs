//! Calls over arrays of JavaScript.

use js_sys::Uint8Array;

use super::Engine;
use crate::cpu;
use crate::gpu::error::Error;
use crate::gpu::wait::CallMode;
use crate::job::Work;
use crate::js_arrays::Arrays;
use crate::{Element, HardSigmoid};

/// What the CPU path has in the memory of WebAssembly: little enough for a cache.
const PIECE_BYTES: usize = 1 << 20;

impl Engine {
    /// [`apply`](Self::apply) from and to arrays of JavaScript, as [`Gpu::apply_arrays`](crate::Gpu::apply_arrays).
    ///
    /// The CPU path copies a piece after the other to the memory of WebAssembly and back.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] and [`Error::Array`], which is the cause of [`Error::Interrupted`] if JavaScript transfers or
    /// resizes an array during the call. Under [`Backend::Gpu`](crate::Backend::Gpu) also as `Gpu::apply_arrays`.
    pub async fn apply_arrays<T: Element>(
        &mut self,
        f: HardSigmoid,
        source: &Uint8Array,
        target: &Uint8Array,
    ) -> Result<(), Error> {
        let mut arrays = Arrays::<T>::new(f, source, target)?;
        let mut start = 0;
        if let Some(gpu) = self.gpu_for::<T>() {
            match gpu.run_arrays(&mut arrays).await {
                Ok(()) => return Ok(()),
                Err(Error::Interrupted { cause, finished }) if matches!(*cause, Error::Array(_)) => {
                    return Err(Error::Interrupted { cause, finished });
                }
                Err(error) => start = self.take_over(Work::Apply(f), error)?,
            }
        }
        let mut elements = vec![T::zeroed(); arrays.len().min(PIECE_BYTES / size_of::<T>())];
        while start < arrays.len() {
            let end = arrays.len().min(start + elements.len());
            let interrupted = |cause| Error::Interrupted { finished: start, cause: Box::new(Error::Array(cause)) };
            let (source, target) = (arrays.source(start..end), arrays.target(start..end));
            let piece = elements.get_mut(..end - start).unwrap_or_default();
            source.map_err(interrupted)?.copy_to(bytemuck::cast_slice_mut(piece));
            cpu::apply_in_place(f, piece);
            target.map_err(interrupted)?.copy_from(bytemuck::cast_slice(piece));
            start = end;
            CallMode::Async.yield_now().await;
        }
        Ok(())
    }
}
