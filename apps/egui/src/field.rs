//! A field of f32 on egui's device: activated, counted and drawn in the frames of egui.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use eframe::egui::{Context, PaintCallbackInfo};
use eframe::egui_wgpu::{CallbackResources, CallbackTrait, RenderState, ScreenDescriptor};
use hard_sigmoid::wgpu::{self, BufferDescriptor, BufferUsages};
use hard_sigmoid::{Binding, Error, HardSigmoid, Kernel, Saturation};

/// The width and height of the field.
pub const SIDE: usize = 512;

/// What belongs to the device. egui keeps it, and hands it to the callback.
struct Field {
    activation: Binding,
    /// The parameters of the function, which change from frame to frame.
    params: wgpu::Buffer,
    counters: wgpu::Buffer,
    readback: wgpu::Buffer,
    pipeline: wgpu::RenderPipeline,
    group: wgpu::BindGroup,
}

/// Makes the field of `x`, leaves it with egui's renderer, and returns the buffer of the results.
pub fn install(state: &RenderState, x: &[f32]) -> Result<wgpu::Buffer, Error> {
    let device = &state.device;
    let buffer = |size: usize, usage| {
        device.create_buffer(&BufferDescriptor { label: None, size: size as u64, usage, mapped_at_creation: false })
    };
    let both_ways = BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
    let [source, target] = [size_of_val(x); 2].map(|size| buffer(size, both_ways));
    state.queue.write_buffer(&source, 0, bytemuck::cast_slice(x));
    let params = buffer(16, BufferUsages::UNIFORM | BufferUsages::COPY_DST);
    let counters = buffer(size_of::<Saturation>(), both_ways);
    let readback = buffer(size_of::<Saturation>(), BufferUsages::MAP_READ | BufferUsages::COPY_DST);

    let kernel = Kernel::new(device)?;
    let activation = kernel.bind_with_saturation::<f32>(&params, &source, &target, &counters)?;

    let module = device.create_shader_module(wgpu::include_wgsl!("field.wgsl"));
    let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: None,
        layout: None,
        vertex: wgpu::VertexState {
            module: &module,
            entry_point: None,
            compilation_options: Default::default(),
            buffers: &[],
        },
        fragment: Some(wgpu::FragmentState {
            module: &module,
            entry_point: None,
            compilation_options: Default::default(),
            targets: &[Some(state.target_format.into())],
        }),
        primitive: Default::default(),
        depth_stencil: None,
        multisample: Default::default(),
        multiview_mask: None,
        cache: None,
    });
    let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: None,
        layout: &pipeline.get_bind_group_layout(0),
        entries: &[wgpu::BindGroupEntry { binding: 0, resource: target.as_entire_binding() }],
    });
    let field = Field { activation, params, counters, readback, pipeline, group };
    state.renderer.write().callback_resources.insert(field);
    Ok(target)
}

/// What the GPU has counted, some frames later.
#[derive(Clone, Debug, Default)]
pub struct Counts(Arc<Mutex<Counting>>);

#[derive(Debug, Default)]
struct Counting {
    latest: Option<(HardSigmoid, Saturation)>,
    /// Alive while counts are on the way. The callback that reads them holds it, and is dropped with the encoder if
    /// egui drops the frame.
    pending: Weak<()>,
}

impl Counts {
    /// The latest counts, and the function that they are of.
    pub fn latest(&self) -> Option<(HardSigmoid, Saturation)> {
        self.lock().latest
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Counting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Activates the field in the encoder of the frame, as if it changed from frame to frame, and draws it.
pub struct Draw {
    pub f: HardSigmoid,
    pub counts: Counts,
    pub context: Context,
}

impl CallbackTrait for Draw {
    fn prepare(
        &self,
        _device: &wgpu::Device,
        queue: &wgpu::Queue,
        _screen: &ScreenDescriptor,
        encoder: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        let Some(field) = resources.get::<Field>() else { return Vec::new() };
        queue.write_buffer(&field.params, 0, &self.f.params().to_bytes());
        encoder.clear_buffer(&field.counters, 0, None);
        field.activation.record(encoder);

        // The counts are read when the GPU is done, without waiting, and once for each function.
        let mut counting = self.counts.lock();
        if counting.pending.strong_count() == 0 && counting.latest.is_none_or(|(f, _)| f != self.f) {
            let pending = Arc::new(());
            counting.pending = Arc::downgrade(&pending);
            encoder.copy_buffer_to_buffer(&field.counters, 0, &field.readback, 0, None);
            let (f, counts, context, readback) =
                (self.f, self.counts.clone(), self.context.clone(), field.readback.clone());
            encoder.map_buffer_on_submit(&field.readback, wgpu::MapMode::Read, .., move |result| {
                if result.is_ok() {
                    let bytes = readback.get_mapped_range(..).ok().and_then(|view| view.first_chunk().copied());
                    readback.unmap();
                    if let Some(bytes) = bytes {
                        counts.lock().latest = Some((f, Saturation::from_bytes(bytes)));
                        context.request_repaint();
                    }
                }
                drop(pending);
            });
        }
        // wgpu calls back when a later frame is submitted.
        if counting.pending.strong_count() > 0 {
            self.context.request_repaint();
        }
        Vec::new()
    }

    fn paint(&self, _info: PaintCallbackInfo, pass: &mut wgpu::RenderPass<'static>, resources: &CallbackResources) {
        if let Some(field) = resources.get::<Field>() {
            pass.set_pipeline(&field.pipeline);
            pass.set_bind_group(0, &field.group, &[]);
            pass.draw(0..3, 0..1);
        }
    }
}
