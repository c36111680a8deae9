//! What has to be known of the process before the standard library prepares it.

#[cfg(target_os = "linux")]
mod linux {
    use std::sync::atomic::{AtomicBool, Ordering};

    use rustix::fs::OFlags;

    static CLOSED: AtomicBool = AtomicBool::new(false);

    extern "C" fn look() {
        let flags = rustix::fs::fcntl_getfl(rustix::stdio::stdout());
        // What is open for reading only cannot be written to either, which the standard library does not report.
        let is_closed = flags.map_or(true, |flags| flags & OFlags::ACCMODE == OFlags::RDONLY);
        CLOSED.store(is_closed, Ordering::Relaxed);
    }

    /// The loader calls it before `main`, in which the standard library opens /dev/null for streams that are closed.
    #[used]
    #[allow(unsafe_code, reason = "nothing safe runs early enough; `look` calls the system and stores a number only")]
    // SAFETY: the section has pointers to functions of this type.
    #[unsafe(link_section = ".init_array")]
    static LOOK: extern "C" fn() = look;

    pub(super) fn stdout_is_closed() -> bool {
        CLOSED.load(Ordering::Relaxed)
    }
}

/// Without XDG_RUNTIME_DIR, as in most containers, Mesa prints lines to stderr that look like errors of this command.
/// It is set to what cannot have the socket of a desktop.
pub(crate) fn quiet_drivers() {
    #[cfg(target_os = "linux")]
    if std::env::var_os("XDG_RUNTIME_DIR").is_none_or(|folder| !std::path::Path::new(&folder).is_absolute()) {
        // SAFETY: `main` calls this before there are other threads.
        #[allow(unsafe_code, reason = "it is the only way to tell Mesa")]
        unsafe {
            std::env::set_var("XDG_RUNTIME_DIR", "/dev/null");
        }
    }
}

/// Whether the process was started without a stdout that can be written to, so that everything would be lost. Known on
/// Linux only.
pub(crate) fn stdout_is_closed() -> bool {
    #[cfg(target_os = "linux")]
    return linux::stdout_is_closed();
    #[cfg(not(target_os = "linux"))]
    false
}
