//! burn's own hard sigmoid of the f32 in a .npy file, or its gradient, for `hard-sigmoid validate --results`:
//!
//!     judge onnx|pytorch X.npy Y.npy [--backward]

use std::error::Error;

use burn::tensor::activation::hard_sigmoid;
use burn::tensor::{Device, Tensor, TensorData};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [preset, from, to, rest @ ..] = &arguments[..] else {
        return Err("onnx|pytorch X.npy Y.npy [--backward]".into());
    };
    let alpha = if preset == "onnx" { 0.2 } else { 1.0 / 6.0 };
    let bytes = std::fs::read(from)?;
    // As `validate --write-inputs` writes it: version 1.0 of the format, native f32.
    let data = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let numbers: Vec<f32> =
        bytes[data..].chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let tensor = |numbers: &[f32], device: &Device| -> Tensor<1> {
        Tensor::from_data(TensorData::new(numbers.to_vec(), [numbers.len()]), device)
    };
    let device = Device::default();
    // In parts, each of which fits a binding.
    let mut y: Vec<f32> = Vec::new();
    let half = if rest.is_empty() { numbers.len() } else { numbers.len() / 2 };
    let (x, grad_y) = numbers.split_at(half);
    for (i, x) in x.chunks(1 << 22).enumerate() {
        let part = if rest.is_empty() {
            hard_sigmoid(tensor(x, &device), alpha, 0.5)
        } else {
            let device = device.clone().autodiff();
            let start = i << 22;
            let x = tensor(x, &device).require_grad();
            let weighted = hard_sigmoid(x.clone(), alpha, 0.5) * tensor(&grad_y[start..start + x.dims()[0]], &device);
            x.grad(&weighted.sum().backward()).ok_or("no gradient")?
        };
        y.extend(part.into_data().try_to_vec::<f32>().map_err(|error| format!("{error:?}"))?);
    }
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({},), }}", y.len());
    let padded = format!("{header:<117}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend(118_u16.to_le_bytes());
    file.extend(padded.bytes());
    file.extend(y.iter().flat_map(|y| y.to_le_bytes()));
    Ok(std::fs::write(to, file)?)
}
