//! `--verify`

use hard_sigmoid::{Element, HardSigmoid, engine::ExecutedOn, validate};

/// Checks a piece that starts at element `start` of its array or tensor.
pub(crate) fn verify<T: Element>(
    f: HardSigmoid,
    executed_on: &ExecutedOn,
    x: &[T],
    y: &[T],
    start: u64,
    tensor: Option<&str>,
) -> Result<(), String> {
    let (difference, reference) = match executed_on {
        ExecutedOn::Gpu { .. } => (validate::first_mismatch(f, x, y), "the CPU path"),
        _ => (validate::first_out_of_bound(f, x, y), "the f64 evaluation"),
    };
    let Some(mut difference) = difference else { return Ok(()) };
    difference.index = difference.index.saturating_add(start);
    let tensor = tensor.map_or(String::new(), |name| format!("tensor {name:?}, "));
    Err(format!("differs from {reference} on {executed_on}: {tensor}{difference}; please report this"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verify_names_the_element_of_the_file_the_input_and_both_values() {
        let f = HardSigmoid::ONNX;
        let x = [0.0_f32, 1.25, 9.0];
        let cpu = ExecutedOn::Cpu { threads: 1 };
        assert_eq!(verify(f, &cpu, &x, &[0.5, 0.75, 1.0], 4000, None), Ok(()));
        let message = verify(f, &cpu, &x, &[0.5, 0.7501, 1.0], 4000, Some("a.b")).unwrap_err();
        let parts =
            ["\"a.b\"", "element 4001:", "input 1.25e0", "gave 7.501e-1", "expected 7.5e-1", "the f64 evaluation"];
        for part in parts {
            assert!(message.contains(part), "{part} is not in {message}");
        }
    }
}
