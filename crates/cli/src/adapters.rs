//! `hard-sigmoid adapters`, and the option that selects an adapter.

use hard_sigmoid::adapter::{self, AdapterKind};
use hard_sigmoid::{Error, Gpu, engine::AUTO_GPU_MIN_ELEMENTS, wgpu};
use serde::Serialize;

use super::console::{Failure, print};
use super::json;

#[derive(clap::Args)]
pub(crate) struct AdapterArgs {
    /// Use the GPU adapter whose name contains NAME, or only the CPU path if NAME is `cpu`
    ///
    /// `hard-sigmoid adapters` lists the names. The environment variable WGPU_BACKEND (vulkan, gl, metal or dx12)
    /// selects among the backends of an adapter.
    #[arg(long, value_name = "NAME")]
    pub(crate) adapter: Option<Wanted>,
}

/// What `--adapter` names.
#[derive(Clone)]
pub(crate) enum Wanted {
    Cpu,
    /// An adapter by a part of its name.
    Gpu(String),
}

impl From<String> for Wanted {
    fn from(name: String) -> Self {
        if name.eq_ignore_ascii_case("cpu") { Self::Cpu } else { Self::Gpu(name) }
    }
}

impl AdapterArgs {
    /// Returns `None` for `cpu`.
    pub(crate) fn open(&self) -> Result<Option<Gpu>, Failure> {
        let name = match &self.adapter {
            Some(Wanted::Cpu) => return Ok(None),
            Some(Wanted::Gpu(name)) => Some(name.as_str()),
            None => None,
        };
        let gpu = async { Gpu::open_adapter(&adapter::find(AdapterKind::Any, name).await?).await };
        pollster::block_on(gpu).map(Some).map_err(|error| failure(&error, "--adapter cpu"))
    }
}

/// Says with which option the CPU path is used, if the message advises to use it.
pub(crate) fn failure(error: &Error, option: &str) -> Failure {
    Failure::Runtime(if error.advises_cpu_path() { format!("{error} ({option})") } else { error.to_string() })
}

/// List the GPU adapters of this machine, with the limits that matter here
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  hard-sigmoid adapters
  WGPU_BACKEND=vulkan hard-sigmoid adapters --json")]
pub(crate) struct Args {
    /// Print a JSON object for each adapter
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let adapters = pollster::block_on(adapter::enumerate())?;
    if adapters.is_empty() {
        let none = Error::NoAdapter { hardware_only: false, wanted: String::new(), present: vec![], unusable: vec![] };
        return Err(none.into());
    }
    // What `auto` would open.
    let first = pollster::block_on(adapter::find(AdapterKind::Hardware, None)).ok().map(|adapter| adapter.get_info());
    let all = adapters.iter().map(|adapter| (adapter, unfit(adapter, first.as_ref())));
    if args.json {
        return all.into_iter().try_for_each(|(adapter, unfit)| json::print(&Line::new(adapter, unfit)));
    }
    print(&all.map(|(adapter, unfit)| text(adapter, &unfit)).collect::<String>())
}

/// Why `auto` does not consider an adapter. `first` is the one that it does.
fn unfit(adapter: &wgpu::Adapter, first: Option<&wgpu::AdapterInfo>) -> Result<(), String> {
    match (adapter::unfit(adapter, AdapterKind::Hardware, None), first) {
        (Some(reason), _) => Err(reason),
        (None, Some(first)) if *first != adapter.get_info() => {
            Err(format!("auto prefers {}", adapter::describe(first)))
        }
        (None, _) => Ok(()),
    }
}

fn text(adapter: &wgpu::Adapter, unfit: &Result<(), String>) -> String {
    let (info, limits) = (adapter.get_info(), adapter.limits());
    let auto = match unfit {
        Ok(()) => {
            let power = AUTO_GPU_MIN_ELEMENTS.ilog2();
            format!("yes, from 2^{power} elements on, if it is faster than the CPU path")
        }
        Err(reason) => format!("no, {reason}"),
    };
    let driver = adapter::describe_driver(&info);
    format!(
        "{}\n    driver: {}\n    limits: {} MiB in a binding, {} MiB in a buffer, {} workgroups in a dispatch\n    \
         auto: {auto}\n",
        adapter::describe(&info),
        if driver.is_empty() { "not reported" } else { &driver },
        limits.max_storage_buffer_binding_size >> 20,
        limits.max_buffer_size >> 20,
        limits.max_compute_workgroups_per_dimension,
    )
}

/// An adapter as JSON.
#[derive(Serialize)]
struct Line {
    name: String,
    backend: String,
    kind: &'static str,
    driver: String,
    driver_info: String,
    max_storage_buffer_binding_size: u64,
    max_buffer_size: u64,
    max_compute_workgroups_per_dimension: u32,
    min_storage_buffer_offset_alignment: u32,
    mappable_primary_buffers: bool,
    can_compute: bool,
    auto: bool,
    auto_reason: Option<String>,
}

impl Line {
    fn new(adapter: &wgpu::Adapter, unfit: Result<(), String>) -> Self {
        let (info, limits) = (adapter.get_info(), adapter.limits());
        Self {
            kind: adapter::kind(&info),
            name: info.name,
            backend: info.backend.to_string(),
            driver: info.driver,
            driver_info: info.driver_info,
            max_storage_buffer_binding_size: limits.max_storage_buffer_binding_size,
            max_buffer_size: limits.max_buffer_size,
            max_compute_workgroups_per_dimension: limits.max_compute_workgroups_per_dimension,
            min_storage_buffer_offset_alignment: limits.min_storage_buffer_offset_alignment,
            mappable_primary_buffers: adapter.features().contains(wgpu::Features::MAPPABLE_PRIMARY_BUFFERS),
            can_compute: adapter::check(adapter).is_ok(),
            auto: unfit.is_ok(),
            auto_reason: unfit.err(),
        }
    }
}
