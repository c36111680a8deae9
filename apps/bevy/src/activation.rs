//! A plugin that applies the function to a buffer of the app's in each frame.

use bevy::core_pipeline::schedule::camera_driver;
use bevy::prelude::*;
use bevy::render::extract_resource::{ExtractResource, ExtractResourcePlugin};
use bevy::render::render_asset::RenderAssets;
use bevy::render::render_resource::{Buffer, BufferDescriptor, BufferId, BufferUsages};
use bevy::render::renderer::{RenderContext, RenderDevice, RenderGraph, RenderGraphSystems, RenderQueue};
use bevy::render::storage::{GpuShaderBuffer, ShaderBuffer};
use bevy::render::{Render, RenderApp, RenderStartup, RenderSystems};
use hard_sigmoid::{Binding, HardSigmoid, Kernel};

/// What the plugin does, as a resource of the app: y = f(x) for buffers of f32, before the cameras of a frame are
/// drawn. f may change from frame to frame.
#[derive(Resource, ExtractResource, Clone)]
#[extract_app(RenderApp)]
pub struct Activation {
    pub f: HardSigmoid,
    pub x: Handle<ShaderBuffer>,
    pub y: Handle<ShaderBuffer>,
}

pub struct ActivationPlugin;

impl Plugin for ActivationPlugin {
    fn build(&self, app: &mut App) {
        app.add_plugins(ExtractResourcePlugin::<Activation>::default());
        if let Some(render_app) = app.get_sub_app_mut(RenderApp) {
            render_app
                .add_systems(RenderStartup, make_kernel)
                .add_systems(Render, bind.in_set(RenderSystems::PrepareBindGroups))
                .add_systems(RenderGraph, record.in_set(RenderGraphSystems::Render).before(camera_driver));
        }
    }
}

#[derive(Resource)]
struct ActivationKernel(Kernel);

/// Runs again for another device, when Bevy has lost its own.
fn make_kernel(mut commands: Commands, device: Res<RenderDevice>) -> Result {
    commands.remove_resource::<Bound>();
    commands.insert_resource(ActivationKernel(Kernel::new(device.wgpu_device())?));
    Ok(())
}

/// The binding, what it binds, and the buffer of its parameters.
#[derive(Resource)]
struct Bound {
    binding: Binding,
    buffers: [BufferId; 2],
    params: Buffer,
}

/// Binds the buffers once they are on the GPU, and again when Bevy has replaced them, as it does when an asset changes
/// in size.
fn bind(
    mut commands: Commands,
    activation: Option<Res<Activation>>,
    bound: Option<Res<Bound>>,
    kernel: Res<ActivationKernel>,
    buffers: Res<RenderAssets<GpuShaderBuffer>>,
    device: Res<RenderDevice>,
) -> Result {
    let buffer = |handle: &Handle<ShaderBuffer>| buffers.get(handle).map(|on_gpu| &on_gpu.buffer);
    let Some([Some(x), Some(y)]) = activation.map(|of| [&of.x, &of.y].map(buffer)) else {
        commands.remove_resource::<Bound>();
        return Ok(());
    };
    if bound.is_some_and(|bound| bound.buffers == [x.id(), y.id()]) {
        return Ok(());
    }
    let params = device.create_buffer(&BufferDescriptor {
        label: None,
        size: 16,
        usage: BufferUsages::UNIFORM | BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let binding = kernel.0.bind::<f32>(&*params, &**x, &**y)?;
    commands.insert_resource(Bound { binding, buffers: [x.id(), y.id()], params });
    Ok(())
}

/// Records the function into the encoder of the frame.
fn record(
    activation: Option<Res<Activation>>,
    bound: Option<Res<Bound>>,
    queue: Res<RenderQueue>,
    mut context: RenderContext,
) {
    if let (Some(activation), Some(bound)) = (activation, bound) {
        queue.write_buffer(&bound.params, 0, &activation.f.params().to_bytes());
        bound.binding.record(context.command_encoder());
    }
}
