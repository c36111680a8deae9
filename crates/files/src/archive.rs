//! Zip archives whose members are arrays.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};

use zip::read::ZipFile;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::layout::Section;

/// An open archive.
#[derive(Debug)]
pub struct Archive(ZipArchive<BufReader<File>>);

impl Archive {
    pub(crate) fn open(file: File) -> Result<Self, String> {
        let zip = ZipArchive::new(BufReader::new(file))
            .map_err(|error| format!("cannot be read as a zip archive: {error}; save or copy it again"))?;
        if zip.has_duplicate_names() {
            return Err("has two members of the same name: save or copy it again".into());
        }
        Ok(Self(zip))
    }

    /// The members.
    pub(crate) const fn zip(&mut self) -> &mut ZipArchive<BufReader<File>> {
        &mut self.0
    }

    /// Opens member `i` where the data of its section begin.
    pub(crate) fn data(&mut self, i: usize, section: &Section<'_>) -> Result<ZipFile<'_, BufReader<File>>, String> {
        let mut member = self.0.by_index(i).map_err(|error| error.to_string())?;
        let skipped = std::io::copy(&mut (&mut member).take(section.start), &mut std::io::sink());
        skipped.map_err(|error| error.to_string()).map(|_| member)
    }
}

/// An archive that is being written.
#[derive(Debug)]
pub struct ArchiveWriter(ZipWriter<BufWriter<File>>);

impl ArchiveWriter {
    /// Begins an archive with the comment of another.
    pub fn new(file: File, of: &Archive) -> Self {
        let mut zip = ZipWriter::new(BufWriter::new(file)).set_auto_large_file();
        let _ = zip.set_raw_comment(of.0.comment().into());
        Self(zip)
    }

    /// Starts the array that takes the place of member `i`, with the same name, compression and date.
    pub fn start(&mut self, archive: &mut Archive, i: usize, header: &[u8]) -> std::io::Result<()> {
        let member = archive.0.by_index_raw(i)?;
        let (name, options): (_, SimpleFileOptions) = (member.name()?.into_owned(), member.options());
        self.0.start_file(name, options)?;
        self.0.write_all(header)
    }

    /// Copies member `i` as it is, still compressed.
    pub fn copy(&mut self, archive: &mut Archive, i: usize) -> std::io::Result<()> {
        let end = archive.0.central_directory_start();
        let member = archive.0.by_index_raw(i)?;
        let start = member.data_start().unwrap_or(end);
        if start.saturating_add(member.compressed_size()) > end {
            return Err(std::io::Error::other("a member of the archive is longer than the archive"));
        }
        Ok(self.0.raw_copy_file(member)?)
    }

    /// Appends to the array that was started last.
    pub fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.write_all(bytes)
    }

    /// Writes the directory.
    pub fn finish(self) -> std::io::Result<()> {
        self.0.finish()?.flush()
    }
}
