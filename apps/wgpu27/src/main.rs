//! Applies the function, its backward pass and counting to buffers of an app on wgpu 27. hard-sigmoid is on a later
//! wgpu, so this uses the part of the crate that needs no wgpu: the recipe of an operation.

use std::collections::HashMap;

use hard_sigmoid::plan::{Limits, Operand, Place, Program, Recipe, Resource};
use hard_sigmoid::{HardSigmoid, Saturation, cpu};
use wgpu::util::{BufferInitDescriptor, DeviceExt};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A device, and the pipelines of the few programs that there are.
struct Gpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
    pipelines: HashMap<Program, wgpu::ComputePipeline>,
}

impl Gpu {
    fn limits(&self) -> Limits {
        let (of_device, mut limits) = (self.device.limits(), Limits::default());
        limits.binding_bytes = of_device.max_storage_buffer_binding_size.into();
        limits.alignment_bytes = of_device.min_storage_buffer_offset_alignment;
        limits.storage_buffers = of_device.max_storage_buffers_per_shader_stage;
        limits.groups = of_device.max_compute_workgroups_per_dimension;
        limits
    }

    /// Runs a recipe. `params` are those of the function.
    fn run(&mut self, params: [u8; 16], recipe: &Recipe<&wgpu::Buffer>) -> Result<()> {
        let params = self.buffer(&params, wgpu::BufferUsages::UNIFORM);
        let mut encoder = self.device.create_command_encoder(&Default::default());
        for step in recipe.steps() {
            let pipeline = self.pipeline(step.program())?;
            let block = self.buffer(&step.block(), wgpu::BufferUsages::UNIFORM);
            let bindings: Vec<_> = step.bindings().collect();
            let entries: Vec<_> = bindings
                .iter()
                .map(|(binding, resource)| wgpu::BindGroupEntry {
                    binding: *binding,
                    resource: match *resource {
                        Resource::Parameters => params.as_entire_binding(),
                        Resource::Block => block.as_entire_binding(),
                        Resource::Storage { buffer, offset_bytes: offset, size_bytes, .. } => {
                            let size = wgpu::BufferSize::new(size_bytes);
                            wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset, size })
                        }
                    },
                })
                .collect();
            let layout = &pipeline.get_bind_group_layout(0);
            let group =
                self.device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries });
            let mut pass = encoder.begin_compute_pass(&Default::default());
            pass.set_pipeline(&pipeline);
            pass.set_bind_group(0, &group, &[]);
            let [x, y] = step.workgroups();
            pass.dispatch_workgroups(x, y, 1);
        }
        self.queue.submit([encoder.finish()]);
        Ok(())
    }

    /// The pipeline of a program, from the first alternative of the shader that the device takes.
    fn pipeline(&mut self, program: Program) -> Result<wgpu::ComputePipeline> {
        if let Some(pipeline) = self.pipelines.get(&program) {
            return Ok(pipeline.clone());
        }
        let mut refused = String::new();
        for wgsl in program.wgsl() {
            self.device.push_error_scope(wgpu::ErrorFilter::Validation);
            let source = wgpu::ShaderSource::Wgsl(wgsl.into());
            let module = self.device.create_shader_module(wgpu::ShaderModuleDescriptor { label: None, source });
            let constants = &program.constants();
            let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: None,
                layout: None,
                module: &module,
                entry_point: Some(program.entry_point()),
                compilation_options: wgpu::PipelineCompilationOptions { constants, ..Default::default() },
                cache: None,
            });
            match pollster::block_on(self.device.pop_error_scope()) {
                None => return Ok(self.pipelines.entry(program).or_insert(pipeline).clone()),
                Some(error) => refused = error.to_string(),
            }
        }
        Err(refused.into())
    }

    fn buffer(&self, contents: &[u8], usage: wgpu::BufferUsages) -> wgpu::Buffer {
        self.device.create_buffer_init(&BufferInitDescriptor { label: None, contents, usage })
    }

    fn storage(&self, x: &[f32]) -> wgpu::Buffer {
        self.buffer(bytemuck::cast_slice(x), wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC)
    }

    fn read(&self, buffer: &wgpu::Buffer) -> Result<Vec<u8>> {
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let descriptor = wgpu::BufferDescriptor { label: None, size: buffer.size(), usage, mapped_at_creation: false };
        let readback = self.device.create_buffer(&descriptor);
        let mut encoder = self.device.create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(buffer, 0, &readback, 0, None);
        self.queue.submit([encoder.finish()]);
        readback.map_async(wgpu::MapMode::Read, .., |_| ());
        self.device.poll(wgpu::PollType::wait_indefinitely())?;
        Ok(readback.get_mapped_range(..).to_vec())
    }
}

/// All elements of a buffer but for the first three.
fn operand(buffer: &wgpu::Buffer) -> Operand<&wgpu::Buffer> {
    Operand { buffer, buffer_bytes: buffer.size(), elements: (3..buffer.size() / 4).into() }
}

fn main() -> Result<()> {
    let instance = wgpu::Instance::new(&wgpu::InstanceDescriptor::from_env_or_default());
    let adapter = pollster::block_on(wgpu::util::initialize_adapter_from_env_or_default(&instance, None))?;
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
        required_limits: wgpu::Limits::downlevel_defaults(),
        ..Default::default()
    }))?;
    let mut gpu = Gpu { device, queue, pipelines: HashMap::new() };
    let limits = gpu.limits();

    let f = HardSigmoid::ONNX;
    let x: Vec<f32> = (0..100_003).map(|i| (i % 1000) as f32 / 125.0 - 4.0).collect();
    let (source, target, counters) = (gpu.storage(&x), gpu.storage(&x), gpu.storage(&[0.0; 8]));
    let (from, to) = (operand(&source), operand(&target));
    let counters_at = Place { buffer: &counters, buffer_bytes: counters.size(), offset_bytes: 0 };
    let activation = Recipe::forward_and_count::<f32>(&from, &to, &counters_at, limits)?;
    gpu.run(f.params().to_bytes(), &activation)?;
    let mut y = x.clone();
    let counts = cpu::apply_with_saturation(f, &x[3..], &mut y[3..])?;
    assert_eq!(gpu.read(&target)?, bytemuck::cast_slice::<f32, u8>(&y));
    assert_eq!(Saturation::from_bytes(gpu.read(&counters)?.try_into().map_err(|_| "not 32 bytes")?), counts);

    let backward = f.backward();
    let gradient = gpu.storage(&x);
    let recipe = Recipe::backward::<f32>(&from, &operand(&gradient), &operand(&gradient), limits)?;
    gpu.run(backward.params().to_bytes(), &recipe)?;
    let mut expected = x.clone();
    cpu::backward_in_place(backward, &x[3..], &mut expected[3..])?;
    assert_eq!(gpu.read(&gradient)?, bytemuck::cast_slice::<f32, u8>(&expected));
    println!("{} elements on {} through wgpu 27: the bits of the CPU path", x.len(), adapter.get_info().name);
    Ok(())
}
