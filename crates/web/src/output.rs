//! The result of a file, in its format.

use std::io::Write;

use hard_sigmoid_files::{ArchiveWriter, Input, Layout};
use js_sys::{Error, Function};

use crate::error;
use crate::file::Target;

pub(crate) struct Output {
    /// What errors begin with.
    name: String,
    target: Kind,
}

enum Kind {
    Archive(Box<ArchiveWriter<Target>>),
    /// A header, and sections behind it.
    Plain(Target),
}

impl Output {
    /// Writes what comes before the sections.
    pub(crate) fn start(name: String, write: Function, input: &mut Input, layout: &Layout<'_>) -> Result<Self, Error> {
        let target = Target::new(write);
        let Some(archive) = input.archive() else {
            let mut output = Self { name, target: Kind::Plain(target) };
            output.write(&layout.header)?;
            return Ok(output);
        };
        Ok(Self { name, target: Kind::Archive(Box::new(ArchiveWriter::new(target, archive))) })
    }

    /// Begins section `i`. Returns false if it was copied with that.
    pub(crate) fn begin(&mut self, input: &mut Input, layout: &Layout<'_>, i: usize) -> Result<bool, Error> {
        match (&mut self.target, input.archive()) {
            (Kind::Archive(writer), Some(archive)) => {
                writer.begin(archive, layout, i).map_err(|it| failed(&self.name, &it))
            }
            _ => Ok(true),
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = match &mut self.target {
            Kind::Archive(writer) => writer.write(bytes),
            Kind::Plain(target) => target.write_all(bytes),
        };
        written.map_err(|it| failed(&self.name, &it))
    }

    pub(crate) fn finish(self) -> Result<(), Error> {
        let finished = match self.target {
            Kind::Archive(writer) => writer.finish(),
            Kind::Plain(mut target) => target.flush(),
        };
        finished.map_err(|it| failed(&self.name, &it))
    }
}

fn failed(name: &str, cause: &std::io::Error) -> Error {
    // The page itself says it if it has no room.
    error(format!("{name} cannot be copied ({cause}): it is damaged; save or copy it again"))
}
