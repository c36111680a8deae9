//! Output that appears whole or not at all: written beside its place and renamed into it at the end.

use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use super::Failure;

/// An output under way. Dropping it before [`finish`](Self::finish) leaves nothing behind.
pub(crate) struct Output {
    path: PathBuf,
    file: NamedTempFile,
    replace: bool,
}

impl Output {
    /// Checks that `path` may be written, and that it is not `input`, before anything is computed.
    pub(crate) fn create(path: &Path, input: &Path, replace: bool) -> Result<Self, Failure> {
        let fail = |what: String| Failure::file(path, what);
        if same_file::is_same_file(path, input).unwrap_or(false) {
            return Err(fail("is the input: give the output another name".into()));
        }
        let mut builder = Builder::new();
        builder.prefix(".hard-sigmoid-");
        match std::fs::symlink_metadata(path) {
            Ok(metadata) if !metadata.is_file() => {
                return Err(fail("exists and is not a regular file: give the output another name".into()));
            }
            Ok(_) if !replace => return Err(fail("exists: add --force to replace it".into())),
            Ok(metadata) => _ = builder.permissions(metadata.permissions()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => permit_as_usual(&mut builder),
            Err(error) => return Err(fail(format!("cannot be written: {error}; give the output another name"))),
        }
        if path.file_name().is_none() {
            return Err(fail("names no file: give the output a file name".into()));
        }
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let file = builder.tempfile_in(folder).map_err(|error| {
            fail(format!("cannot be written: {error}; give the output a place in a folder that can be written to"))
        })?;
        Ok(Self { path: path.to_owned(), file, replace })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.file.write_all(bytes).map_err(|error| {
            Failure::file(&self.path, format!("cannot be written: {error}; free some space or choose another disk"))
        })
    }

    pub(crate) fn finish(self) -> Result<(), Failure> {
        let Self { path, file, replace } = self;
        let persisted = if replace { file.persist(&path) } else { file.persist_noclobber(&path) };
        match persisted {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(Failure::file(&path, "has appeared meanwhile: add --force to replace it"))
            }
            Err(error) => Err(Failure::file(&path, format!("cannot be written: {}; try another name", error.error))),
        }
    }
}

/// The permissions that a new file usually gets; those of a temporary one are its owner's alone.
fn permit_as_usual(builder: &mut Builder<'_, '_>) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    #[cfg(not(unix))]
    let _ = builder;
}
