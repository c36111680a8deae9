use half::{bf16, f16};

#[cfg(target_arch = "x86_64")]
use super::x86::{avx2, avx512, avx512_bf16};
use super::*;
use crate::element::sealed::Sealed;

#[test]
fn wide_is_the_same_as_narrow() {
    let work = |x: &[f32]| x.iter().map(|x| (x + 3.0) * 0.3).collect::<Vec<_>>();
    let x: Vec<f32> = (0..1003).map(|i| i as f32).collect();
    assert_eq!(with_best_simd(|| work(&x)), work(&x));
}

fn bits<T: Element>(elements: &[T]) -> Vec<u64> {
    elements.iter().map(|x| x.bits()).collect()
}

type F<T> = fn(<T as Sealed>::Wide, <T as Sealed>::Wide) -> <T as Sealed>::Wide;
type Map<T> = fn(&[T], &[T], &mut [T], F<T>);
type MapInPlace<T> = fn(Option<&[T]>, &mut [T], F<T>);

/// The loops for each set of instructions that the processor supports.
fn instances<T: Element>(normal: bool) -> impl Iterator<Item = (&'static str, Map<T>, MapInPlace<T>)> {
    const STORES: Stores = Stores { stream: false, normal: false };
    let best: (_, Map<T>, MapInPlace<T>) =
        ("best", |a, b, y, f| map(a, b, y, STORES, f), |a, y, f| map_in_place(a, y, STORES, f));
    #[cfg(target_arch = "x86_64")]
    let others: [Option<(_, Map<T>, MapInPlace<T>)>; 3] = [
        x86::has_avx2().then_some((
            "AVX2",
            // SAFETY: the processor supports these instructions.
            |a, b, y, f| unsafe { avx2::map(a, b, y, f) },
            // SAFETY: the processor supports these instructions.
            |a, y, f| unsafe { avx2::map_in_place(a, y, f) },
        )),
        x86::has_avx512().then_some((
            "AVX-512",
            // SAFETY: the processor supports these instructions.
            |a, b, y, f| unsafe { avx512::map(a, b, y, f) },
            // SAFETY: the processor supports these instructions.
            |a, y, f| unsafe { avx512::map_in_place(a, y, f) },
        )),
        (normal && x86::has_avx512_bf16()).then_some((
            "AVX-512 with bf16",
            // SAFETY: the processor supports these instructions.
            |a, b, y, f| unsafe { avx512_bf16::map(a, b, y, f) },
            // SAFETY: the processor supports these instructions.
            |a, y, f| unsafe { avx512_bf16::map_in_place(a, y, f) },
        )),
    ];
    // NEON is the best there is.
    #[cfg(not(target_arch = "x86_64"))]
    let others = [];
    [Some(best)].into_iter().chain(others).flatten()
}

/// Every 16-bit pattern, in slices that end with a part of a block, and targets that begin anywhere in a cache line.
/// The elements around the target must stay unchanged.
fn loops_are_the_same_as_plain<T: Element>(normal: bool, f: fn(T::Wide, T::Wide) -> T::Wide) {
    let a: Vec<T> = (0..1 << 16).map(T::from_low_bits).collect();
    let b: Vec<T> = (0..1 << 16).map(|i| T::from_low_bits(i * 40_503)).collect();
    let old = T::from_f64(7777.0);
    let starts = [(1 << 16, 0), (200, 0), (64, 0), (63, 0), (1, 0), (0, 0)];
    let starts = starts.into_iter().chain((1..40).map(|start| (5003, start)));
    for ((len, start), (name, map, map_in_place)) in
        starts.flat_map(|start| instances::<T>(normal).map(move |instance| (start, instance)))
    {
        let (a, b) = (&a[..len], &b[..len]);
        let same = |first: &[T], second: &[T], in_place: Option<Option<&[T]>>| {
            let mut expected = vec![old; len];
            plain(first, second, &mut expected, f);
            let mut around = vec![old; start + len + 40];
            let target = &mut around[start..start + len];
            match in_place {
                None => map(first, second, target, f),
                Some(first) => {
                    target.copy_from_slice(second);
                    map_in_place(first, target, f);
                }
            }
            assert_eq!(bits(target), bits(&expected), "{name} {} {len} from {start} {:?}", T::NAME, in_place.is_some());
            assert!(around[..start].iter().chain(&around[start + len..]).all(|&y| y == old));
        };
        same(a, b, None);
        same(a, b, Some(Some(a)));
        same(a, a, Some(None));
    }
}

#[test]
fn loops_of_every_type() {
    use crate::HardSigmoid;
    // Evaluation makes NaNs quiet, which rounding asks for.
    loops_are_the_same_as_plain::<f16>(false, |a, b| HardSigmoid::ONNX.eval(if a > b { a } else { b }));
    loops_are_the_same_as_plain::<f16>(false, |a, _| HardSigmoid::ONNX.eval(a));
    loops_are_the_same_as_plain::<f16>(false, |a, b| HardSigmoid::ONNX.backward().eval(a, b));
    loops_are_the_same_as_plain::<bf16>(true, |a, _| HardSigmoid::ONNX.eval(a));
    loops_are_the_same_as_plain::<bf16>(false, |a, b| HardSigmoid::ONNX.backward().eval(a, b));
    loops_are_the_same_as_plain::<f32>(false, |a, b| HardSigmoid::ONNX.backward().eval(a, b));
    loops_are_the_same_as_plain::<f64>(false, |a, b| HardSigmoid::ONNX.backward().eval(a, b));
}

/// Calls `check` with what each instance makes of `x`. The closure is part of the loops, unlike a function pointer.
fn each_instance<T: Element>(x: &[T], f: impl Pointwise<T::Wide>, mut check: impl FnMut(&str, &[T])) {
    let mut y = x.to_vec();
    plain(x, x, &mut y, f);
    check("plain", &y);
    #[cfg(target_arch = "x86_64")]
    if x86::has_avx2() {
        // SAFETY: the processor supports these instructions.
        unsafe { avx2::map(x, x, &mut y, f) };
        check("AVX2", &y);
    }
    map(x, x, &mut y, Stores { stream: false, normal: false }, f);
    check("best", &y);
}

#[test]
#[ignore = "over all 2^32 f32: scripts/exhaustive"]
fn every_f32_by_every_instance() {
    use rayon::prelude::*;

    use crate::HardSigmoid;
    const LEN: u32 = 1 << 13;
    for f in [HardSigmoid::ONNX, HardSigmoid::PYTORCH] {
        let coefficients = f.coefficients::<f32>();
        (0..u32::MAX / LEN + 1).into_par_iter().for_each(|block| {
            let x: Vec<f32> = (0..LEN).map(|i| f32::from_bits(block * LEN + i)).collect();
            let expected: Vec<u32> = x.iter().map(|&x| std::hint::black_box(f).eval(x).to_bits()).collect();
            each_instance(
                &x,
                move |x, _| coefficients.eval(x),
                |name, y| {
                    assert!(bytemuck::cast_slice::<_, u32>(y) == expected, "{name} {block:#x}");
                },
            );
        });
    }
}

#[test]
fn every_f16_and_bf16_by_every_instance() {
    use crate::HardSigmoid;
    fn check<T: Element>(coefficients: crate::hard_sigmoid::Coefficients<T::Wide>, eval: impl Fn(T) -> T) {
        let x: Vec<T> = (0..1 << 16).map(T::from_low_bits).collect();
        let expected: Vec<T> = x.iter().map(|&x| eval(x)).collect();
        each_instance(
            &x,
            move |x, _| coefficients.eval(x),
            |name, y| {
                assert_eq!(bits(y), bits(&expected), "{name} {}", T::NAME);
            },
        );
    }
    for f in [HardSigmoid::ONNX, HardSigmoid::PYTORCH, HardSigmoid::new(-1e-30, 0.0).unwrap()] {
        check::<f16>(f.coefficients::<f16>(), |x| f.eval(x));
        check::<bf16>(f.coefficients::<bf16>(), |x| f.eval(x));
    }
}

type Widen = fn(&[f16; 32]) -> [f32; 32];
type Round = fn(&[f32; 32], &mut [f16; 32]);

/// The conversions of f16 for each set of instructions that the processor supports.
fn conversions() -> impl Iterator<Item = (Widen, Round)> {
    #[cfg(target_arch = "x86_64")]
    let all: [Option<(Widen, Round)>; 2] = [
        // SAFETY: the processor supports these instructions.
        x86::has_avx2().then_some((|x| unsafe { avx2::widen(x) }, |x, y| unsafe { avx2::round(x, y) })),
        // SAFETY: as above.
        x86::has_avx512().then_some((|x| unsafe { avx512::widen(x) }, |x, y| unsafe { avx512::round(x, y) })),
    ];
    #[cfg(target_arch = "aarch64")]
    let all: [Option<(Widen, Round)>; 1] = [
        // SAFETY: as above.
        aarch64::has_neon().then_some((|x| unsafe { aarch64::widen(x) }, |x, y| unsafe { aarch64::round(x, y) })),
    ];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let all: [Option<(Widen, Round)>; 0] = [];
    all.into_iter().flatten()
}

#[test]
fn f16_is_widened_as_by_integers() {
    let all: Vec<f16> = (0..=u16::MAX).map(f16::from_bits).collect();
    for ((widen, _), halves) in conversions().flat_map(|both| all.as_chunks().0.iter().map(move |it| (both, it))) {
        for (x, half) in widen(halves).iter().zip(halves) {
            let wide = half.widen();
            // These instructions make NaNs quiet.
            let expected = wide.to_bits() | if wide.is_nan() { 0x0040_0000 } else { 0 };
            assert_eq!(x.to_bits(), expected, "{:#x}", half.to_bits());
        }
    }
}

#[test]
fn f16_is_rounded_as_by_integers() {
    // Every f16, 2^16 in place of infinity, the midpoints of neighbours, which f32 holds, and what is next to these.
    let numbers = (0..0x7c00).map(|bits| f16::from_bits(bits).to_f32()).chain([65_536.0]).collect::<Vec<_>>();
    let midpoints = numbers.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0);
    let near = midpoints.chain(numbers.iter().copied()).flat_map(|x| {
        let bits = x.to_bits();
        [bits.saturating_sub(1), bits, bits + 1].into_iter().flat_map(|bits| [bits, bits | 1 << 31])
    });
    // Every payload that an f16 holds, and lower bits, which it does not hold.
    let nans = (0x7_fe00_u32..=0x7_ffff).flat_map(|high| {
        [0, 1, 0x0fff, 0x1000, 0x1001, 0x1fff].into_iter().flat_map(move |low| {
            let bits = high << 13 | low;
            [bits, bits & !(1 << 31)]
        })
    });
    // An odd step varies the low bits.
    let samples = (0..=u32::MAX).step_by(1009).filter(|&bits| !f32::from_bits(bits).is_nan());
    let mut x: Vec<f32> = near.chain(nans).chain(samples).map(f32::from_bits).collect();
    x.resize(x.len().next_multiple_of(32), 0.0);
    for ((_, round), x) in conversions().flat_map(|both| x.as_chunks().0.iter().map(move |it| (both, it))) {
        let mut halves = [f16::ZERO; 32];
        round(x, &mut halves);
        for (x, half) in x.iter().zip(halves) {
            assert_eq!(half.to_bits(), <f16 as Sealed>::round(*x).to_bits(), "{:#x}", x.to_bits());
        }
    }
}

/// The streaming loops for each set of instructions that the processor supports.
fn streams<T: Element>() -> impl Iterator<Item = Map<T>> {
    let best: Map<T> = |a, b, y, f| map(a, b, y, Stores { stream: true, normal: false }, f);
    #[cfg(target_arch = "x86_64")]
    let others: [Option<Map<T>>; 2] = [
        // SAFETY: the processor supports these instructions.
        x86::has_avx2().then_some(|a, b, y, f| unsafe { avx2::stream(a, b, y, f) }),
        // No result is subnormal.
        (matches!(T::DTYPE, Dtype::Bf16) && x86::has_avx512_bf16())
            // SAFETY: as above.
            .then_some(|a, b, y, f| unsafe { avx512_bf16::stream(a, b, y, f) }),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let others = [];
    [Some(best)].into_iter().chain(others).flatten()
}

/// Lengths and alignments around the size of a block. The elements around the target must stay unchanged.
fn streamed_is_the_same_as_plain<T: Element>(f: fn(T::Wide, T::Wide) -> T::Wide) {
    let a: Vec<T> = (0..400).map(|i| T::from_f64(f64::from(i))).collect();
    let b: Vec<T> = (0..400).map(|i| T::from_f64(f64::from(i + 1000))).collect();
    let old = T::from_f64(7777.0);
    for (stream, start) in streams::<T>().flat_map(|stream| (0..40).map(move |start| (stream, start))) {
        for len in (0..200).chain([300]) {
            let (a, b) = (&a[start / 2..][..len], &b[start / 3..][..len]);
            let mut expected = vec![old; 400];
            let mut target = expected.clone();
            plain(a, b, &mut expected[start..start + len], f);
            stream(a, b, &mut target[start..start + len], f);
            assert_eq!(target, expected, "{start} {len}");
            plain(a, a, &mut expected[start..start + len], f);
            stream(a, a, &mut target[start..start + len], f);
            assert_eq!(target, expected, "{start} {len} from one source");
        }
    }
}

/// The allocation ends with the target, so that valgrind detects a write beyond the end.
#[test]
fn nothing_is_written_behind_the_target() {
    for len in 0..200 {
        let source: Vec<f32> = (0..len).map(|i| i as f32).collect();
        for stream in streams() {
            let mut target = vec![-1.0; len];
            stream(&source, &source, &mut target, |a, _| a);
            assert_eq!(target, source);
        }
    }
}

#[test]
fn streaming_changes_nothing() {
    streamed_is_the_same_as_plain::<f32>(|a, b| a * 3.0 + b);
    streamed_is_the_same_as_plain::<f64>(|a, b| a * 3.0 + b);
    streamed_is_the_same_as_plain::<f16>(|a, b| a * 0.5 + b);
    streamed_is_the_same_as_plain::<bf16>(|a, b| a * 0.5 + b);
}
