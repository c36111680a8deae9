//! Mistakes that an app can make with a binding. `bind` returns an error that names the buffer and the remedy.

use hard_sigmoid::{
    BindError, Error,
    plan::{BufferRole, PlanError},
};
use wgpu::BufferUsages as Usage;

use crate::numbers::{assert_bits, expected, numbers};
use crate::rig::{F, at, bench};
use crate::subject::{Subject, Test};

pub(crate) const TESTS: &[Test] = &[("mistakes_are_errors_and_poison_nothing", mistakes)];

fn mistakes(subject: &Subject) {
    let bench = bench(subject);
    let source = numbers::<f32>(100);
    let data = bench.buffer(&source);
    let make = |usage, size| bench.empty(usage, size);
    let (copies, uniform) = (make(Usage::COPY_DST, 400), make(Usage::UNIFORM | Usage::COPY_DST, 256));
    let bind = |from: (&wgpu::Buffer, std::ops::Range<u64>), to: (&wgpu::Buffer, std::ops::Range<u64>)| {
        bench.kernel.bind::<f32>(F, from, to).unwrap_err()
    };
    let with = |buffer, offset| bench.kernel.bind_in_place::<f32>(at(buffer, offset), &data).unwrap_err();
    let plan = BindError::Plan;
    #[allow(clippy::reversed_empty_ranges, reason = "the mistake itself")]
    let reversed = 9..3;
    let errors: [(Error, BindError, &str); 13] = [
        (
            bind((&copies, 0..1), (&data, 0..1)),
            BindError::NotStorage { role: BufferRole::Source, usage: Usage::COPY_DST },
            "the source buffer has usage BufferUsages(COPY_DST): create it with BufferUsages::STORAGE",
        ),
        (
            bind((&data, 0..1), (&copies, 0..1)),
            BindError::NotStorage { role: BufferRole::Target, usage: Usage::COPY_DST },
            "the target buffer has usage",
        ),
        (
            bind((&data, 0..2), (&data, 5..8)),
            plan(PlanError::Lengths { role: BufferRole::Source, source_len: 2, target_len: 3 }),
            "equally long",
        ),
        (
            bind((&data, reversed), (&data, 0..1)),
            plan(PlanError::Reversed { role: BufferRole::Source, start: 9, end: 3 }),
            "9..3",
        ),
        (
            bind((&data, 99..101), (&data, 0..2)),
            plan(PlanError::OutOfRange { role: BufferRole::Source, first: 99, len: 2, available: 100 }),
            "2 elements from element 99 on do not fit the source buffer, which holds 100",
        ),
        (
            bind((&data, 0..2), (&data, 100..102)),
            plan(PlanError::OutOfRange { role: BufferRole::Target, first: 100, len: 2, available: 100 }),
            "target buffer",
        ),
        (
            bind((&data, u64::MAX - 1..u64::MAX), (&data, 0..1)),
            plan(PlanError::OutOfRange { role: BufferRole::Source, first: u64::MAX - 1, len: 1, available: 100 }),
            "past the end of its buffer, which holds 100: begin it earlier or enlarge the buffer",
        ),
        (
            bind((&data, 0..10), (&data, 9..19)),
            plan(PlanError::Overlap { role: BufferRole::Source, source_first: 0, target_first: 9, len: 10 }),
            "in place",
        ),
        (with(&copies, 0), BindError::NotUniform { usage: Usage::COPY_DST }, "BufferUsages::UNIFORM"),
        (
            with(&data, 0),
            BindError::Plan(PlanError::Shared { role: BufferRole::Parameters, other: BufferRole::Data }),
            "a buffer of its own",
        ),
        (
            with(&uniform, 16),
            BindError::Plan(PlanError::Alignment { role: BufferRole::Parameters, offset: 16, alignment: 256 }),
            "a multiple of 256",
        ),
        (
            with(&uniform, 256),
            BindError::Plan(PlanError::TooShort { role: BufferRole::Parameters, offset: 256, bytes: 16, size: 256 }),
            "enlarge it",
        ),
        (
            with(&uniform, u64::MAX - 255),
            BindError::Plan(PlanError::TooShort {
                role: BufferRole::Parameters,
                offset: u64::MAX - 255,
                bytes: 16,
                size: 256,
            }),
            "buffer of 256 bytes",
        ),
    ];
    for (error, kind, message) in errors {
        let Error::Bind(got) = &error else { panic!("{error}") };
        assert_eq!((got, error.to_string().contains(message)), (&kind, true), "{error}");
    }
    // An open range that begins behind the end of the buffer.
    let error = bench.kernel.bind_in_place::<f32>(F, (&data, 200..)).unwrap_err();
    assert!(
        error.to_string().starts_with("the data range begins at element 200, past the end of its buffer"),
        "{error}"
    );
    // Both ranges in place, and a usage.
    let error = bench.kernel.bind_in_place::<f32>(F, (&data, 99..101)).unwrap_err();
    assert!(error.to_string().contains("do not fit the data buffer"), "{error}");
    let error = bench.kernel.bind_in_place::<f32>(F, &copies).unwrap_err();
    assert!(error.to_string().starts_with("the data buffer has usage"), "{error}");
    let gone = bench.buffer(&source);
    gone.destroy();
    assert!(matches!(bench.kernel.bind_in_place::<f32>(F, &gone), Err(Error::Bind(BindError::Refused { .. }))));
    let gone = make(Usage::UNIFORM, 16);
    gone.destroy();
    let error = bench.kernel.bind_in_place::<f32>(at(&gone, 0), &data).unwrap_err();
    assert!(matches!(&error, Error::Bind(BindError::Refused { role: BufferRole::Parameters, .. })), "{error}");

    // The device, the kernel and the buffer still work.
    let binding = bench.kernel.bind_in_place::<f32>(F, &data).unwrap();
    bench.submit(|encoder| binding.record(encoder));
    assert_bits(&bench.read::<f32>(&data), &expected(F, &source), &"afterwards");
}
