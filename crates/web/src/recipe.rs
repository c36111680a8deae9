//! Recipes as data, for WebGPU code without wgpu. Buffers have numbers.

use hard_sigmoid::plan::{Limits, Operand, Place, Recipe, Resource, Rows, Step};
use hard_sigmoid::with_type;
use js_sys::{Array, Error, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{dtype, error, fields, function, whole};

/// The uniform block of a function.
#[wasm_bindgen]
pub fn parameters(alpha: f64, beta: f64) -> Result<Vec<u8>, Error> {
    Ok(function(alpha, beta)?.params().to_bytes().to_vec())
}

/// The uniform block of a backward pass: over what the forward pass read or, with `from_output`, over what it wrote.
#[wasm_bindgen]
pub fn backward_parameters(alpha: f64, beta: f64, from_output: bool) -> Result<Vec<u8>, Error> {
    let f = function(alpha, beta)?;
    let backward = if from_output { f.backward_from_output() } else { f.backward() };
    Ok(backward.params().to_bytes().to_vec())
}

/// Makes recipes for a device.
#[wasm_bindgen]
pub struct Planner {
    limits: Limits,
    /// Where the GPU finds how many elements there are, if only it knows.
    length: Option<Place<f64>>,
}

/// The methods take operands as the number of a buffer, its size in bytes, the first element and the number of
/// elements, for rows also their pitch and their number; and counters as the number of a buffer, its size and an offset
/// in bytes. They return steps: objects with `wgsl`, `entryPoint` and `constants` for a pipeline, the `bindings` of a
/// bind group, the bytes of a uniform `block`, and the numbers of `workgroups` in x and y.
#[wasm_bindgen]
impl Planner {
    /// Takes limits of the device, in bytes, buffers and workgroups.
    #[wasm_bindgen(constructor)]
    pub fn new(
        binding_bytes: f64,
        alignment_bytes: u32,
        storage_buffers: u32,
        groups: u32,
        is_software: bool,
    ) -> Result<Self, Error> {
        let mut limits = Limits::default();
        limits.binding_bytes = whole(binding_bytes)?;
        limits.alignment_bytes = alignment_bytes;
        limits.storage_buffers = storage_buffers;
        limits.groups = groups;
        limits.mixed = !is_software;
        Ok(Self { limits, length: None })
    }

    /// Has the recipes take their length from a place, as counters have one.
    pub fn set_length(&mut self, length: &[f64]) -> Result<(), Error> {
        self.length = Some(place(length)?);
        Ok(())
    }

    pub fn forward(&self, element: &str, source: &[f64], target: &[f64]) -> Result<Array, Error> {
        let (source, target) = (operand(source)?, operand(target)?);
        self.steps(
            with_type!(dtype(element)?, T => Recipe::forward::<T>(&source, &target, self.limits())).map_err(error)?,
        )
    }

    pub fn count(&self, element: &str, source: &[f64], counters: &[f64]) -> Result<Array, Error> {
        let (source, counters) = (operand(source)?, place(counters)?);
        self.steps(
            with_type!(dtype(element)?, T => Recipe::count::<T>(&source, &counters, self.limits())).map_err(error)?,
        )
    }

    pub fn forward_and_count(
        &self,
        element: &str,
        source: &[f64],
        target: &[f64],
        counters: &[f64],
    ) -> Result<Array, Error> {
        let (source, target, counters) = (operand(source)?, operand(target)?, place(counters)?);
        let limits = self.limits();
        let recipe =
            with_type!(dtype(element)?, T => Recipe::forward_and_count::<T>(&source, &target, &counters, limits));
        self.steps(recipe.map_err(error)?)
    }

    pub fn backward(&self, element: &str, saved: &[f64], grad_y: &[f64], grad_x: &[f64]) -> Result<Array, Error> {
        let (saved, grad_y, grad_x) = (operand(saved)?, operand(grad_y)?, operand(grad_x)?);
        let recipe = with_type!(dtype(element)?, T => Recipe::backward::<T>(&saved, &grad_y, &grad_x, self.limits()));
        self.steps(recipe.map_err(error)?)
    }
}

impl Planner {
    /// A length takes a storage buffer.
    fn limits(&self) -> Limits {
        let mut limits = self.limits;
        limits.storage_buffers = limits.storage_buffers.saturating_sub(u32::from(self.length.is_some()));
        limits
    }

    fn steps(&self, mut recipe: Recipe<f64>) -> Result<Array, Error> {
        if let Some(length) = &self.length {
            recipe = recipe.with_length(length, self.limits).map_err(error)?;
        }
        recipe.steps().map(|step| object(&step)).collect()
    }
}

/// Checks ranges of arrays as a recipe checks those of buffers. There are one or two sources and a target, each with
/// the number of its array, how many elements that has, and its rows.
#[wasm_bindgen]
pub fn check_arrays(numbers: &[f64]) -> Result<(), Error> {
    // The size of an element makes no difference.
    let operands = numbers.chunks(6).map(|numbers| {
        let mut operand = operand(numbers)?;
        operand.buffer_bytes = operand.buffer_bytes.saturating_mul(size_of::<f32>() as u64);
        Ok(operand)
    });
    let limits = Limits::default();
    match &operands.collect::<Result<Vec<_>, Error>>()?[..] {
        [source, target] => Recipe::forward::<f32>(source, target, limits),
        [saved, grad_y, grad_x] => Recipe::backward::<f32>(saved, grad_y, grad_x, limits),
        _ => return Err(error("a call has two or three ranges")),
    }
    .map(drop)
    .map_err(error)
}

fn operand(numbers: &[f64]) -> Result<Operand<f64>, Error> {
    let (&[buffer, bytes, first, width], rows) = numbers.split_first_chunk().ok_or_else(|| error("no operand"))?;
    let (first, width) = (whole(first)?, whole(width)?);
    let elements = match *rows {
        [pitch, number] => Rows { first, width, pitch: whole(pitch)?, number: whole(number)? }.into(),
        _ => (first..first.saturating_add(width)).into(),
    };
    Ok(Operand { buffer, buffer_bytes: whole(bytes)?, elements })
}

fn place(numbers: &[f64]) -> Result<Place<f64>, Error> {
    let &[buffer, bytes, offset] = numbers else { return Err(error("a place is three numbers")) };
    Ok(Place { buffer, buffer_bytes: whole(bytes)?, offset_bytes: whole(offset)? })
}

/// A step for JavaScript.
fn object(step: &Step<f64>) -> Result<JsValue, Error> {
    let program = step.program();
    let constants = program.constants().into_iter().map(|(name, value)| (name, value.into()));
    let bindings = step.bindings().map(|(binding, resource)| {
        let mut of = vec![("binding", binding.into())];
        match resource {
            Resource::Parameters => of.push(("uniform", "parameters".into())),
            Resource::Block => of.push(("uniform", "block".into())),
            Resource::Storage { buffer, offset_bytes, size_bytes, .. } => of.extend([
                ("buffer", buffer.into()),
                ("offset", (offset_bytes as f64).into()),
                ("size", (size_bytes as f64).into()),
            ]),
        }
        fields(of)
    });
    let bindings: Array = bindings.collect::<Result<_, _>>()?;
    fields([
        ("wgsl", program.wgsl().next().into()),
        ("entryPoint", program.entry_point().into()),
        ("constants", fields(constants)?),
        ("bindings", bindings.into()),
        ("block", Uint8Array::from(&step.block()[..]).into()),
        ("workgroups", step.workgroups().map(JsValue::from).into_iter().collect::<Array>().into()),
    ])
}
