//! Files that disappear if the process ends before they are complete. On Linux they have no name, and on Windows they
//! are marked for deletion, so that this holds however it ends. Elsewhere, and on disks that know no such files, it
//! holds for the signals that [`Stop`](crate::stop::Stop) handles.

use std::fs::File;
use std::io;
use std::path::Path;
#[cfg(unix)]
use std::path::PathBuf;
#[cfg(unix)]
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Creates a file without a name.
#[cfg(target_os = "linux")]
pub(super) fn create(folder: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let mode = Mode::from_raw_mode(0o666);
    let file = File::from(rustix::fs::open(folder, OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC, mode)?);
    // Without /proc, it could not be given a name.
    static HAS_PROC: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    match HAS_PROC.get_or_init(|| std::fs::symlink_metadata(entry(&file)).is_ok()) {
        true => Ok(file),
        false => Err(io::ErrorKind::Unsupported.into()),
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn create(_folder: &Path) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Gives a file without a name a name.
#[cfg(target_os = "linux")]
pub(super) fn link(file: &File, path: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD};
    Ok(rustix::fs::linkat(CWD, entry(file), CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn link(_file: &File, _path: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(target_os = "linux")]
fn entry(file: &File) -> PathBuf {
    format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(file)).into()
}

/// Creates a file with a name. Windows deletes it when it is closed, unless it is [kept](keep).
#[cfg(windows)]
pub(super) fn create_named(path: &Path) -> io::Result<File> {
    use windows_sys::Win32::Storage::FileSystem::{DELETE, FILE_GENERIC_WRITE};
    let mut options = File::options();
    std::os::windows::fs::OpenOptionsExt::access_mode(&mut options, FILE_GENERIC_WRITE | DELETE);
    let file = options.write(true).create_new(true).open(path)?;
    // Not on every disk. There the file stays if the process is killed.
    let _ = delete_when_closed(&file, true);
    Ok(file)
}

/// Files with names that may not be complete. Those that are have other names by now.
#[cfg(unix)]
static NAMED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Creates a file with a name.
#[cfg(unix)]
pub(super) fn create_named(path: &Path) -> io::Result<File> {
    named(path, || File::options().write(true).create_new(true).open(path))
}

/// Gives a file a name that is removed unless it gets another one.
#[cfg(unix)]
pub(super) fn link_temporary(file: &File, path: &Path) -> io::Result<()> {
    named(path, || link(file, path))
}

#[cfg(not(unix))]
pub(super) fn link_temporary(file: &File, path: &Path) -> io::Result<()> {
    link(file, path)
}

#[cfg(unix)]
fn named<T>(path: &Path, make: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let mut named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
    named.retain(|path| path.exists());
    let made = make()?;
    named.push(path.to_owned());
    Ok(made)
}

/// Removes what is not complete before a signal ends the process. While the result is held, nothing is created.
#[cfg(unix)]
pub(crate) fn remove_unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    let named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
    for path in named.iter() {
        let _ = std::fs::remove_file(path);
    }
    named
}

pub(super) fn keep(file: &File) {
    // If it was not marked, this fails, and nothing is lost.
    #[cfg(windows)]
    let _ = delete_when_closed(file, false);
    let _ = file;
}

#[cfg(windows)]
#[allow(unsafe_code, reason = "no safe library marks open files")]
fn delete_when_closed(file: &File, delete: bool) -> io::Result<()> {
    use windows_sys::Win32::Storage::FileSystem;
    let disposition = FileSystem::FILE_DISPOSITION_INFO { DeleteFile: delete };
    let handle = std::os::windows::io::AsRawHandle::as_raw_handle(file);
    let (class, bytes) = (FileSystem::FileDispositionInfo, size_of_val(&disposition) as u32);
    // SAFETY: the handle is open, and the pointer and the size are those of what this class of information takes.
    match unsafe { FileSystem::SetFileInformationByHandle(handle, class, (&raw const disposition).cast(), bytes) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_removes_only_what_is_not_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        create_named(&path("old")).unwrap();
        std::fs::rename(path("old"), path("new")).unwrap();
        for name in ["a", "b"] {
            create_named(&path(name)).unwrap();
        }
        drop(remove_unfinished());
        assert!(path("new").exists() && !path("a").exists() && !path("b").exists());
    }
}
