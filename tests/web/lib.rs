//! Compiled with wgpu's feature that makes its objects `Send` in a browser.

#[cfg(feature = "send")]
#[path = "../suite/threads.rs"]
mod threads;
