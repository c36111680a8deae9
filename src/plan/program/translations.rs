//! Translates every program as wgpu does for each kind of driver, and looks at what the driver's compiler gets. No
//! driver is needed, and faults are found that no driver of this machine has.

use naga::back::{glsl, hlsl, msl, spv};

use super::tests::{Shader, programs};
use super::*;

/// A program in a language and a version of it, and how that language adds the shift and multiplies with the slope.
struct Text {
    language: String,
    text: String,
    formula: &'static str,
}

impl Shader {
    fn msl(&self, lang_version: (u8, u8)) -> Text {
        let options = msl::Options { lang_version, ..Default::default() };
        let (text, _) = msl::write_string(&self.module, &self.info, &options, &Default::default()).unwrap();
        let formula = "(as_type<metal::float4>(x) + metal::float4(f.shift)) * f.slope";
        Text { language: format!("MSL {lang_version:?}"), text, formula }
    }

    fn hlsl(&self, shader_model: hlsl::ShaderModel) -> Text {
        let options = hlsl::Options { shader_model, ..Default::default() };
        let mut text = String::new();
        let pipeline = hlsl::PipelineOptions::default();
        hlsl::Writer::new(&mut text, &options, &pipeline).write(&self.module, &self.info, None).unwrap();
        let formula = "(asfloat(x) + (f.shift).xxxx) * f.slope";
        Text { language: format!("HLSL {shader_model:?}"), text, formula }
    }

    fn glsl(&self, version: glsl::Version, entry_point: &str) -> Text {
        let options = glsl::Options { version, ..Default::default() };
        let entry_point = entry_point.to_owned();
        let pipeline = glsl::PipelineOptions { shader_stage: naga::ShaderStage::Compute, entry_point, multiview: None };
        let mut text = String::new();
        let bounds = naga::proc::BoundsCheckPolicies::default();
        let writer = glsl::Writer::new(&mut text, &self.module, &self.info, &options, &pipeline, bounds);
        writer.unwrap().write().unwrap();
        let formula = "(uintBitsToFloat(x) + vec4(f.shift)) * f.slope";
        Text { language: format!("GLSL {version:?}"), text, formula }
    }

    /// The numbers of SPIR-V's instructions, with the numbers of what `OpExtInst` calls in GLSL.std.450.
    fn spirv(&self, lang_version: (u8, u8)) -> Vec<(u16, Option<u32>)> {
        const OP_EXT_INST: u16 = 12;
        let options = spv::Options { lang_version, ..Default::default() };
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
        use hlsl::ShaderModel as Model;
        texts.extend([Model::V5_0, Model::V5_1, Model::V6_0, Model::V6_6].map(|model| shader.hlsl(model)));
        let versions = [glsl::Version::new_gles(310), glsl::Version::Desktop(430), glsl::Version::Desktop(460)];
        texts.extend(versions.map(|version| shader.glsl(version, program.entry_point())));
        for Text { language, text, formula } in texts {
            // GLSL ES, and GLSL before 4.50, have no `mix` of integers.
            for name in ["mix", "fma", "mad", "isnan", "isinf"] {
                assert!(!calls(&text, name), "{program:?} in {language} calls {name}:\n{text}");
            }
            let evaluates =
                matches!(program.operation, Operation::Forward | Operation::Count | Operation::ForwardAndCount);
            assert_eq!(text.matches(formula).count(), usize::from(evaluates), "{program:?} in {language}:\n{text}");
        }
    }
}

#[test]
fn spirv_fuses_nothing_and_compares_no_floats() {
    /// From `OpFOrdEqual` to `OpFUnordGreaterThanEqual`.
    const FLOAT_COMPARISONS: std::ops::RangeInclusive<u16> = 180..=191;
    const OP_IS_NAN: u16 = 156;
    const OP_IS_INF: u16 = 157;
    const FMA: u32 = 50;
    for (program, element) in programs() {
        let shader = Shader::new(program, element);
        for version in [(1, 0), (1, 3), (1, 4), (1, 6)] {
            let instructions = shader.spirv(version);
            assert!(instructions.len() > 100);
            for &(op, extended) in &instructions {
                let is_bad = FLOAT_COMPARISONS.contains(&op) || [OP_IS_NAN, OP_IS_INF].contains(&op);
                assert!(!is_bad && extended != Some(FMA), "{program:?} in {version:?}: {op}, {extended:?}");
            }
        }
    }
}
