//! Opening an input and reading its data.

use std::borrow::Cow;
use std::fmt::{Debug, Display, Formatter};
use std::fs::File;
use std::io::{BufReader, Cursor, ErrorKind, IsTerminal, Read, Seek, SeekFrom};
use std::path::Path;

use zip::read::ZipFile;

use crate::error::Error;
use crate::layout::{Layout, Section};
use crate::selection::Selection;
use crate::{foreign, npy, npz, safetensors};

/// The path that stands for stdin or stdout.
pub const STANDARD: &str = "-";

/// An open input, positioned in the data after its header.
pub struct Input {
    /// What messages begin with: the path and a colon.
    label: String,
    source: Source,
}

enum Source {
    File(File),
    /// A pipe or a device, which is read once, and whose size is not known.
    Stream(Box<dyn Read>),
    Archive(npz::Archive),
}

impl Debug for Input {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "Input({:?})", self.label)
    }
}

/// What an input says of its data. A layout borrows from it.
#[derive(Debug)]
pub enum Header {
    /// Of a `.npy` file.
    Npy(Bytes),
    /// Of a `.safetensors` file.
    Safetensors(Bytes),
    /// Of each member of a `.npz` archive.
    Npz(Vec<npz::Member>),
}

/// The bytes of a header.
#[derive(Debug)]
pub struct Bytes {
    header: Vec<u8>,
    /// The size of what follows the header, if it is known.
    data_bytes: Option<u64>,
}

/// Opens a file, a pipe or a device, or stdin for `-`, and reads its header.
pub fn open(path: &Path) -> Result<(Input, Header), Error> {
    let is_stdin = path.as_os_str() == STANDARD;
    let label = if is_stdin { "stdin:".to_owned() } else { format!("{}:", path.display()) };
    let fail = |message: &str| Error(format!("{label} {message}"));
    let unreadable = |error| fail(&format!("cannot be read: {error}; check that it exists and is readable"));
    if is_stdin {
        if std::io::stdin().is_terminal() {
            return Err(fail("is a terminal: redirect it from a .npy file or pipe one into it"));
        }
        let (source, header) = stream(path, std::io::stdin()).map_err(|message| fail(&message))?;
        return Ok((Input { label, source }, header));
    }
    let mut file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(fail("is a folder: pass the files in it"));
    }
    if !metadata.is_file() {
        let (source, header) = stream(path, file).map_err(|message| fail(&message))?;
        return Ok((Input { label, source }, header));
    }
    let start = start(&mut file).map_err(unreadable)?;
    let format = format(path, &start).map_err(|message| fail(&message))?;
    if let Format::Npz = format {
        let (archive, members) = npz::open(file).map_err(|message| fail(&message))?;
        return Ok((Input { label, source: Source::Archive(archive) }, Header::Npz(members)));
    }
    let header = header(format, &mut Cursor::new(start).chain(&file), Some(metadata.len()));
    let header = header.map_err(|message| fail(&message))?;
    // What was read of the data is read again.
    file.seek(SeekFrom::Start(header.bytes())).map_err(unreadable)?;
    Ok((Input { label, source: Source::File(file) }, header))
}

/// Reads enough of an input to recognize its format.
fn start(source: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut start = Vec::with_capacity(foreign::START_BYTES as usize);
    source.take(foreign::START_BYTES).read_to_end(&mut start).map(|_| start)
}

/// Reads a header from the start of an input of `file_bytes` bytes, if that is known.
fn header(format: Format, source: &mut impl Read, file_bytes: Option<u64>) -> Result<Header, String> {
    match format {
        Format::Npy => Ok(Header::Npy(Bytes::new(npy::read_header(source)?, file_bytes))),
        Format::Safetensors => {
            Ok(Header::Safetensors(Bytes::new(safetensors::read_header(source, file_bytes)?, file_bytes)))
        }
        Format::Npz => Err("is a .npz archive, which cannot be read from a pipe: pass it as a file".into()),
    }
}

/// Reads the header of a pipe.
fn stream(path: &Path, mut source: impl Read + 'static) -> Result<(Source, Header), String> {
    let start = start(&mut source).map_err(|error| format!("cannot be read: {error}; try again"))?;
    let format = format(path, &start)?;
    let mut source = Cursor::new(start).chain(source);
    let header = header(format, &mut source, None)?;
    Ok((Source::Stream(Box::new(source)), header))
}

enum Format {
    Npy,
    Safetensors,
    Npz,
}

/// Whether these are the bytes of a file that [`open`] takes, and not text.
#[must_use]
pub fn is_input(bytes: &[u8]) -> bool {
    // Text may have a brace in the same place. Of the size of a header, which takes 8 bytes, the last are 0.
    let is_safetensors = bytes.get(4..9) == Some(b"\0\0\0\0{");
    is_safetensors || bytes.starts_with(npy::MAGIC) || foreign::is_zip(bytes)
}

/// Recognizes a format by what a file begins with.
fn format(path: &Path, start: &[u8]) -> Result<Format, String> {
    let is_safetensors = start.get(8) == Some(&b'{');
    match foreign::recognize(start).filter(|_| !is_safetensors) {
        _ if start.is_empty() => Err("is empty: check what should have written it".into()),
        _ if start.starts_with(npy::MAGIC) => Ok(Format::Npy),
        Some(foreign::NPZ | foreign::ZIP) => Ok(Format::Npz),
        Some(message) => Err(message.into()),
        None if is_safetensors || has_extension(path, safetensors::EXTENSION) => Ok(Format::Safetensors),
        None => Err("is neither a .npy, .npz nor .safetensors file: save the array with numpy.save".into()),
    }
}

impl Bytes {
    fn new(header: Vec<u8>, file_bytes: Option<u64>) -> Self {
        let data_bytes = file_bytes.map(|bytes| bytes.saturating_sub(header.len() as u64));
        Self { header, data_bytes }
    }
}

impl Header {
    /// Its size. The headers of an archive are in its members.
    fn bytes(&self) -> u64 {
        match self {
            Self::Npy(bytes) | Self::Safetensors(bytes) => bytes.header.len() as u64,
            Self::Npz(_) => 0,
        }
    }

    /// Checks the header, also against the size of the data if that is known.
    pub fn layout(&self, input: &Input, selection: &Selection) -> Result<Layout<'_>, Error> {
        let Selection { tensor, element, .. } = selection;
        let layout = match self {
            Self::Npy(_) if !tensor.is_empty() => {
                Err("is a .npy file, which has no named tensors: omit --tensor".into())
            }
            Self::Npy(bytes) => npy::layout(&bytes.header, bytes.data_bytes, *element),
            Self::Safetensors(_) if element.is_some() => {
                Err("is a .safetensors file, which says what its elements are: omit --element".into())
            }
            Self::Safetensors(bytes) => safetensors::layout(&bytes.header, bytes.data_bytes, selection),
            Self::Npz(members) => npz::layout(members, selection),
        };
        layout.map_err(|message| input.failure(message))
    }
}

impl Input {
    /// The data of section `i`. Those of a file are read or skipped in their order.
    pub fn data(&mut self, i: usize, section: &Section<'_>) -> Result<Data<'_>, Error> {
        let label = Cow::from(&self.label);
        match &mut self.source {
            Source::File(file) => Ok(Data { label, source: Reader::Shared(file) }),
            Source::Stream(stream) => Ok(Data { label, source: Reader::Shared(stream) }),
            Source::Archive(archive) => {
                let label = format!("{label} array {:?}", section.name.as_deref().unwrap_or_default());
                let member = archive.data(i).map_err(|error| unreadable(&label, &error))?;
                Ok(Data { label: label.into(), source: Reader::Member(member) })
            }
        }
    }

    /// Skips a section of this size.
    pub fn skip(&mut self, bytes: u64) -> Result<(), Error> {
        let skipped = match &mut self.source {
            Source::File(file) => file.seek_relative(i64::try_from(bytes).unwrap_or(i64::MAX)),
            Source::Stream(stream) => match std::io::copy(&mut stream.take(bytes), &mut std::io::sink()) {
                Ok(read) if read < bytes => Err(ErrorKind::UnexpectedEof.into()),
                read => read.map(|_| ()),
            },
            Source::Archive(_) => Ok(()),
        };
        skipped.map_err(|error| failed_read(&self.label, &error))
    }

    /// Checks that nothing follows the last section. The size of a file has been checked with its header.
    pub fn finish(&mut self) -> Result<(), Error> {
        let Source::Stream(stream) = &mut self.source else { return Ok(()) };
        match stream.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.failure("goes on after its data: it is damaged or holds several files; send one")),
            Err(error) => Err(failed_read(&self.label, &error)),
        }
    }

    /// Whether it is a pipe or a device.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        matches!(self.source, Source::Stream(_))
    }

    /// The archive, to copy from. None if it is no archive.
    pub fn archive(&mut self) -> Option<&mut npz::Archive> {
        match &mut self.source {
            Source::Archive(archive) => Some(archive),
            Source::File(_) | Source::Stream(_) => None,
        }
    }

    /// An error that begins with the name of the file.
    pub fn failure(&self, message: impl Display) -> Error {
        failure(&self.label, message)
    }
}

/// The data of a section.
pub struct Data<'a> {
    label: Cow<'a, str>,
    source: Reader<'a>,
}

impl Debug for Data<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "Data({:?})", self.label)
    }
}

enum Reader<'a> {
    Shared(&'a mut dyn Read),
    Member(ZipFile<'a, BufReader<File>>),
}

impl Data<'_> {
    /// Fills `target` with the next elements.
    pub fn read<T: bytemuck::Pod>(&mut self, section: &Section<'_>, target: &mut [T]) -> Result<(), Error> {
        let reader: &mut dyn Read = match &mut self.source {
            Reader::Shared(reader) => reader,
            Reader::Member(member) => member,
        };
        let read = reader.read_exact(bytemuck::cast_slice_mut(target));
        read.map_err(|error| failed_read(&self.label, &error))?;
        section.swap_bytes(target);
        Ok(())
    }

    /// Checks the checksum of a member of an archive.
    pub fn finish(self) -> Result<(), Error> {
        let Reader::Member(mut member) = self.source else { return Ok(()) };
        match member.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(unreadable(&self.label, &"a member is longer than it says")),
            Err(error) => Err(failed_read(&self.label, &error)),
        }
    }

    /// An error that begins with the name of the file.
    pub fn failure(&self, message: impl Display) -> Error {
        failure(&self.label, message)
    }
}

fn failure(label: &str, message: impl Display) -> Error {
    Error(format!("{label} {message}"))
}

fn failed_read(label: &str, error: &std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::UnexpectedEof => failure(label, "is truncated: it ends within its data; save or send it again"),
        // A checksum that does not match, or damage that shows earlier.
        ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::Other => unreadable(label, error),
        _ => failure(label, format!("cannot be read ({error}): its disk fails; try again")),
    }
}

fn unreadable(label: &str, error: &dyn Display) -> Error {
    failure(label, format!("cannot be read ({error}): it is damaged; save or copy it again"))
}

/// Whether a path has an extension, in upper or lower case.
#[must_use]
pub fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|it| it.eq_ignore_ascii_case(extension))
}
