//! The buffers of a slot: other ones natively than in a browser, since other kinds are fast there.

#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(not(target_arch = "wasm32"))]
mod native;

#[cfg(target_arch = "wasm32")]
pub(in crate::gpu) use browser::Memory;
#[cfg(not(target_arch = "wasm32"))]
pub(in crate::gpu) use native::Memory;
