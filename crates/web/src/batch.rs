//! A batch: a `.npy` file, or generated numbers.

use std::borrow::Cow;
use std::path::Path;

use hard_sigmoid::{Dtype, Element, with_type};
use hard_sigmoid_files::{Format, Section, npy};
use js_sys::Error;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{dtype, error};

#[wasm_bindgen]
pub struct Batch {
    /// The header of the result.
    header: Vec<u8>,
    shape: Vec<u64>,
    pub(crate) dtype: Dtype,
    /// Whether the file has the other byte order.
    swapped: bool,
    /// The elements, in the byte order of this machine.
    bytes: Vec<u8>,
}

#[wasm_bindgen]
impl Batch {
    /// Reads a `.npy` file. The bytes of elements of dtype `V2` are taken for bfloat16, as which JAX saves them.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let start = &bytes[..bytes.len().min(Format::START_BYTES)];
        match Format::recognize(Path::new(""), start) {
            Ok(Format::Npy) => {}
            Ok(other) => {
                let remedy = "save its arrays one by one, as numpy.save('x.npy', array)";
                return Err(error(format!("is a .{} file: {remedy}", other.extension())));
            }
            Err(message) => return Err(error(message)),
        }
        let mut rest = bytes;
        let header = npy::read_header(&mut rest).map_err(error)?;
        let layout = npy::layout(&header, Some(rest.len() as u64), None)
            .or_else(|message| npy::layout(&header, Some(rest.len() as u64), Some(Dtype::Bf16)).map_err(|_| message))
            .map_err(error)?;
        let Some(section @ &Section { dtype: Some(dtype), swapped, .. }) = layout.sections.first() else {
            return Err(error("has no elements to compute"));
        };
        let mut bytes = rest.to_vec();
        section.swap_bytes(&mut bytes);
        Ok(Self { header: layout.header.to_vec(), shape: layout.shape, dtype, swapped, bytes })
    }

    /// Numbers of a bell curve with standard deviation 2, the same each time.
    pub fn generate(element: &str, elements: usize) -> Result<Self, Error> {
        let mut state = 1_u32;
        let mut uniform = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1 << 24)
        };
        // The sum of 12 has variance 1.
        let mut number = || 2.0 * ((0..12).map(|_| uniform()).sum::<f64>() - 6.0);
        let dtype = dtype(element)?;
        let descr = if dtype == Dtype::Bf16 { "|V2".into() } else { format!("<f{}", dtype.size()) };
        let bytes = with_type!(dtype, T => {
            let numbers: Vec<T> = (0..elements).map(|_| T::from_f64(number())).collect();
            bytemuck::cast_slice(&numbers).to_vec()
        });
        let shape = vec![elements as u64];
        Ok(Self { header: npy::new_header(&descr, false, &shape), shape, dtype, swapped: false, bytes })
    }

    /// The NumPy name of the type.
    #[wasm_bindgen(getter, js_name = type)]
    pub fn element(&self) -> String {
        self.dtype.numpy_name().into()
    }

    #[wasm_bindgen(getter)]
    pub fn elements(&self) -> usize {
        self.bytes.len() / self.dtype.size() as usize
    }

    /// The lengths of the dimensions.
    #[wasm_bindgen(getter)]
    pub fn shape(&self) -> Vec<f64> {
        self.shape.iter().map(|&length| length as f64).collect()
    }
}

impl Batch {
    /// The elements, which are of type `T`.
    pub(crate) fn data<T: Element>(&self) -> Cow<'_, [T]> {
        match bytemuck::try_cast_slice(&self.bytes) {
            Ok(elements) => elements.into(),
            // The bytes lie where no element could.
            Err(_) => bytemuck::pod_collect_to_vec(&self.bytes).into(),
        }
    }

    /// A `.npy` file of the same shape and byte order with other elements.
    pub(crate) fn file<T: bytemuck::Pod>(&self, mut elements: Vec<T>) -> Vec<u8> {
        let section = Section { dtype: Some(self.dtype), swapped: self.swapped, ..Section::default() };
        [&self.header, section.bytes_of(&mut elements)].concat()
    }
}
