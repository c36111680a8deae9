//! Output that appears whole or not at all: written beside its place and renamed into it at the end.

use std::io::{ErrorKind, Write};
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
        let fail = |what: &str| Failure::file(path, what);
        let mut builder = Builder::new();
        builder.prefix(".hard-sigmoid-");
        // By their kind first: to compare files they are opened, and a pipe would wait for somebody at its other end.
        match std::fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_symlink() => {
                return Err(fail("is a symbolic link: give the name that it points to, or another one"));
            }
            Ok(metadata) if !metadata.is_file() => {
                return Err(fail("exists and is not a regular file: give the output another name"));
            }
            Ok(_) if same_file::is_same_file(path, input).unwrap_or(false) => {
                return Err(fail("is the input: give the output another name"));
            }
            Ok(_) if !replace => return Err(fail("exists: add --force to replace it")),
            Ok(metadata) => _ = builder.permissions(metadata.permissions()),
            Err(error) if error.kind() == ErrorKind::NotFound => permit_as_usual(&mut builder),
            Err(error) => return Err(unwritable(path, &error)),
        }
        if path.file_name().is_none() {
            return Err(fail("names no file: give the output a file name"));
        }
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let file = builder.tempfile_in(folder).map_err(|error| unwritable(path, &error))?;
        Ok(Self { path: path.to_owned(), file, replace })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.file.write_all(bytes).map_err(|error| unwritable(&self.path, &error))
    }

    pub(crate) fn finish(self) -> Result<(), Failure> {
        let Self { path, file, replace } = self;
        if replace {
            // What is replaced must not be lost to a crash before the new data is on the disk.
            file.as_file().sync_all().map_err(|error| unwritable(&path, &error))?;
        }
        let persisted = if replace { file.persist(&path) } else { file.persist_noclobber(&path) };
        match persisted {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
                Err(Failure::file(&path, "has appeared meanwhile: add --force to replace it"))
            }
            Err(error) => Err(unwritable(&path, &error.error)),
        }
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    let remedy = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some space or choose another disk",
        ErrorKind::FileTooLarge => "raise the limit for a file's size (ulimit -f) or choose another disk",
        ErrorKind::InvalidFilename => "give the output a shorter name",
        _ => "give the output a place in a folder that exists and that you may write to",
    };
    // tempfile adds the path of the temporary file, a name that means nothing to anybody.
    let cause = error.to_string();
    let cause = cause.split(" at path ").next().unwrap_or(&cause);
    Failure::file(path, format!("cannot be written: {cause}; {remedy}"))
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
