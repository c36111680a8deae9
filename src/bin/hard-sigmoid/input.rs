//! Opening an input file and reading its data.

use std::fmt::Display;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use super::console::Failure;
use super::layout::Layout;
use super::{npy, safetensors};

/// An open file, positioned in the data after its header.
pub(crate) struct Input {
    path: PathBuf,
    file: File,
}

impl Input {
    /// Opens a `.npy` or a `.safetensors` file, and checks its header against its size. `tensors` names the tensors to
    /// compute. If it is empty, every tensor of a supported type is computed.
    pub(crate) fn open(path: &Path, tensors: &[String]) -> Result<(Self, Layout), Failure> {
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
        (&mut file).take(9).read_to_end(&mut start).map_err(unreadable)?;
        file.rewind().map_err(unreadable)?;
        let is_npy = start.starts_with(npy::MAGIC);
        let is_safetensors = start.get(8) == Some(&b'{')
            || path.extension().is_some_and(|it| it.eq_ignore_ascii_case(safetensors::EXTENSION));
        let layout = if is_npy && tensors.is_empty() {
            npy::read_layout(&mut file, metadata.len())
        } else if is_npy {
            Err("is a .npy file, which has no named tensors: omit --tensor".into())
        } else if is_safetensors {
            safetensors::read_layout(&mut file, metadata.len(), tensors)
        } else {
            Err("is neither a .npy nor a .safetensors file: save the array with numpy.save".into())
        };
        Ok((Self { path: path.to_owned(), file }, layout.map_err(fail)?))
    }

    /// Fills `target` with the next elements.
    pub(crate) fn read<T: bytemuck::Pod>(&mut self, target: &mut [T]) -> Result<(), Failure> {
        self.file.read_exact(bytemuck::cast_slice_mut(target)).map_err(|error| {
            self.failure(format!("cannot be read ({error}): it was changed while in use, or its disk fails; try again"))
        })
    }

    pub(crate) fn skip(&mut self, bytes: u64) -> Result<(), Failure> {
        let offset = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.file.seek_relative(offset).map_err(|error| self.failure(format!("cannot be read ({error}): try again")))
    }

    pub(crate) fn failure(&self, message: impl Display) -> Failure {
        Failure::file(&self.path, message)
    }
}
