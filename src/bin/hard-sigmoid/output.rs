//! An output file that appears only when it is complete.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use super::console::Failure;
use super::input::has_extension;
use super::{npy, safetensors};

/// The start of the names of temporary files.
const PREFIX: &str = ".hard-sigmoid-";

/// A temporary file in the folder of the output. [`finish`](Self::finish) gives it the name of the output, and dropping
/// it removes it.
pub(crate) struct Output {
    path: PathBuf,
    file: Temporary,
    replace: bool,
}

enum Temporary {
    /// A file without a name, which disappears even if the process is killed.
    Unnamed(File),
    /// Where the system has no such files.
    Named(NamedTempFile),
}

impl Output {
    /// Checks that `path` may be written, is none of the inputs, and is not named like another format.
    pub(crate) fn create(path: &Path, extension: &str, inputs: &[&Path], replace: bool) -> Result<Self, Failure> {
        let fail = |message: &str| Failure::file(path, message);
        let named = |&it: &&str| it != extension && has_extension(path, it);
        if let Some(other) = [npy::EXTENSION, safetensors::EXTENSION].into_iter().find(named) {
            let name = format!("name it .{extension} instead of .{other}");
            return Err(fail(&format!("would be a .{extension} file, like the input: {name}")));
        }
        // is_same_file opens the files, which would block on a FIFO, so their types are checked first.
        let old = match std::fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_symlink() => {
                return Err(fail("is a symbolic link: choose its target or another path as the output"));
            }
            Ok(metadata) if !metadata.is_file() => {
                return Err(fail("exists and is not a regular file: choose another path for the output"));
            }
            Ok(_) if inputs.iter().any(|input| same_file::is_same_file(path, input).unwrap_or(false)) => {
                return Err(fail("is the input: choose another path for the output"));
            }
            Ok(_) if !replace => return Err(fail("already exists: use --force to replace it")),
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(unwritable(path, &error)),
        };
        if path.file_name().is_none() {
            return Err(fail("has no file name: add one to the path of the output"));
        }
        let file = Temporary::new(folder(path), old).map_err(|error| unwritable(path, &error))?;
        Ok(Self { path: path.to_owned(), file, replace })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.file.as_file().write_all(bytes).map_err(|error| unwritable(&self.path, &error))
    }

    pub(crate) fn finish(self) -> Result<(), Failure> {
        let Self { path, file, replace } = self;
        if replace {
            // Otherwise a crash could lose both the old and the new data.
            file.as_file().sync_all().map_err(|error| unwritable(&path, &error))?;
        }
        match file.persist(&path, replace) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Err(Failure::file(&path, "was created by another process meanwhile: use --force to replace it"))
            }
            Err(error) => Err(unwritable(&path, &error)),
        }
    }
}

impl Temporary {
    /// Creates a file with the permissions of the file that it replaces, or else of a new file.
    fn new(folder: &Path, old: Option<Metadata>) -> io::Result<Self> {
        let mut builder = Builder::new();
        // By default, only the owner may read a temporary file.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = match unnamed::create(folder) {
            Ok(file) => Self::Unnamed(file),
            Err(_) => Self::Named(builder.prefix(PREFIX).tempfile_in(folder)?),
        };
        if let Some(old) = old {
            file.as_file().set_permissions(old.permissions())?;
        }
        Ok(file)
    }

    fn as_file(&self) -> &File {
        match self {
            Self::Unnamed(file) => file,
            Self::Named(file) => file.as_file(),
        }
    }

    fn persist(self, path: &Path, replace: bool) -> io::Result<()> {
        match self {
            Self::Unnamed(file) if !replace => unnamed::link(&file, path),
            // A link cannot replace a file, but a new name can.
            Self::Unnamed(file) => {
                let linked = Builder::new().prefix(PREFIX).make_in(folder(path), |path| unnamed::link(&file, path))?;
                linked.persist(path).map(|_| ()).map_err(|error| error.error)
            }
            Self::Named(file) if replace => file.persist(path).map(|_| ()).map_err(|error| error.error),
            Self::Named(file) => file.persist_noclobber(path).map(|_| ()).map_err(|error| error.error),
        }
    }
}

/// Files without a name.
#[cfg(target_os = "linux")]
mod unnamed {
    use std::fs::File;
    use std::io;
    use std::os::fd::AsRawFd;
    use std::path::{Path, PathBuf};

    use rustix::fs::{AtFlags, CWD, Mode, OFlags};

    pub(super) fn create(folder: &Path) -> io::Result<File> {
        let mode = Mode::from_raw_mode(0o666);
        let file = File::from(rustix::fs::open(folder, OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC, mode)?);
        // Without /proc, it could not be given a name.
        std::fs::symlink_metadata(entry(&file)).map(|_| file)
    }

    pub(super) fn link(file: &File, path: &Path) -> io::Result<()> {
        Ok(rustix::fs::linkat(CWD, entry(file), CWD, path, AtFlags::SYMLINK_FOLLOW)?)
    }

    fn entry(file: &File) -> PathBuf {
        format!("/proc/self/fd/{}", file.as_raw_fd()).into()
    }
}

#[cfg(not(target_os = "linux"))]
mod unnamed {
    use std::fs::File;
    use std::io::{self, ErrorKind};
    use std::path::Path;

    pub(super) fn create(_folder: &Path) -> io::Result<File> {
        Err(ErrorKind::Unsupported.into())
    }

    pub(super) fn link(_file: &File, _path: &Path) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
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
