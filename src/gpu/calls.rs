//! The calls over host slices.

use super::Gpu;
use super::transfer::{Host, Job, Work};
use super::wait::Waiting;
use crate::cpu::same_length;
use crate::error::Error;
use crate::{Backward, Element, HardSigmoid, LengthMismatch, Saturation, Side};

impl<'a, T: Element> Job<'a, T> {
    fn apply(f: HardSigmoid, source: &'a [T], target: &'a mut [T]) -> Result<Self, LengthMismatch> {
        Self::across(Work::Apply(f), source, target)
    }

    fn apply_in_place(f: HardSigmoid, data: &'a mut [T]) -> Self {
        Self { work: Work::Apply(f), host: Host::InPlace(data), saved: &[] }
    }

    fn apply_with_saturation(f: HardSigmoid, source: &'a [T], target: &'a mut [T]) -> Result<Self, LengthMismatch> {
        Self::across(Work::ApplyAndCount(f), source, target)
    }

    fn saturation(f: HardSigmoid, source: &'a [T]) -> Self {
        Self { work: Work::Count(f), host: Host::Source(source), saved: &[] }
    }

    fn backward(
        backward: Backward,
        saved: &'a [T],
        grad_y: &'a [T],
        grad_x: &'a mut [T],
    ) -> Result<Self, LengthMismatch> {
        same_length(Side::Source, saved, grad_x)?;
        same_length(Side::Gradient, grad_y, grad_x)?;
        Ok(Self { work: Work::Backward(backward), host: Host::Across(grad_y, grad_x), saved })
    }

    fn backward_in_place(backward: Backward, saved: &'a [T], grad: &'a mut [T]) -> Result<Self, LengthMismatch> {
        same_length(Side::Source, saved, grad)?;
        Ok(Self { work: Work::Backward(backward), host: Host::InPlace(grad), saved })
    }

    fn across(work: Work, source: &'a [T], target: &'a mut [T]) -> Result<Self, LengthMismatch> {
        same_length(Side::Source, source, target)?;
        Ok(Self { work, host: Host::Across(source, target), saved: &[] })
    }
}

impl Gpu {
    /// Writes the function of each element of `source` to the same place in `target`.
    ///
    /// See [`Gpu`] for who polls.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if the slices differ in length, and [`Error::Bind`] for f64, with nothing written.
    /// [`Error::Interrupted`] if the device fails: it says how many elements of `target` are finished.
    pub async fn apply<T: Element>(&self, f: HardSigmoid, source: &[T], target: &mut [T]) -> Result<(), Error> {
        self.run(Job::apply(f, source, target)?, self.background()).await.map(|_| ())
    }

    /// [`apply`](Self::apply), polling on the calling thread until it is done.
    ///
    /// # Errors
    ///
    /// As `apply`.
    pub fn apply_blocking<T: Element>(&self, f: HardSigmoid, source: &[T], target: &mut [T]) -> Result<(), Error> {
        self.run_here(Job::apply(f, source, target)?).map(|_| ())
    }

    /// Replaces each element of `data` by the function of it. Otherwise as [`apply`](Self::apply).
    ///
    /// # Errors
    ///
    /// [`Error::Bind`] for f64. [`Error::Interrupted`] if the device fails: the elements that it does not count as
    /// finished still have their old values.
    pub async fn apply_in_place<T: Element>(&self, f: HardSigmoid, data: &mut [T]) -> Result<(), Error> {
        self.run(Job::apply_in_place(f, data), self.background()).await.map(|_| ())
    }

    /// [`apply_in_place`](Self::apply_in_place), polling on the calling thread until it is done.
    ///
    /// # Errors
    ///
    /// As `apply_in_place`.
    pub fn apply_in_place_blocking<T: Element>(&self, f: HardSigmoid, data: &mut [T]) -> Result<(), Error> {
        self.run_here(Job::apply_in_place(f, data)).map(|_| ())
    }

    /// [`apply`](Self::apply), and how many of the results are 0, 1, between, and NaN, counted on the GPU along the way.
    ///
    /// # Errors
    ///
    /// As `apply`. If the device fails there are no counts.
    pub async fn apply_with_saturation<T: Element>(
        &self,
        f: HardSigmoid,
        source: &[T],
        target: &mut [T],
    ) -> Result<Saturation, Error> {
        self.run(Job::apply_with_saturation(f, source, target)?, self.background()).await
    }

    /// [`apply_with_saturation`](Self::apply_with_saturation), polling on the calling thread until it is done.
    ///
    /// # Errors
    ///
    /// As `apply_with_saturation`.
    pub fn apply_with_saturation_blocking<T: Element>(
        &self,
        f: HardSigmoid,
        source: &[T],
        target: &mut [T],
    ) -> Result<Saturation, Error> {
        self.run_here(Job::apply_with_saturation(f, source, target)?)
    }

    /// How many of the results for `source` are 0, 1, between, and NaN. Only the counters are read back.
    ///
    /// # Errors
    ///
    /// [`Error::Bind`] for f64. [`Error::Interrupted`] if the device fails.
    pub async fn saturation<T: Element>(&self, f: HardSigmoid, source: &[T]) -> Result<Saturation, Error> {
        self.run(Job::saturation(f, source), self.background()).await
    }

    /// [`saturation`](Self::saturation), polling on the calling thread until it is done.
    ///
    /// # Errors
    ///
    /// As `saturation`.
    pub fn saturation_blocking<T: Element>(&self, f: HardSigmoid, source: &[T]) -> Result<Saturation, Error> {
        self.run_here(Job::saturation(f, source))
    }

    /// Writes the gradient with respect to x of each element, from what was `saved` of it (x or y, as `backward` says) and
    /// its gradient with respect to y, to the same place in `grad_x`.
    ///
    /// # Errors
    ///
    /// As [`apply`](Self::apply).
    pub async fn backward<T: Element>(
        &self,
        backward: Backward,
        saved: &[T],
        grad_y: &[T],
        grad_x: &mut [T],
    ) -> Result<(), Error> {
        self.run(Job::backward(backward, saved, grad_y, grad_x)?, self.background()).await.map(|_| ())
    }

    /// [`backward`](Self::backward), polling on the calling thread until it is done.
    ///
    /// # Errors
    ///
    /// As `backward`.
    pub fn backward_blocking<T: Element>(
        &self,
        backward: Backward,
        saved: &[T],
        grad_y: &[T],
        grad_x: &mut [T],
    ) -> Result<(), Error> {
        self.run_here(Job::backward(backward, saved, grad_y, grad_x)?).map(|_| ())
    }

    /// [`backward`](Self::backward), in place: replaces the gradient with respect to y in `grad` by that with respect to x.
    ///
    /// # Errors
    ///
    /// As [`apply`](Self::apply); elements that [`Error::Interrupted`] does not count as finished still have their old
    /// values.
    pub async fn backward_in_place<T: Element>(
        &self,
        backward: Backward,
        saved: &[T],
        grad: &mut [T],
    ) -> Result<(), Error> {
        self.run(Job::backward_in_place(backward, saved, grad)?, self.background()).await.map(|_| ())
    }

    /// [`backward_in_place`](Self::backward_in_place), polling on the calling thread until it is done.
    ///
    /// # Errors
    ///
    /// As `backward_in_place`.
    pub fn backward_in_place_blocking<T: Element>(
        &self,
        backward: Backward,
        saved: &[T],
        grad: &mut [T],
    ) -> Result<(), Error> {
        self.run_here(Job::backward_in_place(backward, saved, grad)?).map(|_| ())
    }

    fn run_here<T: Element>(&self, job: Job<'_, T>) -> Result<Saturation, Error> {
        pollster::block_on(self.run(job, Waiting::Here(&self.0.device)))
    }
}
