//! Parses arbitrary bytes as a `.npy` file.

#![no_main]
#![allow(dead_code, unused_imports, reason = "the target does not use all of these modules")]

#[path = "../../../src/bin/hard-sigmoid/console.rs"]
mod console;
#[path = "../../../src/bin/hard-sigmoid/dtype.rs"]
mod dtype;
mod file;
#[path = "../../../src/bin/hard-sigmoid/foreign.rs"]
mod foreign;
#[path = "../../../src/bin/hard-sigmoid/input.rs"]
mod input;
#[path = "../../../src/bin/hard-sigmoid/layout.rs"]
mod layout;
#[path = "../../../src/bin/hard-sigmoid/npy.rs"]
mod npy;
#[path = "../../../src/bin/hard-sigmoid/python.rs"]
mod python;
#[path = "../../../src/bin/hard-sigmoid/safetensors.rs"]
mod safetensors;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for element in [None, Some(dtype::Dtype::Bf16)] {
        file::check("x.npy", bytes, element);
    }
});
