//! Parses arbitrary bytes as a `.npz` archive, and reads its arrays.

#![no_main]

mod file;

use hard_sigmoid::Dtype;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    file::check("x.npz", bytes, Some(Dtype::Bf16));
});
