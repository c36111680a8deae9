//! What the tests of bindings need of wgpu: a device with a kernel, buffers, pipelines and submits.

use hard_sigmoid::plan::Limits;
use hard_sigmoid::{HardSigmoid, Kernel, KernelOptions};
use wgpu::BufferUsages as Usage;

use crate::numbers::Number;
use crate::subject::Subject;

pub(crate) const F: HardSigmoid = HardSigmoid::PYTORCH;

/// A device with a kernel, and functions that write and read its buffers.
pub(crate) struct Bench {
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    pub(crate) kernel: Kernel,
    /// The limits that the kernel plans for.
    pub(crate) limits: Limits,
}

/// On the least device that a kernel accepts.
pub(crate) fn bench(subject: &Subject) -> Bench {
    Bench::new(subject.device(|limits| *limits = wgpu::Limits::downlevel_defaults()))
}

/// The rest of a buffer from an offset on.
pub(crate) fn at(buffer: &wgpu::Buffer, offset: u64) -> wgpu::BufferBinding<'_> {
    wgpu::BufferBinding { buffer, offset, size: None }
}

/// Waits until the GPU is done.
pub(crate) fn wait(device: &wgpu::Device) {
    device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
}

impl Bench {
    pub(crate) fn new((device, queue): (wgpu::Device, wgpu::Queue)) -> Self {
        let limits = Kernel::device_limits(&device);
        let kernel = Kernel::new(&device).unwrap();
        Self { device, queue, kernel, limits }
    }

    /// On a device with low limits, with a kernel whose dispatches are mixed or not, whatever the adapter is.
    pub(crate) fn with_limits(subject: &Subject, binding_bytes: u64, groups: u32, mixed: bool) -> Self {
        let (device, queue) = subject.device(|limits| {
            limits.max_storage_buffer_binding_size = binding_bytes;
            limits.max_compute_workgroups_per_dimension = groups;
        });
        let mut limits = Kernel::device_limits(&device);
        limits.mixed = mixed;
        let kernel =
            Kernel::with_options(&device, KernelOptions { limits: Some(limits), ..Default::default() }).unwrap();
        Self { device, queue, kernel, limits }
    }

    /// Two devices whose limits lead to many dispatches, mixed ones on the second.
    pub(crate) fn of_many_dispatches(subject: &Subject) -> [Self; 2] {
        [(2, false), (8, true)].map(|(groups, mixed)| Self::with_limits(subject, 64 << 10, groups, mixed))
    }

    pub(crate) fn empty(&self, usage: Usage, size: u64) -> wgpu::Buffer {
        let descriptor = wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
        self.device.create_buffer(&descriptor)
    }

    pub(crate) fn uniform(&self, size: u64) -> wgpu::Buffer {
        self.empty(Usage::UNIFORM | Usage::COPY_DST, size)
    }

    pub(crate) fn buffer<T: Number>(&self, data: &[T]) -> wgpu::Buffer {
        let buffer = self.empty(Usage::STORAGE | Usage::COPY_SRC | Usage::COPY_DST, size_of_val(data) as u64);
        self.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(data));
        buffer
    }

    pub(crate) fn read<T: Number>(&self, buffer: &wgpu::Buffer) -> Vec<T> {
        let staging = self.empty(Usage::MAP_READ | Usage::COPY_DST, buffer.size());
        self.submit(|encoder| encoder.copy_buffer_to_buffer(buffer, 0, &staging, 0, buffer.size()));
        staging.map_async(wgpu::MapMode::Read, .., |result| result.unwrap());
        wait(&self.device);
        let bytes = staging.get_mapped_range(..).unwrap();
        bytemuck::pod_collect_to_vec(&bytes)
    }

    /// A pipeline of the app's.
    pub(crate) fn pipeline(&self, wgsl: &str) -> wgpu::ComputePipeline {
        let source = wgpu::ShaderSource::Wgsl(wgsl.into());
        let module = self.device.create_shader_module(wgpu::ShaderModuleDescriptor { label: None, source });
        self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: None,
            module: &module,
            entry_point: None,
            compilation_options: Default::default(),
            cache: None,
        })
    }

    /// Whole buffers as bindings 0, 1, and so on.
    pub(crate) fn group(&self, pipeline: &wgpu::ComputePipeline, buffers: &[&wgpu::Buffer]) -> wgpu::BindGroup {
        let entries: Vec<_> = (0..)
            .zip(buffers)
            .map(|(binding, buffer)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() })
            .collect();
        let layout = &pipeline.get_bind_group_layout(0);
        self.device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries })
    }

    pub(crate) fn submit(&self, record: impl FnOnce(&mut wgpu::CommandEncoder)) {
        let mut encoder = self.device.create_command_encoder(&Default::default());
        record(&mut encoder);
        self.queue.submit([encoder.finish()]);
    }
}
