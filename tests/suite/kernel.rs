//! Bindings recorded into the encoders of an app, against the definition, bit for bit.

use std::collections::BTreeSet;
use std::ops::Range;

use hard_sigmoid::plan::{self, Buffers, Start};
use hard_sigmoid::{HardSigmoid, Kernel};
use wgpu::BufferUsages as Usage;

use crate::subject::{Subject, Test, assert_bits, expected, numbers};

pub(crate) const TESTS: &[Test] = &[
    ("kernel_past_the_binding_limit", past_the_binding_limit),
    ("kernel_every_range_two_buffers", |s| every_range(s, Layout::Two)),
    ("kernel_every_range_in_place", |s| every_range(s, Layout::InPlace)),
    ("kernel_every_range_one_arena", |s| every_range(s, Layout::Arena)),
];

/// A device, a kernel on it, and what moves data in and out.
pub(crate) struct Bench {
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    pub(crate) kernel: Kernel,
}

impl Bench {
    pub(crate) fn new((device, queue): (wgpu::Device, wgpu::Queue)) -> Self {
        let kernel = Kernel::new(&device).unwrap();
        Self { device, queue, kernel }
    }

    pub(crate) fn buffer(&self, data: &[f32]) -> wgpu::Buffer {
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: (data.len() * 4) as u64,
            usage: Usage::STORAGE | Usage::COPY_SRC | Usage::COPY_DST,
            mapped_at_creation: false,
        });
        self.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(data));
        buffer
    }

    pub(crate) fn read(&self, buffer: &wgpu::Buffer) -> Vec<f32> {
        let staging = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: buffer.size(),
            usage: Usage::MAP_READ | Usage::COPY_DST,
            mapped_at_creation: false,
        });
        self.submit(|encoder| encoder.copy_buffer_to_buffer(buffer, 0, &staging, 0, buffer.size()));
        staging.map_async(wgpu::MapMode::Read, .., |result| result.unwrap());
        self.device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
        let bytes = staging.get_mapped_range(..).unwrap();
        bytes.chunks_exact(4).map(|b| f32::from_ne_bytes(b.try_into().unwrap())).collect()
    }

    /// A pipeline as an app has it: adds 1 to each number.
    pub(crate) fn own_pipeline(&self) -> wgpu::ComputePipeline {
        let source = "
            @group(0) @binding(0) var<storage, read_write> data: array<f32>;
            @compute @workgroup_size(64)
            fn main(@builtin(global_invocation_id) id: vec3<u32>) {
                if id.x < arrayLength(&data) { data[id.x] += 1.0; }
            }";
        let module = self.device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: None,
            source: wgpu::ShaderSource::Wgsl(source.into()),
        });
        self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: None,
            module: &module,
            entry_point: None,
            compilation_options: Default::default(),
            cache: None,
        })
    }

    pub(crate) fn own_group(&self, pipeline: &wgpu::ComputePipeline, data: &wgpu::Buffer) -> wgpu::BindGroup {
        self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.get_bind_group_layout(0),
            entries: &[wgpu::BindGroupEntry { binding: 0, resource: data.as_entire_binding() }],
        })
    }

    pub(crate) fn submit(&self, record: impl FnOnce(&mut wgpu::CommandEncoder)) {
        let mut encoder = self.device.create_command_encoder(&Default::default());
        record(&mut encoder);
        self.queue.submit([encoder.finish()]);
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Layout {
    Two,
    InPlace,
    Arena,
}

fn past_the_binding_limit(subject: &Subject) {
    // Lower than the adapter's where that is huge; llvmpipe's own limit is this.
    let bench = Bench::new(subject.device(|limits| {
        limits.max_storage_buffer_binding_size = limits.max_storage_buffer_binding_size.min(128 << 20);
    }));
    let len = (128 << 20) / 4 + 5;
    let source = numbers(len);
    let (from, to) = (bench.buffer(&source), bench.buffer(&source));
    let binding = bench.kernel.bind(HardSigmoid::PYTORCH, &from, &to).unwrap();
    bench.submit(|encoder| binding.record(encoder));
    assert_bits(&bench.read(&to), &expected(HardSigmoid::PYTORCH, &source), &len);
}

/// Every element offset from 0 to 9 on each side, with canaries around, on a device whose limits make many windows.
fn every_range(subject: &Subject, layout: Layout) {
    let bench = Bench::new(subject.device(|limits| {
        limits.max_storage_buffer_binding_size = 64 << 10;
        limits.max_compute_workgroups_per_dimension = 2;
    }));
    let f = HardSigmoid::PYTORCH;
    let mut planned = BTreeSet::new();
    // Around 0, the vector, the workgroup, where vectors begin to be used, the grid and the binding.
    for len in [0, 1, 2, 3, 4, 5, 7, 255, 256, 257, 511, 513, 4095, 4096, 4097, 4101, 8191, 8192, 8193, 20_003] {
        for (from, to) in (0..10).flat_map(|from| (0..10).map(move |to| (from, to))) {
            // Within an arena: the target behind the source and before it; neighbours, and far apart.
            let cases = match layout {
                Layout::Two => vec![(len + 13, from, to)],
                Layout::InPlace => vec![(len + 13, from, from)],
                Layout::Arena => [0, 9000]
                    .into_iter()
                    .flat_map(|gap| [(from, from + len + gap + to), (from + len + gap + to, from)])
                    .map(|(from, to)| (from.max(to) + len + 13, from, to))
                    .collect(),
            };
            // In place there is one offset.
            for (size, from, to) in cases.into_iter().filter(|_| layout != Layout::InPlace || from == to) {
                planned.extend(check(&bench, f, layout, size, from..from + len, to..to + len));
            }
        }
    }
    // The offsets and lengths above are there to reach these.
    let accesses: &[&str] = match layout {
        Layout::Two => &["Across"],
        Layout::InPlace => &["Within"],
        Layout::Arena => &["Arena", "Within"],
    };
    for access in accesses {
        for rotation in 0..if layout == Layout::InPlace { 1 } else { 4 } {
            assert!(planned.contains(&format!("{access} Vector {{ rotation: {rotation} }}")), "{access} {rotation}");
        }
        assert!(planned.contains(&format!("{access} Word")), "{access}");
    }
    assert!(planned.contains("windows: 5"), "{planned:?}");
}

/// Checks a case, and says which entry points and how many windows it is planned to take.
fn check(
    bench: &Bench,
    f: HardSigmoid,
    layout: Layout,
    size: usize,
    from: Range<usize>,
    to: Range<usize>,
) -> Vec<String> {
    let case = (layout, size, from.clone(), to.clone());
    let source = numbers(size);
    let target: Vec<f32> = if layout == Layout::Two { vec![-7.0; size] } else { source.clone() };
    let target_buffer = bench.buffer(&target);
    let source_buffer = if layout == Layout::Two { bench.buffer(&source) } else { target_buffer.clone() };
    let range = |r: &Range<usize>| r.start as u64..r.end as u64;
    let binding = bench.kernel.bind(f, (&source_buffer, range(&from)), (&target_buffer, range(&to))).unwrap();
    bench.submit(|encoder| binding.record(encoder));

    let mut whole = target;
    whole[to].copy_from_slice(&expected(f, &source[from]));
    assert_bits(&bench.read(&target_buffer), &whole, &case);
    if layout == Layout::Two {
        assert_bits(&bench.read(&source_buffer), &source, &case);
    }

    let limits = bench.device.limits();
    let limits = plan::Limits {
        binding_bytes: limits.max_storage_buffer_binding_size,
        alignment_bytes: limits.min_storage_buffer_offset_alignment,
        groups: limits.max_compute_workgroups_per_dimension,
    };
    let start = |range: &Range<usize>| Start { word: range.start as u64, buffer_bytes: size as u64 * 4 };
    let buffers = if layout == Layout::Two { Buffers::Two } else { Buffers::One };
    let windows: Vec<_> =
        plan::windows(start(&case.2), start(&case.3), case.2.len() as u64, buffers, limits).unwrap().collect();
    let mut planned: Vec<_> = windows.iter().map(|w| format!("{:?} {:?}", w.access, w.unit)).collect();
    planned.push(format!("windows: {}", windows.len().min(5)));
    planned
}
