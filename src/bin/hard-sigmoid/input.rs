//! Input files: a header, and sections of numbers of which some are computed and some carried over.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use hard_sigmoid::Element;
use hard_sigmoid::half::{bf16, f16};

use super::{Failure, npy, safetensors};

/// The types of number that are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dtype {
    F16,
    Bf16,
    F32,
    F64,
}

impl Dtype {
    pub(crate) const fn bytes(self) -> u64 {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::F16 => f16::NAME,
            Self::Bf16 => bf16::NAME,
            Self::F32 => f32::NAME,
            Self::F64 => f64::NAME,
        }
    }
}

/// Numbers of one type.
pub(crate) struct Section {
    /// Of a tensor; none where there is only one array.
    pub(crate) name: Option<String>,
    /// What the numbers are, in words.
    pub(crate) kind: &'static str,
    pub(crate) bytes: u64,
    /// What is computed, and how many elements of it; none for what is carried over.
    pub(crate) computed: Option<(Dtype, u64)>,
}

/// An open file whose header has been read and checked against the file's size.
pub(crate) struct Input {
    /// Positioned behind the header.
    pub(crate) file: File,
    /// The header of the output.
    pub(crate) header: Vec<u8>,
    /// All that is behind the header, in the order of the file.
    pub(crate) sections: Vec<Section>,
}

impl Input {
    /// Elements to compute.
    pub(crate) fn elements(&self) -> u64 {
        self.sections.iter().filter_map(|section| section.computed).map(|(_, n)| n).fold(0, u64::saturating_add)
    }

    /// Those that a GPU could compute.
    pub(crate) fn elements_for_gpu(&self) -> u64 {
        let computed = self.sections.iter().filter_map(|section| section.computed);
        computed.filter(|(dtype, _)| *dtype != Dtype::F64).map(|(_, n)| n).fold(0, u64::saturating_add)
    }

    /// The types of the elements to compute.
    pub(crate) fn types(&self) -> impl Iterator<Item = Dtype> {
        self.sections.iter().filter_map(|section| section.computed).filter(|(_, n)| *n > 0).map(|(dtype, _)| dtype)
    }

    /// Reads numbers, or bytes, as many as `into` has.
    pub(crate) fn read<T: bytemuck::Pod>(&mut self, into: &mut [T]) -> Result<(), String> {
        let bytes = bytemuck::cast_slice_mut(into);
        self.file.read_exact(bytes).map_err(|error| {
            format!("cannot be read to its end ({error}): it was shortened meanwhile, or its disk fails; try again")
        })
    }

    /// Passes over bytes that nobody needs.
    pub(crate) fn skip(&mut self, bytes: u64) -> Result<(), String> {
        let moved = self.file.seek(SeekFrom::Current(i64::try_from(bytes).unwrap_or(i64::MAX)));
        moved.map(drop).map_err(|error| format!("cannot be read to its end ({error}): try again"))
    }
}

/// Opens a `.npy` or a `.safetensors` file, whatever its name. `tensors`: the ones to compute, by name; none for all that
/// have a type which can be computed.
pub(crate) fn open(path: &Path, tensors: &[String]) -> Result<Input, Failure> {
    let fail = |what: String| Failure::file(path, what);
    let unreadable = |error| fail(format!("cannot be read: {error}; give a file that exists and that you may read"));
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        // Checked first: opening a FIFO would wait for a writer.
        let remedy = "give a .npy or .safetensors file, not a directory, pipe or device";
        return Err(fail(format!("is not a regular file: {remedy}")));
    }
    let mut file = File::open(path).map_err(unreadable)?;
    let mut start = Vec::new();
    (&mut file).take(9).read_to_end(&mut start).map_err(unreadable)?;
    file.rewind().map_err(unreadable)?;
    if start.starts_with(npy::MAGIC) {
        return match tensors {
            [] => npy::read(file, metadata.len(), path),
            _ => Err(fail("is a .npy file, which has no tensors by name: leave --tensor out".into())),
        };
    }
    let named = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("safetensors"));
    if named || start.get(8) == Some(&b'{') {
        return safetensors::read(file, metadata.len(), tensors).map_err(fail);
    }
    Err(fail(
        "is neither a .npy file, which begins with \\x93NUMPY, nor a .safetensors file: save the array with numpy.save"
            .into(),
    ))
}
