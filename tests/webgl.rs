//! The function in a fragment shader of WebGL2, as wgpu translates it for apps on the web such as those of Bevy. This
//! writes the shaders and what they must give; `scripts/web test` runs them in a browser.

#![allow(clippy::unwrap_used, reason = "tests")]

use hard_sigmoid::{HardSigmoid, WGSL, cpu};
use naga::back::glsl;
use naga::valid::{Capabilities, ValidationFlags, Validator};
use serde_json::{Value, json};

/// Fragment number i reads the f32 with i in its upper half: every sign and exponent, infinities and NaNs.
const FRAGMENTS: u32 = 1 << 16;

fn x() -> Vec<f32> {
    (0..FRAGMENTS).map(|i| f32::from_bits(i << 16)).collect()
}

/// Gradients from 1 to 2.
fn grad_y() -> Vec<f32> {
    (0..FRAGMENTS).map(|i| f32::from_bits(0x3f80_0000 | i)).collect()
}

fn fragment_shader(parameters: &str, result: &str) -> String {
    let wgsl = format!(
        "{WGSL}
        @group(0) @binding(0) var<uniform> params: {parameters};
        @fragment fn fragment(@builtin(position) at: vec4<f32>) -> @location(0) vec4<u32> {{
            let i = u32(at.x) + 256u * u32(at.y);
            let x = vec4(i << 16u);
            let grad_y = vec4(0x3f800000u | i);
            return {result};
        }}"
    );
    let module = naga::front::wgsl::parse_str(&wgsl).unwrap();
    let info = Validator::new(ValidationFlags::all(), Capabilities::empty()).validate(&module).unwrap();
    let version = glsl::Version::Embedded { version: 300, is_webgl: true };
    let options = glsl::Options { version, ..Default::default() };
    let pipeline = glsl::PipelineOptions {
        shader_stage: naga::ShaderStage::Fragment,
        entry_point: "fragment".to_owned(),
        multiview: None,
    };
    let mut glsl = String::new();
    let bounds = naga::proc::BoundsCheckPolicies::default();
    glsl::Writer::new(&mut glsl, &module, &info, &options, &pipeline, bounds).unwrap().write().unwrap();
    glsl
}

fn case(name: String, glsl: String, params: [u8; 16], expected: &[f32]) -> Value {
    assert!(!glsl.contains("mix("), "{glsl}");
    let expected: Vec<_> = expected.iter().map(|y| y.to_bits()).collect();
    json!({ "name": name, "glsl": glsl, "params": params, "expected": expected })
}

#[test]
fn shaders_for_webgl2_are_written() {
    let mut cases = Vec::new();
    for f in [HardSigmoid::ONNX, HardSigmoid::PYTORCH, HardSigmoid::new(-0.3, 0.7).unwrap()] {
        let mut y = x();
        cpu::apply_in_place(f, &mut y);
        let glsl = fragment_shader("HardSigmoid", "hard_sigmoid_vec4_bits(x, params)");
        cases.push(case(format!("{f}"), glsl, f.params().to_bytes(), &y));
        let mut grad_x = grad_y();
        cpu::backward_in_place(f.backward(), &x(), &mut grad_x).unwrap();
        let glsl = fragment_shader("HardSigmoidBackward", "hard_sigmoid_backward_vec4_bits(x, grad_y, params)");
        cases.push(case(format!("gradient of {f}"), glsl, f.backward().params().to_bytes(), &grad_x));
    }
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("webgl.json");
    std::fs::write(path, serde_json::to_vec(&cases).unwrap()).unwrap();
}
