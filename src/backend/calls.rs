//! The calls: on the GPU if there is one, and on the CPU path from where that has left off.

use super::Engine;
use crate::error::Error;
use crate::{Backward, Element, HardSigmoid, Saturation, cpu};

impl Engine {
    /// Writes the function of each element of `source` to the same place in `target`.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if the slices differ in length. For [`Backend::Gpu`](crate::Backend::Gpu) also as [`Gpu::apply`](crate::Gpu::apply); under
    /// [`Backend::Auto`](crate::Backend::Auto) the CPU path finishes what a failing GPU leaves.
    pub async fn apply<T: Element>(&mut self, f: HardSigmoid, source: &[T], target: &mut [T]) -> Result<(), Error> {
        let call = match self.gpu_for::<T>() {
            Some(gpu) => Some(gpu.apply(f, source, target).await),
            None => None,
        };
        match self.settle(call)? {
            Ok(()) => Ok(()),
            Err(finished) => rest::apply(f, source, target, finished),
        }
    }

    /// [`apply`](Self::apply), blocking.
    ///
    /// # Errors
    ///
    /// As `apply`.
    pub fn apply_blocking<T: Element>(&mut self, f: HardSigmoid, source: &[T], target: &mut [T]) -> Result<(), Error> {
        let call = self.gpu_for::<T>().map(|gpu| gpu.apply_blocking(f, source, target));
        match self.settle(call)? {
            Ok(()) => Ok(()),
            Err(finished) => rest::apply(f, source, target, finished),
        }
    }

    /// Replaces each element of `data` by the function of it, once, also if a GPU fails on the way.
    ///
    /// # Errors
    ///
    /// As [`apply`](Self::apply).
    pub async fn apply_in_place<T: Element>(&mut self, f: HardSigmoid, data: &mut [T]) -> Result<(), Error> {
        let call = match self.gpu_for::<T>() {
            Some(gpu) => Some(gpu.apply_in_place(f, data).await),
            None => None,
        };
        if let Err(finished) = self.settle(call)? {
            rest::apply_in_place(f, data, finished);
        }
        Ok(())
    }

    /// [`apply_in_place`](Self::apply_in_place), blocking.
    ///
    /// # Errors
    ///
    /// As `apply_in_place`.
    pub fn apply_in_place_blocking<T: Element>(&mut self, f: HardSigmoid, data: &mut [T]) -> Result<(), Error> {
        let call = self.gpu_for::<T>().map(|gpu| gpu.apply_in_place_blocking(f, data));
        if let Err(finished) = self.settle(call)? {
            rest::apply_in_place(f, data, finished);
        }
        Ok(())
    }

    /// [`apply`](Self::apply), and how many of the results are 0, 1, between, and NaN, counted along the way.
    ///
    /// # Errors
    ///
    /// As `apply`.
    pub async fn apply_with_saturation<T: Element>(
        &mut self,
        f: HardSigmoid,
        source: &[T],
        target: &mut [T],
    ) -> Result<Saturation, Error> {
        let call = match self.gpu_for::<T>() {
            Some(gpu) => Some(gpu.apply_with_saturation(f, source, target).await),
            None => None,
        };
        match self.settle(call)? {
            Ok(counts) => Ok(counts),
            // The counts of what a GPU finished are lost with it.
            Err(_) => Ok(cpu::apply_with_saturation(f, source, target)?),
        }
    }

    /// [`apply_with_saturation`](Self::apply_with_saturation), blocking.
    ///
    /// # Errors
    ///
    /// As `apply_with_saturation`.
    pub fn apply_with_saturation_blocking<T: Element>(
        &mut self,
        f: HardSigmoid,
        source: &[T],
        target: &mut [T],
    ) -> Result<Saturation, Error> {
        let call = self.gpu_for::<T>().map(|gpu| gpu.apply_with_saturation_blocking(f, source, target));
        match self.settle(call)? {
            Ok(counts) => Ok(counts),
            // The counts of what a GPU finished are lost with it.
            Err(_) => Ok(cpu::apply_with_saturation(f, source, target)?),
        }
    }

    /// How many of the results for `source` are 0, 1, between, and NaN.
    ///
    /// # Errors
    ///
    /// As [`apply`](Self::apply).
    pub async fn saturation<T: Element>(&mut self, f: HardSigmoid, source: &[T]) -> Result<Saturation, Error> {
        let call = match self.gpu_for::<T>() {
            Some(gpu) => Some(gpu.saturation(f, source).await),
            None => None,
        };
        Ok(self.settle(call)?.unwrap_or_else(|_| cpu::saturation(f, source)))
    }

    /// [`saturation`](Self::saturation), blocking.
    ///
    /// # Errors
    ///
    /// As `saturation`.
    pub fn saturation_blocking<T: Element>(&mut self, f: HardSigmoid, source: &[T]) -> Result<Saturation, Error> {
        let call = self.gpu_for::<T>().map(|gpu| gpu.saturation_blocking(f, source));
        Ok(self.settle(call)?.unwrap_or_else(|_| cpu::saturation(f, source)))
    }

    /// Writes the gradient with respect to x of each element, from what was `saved` of it (x or y, as `backward` says) and
    /// its gradient with respect to y, to the same place in `grad_x`.
    ///
    /// # Errors
    ///
    /// As [`apply`](Self::apply).
    pub async fn backward<T: Element>(
        &mut self,
        backward: Backward,
        saved: &[T],
        grad_y: &[T],
        grad_x: &mut [T],
    ) -> Result<(), Error> {
        let call = match self.gpu_for::<T>() {
            Some(gpu) => Some(gpu.backward(backward, saved, grad_y, grad_x).await),
            None => None,
        };
        match self.settle(call)? {
            Ok(()) => Ok(()),
            Err(finished) => rest::backward(backward, saved, grad_y, grad_x, finished),
        }
    }

    /// [`backward`](Self::backward), blocking.
    ///
    /// # Errors
    ///
    /// As `backward`.
    pub fn backward_blocking<T: Element>(
        &mut self,
        backward: Backward,
        saved: &[T],
        grad_y: &[T],
        grad_x: &mut [T],
    ) -> Result<(), Error> {
        let call = self.gpu_for::<T>().map(|gpu| gpu.backward_blocking(backward, saved, grad_y, grad_x));
        match self.settle(call)? {
            Ok(()) => Ok(()),
            Err(finished) => rest::backward(backward, saved, grad_y, grad_x, finished),
        }
    }

    /// [`backward`](Self::backward), in place: replaces the gradient with respect to y in `grad` by that with respect to x,
    /// once, also if a GPU fails on the way.
    ///
    /// # Errors
    ///
    /// As [`apply`](Self::apply).
    pub async fn backward_in_place<T: Element>(
        &mut self,
        backward: Backward,
        saved: &[T],
        grad: &mut [T],
    ) -> Result<(), Error> {
        let call = match self.gpu_for::<T>() {
            Some(gpu) => Some(gpu.backward_in_place(backward, saved, grad).await),
            None => None,
        };
        match self.settle(call)? {
            Ok(()) => Ok(()),
            Err(finished) => rest::backward_in_place(backward, saved, grad, finished),
        }
    }

    /// [`backward_in_place`](Self::backward_in_place), blocking.
    ///
    /// # Errors
    ///
    /// As `backward_in_place`.
    pub fn backward_in_place_blocking<T: Element>(
        &mut self,
        backward: Backward,
        saved: &[T],
        grad: &mut [T],
    ) -> Result<(), Error> {
        let call = self.gpu_for::<T>().map(|gpu| gpu.backward_in_place_blocking(backward, saved, grad));
        match self.settle(call)? {
            Ok(()) => Ok(()),
            Err(finished) => rest::backward_in_place(backward, saved, grad, finished),
        }
    }
}

/// What the CPU path does from an element on.
mod rest {
    use super::*;
    use crate::Side;
    use crate::cpu::same_length;

    pub(super) fn apply<T: Element>(f: HardSigmoid, source: &[T], target: &mut [T], from: usize) -> Result<(), Error> {
        // First, so that an error has the lengths that were given.
        same_length(Side::Source, source, target)?;
        Ok(cpu::apply(f, behind(source, from), behind_mut(target, from))?)
    }

    pub(super) fn apply_in_place<T: Element>(f: HardSigmoid, data: &mut [T], from: usize) {
        cpu::apply_in_place(f, behind_mut(data, from));
    }

    pub(super) fn backward<T: Element>(
        backward: Backward,
        saved: &[T],
        grad_y: &[T],
        grad_x: &mut [T],
        from: usize,
    ) -> Result<(), Error> {
        same_length(Side::Source, saved, grad_x)?;
        same_length(Side::Gradient, grad_y, grad_x)?;
        Ok(cpu::backward(backward, behind(saved, from), behind(grad_y, from), behind_mut(grad_x, from))?)
    }

    pub(super) fn backward_in_place<T: Element>(
        backward: Backward,
        saved: &[T],
        grad: &mut [T],
        from: usize,
    ) -> Result<(), Error> {
        same_length(Side::Source, saved, grad)?;
        Ok(cpu::backward_in_place(backward, behind(saved, from), behind_mut(grad, from))?)
    }

    fn behind<T>(data: &[T], from: usize) -> &[T] {
        data.get(from..).unwrap_or_default()
    }

    fn behind_mut<T>(data: &mut [T], from: usize) -> &mut [T] {
        data.get_mut(from..).unwrap_or_default()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        /// 0 would become 0.5 there.
        #[test]
        fn what_is_finished_is_not_touched_again() {
            let f = HardSigmoid::ONNX;
            let mut data = [0.0, 0.0, 0.0, 9.0];
            apply_in_place(f, &mut data, 2);
            assert_eq!(data, [0.0, 0.0, 0.5, 1.0]);
            let mut target = [7.0; 4];
            apply(f, &[0.0; 4], &mut target, 2).unwrap();
            assert_eq!(target, [7.0, 7.0, 0.5, 0.5]);
            backward(f.backward(), &[0.0; 4], &[10.0; 4], &mut target, 3).unwrap();
            assert_eq!(target, [7.0, 7.0, 0.5, 2.0]);
            backward_in_place(f.backward(), &[9.0; 4], &mut target, 1).unwrap();
            assert_eq!(target, [7.0, 0.0, 0.0, 0.0]);
            let error = apply(f, &[0.0; 3], &mut target, 2).unwrap_err();
            assert!(matches!(error, Error::Length(l) if (l.source_len, l.target_len) == (3, 4)), "{error}");
        }
    }
}
