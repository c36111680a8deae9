//! The buffers of a slot, of which each kind of host makes the best.

#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(not(target_arch = "wasm32"))]
mod native;

#[cfg(target_arch = "wasm32")]
pub(in crate::gpu) use browser::Memory;
#[cfg(not(target_arch = "wasm32"))]
pub(in crate::gpu) use native::Memory;
