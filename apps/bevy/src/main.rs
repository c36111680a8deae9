//! A Bevy app without a window, whose frames apply the function to a buffer: with one preset, then with the other. What
//! Bevy reads back is compared with the CPU path.

mod activation;

use std::error::Error;

use activation::{Activation, ActivationPlugin};
use bevy::app::ScheduleRunnerPlugin;
use bevy::prelude::*;
use bevy::render::gpu_readback::{Readback, ReadbackComplete};
use bevy::render::renderer::RenderAdapterInfo;
use bevy::render::storage::ShaderBuffer;
use bevy::window::ExitCondition;
use hard_sigmoid::{HardSigmoid, cpu};

/// What is read back lags behind by some frames. A function must show within this many.
const MOST_READBACKS: usize = 100;

fn main() -> AppExit {
    let window = WindowPlugin { primary_window: None, exit_condition: ExitCondition::DontExit, ..default() };
    App::new()
        .add_plugins((DefaultPlugins.set(window), ScheduleRunnerPlugin::default(), ActivationPlugin))
        .add_systems(Startup, start)
        .run()
}

fn numbers() -> Vec<f32> {
    (0..100_003).map(|i| (i % 1000) as f32 / 125.0 - 4.0).collect()
}

fn start(mut commands: Commands, mut buffers: ResMut<Assets<ShaderBuffer>>, adapter: Res<RenderAdapterInfo>) {
    println!("running on {}", adapter.name);
    let x = ShaderBuffer::from(numbers());
    let y = ShaderBuffer::from(vec![0.0_f32; numbers().len()]);
    let [x, y] = [x, y].map(|buffer| buffers.add(buffer));
    commands.spawn(Readback::buffer(y.clone())).observe(compare);
    commands.insert_resource(Activation { f: HardSigmoid::ONNX, x, y });
}

/// Goes on to the next function once the results are there, and ends the app after the last one.
fn compare(
    read: On<ReadbackComplete>,
    mut activation: ResMut<Activation>,
    mut exit: MessageWriter<AppExit>,
    mut readbacks: Local<usize>,
) -> Result {
    let x = numbers();
    let mut expected = vec![0.0; x.len()];
    cpu::apply(activation.f, &x, &mut expected)?;
    let y: Vec<f32> = read.to_shader_type();
    let differing = y.iter().zip(&expected).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
    if differing == 0 && y.len() == x.len() {
        println!("{}: {} results have the bits of the CPU path", activation.f, y.len());
        if activation.f == HardSigmoid::PYTORCH {
            exit.write(AppExit::Success);
        }
        activation.f = HardSigmoid::PYTORCH;
        *readbacks = 0;
    }
    *readbacks += 1;
    if *readbacks > MOST_READBACKS {
        let message = format!("{}: {differing} of {} results differ from the CPU path", activation.f, x.len());
        return Err(Box::<dyn Error + Send + Sync>::from(message).into());
    }
    Ok(())
}
