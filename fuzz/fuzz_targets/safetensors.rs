//! Parses arbitrary bytes as a `.safetensors` file.

#![no_main]

mod file;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| file::check("x.safetensors", bytes, None));
