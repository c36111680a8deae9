//! An output file that appears only when it is complete.

mod vanishing;

use std::fs::{File, Metadata};
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

use hard_sigmoid_files::{Format, STANDARD, has_extension};
use tempfile::{Builder, NamedTempFile, TempPath};

use super::console::{Failure, check_stdout};
#[cfg(unix)]
pub(crate) use vanishing::remove_unfinished;

/// The start of the names of temporary files.
pub(crate) const PREFIX: &str = ".hard-sigmoid-";

/// A temporary file in the folder of the output. [`finish`](Self::finish) gives it the name of the output, and dropping
/// it removes it. Or a pipe, which is written as the data comes.
pub(crate) struct Output {
    /// `-` for stdout.
    path: PathBuf,
    target: Target,
    /// Whether it may replace a file.
    replace: bool,
    /// Whether there is a file to replace.
    is_old: bool,
}

enum Target {
    /// A file, and its temporary name. It has none where the system has files without names, which disappear even if
    /// the process is killed.
    File(BufWriter<File>, Option<TempPath>),
    Pipe(Box<dyn Write>),
}

impl Output {
    /// Checks that `path` may be written, is none of the inputs, and is not named like another format. `-` is stdout.
    pub(crate) fn create(path: &Path, extension: &str, inputs: &[&Path], replace: bool) -> Result<Self, Failure> {
        let fail = |message: &str| Failure::file(path, message);
        let named = |&it: &&str| it != extension && has_extension(path, it);
        if let Some(other) = Format::ALL.iter().map(|format| format.extension()).find(named) {
            let name = format!("name it .{extension} instead of .{other}");
            return Err(fail(&format!("would be a .{extension} file, like the input: {name}")));
        }
        let to = |target, is_old| Self { path: path.to_owned(), target, replace, is_old };
        if path.as_os_str() == STANDARD {
            return Ok(to(Target::Pipe(stdout()?), false));
        }
        if ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].iter().any(|it| path.as_os_str() == *it) {
            check_stdout()?;
        }
        if device(path).is_some() {
            // Some versions of Windows take `nul.npy` for a file, which must not be written in place.
            if !path.as_os_str().eq_ignore_ascii_case("nul") {
                return Err(fail("is the name of a device on Windows, with any extension: choose another name"));
            }
            let null = File::options().write(true).open(path).map_err(|error| unwritable(path, &error))?;
            return Ok(to(Target::Pipe(Box::new(null)), false));
        }
        let old = match std::fs::symlink_metadata(path) {
            Ok(old) => Some(old),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(unwritable(path, &error)),
        };
        if let Some(old) = &old {
            if let Some(pipe) = pipe(path, old)? {
                return Ok(to(Target::Pipe(pipe), false));
            }
            if old.is_symlink() {
                return Err(fail(
                    "is a symbolic link: choose its target or another path as the output, or - for stdout",
                ));
            }
            if old.is_dir() {
                return Err(fail("is a folder: use it as --output-dir of `apply`, or add a file name"));
            }
            if !old.is_file() {
                return Err(fail(
                    "exists and is not a regular file: choose another path for the output, or - for stdout",
                ));
            }
            // is_same_file opens the files, which would block on a FIFO, so their types are checked first.
            if inputs.iter().any(|input| same_file::is_same_file(path, input).unwrap_or(false)) {
                return Err(fail("is the input: choose another path for the output"));
            }
            // Windows refuses, and others would replace it.
            if old.permissions().readonly() {
                return Err(fail("is read-only: make it writable, or choose another path for the output"));
            }
            if !replace {
                return Err(Failure::Exists(format!("{}: already exists: use --force to replace it", path.display())));
            }
            warn_of_links(path, old);
        }
        if path.file_name().is_none() {
            return Err(fail("has no file name: add one to the path of the output"));
        }
        let is_old = old.is_some();
        let (file, name) = temporary(folder(path), old).map_err(|error| unwritable(path, &error))?;
        Ok(to(Target::File(BufWriter::new(file), name), is_old))
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = match &mut self.target {
            Target::File(file, _) => file.write_all(bytes),
            Target::Pipe(pipe) => pipe.write_all(bytes),
        };
        written.map_err(|error| self.failure(&error))
    }

    /// The file that is written, through another handle.
    pub(crate) fn file(&self) -> Result<File, Failure> {
        match &self.target {
            Target::File(file, _) => file.get_ref().try_clone().map_err(|error| self.failure(&error)),
            Target::Pipe(_) => Err(Failure::file(
                &self.path,
                "is a pipe, to which no archive can be written: name a file as the output",
            )),
        }
    }

    pub(crate) fn failure(&self, error: &io::Error) -> Failure {
        unwritable(&self.path, error)
    }

    pub(crate) fn finish(self) -> Result<(), Failure> {
        let Self { path, target, replace, is_old } = self;
        let (file, name) = match target {
            Target::File(file, name) => (file.into_inner().map_err(|error| unwritable(&path, error.error()))?, name),
            Target::Pipe(mut pipe) => return pipe.flush().map_err(|error| unwritable(&path, &error)),
        };
        // Otherwise a crash could lose both the old and the new data.
        let synced = if is_old { file.sync_all() } else { Ok(()) };
        synced.and_then(|()| persist(&file, name, &path, replace)).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => {
                Failure::file(&path, "was created by another process meanwhile: use --force to replace it")
            }
            _ => unwritable(&path, &error),
        })
    }
}

/// The device that a path names on Windows, whatever its folder and its extension are.
fn device(path: &Path) -> Option<&str> {
    let name = path.file_name().filter(|_| cfg!(windows))?.to_str()?;
    let name = name.split(['.', ':']).next()?.trim_end();
    let is_numbered = |kind| {
        let number = name.get(..3).filter(|it| it.eq_ignore_ascii_case(kind)).and_then(|_| name.get(3..));
        number.is_some_and(|it| matches!(it, "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³"))
    };
    let is_device = ["con", "prn", "aux", "nul", "conin$", "conout$"].iter().any(|it| name.eq_ignore_ascii_case(it));
    (is_device || is_numbered("com") || is_numbered("lpt")).then_some(name)
}

/// Whether a path is `-`, a pipe or a device.
pub(crate) fn is_pipe(path: &Path) -> bool {
    path.as_os_str() == STANDARD
        || device(path).is_some()
        || std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

fn stdout() -> Result<Box<dyn Write>, Failure> {
    check_stdout()?;
    let stdout = io::stdout();
    if stdout.is_terminal() {
        let remedy = "redirect it to a file or a pipe, or name a file as the output";
        return Err(Failure::Runtime(format!("stdout: is a terminal, which does not show binary data: {remedy}")));
    }
    Ok(Box::new(stdout.lock()))
}

/// Opens a device such as `/dev/null` or a pipe with a name, such as those of `>(...)` in bash, which are symbolic
/// links. None if the path is another file.
#[cfg(unix)]
fn pipe(path: &Path, of_path: &Metadata) -> Result<Option<Box<dyn Write>>, Failure> {
    use std::os::unix::fs::FileTypeExt;
    let has_no_end = |metadata: &Metadata| {
        let of_file = metadata.file_type();
        of_file.is_fifo() || of_file.is_char_device()
    };
    let is_pipe = match of_path.is_symlink() {
        true => std::fs::metadata(path).is_ok_and(|target| has_no_end(&target)),
        false => has_no_end(of_path),
    };
    if !is_pipe {
        return Ok(None);
    }
    let pipe = File::options().write(true).open(path).map_err(|error| unwritable(path, &error))?;
    Ok(Some(Box::new(pipe)))
}

#[cfg(not(unix))]
fn pipe(_path: &Path, _of_path: &Metadata) -> Result<Option<Box<dyn Write>>, Failure> {
    Ok(None)
}

/// Says that a file that is replaced goes on to exist under other names.
#[cfg(unix)]
fn warn_of_links(path: &Path, old: &Metadata) {
    if std::os::unix::fs::MetadataExt::nlink(old) > 1 {
        super::console::log(&format!("{}: has other names (hard links), which keep the old data", path.display()));
    }
}

#[cfg(not(unix))]
fn warn_of_links(_path: &Path, _old: &Metadata) {}

/// Gives a new file the owner and the group of the one that it replaces, as far as the system allows it.
#[cfg(unix)]
fn keep_owner(new: &File, old: &Metadata) {
    use std::os::unix::fs::{MetadataExt, fchown};
    // Only root may give a file away, and others may choose among their groups.
    let _ = fchown(new, Some(old.uid()), Some(old.gid())).or_else(|_| fchown(new, None, Some(old.gid())));
}

#[cfg(not(unix))]
fn keep_owner(_new: &File, _old: &Metadata) {}

/// Creates a file with the permissions of the file that it replaces, or else of a new file.
fn temporary(folder: &Path, old: Option<Metadata>) -> io::Result<(File, Option<TempPath>)> {
    let (file, name) = vanishing::create(folder).map(|file| (file, None)).or_else(|error| {
        let named =
            Builder::new().prefix(PREFIX).make_in(folder, vanishing::create_named).map(NamedTempFile::into_parts);
        // The same error is clearer without the path of the temporary file.
        named.map(|(file, name)| (file, Some(name))).map_err(|it| if it.kind() == error.kind() { error } else { it })
    })?;
    if let Some(old) = old {
        keep_owner(&file, &old);
        file.set_permissions(old.permissions())?;
    }
    Ok((file, name))
}

/// Gives a temporary file its name.
fn persist(file: &File, name: Option<TempPath>, path: &Path, replace: bool) -> io::Result<()> {
    vanishing::keep(file);
    match name {
        Some(name) if replace => Ok(name.persist(path)?),
        Some(name) => Ok(name.persist_noclobber(path)?),
        None if !replace => vanishing::link(file, path),
        // A link cannot replace a file, but a new name can.
        None => {
            let linked =
                Builder::new().prefix(PREFIX).make_in(folder(path), |path| vanishing::link_temporary(file, path))?;
            Ok(linked.persist(path)?)
        }
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let remedy = match error.kind() {
        ErrorKind::BrokenPipe => "its reader has closed it, and needs all of the data",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some space or choose another disk",
        ErrorKind::FileTooLarge => "raise the limit on file sizes (ulimit -f) or choose another disk",
        ErrorKind::InvalidFilename => "choose a shorter name",
        ErrorKind::ResourceBusy => "it is a mount point, which cannot be replaced: choose another name",
        _ => "choose a folder that exists and is writable",
    };
    let name = if path.as_os_str() == STANDARD { Path::new("stdout") } else { path };
    Failure::file(name, format!("cannot be written: {error}; {remedy}"))
}
