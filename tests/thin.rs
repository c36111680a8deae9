#![allow(missing_docs)]
use hard_sigmoid::*;
#[test]
fn thin() {
    let adapters = pollster::block_on(gpu::adapter::adapters());
    for a in &adapters {
        println!("{:?}", a.get_info());
        let gpu = pollster::block_on(Gpu::open_adapter(a)).unwrap();
        for len in [0usize, 1, 2, 3, 4, 5, 63, 64, 65, 4095, 4096, 4097, 1 << 20, 5_000_001] {
            let x: Vec<f32> = (0..len).map(|i| f32::from_bits((i as u32).wrapping_mul(0x9e37_79b1))).collect();
            let mut y = vec![0.0; len];
            let t = std::time::Instant::now();
            gpu.apply_blocking(HardSigmoid::PYTORCH, &x, &mut y).unwrap();
            println!("{len} {:?}", t.elapsed());
            let bad = x.iter().zip(&y).filter(|(x, y)| HardSigmoid::PYTORCH.eval(**x).to_bits() != y.to_bits()).count();
            assert_eq!(bad, 0, "{len}");
            let mut y = x.clone();
            pollster::block_on(gpu.apply_in_place(HardSigmoid::PYTORCH, &mut y)).unwrap();
            let bad = x.iter().zip(&y).filter(|(x, y)| HardSigmoid::PYTORCH.eval(**x).to_bits() != y.to_bits()).count();
            assert_eq!(bad, 0, "{len}");
        }
    }
}
