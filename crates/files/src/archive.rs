//! Zip archives whose members are arrays.

use std::collections::HashSet;
use std::fmt::Debug;
use std::io::{BufReader, BufWriter, Error, Read, Result, Seek, SeekFrom, Write};

use zip::read::ZipFile;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::layout::{Layout, Section};

/// How much is compressed at once. The lengths of what is written are multiples of it, but for the last of an array.
const PIECE: usize = 1 << 16;

/// What is read at any place, such as a file.
pub(crate) trait Readable: Read + Seek + Debug {}

impl<R: Read + Seek + Debug> Readable for R {}

/// What an archive is read from.
pub(crate) type Source = BufReader<Box<dyn Readable>>;

/// An open archive.
#[derive(Debug)]
pub struct Archive(ZipArchive<Source>);

impl Archive {
    pub(crate) fn open(file: Box<dyn Readable>) -> std::result::Result<Self, String> {
        let zip = ZipArchive::new(BufReader::new(file))
            .map_err(|error| format!("cannot be read as a zip archive: {error}; save or copy it again"))?;
        if zip.has_duplicate_names() {
            let start = zip.central_directory_start();
            let name = twice(zip.into_inner(), start).unwrap_or_default();
            return Err(format!(
                "has two members named {name:?}, of which NumPy reads the last: load it, and save it with numpy.savez"
            ));
        }
        Ok(Self(zip))
    }

    /// The members.
    pub(crate) const fn zip(&mut self) -> &mut ZipArchive<Source> {
        &mut self.0
    }

    /// Opens member `i` where the data of its section begin.
    pub(crate) fn data(&mut self, i: usize, section: &Section<'_>) -> std::result::Result<ZipFile<'_, Source>, String> {
        let mut member = self.0.by_index(i).map_err(|error| error.to_string())?;
        let skipped = std::io::copy(&mut (&mut member).take(section.start), &mut std::io::sink());
        skipped.map_err(|error| error.to_string()).map(|_| member)
    }
}

/// A name that occurs twice in a central directory, which begins at `start`.
fn twice(mut file: Source, start: u64) -> Option<String> {
    file.seek(SeekFrom::Start(start)).ok()?;
    let mut names = HashSet::new();
    loop {
        let mut entry = [0; 46];
        file.read_exact(&mut entry).ok()?;
        // The lengths of the name, and of what follows it: 4.3.12 of APPNOTE.TXT.
        let [.., a, b, c, d, e, f, _, _, _, _, _, _, _, _, _, _, _, _] = entry;
        let [name_len, extra_len, comment_len] = [[a, b], [c, d], [e, f]].map(u16::from_le_bytes);
        let mut name = vec![0; name_len.into()];
        file.read_exact(&mut name).ok()?;
        file.seek_relative(i64::from(extra_len).saturating_add(comment_len.into())).ok()?;
        if let Some(name) = names.replace(name) {
            return Some(String::from_utf8_lossy(&name).into_owned());
        }
    }
}

/// A file that takes everything after an error, without writing it. A `ZipWriter` that is dropped writes its directory,
/// and prints to stderr if it cannot.
#[derive(Debug)]
struct Target<W: Write> {
    file: BufWriter<W>,
    position: u64,
    has_failed: bool,
}

impl<W: Write> Target<W> {
    fn attempt<T>(&mut self, then: T, run: impl FnOnce(&mut BufWriter<W>) -> Result<T>) -> Result<T> {
        if self.has_failed {
            return Ok(then);
        }
        run(&mut self.file).inspect_err(|_| self.has_failed = true)
    }
}

impl<W: Write> Write for Target<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let written = self.attempt(bytes.len(), |file| file.write(bytes))?;
        self.position = self.position.saturating_add(written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> Result<()> {
        self.attempt((), Write::flush)
    }
}

impl<W: Write + Seek> Seek for Target<W> {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        let then = if let SeekFrom::Start(position) = to { position } else { self.position };
        self.position = self.attempt(then, |file| file.seek(to))?;
        Ok(self.position)
    }
}

/// An archive that is being written.
#[derive(Debug)]
pub struct ArchiveWriter<W: Write + Seek>(ZipWriter<Target<W>>);

impl<W: Write + Seek> ArchiveWriter<W> {
    /// Begins an archive with the comment of another.
    pub fn new(file: W, of: &Archive) -> Self {
        let mut zip =
            ZipWriter::new(Target { file: BufWriter::new(file), position: 0, has_failed: false }).set_auto_large_file();
        let _ = zip.set_raw_comment(of.0.comment().into());
        Self(zip)
    }

    /// Begins section `i`, before its elements are written. Returns false if it was copied with that, since nothing of
    /// it is computed.
    pub fn begin(&mut self, archive: &mut Archive, layout: &Layout<'_>, i: usize) -> Result<bool> {
        let is_computed = layout.sections.get(i).is_some_and(|section| section.dtype.is_some());
        match layout.headers.get(i) {
            Some(header) if is_computed => self.start(archive, i, header)?,
            _ => self.copy(archive, i)?,
        }
        Ok(is_computed)
    }

    /// Starts the array that takes the place of member `i`, with the same name, compression and date.
    fn start(&mut self, archive: &mut Archive, i: usize, header: &[u8]) -> Result<()> {
        let member = archive.0.by_index_raw(i)?;
        let (name, options): (_, SimpleFileOptions) = (member.name()?.into_owned(), member.options());
        self.0.start_file(name, options)?;
        self.0.write_all(header)
    }

    /// Copies member `i` as it is, still compressed.
    fn copy(&mut self, archive: &mut Archive, i: usize) -> Result<()> {
        let end = archive.0.central_directory_start();
        let member = archive.0.by_index_raw(i)?;
        let start = member.data_start().unwrap_or(end);
        if start.saturating_add(member.compressed_size()) > end {
            return Err(Error::other("a member of the archive is longer than the archive"));
        }
        Ok(self.0.raw_copy_file(member)?)
    }

    /// Appends to the array that was started last.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        // How data are divided changes how they are compressed, in a few bytes.
        bytes.chunks(PIECE).try_for_each(|piece| self.0.write_all(piece))
    }

    /// Writes the directory.
    pub fn finish(self) -> Result<()> {
        self.0.finish()?.flush()
    }
}
