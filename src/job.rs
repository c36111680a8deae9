//! What a call over host slices computes, and from where to where. The CPU path, the GPU path and the engine all run
//! jobs.

use std::ops::Range;

use crate::error::{BufferRole, LengthMismatch};
use crate::{Backward, HardSigmoid};

/// A call over host slices, to be [run](crate::cpu::run) as a whole or [in parts](Self::chunks).
///
/// The calls of [`Engine`](crate::Engine) and [`Gpu`](crate::Gpu) make a job and run it. Make one yourself to do
/// something between its parts: to show progress, or to stop early.
///
/// ```
/// # #[cfg(feature = "wgpu")] {
/// use hard_sigmoid::{Backend, Engine, HardSigmoid, Job};
///
/// let (x, mut y) = (vec![1.25_f32; 10_000_000], vec![0.0; 10_000_000]);
/// let mut engine = Engine::open_blocking(Backend::Cpu, x.len() as u64)?;
/// let mut done = 0;
/// for part in Job::apply(HardSigmoid::ONNX, &x, &mut y)?.chunks(1 << 22) {
///     done += part.len();
///     engine.run_blocking(part)?;
///     println!("{done} elements are done");
/// }
/// assert!(y.iter().all(|&y| y == 0.75));
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a job does nothing until it is run"]
pub struct Job<'a, T> {
    pub(crate) work: Work,
    /// For the backward pass: x or y. Empty otherwise.
    pub(crate) saved: &'a [T],
    /// x, or the gradient with respect to y. None for in place, where it is in the target.
    pub(crate) input: Option<&'a [T]>,
    /// Empty if the results are only counted.
    pub(crate) target: &'a mut [T],
    /// How many bytes the call reads and writes that this is all or a part of.
    pub(crate) call_bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Work {
    Apply(HardSigmoid),
    Count(HardSigmoid),
    ApplyAndCount(HardSigmoid),
    Backward(Backward),
}

impl Work {
    /// Whether a second input was saved by the forward pass.
    pub(crate) const fn has_saved(self) -> bool {
        matches!(self, Self::Backward(_))
    }

    /// Whether results are written to the target.
    #[cfg(feature = "wgpu")]
    pub(crate) const fn writes(self) -> bool {
        !matches!(self, Self::Count(_))
    }

    /// Whether results are counted.
    #[cfg(feature = "wgpu")]
    pub(crate) const fn counts(self) -> bool {
        matches!(self, Self::Count(_) | Self::ApplyAndCount(_))
    }
}

impl<'a, T> Job<'a, T> {
    fn new(work: Work, saved: &'a [T], input: Option<&'a [T]>, target: &'a mut [T]) -> Self {
        let mut job = Self { work, saved, input, target, call_bytes: 0 };
        job.call_bytes = job.bytes();
        job
    }

    /// Writes the function of each element of `source` to the same place in `target`.
    ///
    /// # Errors
    ///
    /// Of this and of the others that have two slices: [`LengthMismatch`] if the slices differ in length.
    pub fn apply(f: HardSigmoid, source: &'a [T], target: &'a mut [T]) -> Result<Self, LengthMismatch> {
        same_length(BufferRole::Source, source, target)?;
        Ok(Self::new(Work::Apply(f), &[], Some(source), target))
    }

    /// Replaces each element of `data` by the function of it.
    pub fn apply_in_place(f: HardSigmoid, data: &'a mut [T]) -> Self {
        Self::new(Work::Apply(f), &[], None, data)
    }

    /// [`apply`](Self::apply), which also counts the results.
    ///
    /// # Errors
    ///
    /// As `apply`.
    pub fn apply_with_saturation(f: HardSigmoid, source: &'a [T], target: &'a mut [T]) -> Result<Self, LengthMismatch> {
        Ok(Self { work: Work::ApplyAndCount(f), ..Self::apply(f, source, target)? })
    }

    /// Counts the results for `source`, without writing them.
    pub fn saturation(f: HardSigmoid, source: &'a [T]) -> Self {
        Self::new(Work::Count(f), &[], Some(source), &mut [])
    }

    /// Writes the gradient with respect to x to `grad_x`, from the one with respect to y and from `saved`, which holds
    /// x or y, as `backward` says.
    ///
    /// # Errors
    ///
    /// As `apply`. They call `saved` the source, `grad_y` the gradient, and `grad_x` the target.
    pub fn backward(
        backward: Backward,
        saved: &'a [T],
        grad_y: &'a [T],
        grad_x: &'a mut [T],
    ) -> Result<Self, LengthMismatch> {
        same_length(BufferRole::Source, saved, grad_x)?;
        same_length(BufferRole::Gradient, grad_y, grad_x)?;
        Ok(Self::new(Work::Backward(backward), saved, Some(grad_y), grad_x))
    }

    /// [`backward`](Self::backward), in place: the gradient with respect to x replaces the one with respect to y.
    ///
    /// # Errors
    ///
    /// As `backward`.
    pub fn backward_in_place(backward: Backward, saved: &'a [T], grad: &'a mut [T]) -> Result<Self, LengthMismatch> {
        same_length(BufferRole::Source, saved, grad)?;
        Ok(Self::new(Work::Backward(backward), saved, None, grad))
    }

    /// The number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.input.map_or(self.target.len(), <[T]>::len)
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes it reads and writes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        let input = if let Some(input) = self.input { size_of_val(input) } else { size_of_val(self.target) };
        input.saturating_add(size_of_val(self.target)).saturating_add(size_of_val(self.saved))
    }

    /// The part of the job that concerns these elements. What lies beyond the end is left out.
    pub(crate) fn part(&mut self, elements: Range<usize>) -> Job<'_, T> {
        let of = |slice: &'a [T]| slice.get(elements.start..elements.end.min(slice.len())).unwrap_or_default();
        let end = elements.end.min(self.target.len());
        Job {
            work: self.work,
            saved: of(self.saved),
            input: self.input.map(of),
            target: self.target.get_mut(elements.start..end).unwrap_or_default(),
            call_bytes: self.call_bytes,
        }
    }

    /// Cuts the job into parts of up to `len` elements, in order. There are none if `len` is 0.
    ///
    /// What holds for a call holds for a part: the CPU path may share parts of
    /// [`PARALLEL_MIN_BYTES`](crate::cpu::PARALLEL_MIN_BYTES) among threads, and errors count the elements of the part.
    /// But the size of the whole decides whether the CPU path writes past the caches.
    pub fn chunks(mut self, len: usize) -> impl Iterator<Item = Self> {
        std::iter::from_fn(move || {
            let len = len.min(self.len());
            let first = |slice: &mut &'a [T]| slice.split_off(..len.min(slice.len())).unwrap_or_default();
            (len > 0).then(|| Self {
                work: self.work,
                saved: first(&mut self.saved),
                input: self.input.as_mut().map(first),
                target: self.target.split_off_mut(..len.min(self.target.len())).unwrap_or_default(),
                call_bytes: self.call_bytes,
            })
        })
    }
}

fn same_length<T>(role: BufferRole, source: &[T], target: &[T]) -> Result<(), LengthMismatch> {
    let (source_len, target_len) = (source.len(), target.len());
    if source_len == target_len { Ok(()) } else { Err(LengthMismatch { role, source_len, target_len }) }
}
