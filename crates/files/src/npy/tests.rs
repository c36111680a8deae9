#![allow(clippy::indexing_slicing, reason = "tests")]

use serde_json::{Value, json};

use super::{Array, Element, MAGIC, parse, read_header};

/// The cases are from NumPy's own reader. `headers.py` writes them.
#[test]
fn headers_are_read_as_numpy_reads_them() {
    let file: Value = serde_json::from_str(include_str!("headers.json")).unwrap();
    let (mut supported, mut refused) = (0, 0);
    let mut wrong = Vec::new();
    for case in file["cases"].as_array().unwrap() {
        let (version, text, mut expected) = (case[0].as_u64().unwrap(), case[1].as_str().unwrap(), case[2].clone());
        // NumPy ran on a little-endian machine. A header without '<' or '>' leaves the order to the machine.
        let says_order = ["<", ">", r"\x3c", r"\74", r"\u003c", r"\U0000003c"].iter().any(|it| text.contains(it));
        if let (true, false, Some(dtype)) = (cfg!(target_endian = "big"), says_order, expected["dtype"].as_str()) {
            expected["dtype"] = dtype.replace('<', ">").into();
        }
        let text: Vec<u8> = match version {
            1 => text.chars().map(|c| u8::try_from(c).unwrap()).collect(),
            _ => text.into(),
        };
        let len = (text.len() as u32).to_le_bytes();
        let header = [MAGIC, &[version as u8, 0], if version == 1 { &len[..2] } else { &len }, &text].concat();
        assert_eq!(read_header(&mut header.as_slice()).as_ref(), Ok(&header));
        let read = parse(&header);
        let found = read.as_ref().map_or(Value::Null, |Array { element, fortran_order, shape }| {
            let dtype = match element {
                Element::Float { dtype, big_endian: true } => Some(format!(">f{}", dtype.size())),
                Element::Float { dtype, big_endian: false } => Some(format!("<f{}", dtype.size())),
                Element::Void { bytes } => Some(format!("V{bytes}")),
                Element::Other { .. } => None,
            };
            json!({ "dtype": dtype, "fortran_order": fortran_order, "shape": shape })
        });
        // A dtype that is not supported is refused, whether NumPy knows it or not.
        let is_refused = |value: &Value| value["dtype"].is_null();
        *if is_refused(&expected) { &mut refused } else { &mut supported } += 1;
        if !(found == expected || is_refused(&found) && is_refused(&expected)) {
            wrong.push(format!("{case}: {read:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
    assert!(supported > 1000 && refused > 1000, "{supported} {refused}");
}
