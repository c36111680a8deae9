//! An output with its sections, whatever its format is.

use std::fs::File;

use hard_sigmoid_files::{ArchiveWriter, Input, Layout, Section};

use super::console::Failure;
use super::output::Output;

pub(crate) struct Container {
    output: Output,
    /// None for formats in which the sections follow a header.
    archive: Option<ArchiveWriter<File>>,
}

impl Container {
    /// Takes an output that has the format of the input. A pipe gets nothing yet.
    pub(crate) fn new(output: Output, input: &mut Input) -> Result<Self, Failure> {
        let archive = match input.archive() {
            Some(archive) => Some(ArchiveWriter::new(output.file()?, archive)),
            None => None,
        };
        Ok(Self { output, archive })
    }

    /// Writes what comes before the sections.
    pub(crate) fn start(&mut self, layout: &Layout<'_>) -> Result<(), Failure> {
        self.output.write(&layout.header)
    }

    /// Begins section `i`, before its elements are written. Returns false if it was copied with that, since nothing of
    /// it is computed.
    pub(crate) fn begin(&mut self, input: &mut Input, layout: &Layout<'_>, i: usize) -> Result<bool, Failure> {
        let (Some(writer), Some(archive)) = (&mut self.archive, input.archive()) else { return Ok(true) };
        writer.begin(archive, layout, i).map_err(|error| self.output.failure(&error))
    }

    /// Writes the next elements of a section, in its byte order.
    pub(crate) fn write<T: bytemuck::Pod>(&mut self, section: &Section<'_>, elements: &mut [T]) -> Result<(), Failure> {
        let bytes = section.bytes_of(elements);
        match &mut self.archive {
            Some(writer) => writer.write(bytes).map_err(|error| self.output.failure(&error)),
            None => self.output.write(bytes),
        }
    }

    pub(crate) fn finish(self) -> Result<(), Failure> {
        let Self { output, archive } = self;
        archive.map_or(Ok(()), ArchiveWriter::finish).map_err(|error| output.failure(&error))?;
        output.finish()
    }
}
