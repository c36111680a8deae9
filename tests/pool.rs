//! The CPU path in an app's rayon pools, from several threads at once. There is no test harness, so that
//! ThreadSanitizer (scripts/sanitize) only checks the crate and rayon. tests/cpu.rs has calls outside of pools: rayon
//! waits for those by locks of the standard library, which ThreadSanitizer does not see.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use hard_sigmoid::{HardSigmoid, cpu};

/// Enough elements for several threads and, on most processors, for streaming stores.
const LEN: usize = 4_400_003;

fn main() {
    let f = HardSigmoid::PYTORCH;
    let x: Vec<f32> = (0..LEN).map(|i| i as f32 * (8.0 / LEN as f32) - 4.0).collect();
    let y: Vec<u32> = x.iter().map(|&x| f.eval(x).to_bits()).collect();
    let same = |got: &[f32]| assert!(got.iter().map(|y| y.to_bits()).eq(y.iter().copied()));
    for threads in [1, 2, 4] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            assert_eq!(cpu::threads(), threads);
            for _ in 0..2 {
                let call = || {
                    let mut target = vec![-1.0; LEN];
                    cpu::apply(f, &x, &mut target).unwrap();
                    same(&target);
                    let counts = cpu::apply_with_saturation(f, &x, &mut target).unwrap();
                    assert_eq!((counts, counts.total()), (cpu::saturation(f, &x), LEN as u64));
                    target.copy_from_slice(&x);
                    cpu::apply_in_place(f, &mut target);
                    same(&target);
                    let right = |grad: &[f32]| {
                        assert!(x.iter().zip(grad).all(|(x, &g)| g == if x.abs() < 3.0 { 1.0 } else { 0.0 }));
                    };
                    let mut grad = vec![6.0; LEN];
                    cpu::backward(f.backward(), &x, &grad, &mut target).unwrap();
                    right(&target);
                    cpu::backward_in_place(f.backward(), &x, &mut grad).unwrap();
                    right(&grad);
                };
                rayon::join(call, call);
            }
        });
    }
    println!("the CPU path in pools of 1, 2 and 4 threads\n\n1 passed, 0 failed");
}
