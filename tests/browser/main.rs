//! The crate in a browser: the GPU path through WebGPU gives the bits of the CPU path, which gives those of the
//! definition, and what the device refuses is an error.

#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod calls;
mod faults;
#[path = "../suite/golden.rs"]
mod golden;
mod js_arrays;
mod kernel;
#[path = "../suite/numbers.rs"]
#[allow(dead_code, reason = "the suite uses all of it")]
mod numbers;
mod subject;
mod validation;

use hard_sigmoid::{
    Gpu,
    adapter::{self, AdapterKind},
};
use wasm_bindgen_test::wasm_bindgen_test;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

pub(crate) async fn gpu() -> Gpu {
    Gpu::open(AdapterKind::Any).await.unwrap()
}

#[wasm_bindgen_test]
fn cpu_path_gives_the_golden_values() {
    for (name, test) in golden::TESTS {
        wasm_bindgen_test::console_log!("{name}");
        test(&subject::Subject::Cpu);
    }
}

#[wasm_bindgen_test]
async fn the_browser_has_an_adapter() {
    let adapters = adapter::enumerate().await.unwrap();
    assert_eq!(adapters.len(), 1);
    wasm_bindgen_test::console_log!("{:?}", adapters[0].get_info());
    let described = adapter::describe(&adapters[0].get_info());
    assert_eq!(described, "unnamed adapter (webgpu, software)");
}
