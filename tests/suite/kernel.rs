//! Compares bindings that are recorded into an app's encoders with the definition, bit for bit.

use std::collections::BTreeSet;
use std::ops::Range;

use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::plan::{Limits, Operand, Recipe, Resource, Step};
use hard_sigmoid::{
    BindError, Error, HardSigmoid, Kernel, KernelOptions,
    plan::{BufferRole, PlanError},
};
use wgpu::BufferUsages as Usage;

use crate::numbers::{Number, assert_bits, expected, numbers};
use crate::rig::Bench;
use crate::subject::{Subject, Test};

pub(crate) const TESTS: &[Test] = &[
    ("kernel_past_the_binding_limit", past_the_binding_limit),
    ("kernel_every_range_two_buffers_f32", |s| every_range::<f32>(s, Layout::Two)),
    ("kernel_every_range_two_buffers_f16", |s| every_range::<f16>(s, Layout::Two)),
    ("kernel_every_range_in_place_f32", |s| every_range::<f32>(s, Layout::InPlace)),
    ("kernel_every_range_in_place_f16", |s| every_range::<f16>(s, Layout::InPlace)),
    ("kernel_every_range_one_arena_f32", |s| every_range::<f32>(s, Layout::Arena)),
    ("kernel_every_range_one_arena_bf16", |s| every_range::<bf16>(s, Layout::Arena)),
    ("kernel_limits_beyond_the_device", limits_beyond_the_device),
    ("kernel_ranges_of_every_spelling", every_spelling),
    ("kernel_half_a_word_at_the_end_is_an_error", half_a_word),
];

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Layout {
    Two,
    InPlace,
    Arena,
}

fn past_the_binding_limit(subject: &Subject) {
    // This is llvmpipe's limit. Other adapters may have a much greater one.
    let bench = Bench::new(subject.device(|limits| {
        limits.max_storage_buffer_binding_size = limits.max_storage_buffer_binding_size.min(128 << 20);
    }));
    let len = (128 << 20) / 4 + 5;
    let source = numbers::<f32>(len);
    let (from, to) = (bench.buffer(&source), bench.buffer(&source));
    let binding = bench.kernel.bind::<f32>(HardSigmoid::PYTORCH, &from, &to).unwrap();
    bench.submit(|encoder| binding.record(encoder));
    assert_bits(&bench.read(&to), &expected(HardSigmoid::PYTORCH, &source), &len);
}

/// Every element offset from 0 to 9 for source and target, on a device whose limits lead to many dispatches. Elements
/// around the ranges must not change. In an arena, one of four distances for each, or all with `HARD_SIGMOID_THOROUGH`.
fn every_range<T: Number>(subject: &Subject, layout: Layout) {
    Bench::of_many_dispatches(subject).iter().for_each(|bench| every_range_on::<T>(bench, layout));
}

fn every_range_on<T: Number>(bench: &Bench, layout: Layout) {
    let f = HardSigmoid::PYTORCH;
    let mut planned = BTreeSet::new();
    // Lengths around 0, a vector, a workgroup, the shortest that uses vectors, and the limits of dispatch and binding.
    let per_word = 4 / size_of::<T>();
    let words = [128, 256, 512, 4096, 4101, 8192, 20_003].map(|words| words * per_word);
    let around = words.into_iter().flat_map(|len| [len - 1, len, len + 1]);
    let thorough = std::env::var_os("HARD_SIGMOID_THOROUGH").is_some();
    for (i, len) in [0, 1, 2, 3, 4, 5, 7].into_iter().chain(around).enumerate() {
        for (from, to) in (0..10).flat_map(|from| (0..10).map(move |to| (from, to))) {
            // In an arena, the target is after or before the source, close to it or far away.
            let cases = match layout {
                Layout::Two => vec![(len + 13, from, to)],
                Layout::InPlace => vec![(len + 13, from, from)],
                Layout::Arena => [0, 9000]
                    .into_iter()
                    .flat_map(|gap| [(from, from + len + gap + to), (from + len + gap + to, from)])
                    .map(|(from, to)| (from.max(to) + len + 13, from, to))
                    .enumerate()
                    .filter(|(case, _)| thorough || *case == (2 * from + to + i) % 4)
                    .map(|(_, case)| case)
                    .collect(),
            };
            // In place, source and target have the same offset.
            for (size, from, to) in cases.into_iter().filter(|_| layout != Layout::InPlace || from == to) {
                planned.extend(check::<T>(bench, f, layout, size, from..from + len, to..to + len));
            }
        }
    }
    // The offsets and lengths above reach all of these.
    let accesses: &[&str] = match layout {
        Layout::Two => &["separate buffer"],
        Layout::InPlace => &["same binding"],
        Layout::Arena => &["same buffer", "same binding"],
    };
    let vectors = if bench.limits.mixed { "map_mixed" } else { "map_vectors" };
    for access in accesses {
        for rotation in 0..if layout == Layout::InPlace { 1 } else { 4 * per_word } {
            assert!(planned.contains(&format!("{access} {vectors} {rotation}")), "{access} {rotation}");
        }
        assert!(planned.contains(&format!("{access} map_words 0")), "{access}");
    }
    assert!(planned.contains("steps: 5") || bench.limits.mixed && planned.contains("steps: 2"), "{planned:?}");
}

/// Checks a case. Returns the kinds and the number (up to 5) of the steps.
pub(crate) fn check<T: Number>(
    bench: &Bench,
    f: HardSigmoid,
    layout: Layout,
    size: usize,
    from: Range<usize>,
    to: Range<usize>,
) -> Vec<String> {
    let case = (layout, size, from.clone(), to.clone());
    // The size of a buffer is a multiple of 4 bytes.
    let size = size.next_multiple_of(4 / size_of::<T>());
    let source = numbers::<T>(size);
    let target = if layout == Layout::Two { vec![T::WRONG; size] } else { source.clone() };
    let target_buffer = bench.buffer(&target);
    let source_buffer = if layout == Layout::Two { bench.buffer(&source) } else { target_buffer.clone() };
    let range = |r: &Range<usize>| r.start as u64..r.end as u64;
    let binding = bench.kernel.bind::<T>(f, (&source_buffer, range(&from)), (&target_buffer, range(&to))).unwrap();
    bench.submit(|encoder| binding.record(encoder));

    let mut whole = target;
    whole[to].copy_from_slice(&expected(f, &source[from]));
    assert_bits(&bench.read(&target_buffer), &whole, &case);
    if layout == Layout::Two {
        assert_bits(&bench.read(&source_buffer), &source, &case);
    }

    let operand =
        |buffer, elements| Operand { buffer, buffer_bytes: source_buffer.size(), elements: range(elements).into() };
    let (source, target) = (operand(&source_buffer, &case.2), operand(&target_buffer, &case.3));
    let steps: Vec<_> = Recipe::forward::<T>(&source, &target, bench.limits).unwrap().steps().collect();
    let mut planned: Vec<_> = steps.iter().map(kind).collect();
    planned.push(format!("steps: {}", steps.len().min(5)));
    planned
}

/// How a step accesses its source, what a thread writes, and how the source is rotated.
fn kind(step: &Step<&wgpu::Buffer>) -> String {
    let storage: Vec<_> = step
        .bindings()
        .filter_map(|(_, resource)| match resource {
            Resource::Storage { buffer, .. } => Some(buffer),
            _ => None,
        })
        .collect();
    let access = match storage[..] {
        [_] => "same binding",
        [source, target] if source == target => "same buffer",
        _ => "separate buffer",
    };
    let program = step.program();
    let rotation = program.constants().into_iter().find(|(name, _)| *name == "ROTATION");
    format!("{access} {} {}", program.entry_point(), rotation.map_or(0.0, |(_, value)| value))
}

/// A kernel plans for no more than its device allows, whatever it is given.
fn limits_beyond_the_device(subject: &Subject) {
    for (binding_bytes, groups) in [(64 << 10, 2), (64 << 10, 65_535)] {
        let mut bench = Bench::with_limits(subject, binding_bytes, groups, false);
        let mut limits = Limits::default();
        limits.binding_bytes = u64::MAX;
        limits.alignment_bytes = 1;
        limits.storage_buffers = u32::MAX;
        limits.groups = u32::MAX;
        limits.mixed = false;
        bench.kernel =
            Kernel::with_options(&bench.device, KernelOptions { limits: Some(limits), ..Default::default() }).unwrap();
        check::<f32>(&bench, HardSigmoid::ONNX, Layout::Two, 40_000, 3..39_000, 1..38_998);
    }
}

fn every_spelling(subject: &Subject) {
    let bench = Bench::new(subject.device(|_| {}));
    let (f, source) = (HardSigmoid::ONNX, numbers::<f32>(100));
    let check = |range: Range<usize>, bind: &dyn Fn(&wgpu::Buffer) -> Result<hard_sigmoid::Binding, Error>| {
        let buffer = bench.buffer(&source);
        let binding = bind(&buffer).unwrap();
        bench.submit(|encoder| binding.record(encoder));
        let mut whole = source.clone();
        whole[range.clone()].copy_from_slice(&expected(f, &source[range.clone()]));
        assert_bits(&bench.read(&buffer), &whole, &range);
    };
    let kernel = &bench.kernel;
    let (a, b) = (30, 70);
    check(0..100, &|x| kernel.bind_in_place::<f32>(f, x));
    check(0..100, &|x| kernel.bind_in_place::<f32>(f, (x, ..)));
    check(30..70, &|x| kernel.bind_in_place::<f32>(f, (x, 30..70)));
    check(30..71, &|x| kernel.bind_in_place::<f32>(f, (x, 30..=70)));
    check(0..71, &|x| kernel.bind_in_place::<f32>(f, (x, ..=70)));
    check(30..100, &|x| kernel.bind_in_place::<f32>(f, (x, a..)));
    check(30..31, &|x| kernel.bind_in_place::<f32>(f, (x, a..=a)));
    check(0..70, &|x| kernel.bind_in_place::<f32>(f, (x, ..b)));
    check(70..99, &|x| kernel.bind_in_place::<f32>(f, (x, b..99)));
}

fn half_a_word(subject: &Subject) {
    let bench = Bench::new(subject.device(|_| {}));
    let buffer = bench.empty(Usage::STORAGE, 10);
    let error = bench.kernel.bind_in_place::<f16>(HardSigmoid::ONNX, &buffer).unwrap_err();
    let part = PlanError::PartOfWord { role: BufferRole::Data, buffer_bytes: 10 };
    assert!(matches!(&error, Error::Bind(BindError::Plan(plan)) if *plan == part), "{error}");
    assert!(error.to_string().contains("a multiple of 4 bytes"), "{error}");
    assert!(bench.kernel.bind_in_place::<f16>(HardSigmoid::ONNX, (&buffer, 0..4)).is_ok());
    let error = bench.kernel.bind_in_place::<f64>(HardSigmoid::ONNX, &buffer).unwrap_err();
    assert!(error.to_string().contains("a GPU does not compute f64: convert to f32"), "{error}");
}
