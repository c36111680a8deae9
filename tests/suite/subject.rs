//! What the tests run on, and inputs for it.

use hard_sigmoid::{Gpu, HardSigmoid, cpu};

/// A name, and what runs once for each subject.
pub(crate) type Test = (&'static str, fn(&Subject));

/// A way to compute.
#[derive(Clone)]
pub(crate) enum Subject {
    Cpu,
    Gpu { adapter: wgpu::Adapter, gpu: Gpu },
}

impl Subject {
    pub(crate) fn gpu(adapter: &wgpu::Adapter) -> Result<Self, String> {
        match pollster::block_on(Gpu::open_adapter(adapter)) {
            Ok(gpu) => Ok(Self::Gpu { adapter: adapter.clone(), gpu }),
            Err(error) => Err(format!("{:?}: {error}", adapter.get_info())),
        }
    }

    pub(crate) fn name(&self) -> String {
        match self {
            Self::Cpu => "cpu".into(),
            Self::Gpu { adapter, .. } => {
                let info = adapter.get_info();
                let short = info.name.split([' ', '(']).next().unwrap_or_default().to_lowercase();
                format!("{}_{short}", info.backend.to_str())
            }
        }
    }

    pub(crate) fn apply(&self, f: HardSigmoid, source: &[f32]) -> Vec<f32> {
        let mut target = vec![-1.0; source.len()];
        match self {
            Self::Cpu => cpu::apply(f, source, &mut target).unwrap(),
            Self::Gpu { gpu, .. } => gpu.apply_blocking(f, source, &mut target).unwrap(),
        }
        target
    }

    pub(crate) fn apply_in_place(&self, f: HardSigmoid, data: &mut [f32]) {
        match self {
            Self::Cpu => cpu::apply_in_place(f, data),
            Self::Gpu { gpu, .. } => gpu.apply_in_place_blocking(f, data).unwrap(),
        }
    }

    /// A new device on the same adapter, with limits changed by `lower`.
    pub(crate) fn device(&self, lower: impl FnOnce(&mut wgpu::Limits)) -> (wgpu::Device, wgpu::Queue) {
        let Self::Gpu { adapter, .. } = self else { panic!("the CPU has no device") };
        let mut limits = adapter.limits();
        lower(&mut limits);
        let descriptor = wgpu::DeviceDescriptor { required_limits: limits, ..Default::default() };
        pollster::block_on(adapter.request_device(&descriptor)).unwrap()
    }
}

/// Functions of every kind: the presets, falling, steep, constant, flat. None whose results are subnormal, which some
/// drivers flush: validation.rs has those.
pub(crate) fn functions() -> Vec<HardSigmoid> {
    let pairs = [(-0.2, 0.5), (0.0, 0.25), (1.0, -0.25), (40.0, -3.0), (0.5, 0.6), (1e-20, 0.3)];
    let mut all = vec![HardSigmoid::ONNX, HardSigmoid::PYTORCH];
    all.extend(pairs.map(|(alpha, beta)| HardSigmoid::new(alpha, beta).unwrap()));
    all
}

/// NaN of all kinds, infinities, zeros, subnormals, and the edges of the functions: 2.5 is where a falling one gives -0 if
/// it is clamped as usual.
const SPECIAL: [u32; 24] = [
    0x7f80_0001,
    0x7fc0_0000,
    0x7fff_ffff,
    0xff80_0001,
    0xffc1_2345,
    0xffff_ffff,
    0x7f80_0000,
    0xff80_0000,
    0,
    0x8000_0000,
    1,
    0x8000_0001,
    0x007f_ffff,
    0x807f_ffff,
    0x0080_0000,
    0x8080_0000,
    0x4020_0000,
    0xc020_0000,
    0x4040_0000,
    0xc040_0000,
    0x403f_ffff,
    0xc03f_ffff,
    0x7f7f_ffff,
    0xff7f_ffff,
];

/// `len` numbers: the special ones, then every other one from all bit patterns and the rest between -4 and 4.
pub(crate) fn numbers(len: usize) -> Vec<f32> {
    let scrambled = |i: usize| (i as u32).wrapping_add(1).wrapping_mul(0x9e37_79b1);
    (0..len)
        .map(|i| match (SPECIAL.get(i), i % 2) {
            (Some(&bits), _) => f32::from_bits(bits),
            (None, 0) => f32::from_bits(scrambled(i)),
            _ => scrambled(i) as f32 * (8.0 / 4_294_967_296.0) - 4.0,
        })
        .collect()
}

/// Fails with the first element whose bits differ.
#[track_caller]
pub(crate) fn assert_bits(got: &[f32], expected: &[f32], case: &dyn std::fmt::Debug) {
    assert_eq!(got.len(), expected.len(), "{case:?}");
    if let Some(i) = got.iter().zip(expected).position(|(a, b)| a.to_bits() != b.to_bits()) {
        panic!("{case:?}: element {i}: {:#010x}, expected {:#010x}", got[i].to_bits(), expected[i].to_bits());
    }
}

/// What every path must give, from the definition and one element at a time.
pub(crate) fn expected(f: HardSigmoid, source: &[f32]) -> Vec<f32> {
    source.iter().map(|&x| f.eval(x)).collect()
}
