//! An output file that appears only when it is complete.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use super::console::Failure;

/// A temporary file next to the output. [`finish`](Self::finish) renames it to the output, and dropping it removes it.
pub(crate) struct Output {
    path: PathBuf,
    file: NamedTempFile,
    replace: bool,
}

impl Output {
    /// Checks that `path` may be written and is not `input`.
    pub(crate) fn create(path: &Path, input: &Path, replace: bool) -> Result<Self, Failure> {
        let fail = |message: &str| Failure::file(path, message);
        let mut builder = Builder::new();
        builder.prefix(".hard-sigmoid-");
        // is_same_file opens the files, which would block on a FIFO, so their types are checked first.
        match std::fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_symlink() => {
                return Err(fail("is a symbolic link: choose its target or another path as the output"));
            }
            Ok(metadata) if !metadata.is_file() => {
                return Err(fail("exists and is not a regular file: choose another path for the output"));
            }
            Ok(_) if same_file::is_same_file(path, input).unwrap_or(false) => {
                return Err(fail("is the input: choose another path for the output"));
            }
            Ok(_) if !replace => return Err(fail("already exists: use --force to replace it")),
            Ok(metadata) => _ = builder.permissions(metadata.permissions()),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                // By default, only the owner may read a temporary file.
                #[cfg(unix)]
                builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
            }
            Err(error) => return Err(unwritable(path, &error)),
        }
        if path.file_name().is_none() {
            return Err(fail("has no file name: add one to the path of the output"));
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
            // Otherwise a crash could lose both the old and the new data.
            file.as_file().sync_all().map_err(|error| unwritable(&path, &error))?;
        }
        let persisted = if replace { file.persist(&path) } else { file.persist_noclobber(&path) };
        match persisted {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
                Err(Failure::file(&path, "was created by another process meanwhile: use --force to replace it"))
            }
            Err(error) => Err(unwritable(&path, &error.error)),
        }
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    let remedy = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some space or choose another disk",
        ErrorKind::FileTooLarge => "raise the limit on file sizes (ulimit -f) or choose another disk",
        ErrorKind::InvalidFilename => "choose a shorter name",
        _ => "choose a folder that exists and is writable",
    };
    // tempfile appends the path of the temporary file.
    let cause = error.to_string();
    let cause = cause.split(" at path ").next().unwrap_or(&cause);
    Failure::file(path, format!("cannot be written: {cause}; {remedy}"))
}
