//! Opening an input and reading its data.

use std::borrow::Cow;
use std::fmt::{Debug, Display, Formatter};
use std::fs::File;
use std::io::{Cursor, ErrorKind, IsTerminal, Read, Seek, SeekFrom};
use std::path::Path;

use hard_sigmoid::Dtype;
use zip::read::ZipFile;

use crate::archive::{self, Archive, Readable};
use crate::error::Error;
use crate::format::{Format, Header};
use crate::layout::{Layout, Section};
use crate::selection::Selection;

/// The path that stands for stdin or stdout.
pub const STANDARD: &str = "-";

/// An open input, positioned in the data after its header.
pub struct Input {
    /// What messages begin with: the path and a colon.
    label: String,
    source: Source,
}

enum Source {
    File(Box<dyn Readable>),
    /// A pipe or a device, which is read once, and whose size is not known.
    Stream(Box<dyn Read>),
    Archive(Archive),
}

impl Debug for Input {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "Input({:?})", self.label)
    }
}

/// Opens a file, a pipe or a device, or stdin for `-`, and reads its header.
pub fn open(path: &Path) -> Result<(Input, Header), Error> {
    let is_stdin = path.as_os_str() == STANDARD;
    let label = if is_stdin { "stdin:".to_owned() } else { format!("{}:", path.display()) };
    match source(path, is_stdin) {
        Ok((source, header)) => Ok((Input { label, source }, header)),
        Err(message) => Err(failure(&label, message)),
    }
}

/// Reads the header of a file of `bytes` bytes that has no path. Errors begin with its name.
pub fn open_as(name: &str, file: impl Read + Seek + Debug + 'static, bytes: u64) -> Result<(Input, Header), Error> {
    match seekable(Path::new(name), Box::new(file), bytes) {
        Ok((source, header)) => Ok((Input { label: name.to_owned(), source }, header)),
        Err(message) => Err(failure(name, message)),
    }
}

/// Opens an input and reads its header, or says why not, to follow the label.
fn source(path: &Path, is_stdin: bool) -> Result<(Source, Header), String> {
    if is_stdin && std::io::stdin().is_terminal() {
        return Err("is a terminal: redirect it from a .npy file or pipe one into it".into());
    }
    let opened = if is_stdin { stdin() } else { File::open(path).map(Some) };
    let Some(file) = opened.map_err(unopened)? else { return stream(path, std::io::stdin()) };
    let metadata = file.metadata().map_err(unopened)?;
    if metadata.is_dir() {
        return Err("is a folder: pass the files in it, for `apply` with --output-dir".into());
    }
    if !metadata.is_file() {
        return stream(path, file);
    }
    seekable(path, Box::new(file), metadata.len())
}

fn unopened(error: std::io::Error) -> String {
    format!("cannot be read: {error}; check that it exists and is readable")
}

/// Reads the header of a file of `bytes` bytes.
fn seekable(path: &Path, mut file: Box<dyn Readable>, bytes: u64) -> Result<(Source, Header), String> {
    let start = start(&mut file).map_err(unopened)?;
    let format = Format::recognize(path, &start)?;
    if let Some(headers) = format.of_archive() {
        let mut archive = Archive::open(file)?;
        let header = headers(&mut archive)?;
        return Ok((Source::Archive(archive), header));
    }
    let header = Header::read(format, &mut Cursor::new(start).chain(&mut file), Some(bytes))?;
    // What was read of the data is read again.
    file.seek(SeekFrom::Start(header.bytes())).map_err(unopened)?;
    Ok((Source::File(file), header))
}

/// Stdin as a file, if it is one of which nothing has been read.
#[cfg(unix)]
fn stdin() -> std::io::Result<Option<File>> {
    let mut file = File::from(std::os::fd::AsFd::as_fd(&std::io::stdin()).try_clone_to_owned()?);
    Ok(if file.metadata()?.is_file() && file.stream_position()? == 0 { Some(file) } else { None })
}

#[cfg(not(unix))]
fn stdin() -> std::io::Result<Option<File>> {
    Ok(None)
}

/// Reads enough of an input to recognize its format.
fn start(source: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut start = Vec::with_capacity(Format::START_BYTES);
    source.take(Format::START_BYTES as u64).read_to_end(&mut start).map(|_| start)
}

/// Reads the header of a pipe.
fn stream(path: &Path, mut source: impl Read + 'static) -> Result<(Source, Header), String> {
    let start = start(&mut source).map_err(|error| format!("cannot be read: {error}; try again"))?;
    let format = Format::recognize(path, &start)?;
    let mut source = Cursor::new(start).chain(source);
    let header = Header::read(format, &mut source, None)?;
    Ok((Source::Stream(Box::new(source)), header))
}

impl Input {
    /// What the input holds, by its header and the size of the data if that is known.
    pub fn layout<'a>(&self, header: &'a Header, selection: &Selection) -> Result<Layout<'a>, Error> {
        header.layout(selection).map_err(|message| self.failure(message))
    }

    /// The data of section `i`. Those of a file are read or skipped in their order.
    pub fn data(&mut self, i: usize, section: &Section<'_>) -> Result<Data<'_>, Error> {
        let label = Cow::from(&self.label);
        match &mut self.source {
            Source::File(file) => Ok(Data { label, source: Reader::Shared(file) }),
            Source::Stream(stream) => Ok(Data { label, source: Reader::Shared(stream) }),
            Source::Archive(archive) => {
                let label = format!("{label} array {:?}", section.name.as_deref().unwrap_or_default());
                let member = archive.data(i, section).map_err(|error| unreadable(&label, &error))?;
                Ok(Data { label: label.into(), source: Reader::Member(member) })
            }
        }
    }

    /// Calls `work` with each section that is computed, and its data, in their order.
    pub fn each_computed<E: From<Error>>(
        &mut self,
        layout: &Layout<'_>,
        mut work: impl FnMut(Dtype, &Section<'_>, &mut Data<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut next = 0;
        while let Some((dtype, section, mut data)) = self.next_computed(layout, &mut next)? {
            work(dtype, section, &mut data)?;
            data.finish()?;
        }
        Ok(self.finish()?)
    }

    /// Skips to the next section that is computed, from section `next` on, which becomes the one after that.
    pub fn next_computed<'l, 'h>(
        &mut self,
        layout: &'l Layout<'h>,
        next: &mut usize,
    ) -> Result<Option<(Dtype, &'l Section<'h>, Data<'_>)>, Error> {
        while let Some(section) = layout.sections.get(*next) {
            let i = *next;
            *next = i.saturating_add(1);
            match section.dtype {
                Some(dtype) => return Ok(Some((dtype, section, self.data(i, section)?))),
                None => self.skip(section.bytes)?,
            }
        }
        Ok(None)
    }

    /// Skips a section of this size.
    fn skip(&mut self, bytes: u64) -> Result<(), Error> {
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
    pub fn archive(&mut self) -> Option<&mut Archive> {
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
    Member(ZipFile<'a, archive::Source>),
}

impl Data<'_> {
    /// Fills `target` with the next elements.
    pub fn read<T: bytemuck::Pod>(&mut self, section: &Section<'_>, target: &mut [T]) -> Result<(), Error> {
        let reader: &mut dyn Read = match &mut self.source {
            Reader::Shared(reader) => reader,
            Reader::Member(member) => member,
        };
        let bytes = bytemuck::cast_slice_mut(target);
        reader.read_exact(bytes).map_err(|error| failed_read(&self.label, &error))?;
        section.swap_bytes(bytes);
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
