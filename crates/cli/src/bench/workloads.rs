//! The workloads of `hard-sigmoid bench`. The results of the function are checked before it is timed.

use std::time::{Duration, Instant};

use hard_sigmoid::{Binding, Element, Gpu, HardSigmoid, Saturation, cpu, wgpu};
use rayon::prelude::*;

use crate::threads;

/// The names of cases that others are compared with.
pub(crate) const CPU: &str = "cpu";
pub(crate) const MEMCPY: &str = "memcpy";
pub(crate) const ROUND_TRIP: &str = "round_trip";
pub(crate) const COPY: &str = "copy";
pub(crate) const EMPTY_DISPATCH: &str = "empty_dispatch";

/// The function that is measured.
pub(crate) const F: HardSigmoid = HardSigmoid::PYTORCH;

/// The most dispatches or copies in one submission.
const PER_SUBMIT: u64 = 16;

/// The largest data for the naive round trip, which needs buffers of that size. Some drivers fail to create larger
/// buffers that their limits allow.
const MAX_NAIVE_BYTES: u64 = 256 << 20;

/// A workload.
pub(crate) struct Case<'a> {
    pub(crate) name: &'static str,
    pub(crate) element: &'static str,
    pub(crate) elements: u64,
    /// The bytes that a run reads and writes, not counting intermediate copies.
    pub(crate) bytes: u64,
    /// The copy whose speed this one cannot exceed.
    pub(crate) copy: Option<&'static str>,
    /// Runs the workload the given number of times and returns the total time.
    pub(crate) run: Box<dyn FnMut(u64) -> Result<Duration, String> + 'a>,
}

impl Case<'_> {
    /// The same, compared with a copy.
    fn below(self, copy: &'static str) -> Self {
        Self { copy: Some(copy), ..self }
    }
}

/// Returns test data between -4 and 4, of which most is not saturated.
pub(crate) fn numbers<T: Element>(len: usize) -> Vec<T> {
    let number = |i: u32| f64::from(i.wrapping_mul(0x9e37_79b1)) / f64::from(u32::MAX) * 8.0 - 4.0;
    (0..len as u32).map(|i| T::from_f64(number(i))).collect()
}

/// A case that reads and writes so many `arrays` of `elements` elements.
fn case<'a, T: Element>(
    name: &'static str,
    arrays: u64,
    elements: usize,
    run: impl FnMut(u64) -> Result<Duration, String> + 'a,
) -> Case<'a> {
    let bytes = arrays.saturating_mul(elements as u64).saturating_mul(size_of::<T>() as u64);
    Case { name, element: T::NAME, elements: elements as u64, bytes, copy: None, run: Box::new(run) }
}

fn check<T: Element>(what: &str, got: &[T], x: &[T]) -> Result<(), String> {
    match hard_sigmoid::validate::first_mismatch(F, x, got) {
        None if got.len() == x.len() => Ok(()),
        None => Err(format!("{what} gave {} results for {} inputs", got.len(), x.len())),
        Some(difference) => Err(format!("{what}: {difference}")),
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// A case whose runs follow each other.
fn repeated<'a, T: Element, E: std::fmt::Display>(
    name: &'static str,
    arrays: u64,
    elements: usize,
    mut run: impl FnMut() -> Result<(), E> + 'a,
) -> Case<'a> {
    case::<T>(name, arrays, elements, move |runs| {
        let started = Instant::now();
        (0..runs).try_for_each(|_| run()).map_err(text)?;
        Ok(started.elapsed())
    })
}

/// The CPU path, and a parallel `memcpy`.
pub(crate) fn on_cpu<'a, T: Element>(elements: usize) -> Result<Vec<Case<'a>>, String> {
    let x = numbers::<T>(elements);
    let mut y = x.clone();
    cpu::apply(F, &x, &mut y).map_err(text)?;
    check("the CPU path", &y, &x)?;
    let (from, mut to) = (x.clone(), x.clone());
    let (saved, grad_y, mut grad_x, source) = (x.clone(), x.clone(), x.clone(), x.clone());
    let copy = move || {
        memcpy(&from, &mut to);
        Ok::<_, String>(())
    };
    let backward = move || cpu::backward(F.backward(), &saved, &grad_y, &mut grad_x);
    let saturation = move || {
        let is_total = cpu::saturation(F, &source).total() == source.len() as u64;
        if is_total { Ok(()) } else { Err("the counts do not add up to the number of elements") }
    };
    Ok(vec![
        repeated::<T, _>(CPU, 2, elements, move || cpu::apply(F, &x, &mut y)).below(MEMCPY),
        repeated::<T, _>(MEMCPY, 2, elements, copy),
        repeated::<T, _>("cpu_backward", 3, elements, backward).below(MEMCPY),
        repeated::<T, _>("cpu_saturation", 1, elements, saturation).below(MEMCPY),
    ])
}

/// A copy of this many bytes is faster on several threads, although it has to wake them.
const SHARED_MIN_BYTES: usize = 1 << 19;

/// Copies on as many threads as the CPU path uses. One part per thread is fastest.
fn memcpy<T: Element>(from: &[T], to: &mut [T]) {
    if size_of_val(from) < SHARED_MIN_BYTES || !threads::are_several() {
        to.copy_from_slice(from);
    } else {
        let part = from.len().div_ceil(cpu::threads());
        from.par_chunks(part).zip(to.par_chunks_mut(part)).for_each(|(from, to)| to.copy_from_slice(from));
    }
}

/// Round trips from slice to slice through the GPU.
pub(crate) fn round_trips<'a, T: Element>(gpu: &'a Gpu, elements: usize) -> Result<Vec<Case<'a>>, String> {
    let x = numbers::<T>(elements);
    let mut y = x.clone();
    gpu.apply_blocking(F, &x, &mut y).map_err(text)?;
    check("the round trip", &y, &x)?;
    let source = x.clone();
    let mut cases = vec![repeated::<T, _>(ROUND_TRIP, 2, elements, move || gpu.apply_blocking(F, &x, &mut y))];
    if size_of_val(&source[..]) as u64 <= MAX_NAIVE_BYTES {
        check("the naive round trip", &naive(gpu, &source)?, &source)?;
        let naive = move || naive(gpu, &source).map(drop);
        cases.push(repeated::<T, _>("naive_round_trip", 2, elements, naive));
    }
    Ok(cases)
}

fn buffer(gpu: &Gpu, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
    let descriptor = wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
    gpu.device().create_buffer(&descriptor)
}

/// A round trip as in tutorials: it creates its buffers each time, and each step waits for the one before.
fn naive<T: Element>(gpu: &Gpu, x: &[T]) -> Result<Vec<T>, String> {
    use wgpu::BufferUsages as Usage;
    let size = size_of_val(x).next_multiple_of(4) as u64;
    let source = buffer(gpu, size, Usage::STORAGE | Usage::COPY_DST);
    let target = buffer(gpu, size, Usage::STORAGE | Usage::COPY_SRC);
    let staging = buffer(gpu, size, Usage::MAP_READ | Usage::COPY_DST);
    gpu.queue().write_buffer(&source, 0, &padded(x));
    let len = x.len() as u64;
    let binding = gpu.kernel().bind::<T>(F, (&source, 0..len), (&target, 0..len)).map_err(text)?;
    let mut encoder = gpu.device().create_command_encoder(&Default::default());
    binding.record(&mut encoder);
    encoder.copy_buffer_to_buffer(&target, 0, &staging, 0, staging.size());
    gpu.queue().submit([encoder.finish()]);
    read(gpu, &staging, x.len())
}

/// Pads to a multiple of 4 bytes, which wgpu requires of a write.
fn padded<T: Element>(x: &[T]) -> std::borrow::Cow<'_, [u8]> {
    let bytes: &[u8] = bytemuck::cast_slice(x);
    if bytes.len().is_multiple_of(4) {
        return bytes.into();
    }
    [bytes, &[0; 2]].concat().into()
}

/// Returns the first elements of a mappable buffer.
fn read<T: Element>(gpu: &Gpu, staging: &wgpu::Buffer, elements: usize) -> Result<Vec<T>, String> {
    staging.map_async(wgpu::MapMode::Read, .., |_| {});
    gpu.device().poll(wgpu::PollType::wait_indefinitely()).map_err(text)?;
    let mut y = bytemuck::pod_collect_to_vec(&staging.get_mapped_range(..).map_err(text)?);
    y.truncate(elements);
    Ok(y)
}

/// Kernels and a copy over buffers that stay on the GPU. Returns no cases if the device does not support buffers of
/// this size.
pub(crate) fn resident<T: Element>(gpu: &Gpu, elements: usize) -> Result<Vec<Case<'_>>, String> {
    use wgpu::BufferUsages as Usage;
    let x = numbers::<T>(elements);
    let size = size_of_val(&x[..]).next_multiple_of(4) as u64;
    if size > gpu.device().limits().max_buffer_size {
        return Ok(Vec::new());
    }
    let on_gpu = Usage::STORAGE | Usage::COPY_SRC | Usage::COPY_DST;
    let (source, target, copied) = (buffer(gpu, size, on_gpu), buffer(gpu, size, on_gpu), buffer(gpu, size, on_gpu));
    gpu.queue().write_buffer(&source, 0, &padded(&x));
    let len = elements as u64;
    let all = |buffer| (buffer, 0..len);
    let kernel = gpu.kernel();
    let forward = kernel.bind::<T>(F, all(&source), all(&target)).map_err(text)?;
    let backward = kernel.bind_backward::<T>(F.backward(), all(&source), all(&copied), all(&target)).map_err(text)?;
    let counters = buffer(gpu, size_of::<Saturation>() as u64, on_gpu);
    let count = kernel.bind_saturation::<T>(F, all(&source), counters.as_entire_buffer_binding()).map_err(text)?;
    let empty = kernel.bind::<T>(F, (&source, 0..len.min(1)), (&target, 0..len.min(1))).map_err(text)?;

    submitted(gpu, 1, |encoder| forward.record(encoder))?;
    let staging = buffer(gpu, size, Usage::MAP_READ | Usage::COPY_DST);
    submitted(gpu, 1, |encoder| encoder.copy_buffer_to_buffer(&target, 0, &staging, 0, size))?;
    check("the kernel", &read(gpu, &staging, elements)?, &x)?;

    let bound = |name, arrays, binding: Binding| {
        case::<T>(name, arrays, elements, move |runs| submitted(gpu, runs, |encoder| binding.record(encoder)))
    };
    let copy = move |runs| submitted(gpu, runs, |encoder| encoder.copy_buffer_to_buffer(&source, 0, &copied, 0, size));
    Ok(vec![
        bound("kernel", 2, forward).below(COPY),
        case::<T>(COPY, 2, elements, copy),
        bound("backward", 3, backward).below(COPY),
        bound("saturation", 1, count).below(COPY),
        bound(EMPTY_DISPATCH, 0, empty),
    ])
}

/// Records and submits work `runs` times, and waits for it.
fn submitted(gpu: &Gpu, runs: u64, record: impl Fn(&mut wgpu::CommandEncoder)) -> Result<Duration, String> {
    let started = Instant::now();
    let mut left = runs;
    while left > 0 {
        let now = left.min(PER_SUBMIT);
        let mut encoder = gpu.device().create_command_encoder(&Default::default());
        (0..now).for_each(|_| record(&mut encoder));
        gpu.queue().submit([encoder.finish()]);
        left = left.saturating_sub(now);
        // On GL, a poll times out after two seconds, so each submission is waited for.
        gpu.device().poll(wgpu::PollType::wait_indefinitely()).map_err(text)?;
    }
    Ok(started.elapsed())
}
