//! What has to be known of the process before the standard library prepares it.

#[cfg(target_os = "linux")]
mod linux {
    use std::sync::atomic::{AtomicBool, Ordering};

    static CLOSED: AtomicBool = AtomicBool::new(false);

    extern "C" fn look() {
        CLOSED.store(rustix::io::fcntl_getfd(rustix::stdio::stdout()).is_err(), Ordering::Relaxed);
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
pub(crate) fn quiet_drivers() {
    #[cfg(target_os = "linux")]
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        // SAFETY: `main` calls this before there are other threads.
        #[allow(unsafe_code, reason = "it is the only way to tell Mesa")]
        unsafe {
            std::env::set_var("XDG_RUNTIME_DIR", std::env::temp_dir());
        }
    }
}

/// Whether the process was started without a stdout, so that what is written there is lost. Known on Linux only.
pub(crate) fn stdout_is_closed() -> bool {
    #[cfg(target_os = "linux")]
    return linux::stdout_is_closed();
    #[cfg(not(target_os = "linux"))]
    false
}
