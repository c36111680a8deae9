//! Applies the function to a buffer of an app on wgpu 27. hard-sigmoid is on a later wgpu, so this uses the
//! part of the crate that needs no wgpu: the dispatches of a range, and the shader, bindings and constants of each.

use hard_sigmoid::plan::program::{DISPATCH, Operation, PARAMS, Program, SOURCE, TARGET};
use hard_sigmoid::plan::{self, Buffers, Limits, Start};
use hard_sigmoid::{Element, HardSigmoid, cpu};
use wgpu::util::{BufferInitDescriptor, DeviceExt};

/// Records y = f(x) for the first `len` elements.
fn record<T: Element>(
    device: &wgpu::Device,
    encoder: &mut wgpu::CommandEncoder,
    f: HardSigmoid,
    [x, y]: [&wgpu::Buffer; 2],
    len: u64,
) -> Result<(), Box<dyn std::error::Error>> {
    let of_device = device.limits();
    let limits = Limits {
        binding_bytes: of_device.max_storage_buffer_binding_size.into(),
        alignment_bytes: of_device.min_storage_buffer_offset_alignment,
        groups: of_device.max_compute_workgroups_per_dimension,
        // As hardware wants it. It only costs time on a software adapter.
        mixed: true,
    };
    let [from, to] = [x, y].map(|buffer| Start { element: 0, buffer_bytes: buffer.size() });
    let uniform = |contents: &[u8]| {
        device.create_buffer_init(&BufferInitDescriptor { label: None, contents, usage: wgpu::BufferUsages::UNIFORM })
    };
    let params = uniform(&f.params().to_bytes());
    for dispatch in plan::dispatches(from, to, len, size_of::<T>() as u64, Buffers::Two, limits)? {
        // An app keeps the pipelines of the few programs that there are.
        let program = Program::new(Operation::Forward, dispatch.access, dispatch.unit);
        let pipeline = pipeline::<T>(device, program)?;
        let block = uniform(&dispatch.to_bytes());
        let part = |buffer, span: plan::Span| {
            let size = wgpu::BufferSize::new(span.size_bytes);
            wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset: span.offset_bytes, size })
        };
        let entry = |binding, resource| wgpu::BindGroupEntry { binding, resource };
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.get_bind_group_layout(0),
            entries: &[
                entry(PARAMS, params.as_entire_binding()),
                entry(DISPATCH, block.as_entire_binding()),
                entry(SOURCE, part(x, dispatch.source)),
                entry(TARGET, part(y, dispatch.target)),
            ],
        });
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &group, &[]);
        pass.dispatch_workgroups(dispatch.groups, 1, 1);
    }
    Ok(())
}

/// The first alternative of the shader that the device takes.
fn pipeline<T: Element>(device: &wgpu::Device, program: Program) -> Result<wgpu::ComputePipeline, String> {
    let constants = program.constants();
    let mut refused = String::from("no shader for this type");
    for wgsl in program.wgsl::<T>() {
        device.push_error_scope(wgpu::ErrorFilter::Validation);
        let source = wgpu::ShaderSource::Wgsl(wgsl.into());
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor { label: None, source });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: None,
            module: &module,
            entry_point: Some(program.entry_point()),
            compilation_options: wgpu::PipelineCompilationOptions { constants: &constants, ..Default::default() },
            cache: None,
        });
        match pollster::block_on(device.pop_error_scope()) {
            None => return Ok(pipeline),
            Some(error) => refused = error.to_string(),
        }
    }
    Err(refused)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let instance = wgpu::Instance::new(&wgpu::InstanceDescriptor::from_env_or_default());
    let adapter = pollster::block_on(wgpu::util::initialize_adapter_from_env_or_default(&instance, None))?;
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
        required_limits: wgpu::Limits::downlevel_defaults(),
        ..Default::default()
    }))?;

    let x: Vec<f32> = (0..100_003).map(|i| (i % 1000) as f32 / 125.0 - 4.0).collect();
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
    let contents = bytemuck::cast_slice(&x);
    let source = device.create_buffer_init(&BufferInitDescriptor { label: None, contents, usage });
    let buffer = |usage| {
        let size = contents.len() as u64;
        device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
    };
    let target = buffer(usage);
    let readback = buffer(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);

    let mut encoder = device.create_command_encoder(&Default::default());
    record::<f32>(&device, &mut encoder, HardSigmoid::ONNX, [&source, &target], x.len() as u64)?;
    encoder.copy_buffer_to_buffer(&target, 0, &readback, 0, None);
    queue.submit([encoder.finish()]);
    readback.map_async(wgpu::MapMode::Read, .., |_| ());
    device.poll(wgpu::PollType::wait_indefinitely())?;

    let mut expected = vec![0.0; x.len()];
    cpu::apply(HardSigmoid::ONNX, &x, &mut expected)?;
    assert_eq!(readback.get_mapped_range(..)[..], *bytemuck::cast_slice::<f32, u8>(&expected));
    println!("{} elements on {} through wgpu 27: the bits of the CPU path", x.len(), adapter.get_info().name);
    Ok(())
}
