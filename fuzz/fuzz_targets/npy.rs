//! Parses arbitrary bytes as a `.npy` file.

#![no_main]

mod file;

use hard_sigmoid::Dtype;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for element in [None, Some(Dtype::Bf16)] {
        file::check("x.npy", bytes, element);
    }
});
