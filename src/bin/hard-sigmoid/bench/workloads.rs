//! What is measured, by `hard-sigmoid bench` and by `cargo bench` alike. Each case is checked before it can be timed.

use std::time::{Duration, Instant};

use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::{Binding, Element, Gpu, HardSigmoid, Saturation, cpu, wgpu};
use rayon::prelude::*;

/// The function that is measured: one that no preset's shortcut could favour.
pub(crate) const F: HardSigmoid = HardSigmoid::PYTORCH;

/// Dispatches or copies in one submit, where many are timed together.
const PER_SUBMIT: u64 = 16;

/// The naive round trip has buffers as large as its data; drivers refuse some that they say they allow.
const NAIVE_BYTES: u64 = 256 << 20;

/// Something to time.
pub(crate) struct Case<'a> {
    pub(crate) name: &'static str,
    pub(crate) element: &'static str,
    pub(crate) elements: u64,
    /// Read and written by one run, at the ends.
    pub(crate) bytes: u64,
    /// Runs it so many times and returns how long that took.
    pub(crate) run: Box<dyn FnMut(u64) -> Result<Duration, String> + 'a>,
}

/// Numbers to compute with, most of which lie between the edges.
pub(crate) fn numbers<T: Element>(len: usize) -> Vec<T> {
    (0..len as u32).map(|i| nearest(f64::from(i.wrapping_mul(0x9e37_79b1)) / f64::from(u32::MAX) * 8.0 - 4.0)).collect()
}

/// A number as an element, through its bytes.
fn nearest<T: Element>(x: f64) -> T {
    let bits: u64 = match T::NAME {
        "f16" => f16::from_f64(x).to_bits().into(),
        "bf16" => bf16::from_f64(x).to_bits().into(),
        "f32" => (x as f32).to_bits().into(),
        _ => x.to_bits(),
    };
    bytemuck::pod_read_unaligned(bits.to_le_bytes().get(..size_of::<T>()).unwrap_or_default())
}

fn bytes_of<T>(arrays: u64, elements: usize) -> u64 {
    arrays.saturating_mul(elements as u64).saturating_mul(size_of::<T>() as u64)
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

fn timed<E: std::fmt::Display>(runs: u64, mut run: impl FnMut() -> Result<(), E>) -> Result<Duration, String> {
    let started = Instant::now();
    for _ in 0..runs {
        run().map_err(text)?;
    }
    Ok(started.elapsed())
}

/// The CPU path, `memcpy` with as many threads, the backward pass, and counting.
pub(crate) fn on_cpu<'a, T: Element>(elements: usize) -> Result<Vec<Case<'a>>, String> {
    let x = numbers::<T>(elements);
    let mut y = x.clone();
    cpu::apply(F, &x, &mut y).map_err(text)?;
    check("the CPU path", &y, &x)?;
    let (from, mut to) = (x.clone(), x.clone());
    let (saved, grad_y, mut grad_x, source) = (x.clone(), x.clone(), x.clone(), x.clone());
    let case = |name, arrays, run| Case {
        name,
        element: T::NAME,
        elements: elements as u64,
        bytes: bytes_of::<T>(arrays, elements),
        run,
    };
    let copy = move |runs| {
        timed(runs, || {
            memcpy(&from, &mut to);
            Ok::<_, String>(())
        })
    };
    let backward = move |runs| timed(runs, || cpu::backward(F.backward(), &saved, &grad_y, &mut grad_x));
    let saturation = move |runs| {
        timed(runs, || {
            let counts = cpu::saturation(F, &source);
            if counts.total() == source.len() as u64 { Ok(()) } else { Err("elements were not counted") }
        })
    };
    Ok(vec![
        case("cpu", 2, Box::new(move |runs| timed(runs, || cpu::apply(F, &x, &mut y)))),
        case("memcpy", 2, Box::new(copy)),
        case("cpu_backward", 3, Box::new(backward)),
        case("cpu_saturation", 1, Box::new(saturation)),
    ])
}

/// In parallel from the same size on as the CPU path, in as few parts as there are threads: `memcpy` is fastest so.
fn memcpy<T: Element>(from: &[T], to: &mut [T]) {
    if from.len() < cpu::PARALLEL_MIN_ELEMENTS {
        to.copy_from_slice(from);
    } else {
        let part = from.len().div_ceil(cpu::threads());
        from.par_chunks(part).zip(to.par_chunks_mut(part)).for_each(|(from, to)| to.copy_from_slice(from));
    }
}

/// From slices to slices: the crate's way, and the obvious one.
pub(crate) fn round_trips<'a, T: Element>(gpu: &'a Gpu, elements: usize) -> Result<Vec<Case<'a>>, String> {
    let x = numbers::<T>(elements);
    let mut y = x.clone();
    gpu.apply_blocking(F, &x, &mut y).map_err(text)?;
    check("the round trip", &y, &x)?;
    let case =
        |name, run| Case { name, element: T::NAME, elements: elements as u64, bytes: bytes_of::<T>(2, elements), run };
    let mut cases = Vec::new();
    let source = x.clone();
    if size_of_val(&x[..]) as u64 <= NAIVE_BYTES {
        check("the naive round trip", &naive(gpu, &x)?, &x)?;
        let naive = move |runs| timed(runs, || naive(gpu, &source).map(|y| y.len()).map(drop));
        cases.push(case("naive_round_trip", Box::new(naive) as Box<dyn FnMut(u64) -> _>));
    }
    cases.insert(0, case("round_trip", Box::new(move |runs| timed(runs, || gpu.apply_blocking(F, &x, &mut y)))));
    Ok(cases)
}

/// Fresh buffers, one after the other, as tutorials do it.
fn naive<T: Element>(gpu: &Gpu, x: &[T]) -> Result<Vec<T>, String> {
    use wgpu::BufferUsages as Usage;
    let (device, queue) = (gpu.device(), gpu.queue());
    let buffer = |usage| {
        let size = size_of_val(x).next_multiple_of(4) as u64;
        device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
    };
    let source = buffer(Usage::STORAGE | Usage::COPY_DST);
    let target = buffer(Usage::STORAGE | Usage::COPY_SRC);
    let staging = buffer(Usage::MAP_READ | Usage::COPY_DST);
    queue.write_buffer(&source, 0, &padded(x));
    let len = x.len() as u64;
    let binding = gpu.kernel().bind::<T>(F, (&source, 0..len), (&target, 0..len)).map_err(text)?;
    let mut encoder = device.create_command_encoder(&Default::default());
    binding.record(&mut encoder);
    encoder.copy_buffer_to_buffer(&target, 0, &staging, 0, staging.size());
    queue.submit([encoder.finish()]);
    let mut y = read(gpu, &staging)?;
    y.truncate(x.len());
    Ok(y)
}

/// The bytes, up to whole words, of which buffers are written.
fn padded<T: Element>(x: &[T]) -> std::borrow::Cow<'_, [u8]> {
    let bytes: &[u8] = bytemuck::cast_slice(x);
    if bytes.len().is_multiple_of(4) {
        return bytes.into();
    }
    [bytes, &[0; 2]].concat().into()
}

/// What a mappable buffer holds.
fn read<T: Element>(gpu: &Gpu, staging: &wgpu::Buffer) -> Result<Vec<T>, String> {
    staging.map_async(wgpu::MapMode::Read, .., |_| {});
    gpu.device().poll(wgpu::PollType::wait_indefinitely()).map_err(text)?;
    let bytes = staging.get_mapped_range(..).map_err(text)?;
    Ok(bytemuck::pod_collect_to_vec(&bytes))
}

/// On buffers that stay on the GPU: the kernel, and a copy of the same bytes. Empty if the device holds none that large.
pub(crate) fn resident<T: Element>(gpu: &Gpu, elements: usize) -> Result<Vec<Case<'_>>, String> {
    use wgpu::BufferUsages as Usage;
    let size = bytes_of::<T>(1, elements).next_multiple_of(4);
    if size > gpu.device().limits().max_buffer_size {
        return Ok(Vec::new());
    }
    let buffer = |usage| {
        gpu.device().create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
    };
    let on_gpu = Usage::STORAGE | Usage::COPY_SRC | Usage::COPY_DST;
    let (source, target, copied) = (buffer(on_gpu), buffer(on_gpu), buffer(on_gpu));
    let x = numbers::<T>(elements);
    gpu.queue().write_buffer(&source, 0, &padded(&x));
    let len = elements as u64;
    let all = |buffer| (buffer, 0..len);
    let kernel = gpu.kernel();
    let forward = kernel.bind::<T>(F, all(&source), all(&target)).map_err(text)?;
    let backward = kernel.bind_backward::<T>(F.backward(), all(&source), all(&copied), all(&target)).map_err(text)?;
    let counters = gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: size_of::<Saturation>() as u64,
        usage: on_gpu,
        mapped_at_creation: false,
    });
    let count = kernel.bind_saturation::<T>(F, all(&source), counters.as_entire_buffer_binding()).map_err(text)?;
    let both = kernel
        .bind_with_saturation::<T>(F, all(&source), all(&target), counters.as_entire_buffer_binding())
        .map_err(text)?;

    submitted(gpu, 1, |encoder| forward.record(encoder))?;
    let staging = buffer(Usage::MAP_READ | Usage::COPY_DST);
    submitted(gpu, 1, |encoder| encoder.copy_buffer_to_buffer(&target, 0, &staging, 0, size))?;
    let mut y: Vec<T> = read(gpu, &staging)?;
    y.truncate(elements);
    check("the kernel", &y, &x)?;

    let case = |name, bytes, run| Case { name, element: T::NAME, elements: len, bytes, run };
    let bound = |name, arrays, binding: Binding| {
        let run = move |runs| submitted(gpu, runs, |encoder| binding.record(encoder));
        case(name, bytes_of::<T>(arrays, elements), Box::new(run) as Box<dyn FnMut(u64) -> _>)
    };
    let copy = move |runs| submitted(gpu, runs, |encoder| encoder.copy_buffer_to_buffer(&source, 0, &copied, 0, size));
    Ok(vec![
        bound("kernel", 2, forward),
        case("copy", size.saturating_mul(2), Box::new(copy)),
        bound("backward", 3, backward),
        bound("saturation", 1, count),
        bound("kernel_with_saturation", 2, both),
    ])
}

/// Submits what `record` records, `runs` times, some to a submit, and waits until all is done.
fn submitted(gpu: &Gpu, runs: u64, record: impl Fn(&mut wgpu::CommandEncoder)) -> Result<Duration, String> {
    let started = Instant::now();
    let mut left = runs;
    while left > 0 {
        let now = left.min(PER_SUBMIT);
        let mut encoder = gpu.device().create_command_encoder(&Default::default());
        (0..now).for_each(|_| record(&mut encoder));
        gpu.queue().submit([encoder.finish()]);
        left = left.saturating_sub(now);
        // GL gives up poll_mode after two seconds, so not for too much at once.
        gpu.device().poll(wgpu::PollType::wait_indefinitely()).map_err(text)?;
    }
    Ok(started.elapsed())
}
