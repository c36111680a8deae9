//! The same for the backward pass.

use super::judge::Judge;
use super::{Check, Inputs, Report};
use crate::{Backward, Element, cpu};

/// [`validate`](super::validate) for the backward pass: `inputs` are what it saves, and each comes with a gradient from a
/// sequence that has every bit pattern once before one repeats.
///
/// # Errors
///
/// As `validate`.
#[cfg(feature = "wgpu")]
pub async fn validate_backward<T: Element>(
    gpu: &crate::Gpu,
    backward: Backward,
    inputs: Inputs<'_, T>,
    mut progress: impl FnMut(u64),
) -> Result<Report<T>, crate::Error> {
    let mut check = Check::new(Judge::backward(backward), inputs);
    while let Some((x, grad_y, grad_x)) = check.next_piece() {
        gpu.backward(backward, x, grad_y, grad_x).await?;
        progress(check.compare());
    }
    Ok(Report { adapter: Some(Box::new(gpu.device().adapter_info())), ..check.report })
}

/// [`validate_backward`], blocking.
///
/// # Errors
///
/// As `validate`.
#[cfg(feature = "wgpu")]
pub fn validate_backward_blocking<T: Element>(
    gpu: &crate::Gpu,
    backward: Backward,
    inputs: Inputs<'_, T>,
    mut progress: impl FnMut(u64),
) -> Result<Report<T>, crate::Error> {
    let mut check = Check::new(Judge::backward(backward), inputs);
    while let Some((x, grad_y, grad_x)) = check.next_piece() {
        gpu.backward_blocking(backward, x, grad_y, grad_x)?;
        progress(check.compare());
    }
    Ok(Report { adapter: Some(Box::new(gpu.device().adapter_info())), ..check.report })
}

/// As `validate_backward`, for the CPU path over slices: against [`Backward::eval`], element by element.
pub fn validate_backward_cpu<T: Element>(
    backward: Backward,
    inputs: Inputs<'_, T>,
    mut progress: impl FnMut(u64),
) -> Report<T> {
    let mut check = Check::new(Judge::backward(backward), inputs);
    while let Some((x, grad_y, grad_x)) = check.next_piece() {
        // The lengths are equal.
        let _ = cpu::backward(backward, x, grad_y, grad_x);
        progress(check.compare());
    }
    check.report
}
