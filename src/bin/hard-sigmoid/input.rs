//! Opening an input file and reading its data.

use std::fmt::Display;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use clap::builder::PossibleValue;

use super::console::Failure;
use super::dtype::Dtype;
use super::foreign;
use super::layout::{Layout, Section};
use super::{npy, safetensors};

#[derive(clap::Args)]
pub(crate) struct InputArgs {
    /// A .npy or .safetensors file
    ///
    /// The dtype of a .npy file can be float16, float32 or float64, in either byte order. In a .safetensors file,
    /// tensors of type F16, BF16, F32 and F64 are computed.
    pub(crate) input: PathBuf,
    /// Compute only this tensor (can be repeated) [default: all supported tensors]
    #[arg(long, value_name = "NAME")]
    pub(crate) tensor: Vec<String>,
    /// The type of the elements, if the dtype of a .npy file gives only their size
    ///
    /// NumPy saves arrays of bfloat16 (ml_dtypes, JAX) with dtype V2: use `--element bf16`.
    #[arg(long, value_enum)]
    pub(crate) element: Option<Dtype>,
}

impl ValueEnum for Dtype {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::F32, Self::F16, Self::Bf16, Self::F64]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

/// An open file, positioned in the data after its header.
pub(crate) struct Input {
    path: PathBuf,
    file: File,
}

/// The header of a file, from which its layout borrows.
pub(crate) struct Header {
    format: Format,
    bytes: Vec<u8>,
    /// The size of what follows the header.
    data_bytes: u64,
}

enum Format {
    Npy,
    Safetensors,
}

impl Header {
    pub(crate) const fn is_npy(&self) -> bool {
        matches!(self.format, Format::Npy)
    }
}

impl InputArgs {
    /// Opens a `.npy` or a `.safetensors` file and reads its header.
    pub(crate) fn open(&self) -> Result<(Input, Header), Failure> {
        let path = &self.input;
        let fail = |message: String| Failure::file(path, message);
        let unreadable = |error| fail(format!("cannot be read: {error}; check that it exists and is readable"));
        // Opening a FIFO would block, so the type of the file is checked first.
        let metadata = std::fs::metadata(path).map_err(unreadable)?;
        if !metadata.is_file() {
            let remedy = "pass a .npy or .safetensors file, not a directory, pipe or device";
            return Err(fail(format!("is not a regular file: {remedy}")));
        }
        let mut file = File::open(path).map_err(unreadable)?;
        let mut start = Vec::new();
        (&mut file).take(foreign::START_BYTES).read_to_end(&mut start).map_err(unreadable)?;
        file.rewind().map_err(unreadable)?;
        let format = self.format(&start).map_err(fail)?;
        let bytes = match format {
            Format::Npy => npy::read_header(&mut file),
            Format::Safetensors => safetensors::read_header(&mut file, metadata.len()),
        };
        let bytes = bytes.map_err(fail)?;
        let data_bytes = metadata.len().saturating_sub(bytes.len() as u64);
        Ok((Input { path: path.clone(), file }, Header { format, bytes, data_bytes }))
    }

    /// Recognizes a format by what a file begins with.
    fn format(&self, start: &[u8]) -> Result<Format, String> {
        let is_safetensors = start.get(8) == Some(&b'{');
        if start.starts_with(npy::MAGIC) {
            Ok(Format::Npy)
        } else if let Some(message) = foreign::recognize(start).filter(|_| !is_safetensors) {
            Err(message.into())
        } else if is_safetensors || has_extension(&self.input, safetensors::EXTENSION) {
            Ok(Format::Safetensors)
        } else {
            Err("is neither a .npy nor a .safetensors file: save the array with numpy.save".into())
        }
    }

    /// Checks a header against the size of the file.
    pub(crate) fn layout<'a>(&self, header: &'a Header) -> Result<Layout<'a>, Failure> {
        let layout = match header.format {
            Format::Npy if !self.tensor.is_empty() => {
                Err("is a .npy file, which has no named tensors: omit --tensor".into())
            }
            Format::Npy => npy::layout(&header.bytes, header.data_bytes, self.element),
            Format::Safetensors if self.element.is_some() => {
                Err("is a .safetensors file, which says what its elements are: omit --element".into())
            }
            Format::Safetensors => safetensors::layout(&header.bytes, header.data_bytes, &self.tensor),
        };
        layout.map_err(|message| Failure::file(&self.input, message))
    }
}

impl Input {
    /// Fills `target` with the next elements of a section.
    pub(crate) fn read<T: bytemuck::Pod>(&mut self, section: &Section<'_>, target: &mut [T]) -> Result<(), Failure> {
        self.file.read_exact(bytemuck::cast_slice_mut(target)).map_err(|error| {
            self.failure(format!("cannot be read ({error}): it was changed while in use, or its disk fails; try again"))
        })?;
        section.swap_bytes(target);
        Ok(())
    }

    pub(crate) fn skip(&mut self, bytes: u64) -> Result<(), Failure> {
        let offset = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.file.seek_relative(offset).map_err(|error| self.failure(format!("cannot be read ({error}): try again")))
    }

    pub(crate) fn failure(&self, message: impl Display) -> Failure {
        Failure::file(&self.path, message)
    }
}

pub(crate) fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|it| it.eq_ignore_ascii_case(extension))
}
