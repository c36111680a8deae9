//! Translates every program as wgpu does for each kind of driver, and looks at what the driver's compiler gets. No
//! driver is needed, and faults are found that no driver of this machine has.

use naga::back::{glsl, hlsl, msl, spv};
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};

use super::floats::float_operations;
use super::tests::{Shader, programs};
use super::*;

/// A program in a language and a version of it, and how that language writes the function and the gradient.
struct Text {
    language: String,
    text: String,
    function: &'static str,
    gradient: &'static str,
}

/// wgpu's checks of indices. For HLSL they are naga's default, and for GLSL there are none.
fn bounds() -> BoundsCheckPolicies {
    let checked = BoundsCheckPolicy::Restrict;
    BoundsCheckPolicies { index: checked, buffer: checked, ..Default::default() }
}

/// With the options of wgpu 30 as far as they change these texts. Workgroup memory is not set to zero, since kernels
/// ask wgpu for that. Only the numbers of bindings are others.
impl Shader {
    fn msl(&self, lang_version: (u8, u8)) -> Text {
        let mut options = msl::Options { lang_version, bounds_check_policies: bounds(), ..Default::default() };
        options.zero_initialize_workgroup_memory = false;
        let (text, _) = msl::write_string(&self.module, &self.info, &options, &Default::default()).unwrap();
        let function = "(as_type<metal::float4>(x) + metal::float4(f.shift)) * f.slope";
        let gradient = "as_type<metal::float4>(grad_y) * f.slope";
        Text { language: format!("MSL {lang_version:?}"), text, function, gradient }
    }

    fn hlsl(&self, shader_model: hlsl::ShaderModel) -> Text {
        let options = hlsl::Options { shader_model, zero_initialize_workgroup_memory: false, ..Default::default() };
        let mut text = String::new();
        let pipeline = hlsl::PipelineOptions::default();
        hlsl::Writer::new(&mut text, &options, &pipeline).write(&self.module, &self.info, None).unwrap();
        let function = "(asfloat(x) + (f.shift).xxxx) * f.slope";
        let gradient = "asfloat(grad_y) * f.slope";
        Text { language: format!("HLSL {shader_model:?}"), text, function, gradient }
    }

    fn glsl(&self, version: glsl::Version, entry_point: &str) -> Text {
        let options = glsl::Options { version, zero_initialize_workgroup_memory: false, ..Default::default() };
        let entry_point = entry_point.to_owned();
        let pipeline = glsl::PipelineOptions { shader_stage: naga::ShaderStage::Compute, entry_point, multiview: None };
        let mut text = String::new();
        let writer = glsl::Writer::new(&mut text, &self.module, &self.info, &options, &pipeline, Default::default());
        writer.unwrap().write().unwrap();
        let function = "(uintBitsToFloat(x) + vec4(f.shift)) * f.slope";
        let gradient = "uintBitsToFloat(grad_y) * f.slope";
        Text { language: format!("GLSL {version:?}"), text, function, gradient }
    }

    /// The numbers of SPIR-V's instructions, with the numbers of what `OpExtInst` calls in GLSL.std.450.
    fn spirv(&self, lang_version: (u8, u8)) -> Vec<(u16, Option<u32>)> {
        const OP_EXT_INST: u16 = 12;
        let mut options = spv::Options { lang_version, bounds_check_policies: bounds(), ..Default::default() };
        options.zero_initialize_workgroup_memory = spv::ZeroInitializeWorkgroupMemoryMode::None;
        let words = spv::write_vec(&self.module, &self.info, &options, None).unwrap();
        let mut instructions = Vec::new();
        let mut at = 5;
        while let Some(&first) = words.get(at) {
            let op = first as u16;
            instructions.push((op, (op == OP_EXT_INST).then(|| words[at + 4])));
            at += (first >> 16) as usize;
        }
        instructions
    }
}

/// Whether a text calls a function.
fn calls(text: &str, name: &str) -> bool {
    let is_part = |before: char| before.is_ascii_alphanumeric() || before == '_';
    text.match_indices(&format!("{name}(")).any(|(at, _)| !text[..at].ends_with(is_part))
}

#[test]
fn texts_call_nothing_that_a_language_lacks_or_that_changes_bits() {
    for (program, element) in programs() {
        let shader = Shader::new(program, element);
        let mut texts: Vec<_> = [(1, 0), (2, 0), (2, 4), (3, 0), (4, 0)].map(|version| shader.msl(version)).into();
        // wgpu asks FXC for 5.1, and DXC for 6.0 to 6.9.
        use hlsl::ShaderModel as Model;
        texts.extend([Model::V5_1, Model::V6_0, Model::V6_6, Model::V6_9].map(|model| shader.hlsl(model)));
        let versions = [glsl::Version::new_gles(310), glsl::Version::Desktop(430), glsl::Version::Desktop(460)];
        texts.extend(versions.map(|version| shader.glsl(version, program.entry_point())));
        use Operation as Op;
        let is_gradient = matches!(program.operation, Op::Backward | Op::BackwardOverSaved | Op::BackwardOfPair);
        let is_function = !is_gradient && program.operation != Op::Copy;
        for Text { language, text, function, gradient } in texts {
            // GLSL ES, and GLSL before 4.50, have no `mix` of integers.
            for name in ["mix", "fma", "mad", "isnan", "isinf"] {
                assert!(!calls(&text, name), "{program:?} in {language} calls {name}:\n{text}");
            }
            for (formula, is_there) in [(function, is_function), (gradient, is_gradient)] {
                assert_eq!(text.matches(formula).count(), usize::from(is_there), "{program:?} in {language}:\n{text}");
            }
        }
    }
}

#[test]
fn spirv_adds_and_multiplies_what_the_shader_does_and_compares_no_floats() {
    // `OpFAdd`, `OpFMul`, and `OpVectorTimesScalar`.
    const SUMS: &[u16] = &[129];
    const PRODUCTS: &[u16] = &[133, 142];
    // `OpFNegate`, `OpFSub`, `OpFDiv`, `OpFRem`, `OpFMod`, `OpIsNan`, `OpIsInf`; from `OpFOrdEqual` on, comparisons.
    const OTHERS: [u16; 7] = [127, 131, 136, 140, 141, 156, 157];
    const COMPARISONS: std::ops::RangeInclusive<u16> = 180..=191;
    // `UMin`, `SMin`, `UMax`, `SMax`, `UClamp`, `SClamp`, and `UnpackHalf2x16`: neither `Fma` nor what clamps floats.
    const EXTENDED: [u32; 7] = [38, 39, 41, 42, 44, 45, 62];
    for (program, element) in programs() {
        let shader = Shader::new(program, element);
        let expected = float_operations(program, element);
        // wgpu's versions for Vulkan 1.0 to 1.3.
        for version in [(1, 0), (1, 3), (1, 5), (1, 6)] {
            let instructions = shader.spirv(version);
            assert!(instructions.len() > 100);
            for &(op, extended) in &instructions {
                let is_bad = OTHERS.contains(&op) || COMPARISONS.contains(&op);
                let is_known = extended.is_none_or(|extended| EXTENDED.contains(&extended));
                assert!(!is_bad && is_known, "{program:?} in {version:?}: {op}, {extended:?}");
            }
            for (name, ops) in [("Add", SUMS), ("Multiply", PRODUCTS)] {
                let count = instructions.iter().filter(|(op, _)| ops.contains(op)).count();
                let written = expected.iter().filter(|&&operation| operation == name).count();
                assert_eq!(count, written, "{name}: {program:?} in {version:?}");
            }
        }
    }
}

/// `scripts/platforms hlsl` compiles the files that this writes, as `NUMBER.ENTRY_POINT.PROFILE.hlsl`.
#[test]
#[ignore = "writes files for scripts/platforms hlsl"]
fn hlsl_is_written_to_the_folder_that_a_variable_names() {
    let folder = std::path::PathBuf::from(std::env::var_os("HARD_SIGMOID_HLSL").unwrap());
    for (number, (program, element)) in programs().enumerate() {
        let shader = Shader::new(program, element);
        for model in [hlsl::ShaderModel::V5_1, hlsl::ShaderModel::V6_0, hlsl::ShaderModel::V6_9] {
            let name = format!("{number:03}.{}.cs_{}.hlsl", program.entry_point(), model.to_str());
            std::fs::write(folder.join(name), format!("// {program}\n{}", shader.hlsl(model).text)).unwrap();
        }
    }
}
