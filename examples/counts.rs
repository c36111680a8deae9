//! A frame loop that reads the counts of saturated results and never waits for the GPU. It copies them to a ring of
//! three buffers: while one is mapped, and nothing can be copied to it, the next frames use the others. The counts of a
//! frame arrive some frames later.

#![allow(clippy::print_stdout, reason = "an example")]

mod headless;

use std::sync::mpsc::{Receiver, channel};

use hard_sigmoid::{HardSigmoid, Kernel, Saturation, cpu};
use headless::Result;
use wgpu::BufferUsages as Usage;

const FRAMES: u32 = 120;

/// A buffer to read counts from.
struct Readback {
    buffer: wgpu::Buffer,
    /// The frame whose counts it is waiting for, and where the result of mapping it arrives. None if it is free.
    pending: Option<(u32, Receiver<std::result::Result<(), wgpu::BufferAsyncError>>)>,
}

impl Readback {
    /// The counts and their frame, if they have arrived. The buffer is free then.
    fn take(&mut self) -> Result<Option<(u32, Saturation)>> {
        let Some((frame, result)) = &self.pending else { return Ok(None) };
        let Ok(result) = result.try_recv() else { return Ok(None) };
        result?;
        let counts = self.buffer.get_mapped_range(..)?.first_chunk().map(|bytes| Saturation::from_bytes(*bytes));
        let arrived = counts.map(|counts| (*frame, counts));
        self.buffer.unmap();
        self.pending = None;
        Ok(arrived)
    }
}

/// The function of a frame.
fn function(frame: u32) -> Result<HardSigmoid> {
    Ok(HardSigmoid::new(0.1 + f64::from(frame) / 100.0, 0.5)?)
}

fn main() -> Result<()> {
    let (device, queue) = headless::open()?;
    let numbers: Vec<f32> = (0..65_537).map(|i| ((i * 7919) % 10_007) as f32 / 1000.0 - 5.0).collect();
    let x = headless::storage(&device, &queue, &numbers);
    let y = headless::storage(&device, &queue, &numbers);
    let counters = headless::storage(&device, &queue, &[0_u32; 8]);
    let buffer = |size, usage| {
        device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
    };
    let parameters = buffer(16, Usage::UNIFORM | Usage::COPY_DST);
    let mut ring = [(); 3].map(|()| Readback { buffer: buffer(32, Usage::MAP_READ | Usage::COPY_DST), pending: None });

    let kernel = Kernel::new(&device)?;
    let activation = kernel.bind_with_saturation::<f32>(&parameters, &x, &y, &counters)?;

    let (mut arrived, mut latest) = (0, 0);
    let mut check = |frame, counts: Saturation| -> Result<()> {
        arrived += 1;
        latest = latest.max(frame);
        let expected = cpu::saturation(function(frame)?, &numbers);
        if counts == expected { Ok(()) } else { Err(format!("frame {frame}: {counts:?}, not {expected:?}").into()) }
    };
    for frame in 0..FRAMES {
        // Runs callbacks, and returns at once.
        device.poll(wgpu::PollType::Poll)?;
        for readback in &mut ring {
            if let Some((frame, counts)) = readback.take()? {
                check(frame, counts)?;
            }
        }
        queue.write_buffer(&parameters, 0, &function(frame)?.params().to_bytes());
        let mut encoder = device.create_command_encoder(&Default::default());
        // Counts add up otherwise.
        encoder.clear_buffer(&counters, 0, None);
        activation.record(&mut encoder);
        // If the GPU is three frames behind, this one goes without counts.
        if let Some(Readback { buffer, pending }) = ring.iter_mut().find(|readback| readback.pending.is_none()) {
            encoder.copy_buffer_to_buffer(&counters, 0, buffer, 0, 32);
            let (sender, receiver) = channel();
            encoder.map_buffer_on_submit(buffer, wgpu::MapMode::Read, .., move |result| _ = sender.send(result));
            *pending = Some((frame, receiver));
        }
        queue.submit([encoder.finish()]);
    }
    // Only at the end.
    device.poll(wgpu::PollType::wait_indefinitely())?;
    for readback in &mut ring {
        if let Some((frame, counts)) = readback.take()? {
            check(frame, counts)?;
        }
    }
    println!("the counts of {arrived} of {FRAMES} frames arrived, up to frame {latest}, and are those of the CPU");
    if arrived < 3 { Err("counts are missing".into()) } else { Ok(()) }
}
