//! `hard-sigmoid adapters`: what `--backend gpu` can run on.

use hard_sigmoid::adapter;
use hard_sigmoid::wgpu;

use super::{Failure, print};

pub(crate) fn run() -> Result<(), Failure> {
    let adapters = pollster::block_on(adapter::enumerate());
    if adapters.is_empty() {
        let remedy = "install a Vulkan or GL driver (mesa-vulkan-drivers has a software one) or check WGPU_BACKEND";
        return Err(Failure(format!("no GPU adapter: {remedy}")));
    }
    let line = |info: wgpu::AdapterInfo| format!("{}; {}\n", adapter::describe(&info), info.driver_info);
    print(&adapters.iter().map(|adapter| line(adapter.get_info())).collect::<String>())
}
