//! Finding an adapter, on which [`Gpu::open_adapter`](crate::Gpu::open_adapter) opens a device.

use super::error::{Error, one_line};
use super::limits;

/// Which adapters are acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdapterKind {
    /// Hardware adapters only.
    Hardware,
    /// All adapters. Hardware is preferred to software.
    Any,
}

/// All adapters of the backends that `WGPU_BACKEND` allows (all backends, if it is not set or empty), hardware first.
/// Some may be [unable to compute](check).
///
/// # Errors
///
/// [`Error::UnknownBackend`](crate::Error::UnknownBackend) if `WGPU_BACKEND` has a word that is not a backend.
pub async fn enumerate() -> Result<Vec<wgpu::Adapter>, Error> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle_from_env();
    descriptor.backends = backends(&std::env::var_os("WGPU_BACKEND").unwrap_or_default().to_string_lossy())?;
    if wgpu::Instance::enabled_backend_features().is_empty() {
        // `Instance::new` panics if no backend is compiled in.
        return Ok(Vec::new());
    }
    #[cfg(target_arch = "wasm32")]
    if !is_window_or_worker() {
        return Ok(Vec::new());
    }
    let backends = descriptor.backends;
    let mut adapters = wgpu::Instance::new(descriptor).enumerate_adapters(backends).await;
    adapters.sort_by_key(|adapter| rank(adapter.get_info().device_type));
    Ok(adapters)
}

/// Elsewhere, as in Node, `Instance::new` panics.
#[cfg(target_arch = "wasm32")]
fn is_window_or_worker() -> bool {
    let is_here = |name: &str| js_sys::Reflect::has(&js_sys::global(), &name.into()).unwrap_or(false);
    is_here("Window") || is_here("WorkerGlobalScope")
}

/// The backends of a list with commas; all of them if it is empty.
fn backends(list: &str) -> Result<wgpu::Backends, Error> {
    let words = || list.split(',').map(str::trim).filter(|word| !word.is_empty());
    if words().next().is_none() {
        return Ok(wgpu::Backends::all());
    }
    // wgpu ignores unknown words.
    let known = |word: &str| Some(wgpu::Backends::from_comma_list(word)).filter(|backend| !backend.is_empty());
    let backend = |word: &str| known(word).ok_or_else(|| Error::UnknownBackend { word: word.to_owned() });
    words().map(backend).try_fold(wgpu::Backends::empty(), |all, backend| Ok(all | backend?))
}

/// Checks that an adapter can compute. Those of OpenGL drivers without compute shaders cannot.
///
/// # Errors
///
/// [`Error::MissingLimit`](crate::Error::MissingLimit) says what it lacks.
pub fn check(adapter: &wgpu::Adapter) -> Result<(), Error> {
    limits::check(&adapter.limits())
}

/// Whether an adapter is hardware. False if the driver does not report a device type, as with some GL drivers.
///
/// A browser reports software only, so that every other adapter of a browser counts as hardware.
#[must_use]
pub fn is_hardware(info: &wgpu::AdapterInfo) -> bool {
    match info.device_type {
        wgpu::DeviceType::DiscreteGpu | wgpu::DeviceType::IntegratedGpu | wgpu::DeviceType::VirtualGpu => true,
        wgpu::DeviceType::Other => info.backend == wgpu::Backend::BrowserWebGpu,
        wgpu::DeviceType::Cpu => false,
    }
}

/// Whether an adapter computes in software, on the CPU.
#[must_use]
pub fn is_software(info: &wgpu::AdapterInfo) -> bool {
    info.device_type == wgpu::DeviceType::Cpu
}

/// Describes an adapter for people to read, as `name (backend)` or `name (backend, software)`. A browser does not tell
/// the name.
#[must_use]
pub fn describe(info: &wgpu::AdapterInfo) -> String {
    let software = if is_software(info) { ", software" } else { "" };
    let name = if info.name.is_empty() { "unnamed adapter" } else { &info.name };
    format!("{name} ({}{software})", info.backend)
}

/// What an adapter is, in a word for people and files: discrete, integrated, virtual, software or unknown.
#[must_use]
pub const fn kind(info: &wgpu::AdapterInfo) -> &'static str {
    match info.device_type {
        wgpu::DeviceType::DiscreteGpu => "discrete",
        wgpu::DeviceType::IntegratedGpu => "integrated",
        wgpu::DeviceType::VirtualGpu => "virtual",
        wgpu::DeviceType::Cpu => "software",
        wgpu::DeviceType::Other => "unknown",
    }
}

/// Describes the driver of an adapter for people to read: its name and its version. Empty if neither is known.
#[must_use]
pub fn describe_driver(info: &wgpu::AdapterInfo) -> String {
    one_line(&format!("{} {}", info.driver, info.driver_info))
}

/// Finds the first adapter of `kind` that can compute and whose name contains `name`, ignoring case.
///
/// If `name` is `None`, the environment variable `WGPU_ADAPTER_NAME` is used. If that is not set or empty, any name
/// matches.
///
/// # Errors
///
/// [`Error::NoAdapter`](crate::Error::NoAdapter) if no adapter matches. It lists the adapters that are present.
/// Otherwise as [`enumerate`].
pub async fn find(kind: AdapterKind, name: Option<&str>) -> Result<wgpu::Adapter, Error> {
    let adapters = enumerate().await?;
    let wanted = wanted(name);
    for adapter in &adapters {
        match unfit(adapter, kind, Some(&wanted)) {
            None => return Ok(adapter.clone()),
            Some(reason) => log::debug!("passed over {}: {reason}", describe(&adapter.get_info())),
        }
    }
    let (usable, unusable): (Vec<_>, Vec<_>) = adapters.iter().partition(|&adapter| check(adapter).is_ok());
    let described = |adapters: Vec<&wgpu::Adapter>| adapters.iter().map(|it| describe(&it.get_info())).collect();
    Err(Error::NoAdapter {
        hardware_only: kind == AdapterKind::Hardware,
        present: described(usable),
        unusable: described(unusable),
        wanted,
    })
}

/// Why [`find`] passes over an adapter, as the rest of a sentence for people to read; None if it does not.
#[must_use]
pub fn unfit(adapter: &wgpu::Adapter, kind: AdapterKind, name: Option<&str>) -> Option<String> {
    let (info, wanted) = (adapter.get_info(), wanted(name));
    if let Err(error) = check(adapter) {
        return Some(match error {
            Error::MissingLimit { name, needed, available } => {
                format!("it cannot compute ({name} is {available}, and {needed} are needed)")
            }
            other => other.to_string(),
        });
    }
    if kind == AdapterKind::Hardware && is_software(&info) {
        return Some("it is a software adapter".into());
    }
    if kind == AdapterKind::Hardware && !is_hardware(&info) {
        return Some("its driver does not say that it is hardware".into());
    }
    let is_wanted = info.name.to_lowercase().contains(&wanted.to_lowercase());
    (!is_wanted).then(|| format!("its name does not contain {wanted:?}"))
}

/// The part of a name that is wanted: any if it is empty.
fn wanted(name: Option<&str>) -> String {
    name.map(str::to_owned).or_else(|| std::env::var("WGPU_ADAPTER_NAME").ok()).unwrap_or_default()
}

/// Allows storage buffers to be mapped. On a discrete GPU these would be in slow memory.
const SHARED: wgpu::Features = wgpu::Features::MAPPABLE_PRIMARY_BUFFERS;

/// Whether a device uses host memory and can map storage buffers.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn shares_memory(device: &wgpu::Device) -> bool {
    device.features().contains(SHARED) && is_in_host_memory(&device.adapter_info())
}

fn is_in_host_memory(info: &wgpu::AdapterInfo) -> bool {
    is_software(info) || info.device_type == wgpu::DeviceType::IntegratedGpu
}

/// Opens a device with the limits of its adapter.
pub(super) async fn open(adapter: &wgpu::Adapter) -> Result<(wgpu::Device, wgpu::Queue), Error> {
    let shared = if is_in_host_memory(&adapter.get_info()) { SHARED } else { wgpu::Features::empty() };
    let descriptor = wgpu::DeviceDescriptor {
        label: Some("hard_sigmoid"),
        required_features: adapter.features() & shared,
        required_limits: adapter.limits(),
        ..Default::default()
    };
    let opened = adapter
        .request_device(&descriptor)
        .await
        .map_err(|source| Error::Open { adapter: describe(&adapter.get_info()), source })?;
    let info = adapter.get_info();
    log::info!("opened a device on {}, driver: {}", describe(&info), describe_driver(&info));
    Ok(opened)
}

fn rank(device_type: wgpu::DeviceType) -> u8 {
    match device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backends_are_named_or_unset() {
        let names = ["", " ,", "vulkan,", "Gl", "vulkan, gl", "metal,dx12"];
        use wgpu::Backends as B;
        let expected = [B::all(), B::all(), B::VULKAN, B::GL, B::VULKAN | B::GL, B::METAL | B::DX12];
        assert_eq!(names.map(|list| backends(list).unwrap()), expected);
        for (list, unknown) in [("foo", "foo"), ("vulkan, Volcano", "Volcano")] {
            assert!(matches!(backends(list), Err(Error::UnknownBackend { word }) if word == unknown), "{list}");
        }
    }
}
