//! The plan and the shaders as data, for WebGPU code without wgpu.

use hard_sigmoid::Element;
use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::plan::program::{DISPATCH, Operation, PARAMS, Program, SOURCE};
use hard_sigmoid::plan::{self, Buffers, Dispatch, Limits, Start};
use js_sys::{Array, Error, Object, Reflect, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{error, function};

/// The uniform block of a function.
#[wasm_bindgen]
pub fn parameters(alpha: f64, beta: f64) -> Result<Vec<u8>, Error> {
    Ok(function(alpha, beta)?.params().to_bytes().to_vec())
}

/// Plans dispatches for a device.
#[wasm_bindgen]
pub struct Planner(Limits);

#[wasm_bindgen]
impl Planner {
    /// Takes limits of the device, in bytes and workgroups.
    #[wasm_bindgen(constructor)]
    pub fn new(binding_bytes: f64, alignment_bytes: u32, groups: u32, is_software: bool) -> Planner {
        Self(Limits { binding_bytes: binding_bytes as u64, alignment_bytes, groups, mixed: !is_software })
    }

    /// The dispatches for `len` elements: objects with `wgsl`, `entryPoint` and `constants` for a pipeline, the
    /// `bindings` of a bind group, the bytes of a uniform `block`, and the number of `workgroups`.
    ///
    /// Source and target are a first element and the size of a buffer.
    pub fn dispatches(
        &self,
        element: &str,
        len: f64,
        source: &[f64],
        target: &[f64],
        is_same_buffer: bool,
    ) -> Result<Array, Error> {
        let [source, target] = [source, target].map(|place| Start {
            element: place.first().map_or(0, |&element| element as u64),
            buffer_bytes: place.last().map_or(0, |&bytes| bytes as u64),
        });
        let buffers = if is_same_buffer { Buffers::One } else { Buffers::Two };
        let objects = match element {
            "float32" => objects::<f32>,
            "float16" => objects::<f16>,
            "bfloat16" => objects::<bf16>,
            other => return Err(error(format!("WebGPU does not compute {other:?}"))),
        };
        objects(source, target, len as u64, buffers, self.0)
    }
}

fn objects<T: Element>(
    source: Start,
    target: Start,
    len: u64,
    buffers: Buffers,
    limits: Limits,
) -> Result<Array, Error> {
    let dispatches = plan::dispatches(source, target, len, size_of::<T>() as u64, buffers, limits);
    dispatches.map_err(error)?.map(object::<T>).collect()
}

/// A dispatch for JavaScript.
fn object<T: Element>(dispatch: Dispatch) -> Result<JsValue, Error> {
    let program = Program::new(Operation::Forward, dispatch.access, dispatch.unit);
    let constants = program.constants().into_iter().map(|(name, value)| (name, value.into()));
    let storage = program.storage().map(|(binding, _)| {
        let (buffer, span) = if binding == SOURCE { ("source", dispatch.source) } else { ("target", dispatch.target) };
        fields([
            ("binding", binding.into()),
            ("buffer", buffer.into()),
            ("offset", (span.offset_bytes as f64).into()),
            ("size", (span.size_bytes as f64).into()),
        ])
    });
    let uniforms = [("parameters", PARAMS), ("block", DISPATCH)]
        .map(|(buffer, binding)| fields([("binding", binding.into()), ("buffer", buffer.into())]));
    let bindings: Array = uniforms.into_iter().chain(storage).collect::<Result<_, _>>()?;
    fields([
        ("wgsl", program.wgsl::<T>().next().into()),
        ("entryPoint", program.entry_point().into()),
        ("constants", fields(constants)?),
        ("bindings", bindings.into()),
        ("block", Uint8Array::from(&dispatch.to_bytes()[..]).into()),
        ("workgroups", dispatch.groups.into()),
    ])
}

fn fields<'a>(fields: impl IntoIterator<Item = (&'a str, JsValue)>) -> Result<JsValue, Error> {
    let object = Object::new();
    for (name, value) in fields {
        Reflect::set(&object, &name.into(), &value).map_err(|_| error(format!("cannot set {name}")))?;
    }
    Ok(object.into())
}
