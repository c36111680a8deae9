//! Files that disappear if the process ends before they are complete, however it ends: on Linux without a name, on
//! Windows marked for deletion.

pub(super) use system::{create, keep, link, vanishing};

#[cfg(target_os = "linux")]
mod system {
    use std::fs::File;
    use std::io;
    use std::os::fd::AsRawFd;
    use std::path::{Path, PathBuf};
    use std::sync::OnceLock;

    use rustix::fs::{AtFlags, CWD, Mode, OFlags};

    pub(in super::super) use super::permanent::{keep, vanishing};

    /// Creates a file without a name.
    pub(in super::super) fn create(folder: &Path) -> io::Result<File> {
        let mode = Mode::from_raw_mode(0o666);
        let file = File::from(rustix::fs::open(folder, OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC, mode)?);
        // Without /proc, it could not be given a name.
        static HAS_PROC: OnceLock<bool> = OnceLock::new();
        match HAS_PROC.get_or_init(|| std::fs::symlink_metadata(entry(&file)).is_ok()) {
            true => Ok(file),
            false => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Gives it a name.
    pub(in super::super) fn link(file: &File, path: &Path) -> io::Result<()> {
        Ok(rustix::fs::linkat(CWD, entry(file), CWD, path, AtFlags::SYMLINK_FOLLOW)?)
    }

    fn entry(file: &File) -> PathBuf {
        format!("/proc/self/fd/{}", file.as_raw_fd()).into()
    }
}

#[cfg(windows)]
mod system {
    use std::fs::File;
    use std::io;
    use std::os::windows::fs::OpenOptionsExt;
    use std::os::windows::io::AsRawHandle;
    use std::path::Path;

    use windows_sys::Win32::Storage::FileSystem;

    pub(in super::super) use super::named::{create, link};

    /// Creates a file that the system deletes when it is closed, unless it is [kept](keep).
    pub(in super::super) fn vanishing(path: &Path) -> io::Result<File> {
        let access = FileSystem::FILE_GENERIC_WRITE | FileSystem::DELETE;
        let file = File::options().write(true).create_new(true).access_mode(access).open(path)?;
        // Not on every disk. There the file stays if the process is killed.
        let _ = delete_when_closed(&file, true);
        Ok(file)
    }

    pub(in super::super) fn keep(file: &File) -> io::Result<()> {
        delete_when_closed(file, false)
    }

    #[allow(unsafe_code, reason = "no safe library marks open files")]
    fn delete_when_closed(file: &File, delete: bool) -> io::Result<()> {
        let disposition = FileSystem::FILE_DISPOSITION_INFO { DeleteFile: delete };
        // SAFETY: the handle is open, and the pointer and the size are those of what this class of information takes.
        let succeeded = unsafe {
            FileSystem::SetFileInformationByHandle(
                file.as_raw_handle(),
                FileSystem::FileDispositionInfo,
                (&raw const disposition).cast(),
                size_of_val(&disposition) as u32,
            )
        };
        if succeeded == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

#[cfg(not(any(target_os = "linux", windows)))]
mod system {
    pub(in super::super) use super::named::{create, link};
    pub(in super::super) use super::permanent::{keep, vanishing};
}

/// Where every file has a name.
#[cfg(not(target_os = "linux"))]
mod named {
    use std::fs::File;
    use std::io::{self, ErrorKind};
    use std::path::Path;

    pub(in super::super) fn create(_folder: &Path) -> io::Result<File> {
        Err(ErrorKind::Unsupported.into())
    }

    pub(in super::super) fn link(_file: &File, _path: &Path) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }
}

/// Where files with a name stay.
#[cfg(not(windows))]
mod permanent {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    pub(in super::super) fn vanishing(path: &Path) -> io::Result<File> {
        File::options().write(true).create_new(true).open(path)
    }

    #[allow(clippy::unnecessary_wraps, reason = "it may fail on Windows")]
    pub(in super::super) fn keep(_file: &File) -> io::Result<()> {
        Ok(())
    }
}
