//! Parses every shader that can be joined and compares it with what Rust says of it.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::offset_of;

use half::{bf16, f16};

use super::*;
use crate::plan::dispatch::{Dispatch, Span};
use crate::plan::step::{BLOCK_BYTES, Block, LengthWord, Resource, Step};
use crate::saturation::COUNTER_BYTES;
use crate::{BackwardParams, Element, Params};

/// Lists the operations one after the other, so that a new one does not compile until it is listed.
fn next(operation: &Operation) -> Option<Operation> {
    match operation {
        Operation::Forward => Some(Operation::Count),
        Operation::Count => Some(Operation::ForwardAndCount),
        Operation::ForwardAndCount => Some(Operation::Copy),
        Operation::Copy => Some(Operation::Backward),
        Operation::Backward => Some(Operation::BackwardOverSaved),
        Operation::BackwardOverSaved => Some(Operation::BackwardOfPair),
        Operation::BackwardOfPair => None,
    }
}

const ACCESSES: [Access; 3] = [Access::SeparateBuffer, Access::SameBuffer, Access::SameBinding];

const ELEMENTS: [Dtype; 3] = [Dtype::F32, Dtype::F16, Dtype::Bf16];

/// A program of every operation, access and kind of unit, with some of the rotations, and with each alternative for its
/// element type.
pub(super) fn programs() -> impl Iterator<Item = (Program, &'static str)> {
    ELEMENTS.into_iter().flat_map(|element| {
        let operations = std::iter::successors(Some(Operation::Forward), next);
        let all = operations.flat_map(|operation| ACCESSES.map(|access| (operation, access)));
        // Without a target there is no buffer to share.
        let all = all.filter(|(operation, access)| operation.has_target() || *access == Access::SeparateBuffer);
        let vectors = [0, 3].map(|rotation| Unit::Vector { rotation });
        let mixed = [0, 1].map(|rotation| Unit::Mixed { rotation });
        let units = [&[Unit::Word], &vectors[..], &mixed[..]].concat();
        let of_units = move |(operation, access)| {
            let of = |extent| units.iter().map(move |&unit| Program::new(element, operation, access, unit, extent));
            // With a length, the last vectors are always computed by a mixed dispatch.
            let with_length = of(Extent::Length).filter(|program| !matches!(program.unit, Unit::Vector { .. }));
            of(Extent::Fixed).chain(with_length).chain(of(Extent::Rows)).collect::<Vec<_>>()
        };
        all.flat_map(of_units)
            .flat_map(move |program| elements(element).iter().map(move |&alternative| (program, alternative)))
    })
}

/// A step that runs a program, with the name of each buffer.
fn step(program: Program) -> Step<&'static str> {
    let span = Span { offset_bytes: 0, size_bytes: 16 };
    let dispatch = Dispatch {
        access: program.access,
        unit: program.unit,
        source: span,
        target: span,
        source_first: 0,
        target_first: 0,
        len: 1,
        head: 0,
        vector_groups: 0,
        groups: 1,
        extent: program.extent,
        rows: 1,
        pitches: [0; 2],
        before: 0,
        behind: 0,
    };
    let gradient = (program.operation == Operation::BackwardOfPair).then_some(("gradient", 0));
    let counters = program.counts().then_some(("counters", 0));
    let word = || LengthWord { buffer: "length", span, at: 0 };
    let length = (program.extent == Extent::Length).then(word);
    Step { program, dispatch, source: "source", target: "target", gradient, counters, length }
}

/// A shader as a driver gets it: one entry point, with its overrides set.
pub(super) struct Shader {
    pub(super) module: naga::Module,
    pub(super) info: naga::valid::ModuleInfo,
}

impl Shader {
    pub(super) fn new(program: Program, element: &str) -> Self {
        let wgsl = program.join(element);
        let module = naga::front::wgsl::parse_str(&wgsl).unwrap_or_else(|error| {
            panic!("{program:?}: {}", error.emit_to_string(&wgsl));
        });
        let info = validator().validate(&module).unwrap_or_else(|error| panic!("{program:?}: {error:?}"));
        let named: BTreeSet<_> = module.overrides.iter().filter_map(|(_, constant)| constant.name.as_deref()).collect();
        let given: BTreeSet<_> = program.constants().into_iter().map(|(name, _)| name).collect();
        assert_eq!(named, given, "{program:?}");
        let constants = program.constants().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let entry_point = Some((naga::ShaderStage::Compute, program.entry_point()));
        let (module, info) =
            naga::back::pipeline_constants::process_overrides(&module, &info, entry_point, &constants).unwrap();
        Self { module: module.into_owned(), info: info.into_owned() }
    }

    /// The global variables that the entry point uses.
    fn globals(&self) -> impl Iterator<Item = &naga::GlobalVariable> {
        let uses = self.info.get_entry_point(0);
        self.module
            .global_variables
            .iter()
            .filter(move |(global, _)| !uses[*global].is_empty())
            .map(|(_, global)| global)
    }

    fn layouts(&self) -> naga::proc::Layouter {
        let mut layouter = naga::proc::Layouter::default();
        layouter.update(self.module.to_ctx()).unwrap();
        layouter
    }

    /// The names and offsets of a struct's fields.
    fn fields(&self, name: &str) -> Vec<(String, usize)> {
        let is = |ty: &&naga::Type| ty.name.as_deref() == Some(name);
        let Some(naga::TypeInner::Struct { members, .. }) =
            self.module.types.iter().map(|(_, ty)| ty).find(is).map(|ty| &ty.inner)
        else {
            panic!("no struct {name}")
        };
        members.iter().map(|member| (member.name.clone().unwrap(), member.offset as usize)).collect()
    }
}

fn validator() -> naga::valid::Validator {
    let capabilities = naga::valid::Capabilities::SHADER_FLOAT16_IN_FLOAT32;
    naga::valid::Validator::new(naga::valid::ValidationFlags::all(), capabilities)
}

#[test]
fn entry_points_and_bindings_are_those_of_the_wgsl() {
    for (program, element) in programs() {
        let shader = Shader::new(program, element);
        let [entry_point] = &shader.module.entry_points[..] else { panic!("{program:?}") };
        // A driver may write a whole vector to write a part of it, so that threads must not share vectors. Metal does.
        assert!(!program.join(element).contains("]["), "{program:?}");
        assert_eq!(entry_point.name, program.entry_point());
        assert_eq!(entry_point.workgroup_size, [WORKGROUP, 1, 1]);

        // Names, and whether they are only read.
        let used: BTreeMap<_, _> = shader
            .globals()
            .filter_map(|global| {
                let (name, binding) = (global.name.as_deref().unwrap(), global.binding.as_ref()?);
                assert_eq!(binding.group, 0);
                let read_only = match global.space {
                    naga::AddressSpace::Storage { access } => !access.contains(naga::StorageAccess::STORE),
                    _ => true,
                };
                Some((binding.binding, (name.trim_end_matches("_units"), read_only)))
            })
            .collect();
        let step = step(program);
        let bindings = step.bindings().map(|(binding, resource)| match resource {
            Resource::Parameters => (binding, ("params", true)),
            Resource::Block => (binding, ("dispatch", true)),
            Resource::Storage { buffer, read_only, .. } => (binding, (buffer, read_only)),
        });
        assert_eq!(used, bindings.collect(), "{program:?}");
    }
}

#[test]
fn blocks_are_laid_out_as_in_the_wgsl() {
    let program = |operation| Program::new(Dtype::F32, operation, Access::SeparateBuffer, Unit::Word, Extent::Fixed);
    let named = |fields: &[(&str, usize)]| fields.iter().map(|&(name, at)| (name.to_owned(), at)).collect::<Vec<_>>();
    let forward = Shader::new(program(Operation::ForwardAndCount), elements(Dtype::F32)[0]);
    assert_eq!(
        forward.fields("Dispatch"),
        named(&[
            ("source_first", offset_of!(Block, source_first)),
            ("target_first", offset_of!(Block, target_first)),
            ("len", offset_of!(Block, len)),
            ("head", offset_of!(Block, head)),
            ("vector_groups", offset_of!(Block, vector_groups)),
            ("before", offset_of!(Block, before)),
            ("behind", offset_of!(Block, behind)),
            ("length_at", offset_of!(Block, length_at)),
            ("source_pitch", offset_of!(Block, source_pitch)),
            ("target_pitch", offset_of!(Block, target_pitch)),
        ])
    );
    assert_eq!(
        forward.fields("HardSigmoid"),
        named(&[
            ("slope", offset_of!(Params, slope)),
            ("shift", offset_of!(Params, shift)),
            ("lo", offset_of!(Params, lo)),
            ("hi", offset_of!(Params, hi)),
        ])
    );
    let backward = Shader::new(program(Operation::Backward), elements(Dtype::F32)[0]);
    assert_eq!(
        backward.fields("HardSigmoidBackward"),
        named(&[
            ("slope", offset_of!(BackwardParams, slope)),
            ("lower", offset_of!(BackwardParams, lower)),
            ("upper", offset_of!(BackwardParams, upper)),
        ])
    );
    for shader in [forward, backward] {
        let layouts = shader.layouts();
        for global in shader.globals().filter(|global| global.space == naga::AddressSpace::Uniform) {
            let is_params = global.binding.as_ref().unwrap().binding == PARAMETERS;
            let bytes = if is_params { size_of::<Params>() } else { BLOCK_BYTES };
            assert!(layouts[global.ty].size <= bytes as u32, "{:?}", global.name);
        }
    }
}

#[test]
fn counters_and_workgroup_memory_are_as_large_as_rust_says() {
    for operation in [Operation::Count, Operation::ForwardAndCount] {
        let unit = Unit::Vector { rotation: 0 };
        let program = Program::new(Dtype::F32, operation, Access::SeparateBuffer, unit, Extent::Fixed);
        let shader = Shader::new(program, elements(Dtype::F32)[0]);
        let layouts = shader.layouts();
        let bytes = |is: &dyn Fn(&naga::GlobalVariable) -> bool| -> u32 {
            shader.globals().filter(|global| is(global)).map(|global| layouts[global.ty].size).sum()
        };
        assert_eq!(bytes(&|global| global.space == naga::AddressSpace::WorkGroup), COUNTING_BYTES);
        let is_counters =
            |global: &naga::GlobalVariable| global.binding.as_ref().is_some_and(|b| b.binding == COUNTERS);
        assert_eq!(u64::from(bytes(&is_counters)), COUNTER_BYTES);
    }
}

/// The constants of the element files.
#[test]
fn elements_are_as_in_the_wgsl() {
    fn check<T: Element<Wide = f32>>() {
        for element in elements(T::DTYPE) {
            let module = naga::front::wgsl::parse_str(&format!("{}{element}", crate::WGSL)).unwrap();
            let constant = |name: &str| {
                let is = |constant: &&naga::Constant| constant.name.as_deref() == Some(name);
                let init = module.constants.iter().map(|(_, constant)| constant).find(is).unwrap().init;
                match module.global_expressions[init] {
                    naga::Expression::Literal(naga::Literal::U32(value)) => value,
                    ref other => panic!("{name}: {other:?}"),
                }
            };
            assert_eq!(constant("PER_WORD") as usize * size_of::<T>(), 4);
            let rounded = |bits: u32| T::round(f32::from_bits(bits)).to_exact();
            let (to_0, to_1) = (constant("ROUNDS_TO_0"), constant("ROUNDS_TO_1"));
            assert!(rounded(to_0) == 0.0 && rounded(to_0 + 1) > 0.0, "{element}");
            assert!(rounded(to_1) == 1.0 && rounded(to_1 - 1) < 1.0, "{element}");
        }
    }
    check::<f32>();
    check::<f16>();
    check::<bf16>();
}

#[test]
fn a_gpu_computes_the_types_that_have_a_shader() {
    fn check<T: Element>() {
        assert_eq!(T::ON_GPU, !elements(T::DTYPE).is_empty());
    }
    check::<f32>();
    check::<f16>();
    check::<bf16>();
    check::<f64>();
}

/// The last alternative of an element type asks for nothing that a driver may lack.
#[test]
fn every_device_compiles_the_last_alternative() {
    for element in ELEMENTS.map(|element| elements(element).last().unwrap()) {
        let module = naga::front::wgsl::parse_str(&format!("{}{element}", crate::WGSL)).unwrap();
        let flags = naga::valid::ValidationFlags::all();
        naga::valid::Validator::new(flags, naga::valid::Capabilities::empty()).validate(&module).unwrap();
    }
}
