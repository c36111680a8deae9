//! The formats: how they are told apart, and what reads the header of each.

use std::io::Read;
use std::path::Path;

use hard_sigmoid::Dtype;

use crate::archive::Archive;
use crate::layout::Layout;
use crate::selection::Selection;
use crate::{foreign, npy, npz, safetensors};

/// The message for a file of PyTorch, which is a zip archive, too.
const PYTORCH: &str =
    "is a PyTorch file: load it with torch.load and save the tensors with safetensors.torch.save_file";

/// A format of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An array, as `numpy.save` writes it.
    Npy,
    /// An archive of arrays, as `numpy.savez` writes it.
    Npz,
    /// Tensors with names.
    Safetensors,
}

/// Reads the headers in an archive.
type ReadHeaders = fn(&mut Archive) -> Result<Header, String>;

impl Format {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::Npy, Self::Npz, Self::Safetensors];

    /// How many bytes of a file show what it is.
    pub const START_BYTES: usize = 1024;

    /// The extension of files in this format.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Npy => npy::EXTENSION,
            Self::Npz => npz::EXTENSION,
            Self::Safetensors => safetensors::EXTENSION,
        }
    }

    /// How the headers of an archive are read, which is not read and written in order. None if files are no archives.
    pub(crate) fn of_archive(self) -> Option<ReadHeaders> {
        match self {
            Self::Npz => Some(|archive| Ok(Header(Kind::Npz(npz::members(archive)?)))),
            Self::Npy | Self::Safetensors => None,
        }
    }

    /// Recognizes a file by what it begins with, and by its extension where that is not enough.
    ///
    /// # Errors
    ///
    /// What else it is, and what to do instead, to follow the name of the file.
    pub fn recognize(path: &Path, start: &[u8]) -> Result<Self, &'static str> {
        let is_pytorch = || start.windows(8).any(|window| window == b"data.pkl");
        match Self::of_start(start) {
            _ if start.is_empty() => Err("is empty: check what should have written it"),
            Some(Self::Npz) if is_pytorch() => Err(PYTORCH),
            Some(format) => Ok(format),
            None => match foreign::recognize(start) {
                Some(message) => Err(message),
                None if has_extension(path, safetensors::EXTENSION) => Ok(Self::Safetensors),
                None => Err("is neither a .npy, .npz nor .safetensors file: save the array with numpy.save"),
            },
        }
    }

    /// The format of a file that begins like this. None if it is none of them.
    #[must_use]
    pub fn of_start(start: &[u8]) -> Option<Self> {
        // Of the size of the header, which takes 8 bytes, the last are 0, and then comes JSON.
        let is_safetensors = start.get(4..9) == Some(b"\0\0\0\0{");
        // The second is that of an archive without members.
        let is_zip = start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06");
        match is_zip {
            _ if start.starts_with(npy::MAGIC) => Some(Self::Npy),
            _ if is_safetensors => Some(Self::Safetensors),
            true => Some(Self::Npz),
            false => None,
        }
    }
}

/// Whether a path has an extension, in upper or lower case.
#[must_use]
pub fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|it| it.eq_ignore_ascii_case(extension))
}

/// What an input says of its data. A layout borrows from it.
#[derive(Debug)]
pub struct Header(Kind);

#[derive(Debug)]
enum Kind {
    Npy(Bytes),
    /// The members of an archive.
    Npz(Vec<npz::Member>),
    Safetensors(Bytes),
}

/// The bytes of a header.
#[derive(Debug)]
struct Bytes {
    header: Vec<u8>,
    /// The size of what follows the header, if it is known.
    data_bytes: Option<u64>,
}

impl Header {
    /// Reads a header from the start of an input of `file_bytes` bytes, if that is known.
    pub(crate) fn read(format: Format, source: &mut impl Read, file_bytes: Option<u64>) -> Result<Self, String> {
        let bytes = |header: Vec<u8>| {
            let data_bytes = file_bytes.map(|bytes| bytes.saturating_sub(header.len() as u64));
            Bytes { header, data_bytes }
        };
        Ok(Self(match format {
            Format::Npy => Kind::Npy(bytes(npy::read_header(source)?)),
            Format::Npz => return Err("is a .npz archive, which cannot be read from a pipe: pass it as a file".into()),
            Format::Safetensors => Kind::Safetensors(bytes(safetensors::read_header(source, file_bytes)?)),
        }))
    }

    /// Its size. The headers of an archive are in its members.
    pub(crate) fn bytes(&self) -> u64 {
        match &self.0 {
            Kind::Npy(bytes) | Kind::Safetensors(bytes) => bytes.header.len() as u64,
            Kind::Npz(_) => 0,
        }
    }

    /// Whether an array in it says only the size of its elements, and this type has that size.
    #[must_use]
    pub fn may_be_of(&self, dtype: Dtype) -> bool {
        let may = |header: &[u8]| npy::void_bytes(header) == Some(dtype.size());
        match &self.0 {
            Kind::Npy(bytes) => may(&bytes.header),
            Kind::Npz(members) => members.iter().any(|member| member.header().is_some_and(may)),
            Kind::Safetensors(_) => false,
        }
    }

    /// Checks the header, also against the size of the data if that is known.
    pub(crate) fn layout(&self, selection: &Selection) -> Result<Layout<'_>, String> {
        match &self.0 {
            Kind::Npy(_) if !selection.tensor.is_empty() => {
                Err("is a .npy file, which has no named tensors: omit --tensor".into())
            }
            Kind::Npy(Bytes { header, data_bytes }) => npy::layout(header, *data_bytes, selection.element),
            Kind::Npz(members) => npz::layout(members, selection),
            Kind::Safetensors(Bytes { header, data_bytes }) => safetensors::layout(header, *data_bytes, selection),
        }
    }
}
