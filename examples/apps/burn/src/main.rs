//! Hard sigmoid in burn, forward and backward, by hard-sigmoid's kernel: on burn's device, in burn's buffers, beside
//! burn's own. Checks that the results have the bits of the CPU path.

mod activation;

use std::error::Error;
use std::time::Instant;

use activation::Activation;
use burn::backend::wgpu::WgpuSetup;
use burn::tensor::activation::hard_sigmoid as burns;
use burn::tensor::{Device, Tensor, TensorData};
use hard_sigmoid::{HardSigmoid, Kernel, cpu, wgpu};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const F: HardSigmoid = HardSigmoid::PYTORCH;

/// Not a multiple of what a vector or a workgroup holds.
const ELEMENTS: usize = 4_000_003;

const ROUNDS: usize = 9;

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
    let activation = Activation { f: F, kernel: Kernel::new(&device)?, device: device.clone(), queue: queue.clone() };
    let setup = WgpuSetup { instance, adapter, device, queue, backend: info.backend };
    let device = Device::wgpu_options().setup(setup).init()?;
    println!("{} elements of f32 on {} ({}), preset pytorch", ELEMENTS, info.name, info.backend);

    let x = inputs();
    let weights: Vec<f32> = (0..ELEMENTS).map(|i| (i % 31) as f32 / 8.0 - 2.0).collect();
    let mut y = vec![0.0; ELEMENTS];
    cpu::apply(F, &x, &mut y)?;
    let mut grad = vec![0.0; ELEMENTS];
    cpu::backward(F.backward(), &x, &weights, &mut grad)?;

    views(&activation, &device, &x)?;
    let ours = Outcome::of(|x| activation.forward(x), &device, &x, &weights)?;
    same_bits("forward", &ours.y, &y)?;
    same_bits("backward", &ours.grad, &grad)?;
    let theirs = Outcome::of(|x| burns(x, F.alpha(), F.beta()), &device, &x, &weights)?;

    let times = times(&activation, &device, &x)?;
    println!("{:<44}{:>20}{:>20}", "", "hard-sigmoid", "burn, unfused");
    let row = |what: &str, cells: [String; 2]| println!("{what:<44}{:>20}{:>20}", cells[0], cells[1]);
    row("forward, median of 9", [&times[0], &times[1]].map(|time| format!("{:.2} ms", time[0] * 1e3)));
    row("forward and backward, median of 9", [&times[0], &times[1]].map(|time| format!("{:.2} ms", time[1] * 1e3)));
    row("largest error, in ULP", [&ours, &theirs].map(|o| largest_error(&x, &o.y, 1.0).to_string()));
    row(
        "largest error of results below 0.001, in ULP",
        [&ours, &theirs].map(|o| largest_error(&x, &o.y, 1e-3).to_string()),
    );
    row("NaN becomes", [&ours, &theirs].map(|o| o.y[0].to_string()));
    row("gradient at -3, 2.9999998 and 3, for 1", [&ours, &theirs].map(|o| at_edges(o, &weights)));
    row("gradients that differ from PyTorch's", [&ours, &theirs].map(|o| differing(&o.grad, &grad).to_string()));
    Ok(())
}

/// Numbers from -4 to 4, after the ones that are special.
fn inputs() -> Vec<f32> {
    let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -3.0, 3.0_f32.next_down(), 3.0, -0.0, 1e-40];
    // The zero of the function, from above.
    let near_0 = (0..10_000).map(|i| f32::from_bits((-3.0_f32).to_bits() - i));
    let rest = (0..).map(|i: u32| i.wrapping_mul(0x9e37_79b1) as f32 / u32::MAX as f32 * 8.0 - 4.0);
    special.into_iter().chain(near_0).chain(rest).take(ELEMENTS).collect()
}

/// Results, and gradients of the sum of weighted results.
struct Outcome {
    y: Vec<f32>,
    grad: Vec<f32>,
}

impl Outcome {
    fn of(f: impl Fn(Tensor<1>) -> Tensor<1>, device: &Device, x: &[f32], weights: &[f32]) -> Result<Self> {
        let device = device.clone().autodiff();
        let tensor = |numbers: &[f32]| Tensor::<1>::from_data(TensorData::new(numbers.to_vec(), [x.len()]), &device);
        let x = tensor(x).require_grad();
        let y = f(x.clone());
        let grads = (y.clone() * tensor(weights)).sum().backward();
        let grad = x.grad(&grads).ok_or("no gradient")?;
        Ok(Self { y: host(y)?, grad: host(grad)? })
    }
}

fn host<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    tensor.into_data().try_to_vec().map_err(|error| format!("{error:?}").into())
}

/// Tensors that are parts of others, that burn has yet to compute, and that are not contiguous.
fn views(activation: &Activation, device: &Device, x: &[f32]) -> Result<()> {
    let mut expected = vec![0.0; 1001];
    cpu::apply(F, &x[7..1008], &mut expected)?;
    let tensor = Tensor::<1>::from_data(TensorData::new(x[..2000].to_vec(), [2000]), device);
    same_bits("a slice", &host(activation.forward(tensor.clone().narrow(0, 7, 1001)))?, &expected)?;

    // What burn has recorded and not submitted yet comes first.
    let halves: Vec<f32> = x[..2000].iter().map(|x| x * 0.5).collect();
    let mut expected_of_halves = vec![0.0; 2000];
    cpu::apply(F, &halves, &mut expected_of_halves)?;
    same_bits("after an operation", &host(activation.forward(tensor.clone() * 0.5))?, &expected_of_halves)?;

    let transposed = Tensor::<2>::from_data(TensorData::new(x[7..1008].to_vec(), [13, 77]), device).transpose();
    let back = activation.forward(transposed).transpose();
    same_bits("a transposed tensor", &host(back)?, &expected)
}

/// Medians in seconds, for hard-sigmoid and burn in turn: forward, then forward and backward.
fn times(activation: &Activation, device: &Device, x: &[f32]) -> Result<[[f64; 2]; 2]> {
    let own: &dyn Fn(Tensor<1>) -> Tensor<1> = &|x| activation.forward(x);
    let burn: &dyn Fn(Tensor<1>) -> Tensor<1> = &|x| burns(x, F.alpha(), F.beta());
    let data = TensorData::new(x.to_vec(), [x.len()]);
    let plain = Tensor::<1>::from_data(data.clone(), device);
    let tracked = Tensor::<1>::from_data(data, &device.clone().autodiff()).require_grad();
    let mut seconds = [const { [const { Vec::new() }; 2] }; 2];
    // The first two rounds compile shaders.
    for round in 0..ROUNDS + 2 {
        for (f, seconds) in [own, burn].into_iter().zip(&mut seconds) {
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

/// The distance from the exact function x/6 + 1/2, rounded to f32, among results below `limit`.
fn largest_error(x: &[f32], y: &[f32], limit: f64) -> u32 {
    let numbers = x.iter().zip(y).filter(|(x, _)| !x.is_nan());
    let exact = numbers.map(|(&x, y)| ((f64::from(x) / 6.0 + 0.5).clamp(0.0, 1.0), y));
    exact
        .filter(|(exact, _)| *exact <= limit)
        .map(|(exact, y)| (exact as f32).to_bits().abs_diff((y + 0.0).to_bits()))
        .max()
        .unwrap_or(0)
}

fn at_edges(outcome: &Outcome, weights: &[f32]) -> String {
    [3, 4, 5].map(|i| format!("{:.3}", outcome.grad[i] / weights[i] + 0.0)).join(" ")
}
