//! `hard-sigmoid adapters`, and the option that selects an adapter.

use hard_sigmoid::adapter::{self, AdapterKind};
use hard_sigmoid::{Error, Gpu, wgpu};

use super::console::{Failure, print};

#[derive(clap::Args)]
pub(crate) struct AdapterArgs {
    /// Use the GPU adapter whose name contains NAME, or only the CPU path if NAME is `cpu`
    ///
    /// `hard-sigmoid adapters` lists the names. The environment variable WGPU_BACKEND (vulkan, gl, metal or dx12)
    /// selects among the backends of an adapter.
    #[arg(long, value_name = "NAME")]
    pub(crate) adapter: Option<String>,
}

impl AdapterArgs {
    /// Returns `None` for `cpu`.
    pub(crate) fn open(&self) -> Result<Option<Gpu>, Failure> {
        let name = self.adapter.as_deref();
        if name == Some("cpu") {
            return Ok(None);
        }
        let gpu = async { Gpu::open_adapter(&adapter::find(AdapterKind::Any, name).await?).await };
        pollster::block_on(gpu).map(Some).map_err(|error| failure(&error, "--adapter cpu"))
    }
}

/// Says with which option the CPU path is used, if the message advises to use it.
pub(crate) fn failure(error: &Error, option: &str) -> Failure {
    let message = error.to_string();
    Failure::Runtime(if message.ends_with("the CPU path") { format!("{message} ({option})") } else { message })
}

pub(crate) fn run() -> Result<(), Failure> {
    let adapters = pollster::block_on(adapter::enumerate()).map_err(|error| Failure::Runtime(error.to_string()))?;
    if adapters.is_empty() {
        let remedy =
            "install a Vulkan or GL driver (mesa-vulkan-drivers provides a software one) or check WGPU_BACKEND";
        return Err(Failure::Runtime(format!("no GPU adapter: {remedy}")));
    }
    let line = |adapter: &wgpu::Adapter| {
        let info = adapter.get_info();
        let remark = match adapter::check(adapter) {
            Err(Error::MissingLimit { name, needed, available }) => {
                format!("; cannot compute ({name} is {available}, and {needed} are needed)")
            }
            _ => String::new(),
        };
        format!("{}; {}{remark}\n", adapter::describe(&info), info.driver_info)
    };
    print(&adapters.iter().map(line).collect::<String>())
}
