//! The field on the GPU: made, activated and drawn into a texture, in one encoder.

use hard_sigmoid::{Binding, Error, HardSigmoid, Kernel};
use vello::wgpu;
use wgpu::{BindingResource, BufferUsages, TextureUsages};

/// The width and height of the field.
pub const SIDE: u32 = 320;

pub struct Field {
    make: Pass,
    parameters: wgpu::Buffer,
    activation: Binding,
    draw: Pass,
    pub x: wgpu::Buffer,
    pub y: wgpu::Buffer,
    pub image: wgpu::Texture,
}

struct Pass {
    pipeline: wgpu::ComputePipeline,
    group: wgpu::BindGroup,
    groups: [u32; 2],
}

impl Field {
    pub fn new(device: &wgpu::Device) -> Result<Self, Error> {
        let [x, y] = [(); 2].map(|()| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: None,
                size: u64::from(SIDE * SIDE) * 4,
                usage: BufferUsages::STORAGE | BufferUsages::COPY_SRC,
                mapped_at_creation: false,
            })
        });
        let image = texture(device, SIDE, SIDE);
        let view = image.create_view(&Default::default());
        let module = device.create_shader_module(wgpu::include_wgsl!("field.wgsl"));
        let make = Pass::new(device, &module, "make", &[x.as_entire_binding()], [(SIDE * SIDE).div_ceil(64), 1]);
        let resources = [y.as_entire_binding(), BindingResource::TextureView(&view)];
        let draw = Pass::new(device, &module, "draw", &resources, [SIDE / 8; 2]);
        let parameters = device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: 16,
            usage: BufferUsages::UNIFORM | BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let activation = Kernel::new(device)?.bind::<f32>(&parameters, &x, &y)?;
        Ok(Self { make, parameters, activation, draw, x, y, image })
    }

    /// Sets the function for what is submitted next.
    pub fn set(&self, queue: &wgpu::Queue, f: HardSigmoid) {
        queue.write_buffer(&self.parameters, 0, &f.params().to_bytes());
    }

    /// Records all of it. The data does not leave the GPU.
    pub fn record(&self, encoder: &mut wgpu::CommandEncoder) {
        let mut pass = encoder.begin_compute_pass(&Default::default());
        self.make.record(&mut pass);
        self.activation.record_pass(&mut pass);
        self.draw.record(&mut pass);
    }
}

/// A texture that a compute shader writes: this app's for the image, or vello's for the picture. Both are copied from.
pub fn texture(device: &wgpu::Device, width: u32, height: u32) -> wgpu::Texture {
    device.create_texture(&wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: wgpu::TextureFormat::Rgba8Unorm,
        usage: TextureUsages::STORAGE_BINDING | TextureUsages::COPY_SRC,
        view_formats: &[],
    })
}

impl Pass {
    /// Binds the resources in the order of their bindings.
    fn new(
        device: &wgpu::Device,
        module: &wgpu::ShaderModule,
        entry_point: &str,
        resources: &[BindingResource<'_>],
        groups: [u32; 2],
    ) -> Self {
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: None,
            module,
            entry_point: Some(entry_point),
            compilation_options: Default::default(),
            cache: None,
        });
        let entries: Vec<_> = (0..)
            .zip(resources)
            .map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource: resource.clone() })
            .collect();
        let layout = &pipeline.get_bind_group_layout(0);
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries });
        Self { pipeline, group, groups }
    }

    fn record(&self, pass: &mut wgpu::ComputePass<'_>) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.group, &[]);
        pass.dispatch_workgroups(self.groups[0], self.groups[1], 1);
    }
}
