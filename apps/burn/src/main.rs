//! Hard sigmoid in burn, forward and backward, by hard-sigmoid's kernel: on burn's device, in burn's buffers, beside
//! burn's own. Checks that the results have the bits of the CPU path.

mod activation;
mod views;

use std::error::Error;
use std::time::Instant;

use activation::Activation;
use burn::backend::wgpu::WgpuSetup;
use burn::tensor::activation::hard_sigmoid as burns;
use burn::tensor::{Device, Tensor, TensorData};
use hard_sigmoid::{HardSigmoid, Kernel, cpu, wgpu};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Not a multiple of what a vector or a workgroup holds.
const ELEMENTS: usize = 1_000_003;

const ROUNDS: usize = 9;

/// A NaN with a sign and a payload.
const NAN: u32 = 0xffc1_2345;

fn main() -> Result<()> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let adapter = pollster::block_on(wgpu::util::initialize_adapter_from_env_or_default(&instance, None))?;
    let info = adapter.get_info();
    // What burn's shaders need. The kernel needs less.
    let required_features =
        adapter.features() - wgpu::Features::all_experimental_mask() - wgpu::Features::MAPPABLE_PRIMARY_BUFFERS;
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
        required_features,
        required_limits: adapter.limits(),
        ..Default::default()
    }))?;
    let kernel = Kernel::new(&device)?;
    let setup = WgpuSetup { instance, adapter, device: device.clone(), queue: queue.clone(), backend: info.backend };
    let burn_device = Device::wgpu_options().setup(setup).init()?;
    println!("{ELEMENTS} f32 on {} ({}), medians of {ROUNDS}, burn without fusion", info.name, info.backend);

    let mut columns = Vec::new();
    for (name, f) in [("pytorch", HardSigmoid::PYTORCH), ("onnx", HardSigmoid::ONNX)] {
        let activation = Activation { f, kernel: kernel.clone(), device: device.clone(), queue: queue.clone() };
        let x = inputs(f);
        views::check(&activation, &burn_device, &x)?;
        columns.extend(compare(name, &activation, &burn_device, &x)?);
    }
    for (row, (what, _)) in columns[0].iter().enumerate() {
        let cells = columns.iter().map(|column| format!("{:>21}", column[row].1));
        println!("{what:<38}{}", cells.collect::<String>());
    }
    Ok(())
}

/// What there is to say about an implementation, by name.
type Column = Vec<(&'static str, String)>;

/// The columns of hard-sigmoid and of burn. An error if hard-sigmoid's results are not those of the CPU path.
fn compare(preset: &str, activation: &Activation, device: &Device, x: &[f32]) -> Result<[Column; 2]> {
    let f = activation.f;
    let own = |x| activation.forward(x);
    let burn = |x| burns(x, f.alpha(), f.beta());
    let weights: Vec<f32> = (0..x.len()).map(|i| if i < 8 { 1.0 } else { (i % 31) as f32 / 8.0 - 2.0 }).collect();
    let mut y = vec![0.0; x.len()];
    cpu::apply(f, x, &mut y)?;
    let mut grad = vec![0.0; x.len()];
    cpu::backward(f.backward(), x, &weights, &mut grad)?;

    let ours = Outcome::of(&own, device, x, &weights)?;
    same_bits("forward", &ours.y, &y)?;
    same_bits("backward", &ours.grad, &grad)?;
    let theirs = Outcome::of(&burn, device, x, &weights)?;

    let [our_times, their_times] = times([&own, &burn], device, x)?;
    let column = |name: &str, Outcome { y: results, grad: gradients }: &Outcome, [forward, both]: [f64; 2]| {
        vec![
            ("", format!("{name}, {preset}")),
            ("forward", format!("{:.2} ms", forward * 1e3)),
            ("forward, sum and backward", format!("{:.2} ms", both * 1e3)),
            ("largest error of y < 0.001", format!("{} ULP", largest_error(f, x, results, 0.0..1e-3))),
            ("largest error of other y", format!("{} ULP", largest_error(f, x, results, 1e-3..2.0))),
            ("y that differ from the CPU path", differing(results, &y).to_string()),
            ("y of the NaN ffc12345", format!("{:08x}", results[0].to_bits())),
            ("gradient at the NaN", gradients[0].to_string()),
            ("gradient at the edges", format!("{:.3} {:.3}", gradients[3], gradients[5])),
            ("gradients that differ from PyTorch's", differing(gradients, &grad).to_string()),
        ]
    };
    Ok([column("hard-sigmoid", &ours, our_times), column("burn", &theirs, their_times)])
}

/// Special numbers, those after the lower edge, and others from -4 to 4.
fn inputs(f: HardSigmoid) -> Vec<f32> {
    let [lower, upper] = [-f.beta() / f.alpha(), (1.0 - f.beta()) / f.alpha()].map(|x| x as f32);
    let special = [f32::from_bits(NAN), f32::INFINITY, f32::NEG_INFINITY, lower, upper.next_down(), upper, -0.0, 1e-40];
    let near_0 = (0..10_000).map(|i| f32::from_bits(lower.to_bits() - i));
    let rest = (0..).map(|i: u32| i.wrapping_mul(0x9e37_79b1) as f32 / u32::MAX as f32 * 8.0 - 4.0);
    special.into_iter().chain(near_0).chain(rest).take(ELEMENTS).collect()
}

/// Results, and gradients of the sum of weighted results.
struct Outcome {
    y: Vec<f32>,
    grad: Vec<f32>,
}

impl Outcome {
    fn of(f: &dyn Fn(Tensor<1>) -> Tensor<1>, device: &Device, x: &[f32], weights: &[f32]) -> Result<Self> {
        let device = device.clone().autodiff();
        let x = tensor(x, [x.len()], &device).require_grad();
        let y = f(x.clone());
        let grads = (y.clone() * tensor(weights, [weights.len()], &device)).sum().backward();
        let grad = x.grad(&grads).ok_or("no gradient")?;
        Ok(Self { y: host(y)?, grad: host(grad)? })
    }
}

fn tensor<const D: usize>(numbers: &[f32], shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(numbers.to_vec(), shape), device)
}

fn host<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    tensor.into_data().try_to_vec().map_err(|error| format!("{error:?}").into())
}

/// Medians in seconds for two functions in turn: forward, then forward and backward.
fn times(functions: [&dyn Fn(Tensor<1>) -> Tensor<1>; 2], device: &Device, x: &[f32]) -> Result<[[f64; 2]; 2]> {
    let plain = tensor(x, [x.len()], device);
    let tracked = tensor(x, [x.len()], &device.clone().autodiff()).require_grad();
    let mut seconds: [[Vec<f64>; 2]; 2] = Default::default();
    // The first two rounds compile shaders.
    for round in 0..ROUNDS + 2 {
        for (f, seconds) in functions.into_iter().zip(&mut seconds) {
            for (with_gradient, seconds) in [false, true].into_iter().zip(seconds) {
                device.sync()?;
                let started = Instant::now();
                if with_gradient {
                    let grads = f(tracked.clone()).sum().backward();
                    let _grad = tracked.grad(&grads);
                    device.sync()?;
                } else {
                    let _y = f(plain.clone());
                    device.sync()?;
                }
                if round >= 2 {
                    seconds.push(started.elapsed().as_secs_f64());
                }
            }
        }
    }
    Ok(seconds.map(|of| {
        of.map(|mut seconds| {
            seconds.sort_by(f64::total_cmp);
            seconds[seconds.len() / 2]
        })
    }))
}

fn same_bits(what: &str, got: &[f32], expected: &[f32]) -> Result<()> {
    match differing(got, expected) {
        0 if got.len() == expected.len() => Ok(()),
        n => Err(format!("{what}: {n} of {} results differ from the CPU path", expected.len()).into()),
    }
}

fn differing(a: &[f32], b: &[f32]) -> usize {
    a.iter().zip(b).filter(|(a, b)| a.to_bits() != b.to_bits()).count()
}

/// The distance from the exact function, rounded to f32, among the exact results in a range.
fn largest_error(f: HardSigmoid, x: &[f32], y: &[f32], range: std::ops::Range<f64>) -> u32 {
    let numbers = x.iter().zip(y).filter(|(x, _)| !x.is_nan());
    // In f64, the cancellation near 0 leaves more bits than f32 has.
    let exact = numbers.map(|(&x, y)| ((f64::from(x) * f.alpha() + f.beta()).clamp(0.0, 1.0), y));
    exact
        .filter(|(exact, _)| range.contains(exact))
        .map(|(exact, y)| (exact as f32).to_bits().abs_diff((y + 0.0).to_bits()))
        .max()
        .unwrap_or(0)
}
