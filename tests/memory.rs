//! 10,000 calls must not leak memory. This is a separate process, in which nothing else allocates.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use hard_sigmoid::{Gpu, HardSigmoid, adapter::AdapterKind};

/// An allowance for the allocator and the driver: about 100 bytes per call.
const BOUND_KIB: u64 = 1024;

fn main() {
    if !cfg!(target_os = "linux") {
        println!("memory is tested on Linux only\n\n0 passed, 0 failed, 1 skipped");
        return;
    }
    let gpu = match Gpu::open_blocking(AdapterKind::Any) {
        Ok(gpu) => gpu,
        Err(error) if std::env::var_os("HARD_SIGMOID_REQUIRE").is_none() => {
            println!("WARNING: {error}: MEMORY IS NOT TESTED. scripts/test requires a GPU adapter.\n");
            println!("0 passed, 0 failed, 1 skipped");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let f = HardSigmoid::PYTORCH;
    let x: Vec<f32> = (0..300).map(|i| i as f32 * 0.03 - 4.5).collect();
    let mut data = x.clone();
    let mut call = |i: u32| {
        data.copy_from_slice(&x);
        match i % 4 {
            0 => gpu.apply_in_place_blocking(f, &mut data).unwrap(),
            1 => pollster::block_on(gpu.apply_in_place(f, &mut data)).unwrap(),
            2 => gpu.apply_blocking(f, &x, &mut data).unwrap(),
            _ => _ = gpu.apply_with_saturation_blocking(f, &x, &mut data).unwrap(),
        }
        assert!(x.iter().zip(&data).all(|(&x, y)| f.eval(x) == *y));
    };
    (0..2000).for_each(&mut call);
    let before = resident_kib();
    (2000..12_000).for_each(&mut call);
    let grown = resident_kib().saturating_sub(before);
    assert!(grown < BOUND_KIB, "{grown} KiB more after 10,000 calls");
    println!("10,000 calls: {grown} KiB more than {before}\n\n1 passed, 0 failed");
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
