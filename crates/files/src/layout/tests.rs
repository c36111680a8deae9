use bytemuck::Pod;
use hard_sigmoid::half::{bf16, f16};

use super::*;
use crate::{npy, safetensors};

/// Elements become numbers of this machine, and bytes of the file again.
fn check<T: Pod + PartialEq + std::fmt::Debug, const N: usize>(
    layout: Result<Layout<'_>, String>,
    values: [T; 3],
    bytes: [[u8; N]; 3],
) {
    let layout = layout.unwrap();
    let [section] = layout.sections.as_slice() else { unreachable!() };
    assert_eq!(section.dtype.unwrap().size(), N as u64);
    let mut elements = [T::zeroed(); 3];
    let of_elements = bytemuck::cast_slice_mut(&mut elements);
    of_elements.copy_from_slice(bytes.as_flattened());
    section.swap_bytes(of_elements);
    assert_eq!(elements, values);
    assert_eq!(section.bytes_of(&mut elements), bytes.as_flattened());
}

/// This holds on machines of either order.
#[test]
fn elements_have_the_byte_order_that_the_file_says() {
    macro_rules! check {
        ($code:literal, $name:literal, $values:expr) => {
            let (values, size) = ($values, size_of_val(&$values[0]) as u64);
            let npy = |order: char| npy::new_header(&format!("{order}{}", $code), false, &[3]);
            let (little, big) = (values.map(|x| x.to_le_bytes()), values.map(|x| x.to_be_bytes()));
            check(npy::layout(&npy('<'), Some(3 * size), None), values, little);
            check(npy::layout(&npy('>'), Some(3 * size), None), values, big);
            check(npy::layout(&npy('='), Some(3 * size), None), values, values.map(|x| x.to_ne_bytes()));
            let json =
                format!(r#"12345678{{"x":{{"dtype":"{}","shape":[3],"data_offsets":[0,{}]}}}}"#, $name, 3 * size);
            check(safetensors::layout(json.as_bytes(), Some(3 * size), &Selection::default()), values, little);
        };
    }
    check!("f2", "F16", [1.5, -2.25, 0.01].map(f16::from_f32));
    check!("f4", "F32", [1.5_f32, -2.25, 0.01]);
    check!("f8", "F64", [1.5_f64, -2.25, 0.01]);
    let values = [1.5, -2.25, 0.01].map(bf16::from_f32);
    let json = br#"12345678{"x":{"dtype":"BF16","shape":[3],"data_offsets":[0,6]}}"#;
    check(safetensors::layout(json, Some(6), &Selection::default()), values, values.map(bf16::to_le_bytes));
}
