//! A batch: a `.npy` file, or generated numbers.

use hard_sigmoid::half::{bf16, f16};
use js_sys::Error;
use wasm_bindgen::prelude::wasm_bindgen;

use hard_sigmoid_files::{Dtype, Section, foreign, npy};

use crate::error;

/// The elements, in the byte order of this machine.
pub(crate) enum Data {
    F16(Vec<f16>),
    Bf16(Vec<bf16>),
    F32(Vec<f32>),
    F64(Vec<f64>),
}

/// Evaluates an expression in which `$data` is the vector of a [`Data`].
macro_rules! with_data {
    ($value:expr, $data:ident => $expression:expr) => {
        match $value {
            crate::batch::Data::F16($data) => $expression,
            crate::batch::Data::Bf16($data) => $expression,
            crate::batch::Data::F32($data) => $expression,
            crate::batch::Data::F64($data) => $expression,
        }
    };
}
pub(crate) use with_data;

#[wasm_bindgen]
pub struct Batch {
    /// The header of the result.
    header: Vec<u8>,
    pub(crate) data: Data,
    /// Whether the file has the other byte order.
    swapped: bool,
}

#[wasm_bindgen]
impl Batch {
    /// Reads a `.npy` file. The bytes of elements of dtype `V2` are taken for bfloat16, as which JAX saves them.
    pub fn read(bytes: &[u8]) -> Result<Batch, Error> {
        if !bytes.starts_with(npy::MAGIC) {
            let start = &bytes[..bytes.len().min(foreign::START_BYTES as usize)];
            let message = foreign::recognize(start).unwrap_or("is not a .npy file: save the array with numpy.save");
            return Err(error(message));
        }
        let mut rest = bytes;
        let header = npy::read_header(&mut rest).map_err(error)?;
        let layout = npy::layout(&header, Some(rest.len() as u64), None)
            .or_else(|message| npy::layout(&header, Some(rest.len() as u64), Some(Dtype::Bf16)).map_err(|_| message))
            .map_err(error)?;
        let Some(section @ Section { dtype: Some(dtype), swapped, .. }) = layout.sections.first() else {
            return Err(error("has no elements to compute"));
        };
        let data = match dtype {
            Dtype::F16 => Data::F16(elements(rest, section)),
            Dtype::Bf16 => Data::Bf16(elements(rest, section)),
            Dtype::F32 => Data::F32(elements(rest, section)),
            Dtype::F64 => Data::F64(elements(rest, section)),
        };
        Ok(Self { header: layout.header.to_vec(), data, swapped: *swapped })
    }

    /// Numbers of a bell curve with standard deviation 2, the same each time.
    pub fn generate(element: &str, elements: usize) -> Result<Batch, Error> {
        let mut state = 1_u32;
        let mut uniform = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1 << 24)
        };
        // The sum of 12 has variance 1.
        let mut number = || 2.0 * ((0..12).map(|_| uniform()).sum::<f64>() - 6.0);
        let (descr, data) = match element {
            "float16" => ("<f2", Data::F16((0..elements).map(|_| f16::from_f64(number())).collect())),
            "bfloat16" => ("|V2", Data::Bf16((0..elements).map(|_| bf16::from_f64(number())).collect())),
            "float32" => ("<f4", Data::F32((0..elements).map(|_| number() as f32).collect())),
            "float64" => ("<f8", Data::F64((0..elements).map(|_| number()).collect())),
            other => return Err(error(format!("unknown type {other}: use float16, bfloat16, float32 or float64"))),
        };
        let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({elements},), }}");
        // The data begins at a multiple of 64 bytes.
        let text = format!("{text:<117}\n");
        let header = [npy::MAGIC, &[1, 0], &(text.len() as u16).to_le_bytes(), text.as_bytes()].concat();
        Ok(Self { header, data, swapped: false })
    }

    /// The NumPy name of the type.
    #[wasm_bindgen(getter, js_name = type)]
    pub fn element(&self) -> String {
        match self.data {
            Data::F16(_) => "float16",
            Data::Bf16(_) => "bfloat16",
            Data::F32(_) => "float32",
            Data::F64(_) => "float64",
        }
        .into()
    }

    #[wasm_bindgen(getter)]
    pub fn elements(&self) -> usize {
        with_data!(&self.data, data => data.len())
    }

    /// The lengths of the dimensions.
    #[wasm_bindgen(getter)]
    pub fn shape(&self) -> String {
        let header = String::from_utf8_lossy(&self.header);
        let shape = header.split_once("'shape': (").and_then(|(_, rest)| rest.split_once(')'));
        let lengths = shape.map_or("", |(lengths, _)| lengths).split(',').map(str::trim);
        let lengths: Vec<_> = lengths.filter(|length| !length.is_empty()).collect();
        if lengths.is_empty() { "a single number".into() } else { lengths.join(" × ") }
    }
}

impl Batch {
    /// A `.npy` file of the same shape and byte order with other elements.
    pub(crate) fn file<T: bytemuck::Pod>(&self, mut elements: Vec<T>) -> Vec<u8> {
        if self.swapped {
            elements.iter_mut().for_each(|element| bytemuck::bytes_of_mut(element).reverse());
        }
        [&self.header, bytemuck::cast_slice(&elements)].concat()
    }
}

fn elements<T: bytemuck::Pod>(bytes: &[u8], section: &Section<'_>) -> Vec<T> {
    let mut elements = bytemuck::pod_collect_to_vec(bytes);
    section.swap_bytes(&mut elements);
    elements
}
