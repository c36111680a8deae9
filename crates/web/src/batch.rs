//! A batch: a file, or generated numbers.

use hard_sigmoid::{Dtype, Element, with_type};
use hard_sigmoid_files::{Header, Input, Selection, npy, open_as};
use js_sys::{Error, Function};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::file::Source;
use crate::{dtype, error, whole};

/// A file that JavaScript reads.
#[wasm_bindgen]
pub struct Batch {
    pub(crate) name: String,
    bytes: u64,
    read: Function,
}

#[wasm_bindgen]
impl Batch {
    /// Takes the name of a file, which errors begin with, and its size. `read` returns the bytes from one place to
    /// another, as a `Uint8Array`.
    #[wasm_bindgen(constructor)]
    pub fn new(name: String, bytes: f64, read: Function) -> Result<Self, Error> {
        Ok(Self { name, bytes: whole(bytes)?, read })
    }

    /// Checks what the file holds.
    pub fn contents(self) -> Result<Contents, Error> {
        let (input, header) = self.open()?;
        let layout = input.layout(&header, &selection(&header)).map_err(error)?;
        let mut types: Vec<String> = Vec::new();
        for name in layout.computed().filter_map(|section| Some(section.dtype?.numpy_name())) {
            if types.iter().all(|it| it != name) {
                types.push(name.into());
            }
        }
        let is_array = layout.sections.iter().all(|section| section.name.is_none());
        Ok(Contents {
            extension: layout.extension.into(),
            types,
            elements: layout.elements() as f64,
            shape: is_array.then(|| layout.shape.iter().map(|&length| length as f64).collect()),
            computed: layout.computed().count() as f64,
            sections: layout.sections.len() as f64,
        })
    }
}

impl Batch {
    pub(crate) fn open(&self) -> Result<(Input, Header), Error> {
        open_as(&self.name, Source::new(self.read.clone(), self.bytes), self.bytes).map_err(error)
    }
}

/// Everything that can be computed. Elements of dtype `V2` are taken for bfloat16, as which JAX saves them.
pub(crate) fn selection(header: &Header) -> Selection {
    Selection { element: Some(Dtype::Bf16).filter(|&dtype| header.may_be_of(dtype)), ..Selection::default() }
}

/// What a file holds.
#[wasm_bindgen(inspectable, getter_with_clone)]
pub struct Contents {
    /// The extension of files in its format.
    pub extension: String,
    /// The NumPy names of the types that are computed, each once.
    pub types: Vec<String>,
    /// The number of elements that are computed.
    pub elements: f64,
    /// The lengths of the dimensions, if the file is a single array.
    pub shape: Option<Vec<f64>>,
    /// How many arrays or tensors are computed, of those that there are.
    pub computed: f64,
    pub sections: f64,
}

/// A `.npy` file with numbers of a bell curve with standard deviation 2, the same each time.
#[wasm_bindgen]
pub fn generate(element: &str, elements: usize) -> Result<Vec<u8>, Error> {
    let mut state = 1_u32;
    let mut uniform = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 24)
    };
    // The sum of 12 has variance 1.
    let mut number = || 2.0 * ((0..12).map(|_| uniform()).sum::<f64>() - 6.0);
    let dtype = dtype(element)?;
    let descr = if dtype == Dtype::Bf16 { "|V2".into() } else { format!("<f{}", dtype.size()) };
    let mut file = npy::new_header(&descr, false, &[elements as u64]);
    file.reserve_exact(elements * dtype.size() as usize);
    with_type!(dtype, T => {
        (0..elements).for_each(|_| file.extend_from_slice(bytemuck::bytes_of(&T::from_f64(number()))));
    });
    Ok(file)
}
