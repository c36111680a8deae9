//! `hard-sigmoid backward`.

use std::fs;
use std::path::Path;
use std::process::Output;

use hard_sigmoid::half::bf16;
use hard_sigmoid::{HardSigmoid, cpu};

use serde_json::json;
use zip::CompressionMethod;

use super::npz::{archive, members};
use super::{Folder, backends, command, fails, floats, misused, npy, safetensors, succeeds, with_stdin};

fn backward(files: [&Path; 3], options: &[&str]) -> Output {
    command().arg("backward").args(files).args(options).output().unwrap()
}

const N: usize = 100_003;

/// Numbers around the edges, and NaN.
fn x() -> Vec<f32> {
    (0..N).map(|i| if i % 101 == 7 { f32::NAN } else { (i % 1000) as f32 * 0.01 - 5.0 }).collect()
}

fn grad() -> Vec<f32> {
    (0..N).map(|i| (i % 77) as f32 * 0.25 - 9.0).collect()
}

#[test]
fn gradients_are_those_of_the_library() {
    let (folder, f) = (Folder::new(), HardSigmoid::PYTORCH);
    let (x, grad) = (x(), grad());
    let mut y = vec![0.0; N];
    cpu::apply(f, &x, &mut y).unwrap();
    let shape = format!("({N},)");
    let of = |values: &[f32]| npy("'<f4'", false, &shape, &floats(values));
    let (x_file, y_file) = (folder.file("x.npy", &of(&x)), folder.file("y.npy", &of(&y)));
    let (grad_file, output) = (folder.file("g.npy", &of(&grad)), folder.path("out.npy"));
    for backend in backends() {
        for (file, saved, definition, options) in
            [(&x_file, &x, f.backward(), &[][..]), (&y_file, &y, f.backward_from_output(), &["--from-output"][..])]
        {
            let options = [&["--preset", "pytorch", "--force", "--backend", backend], options].concat();
            let summary = succeeds(&backward([file, &grad_file, &output], &options));
            assert!(summary.contains("100003 f32 elements in ") && summary.contains(&format!("on {backend} ")));
            let mut expected = vec![0.0; N];
            cpu::backward(definition, saved, &grad, &mut expected).unwrap();
            assert!(fs::read(&output).unwrap() == of(&expected), "{backend} {options:?}");
        }
    }
}

#[test]
fn types_orders_and_headers_are_kept() {
    let folder = Folder::new();
    let output = folder.path("out.npy");
    // Each file has its own byte order. The result has that of the gradients.
    let big = |values: &[f64]| values.iter().flat_map(|x| x.to_be_bytes()).collect::<Vec<_>>();
    let little = |values: &[f64]| values.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>();
    let x = folder.file("x.npy", &npy("'<f8'", true, "(2, 2)", &little(&[-3.0, 0.0, 1.0, 9.0])));
    let grad = folder.file("g.npy", &npy("'>f8'", true, "(2, 2)", &big(&[8.0, 8.0, -4.0, 8.0])));
    let quiet = backward([&x, &grad, &output], &["--alpha", "0.25", "--beta", "0.5", "--quiet"]);
    assert_eq!(succeeds(&quiet), "");
    assert_eq!(fs::read(&output).unwrap(), npy("'>f8'", true, "(2, 2)", &big(&[0.0, 2.0, -1.0, 0.0])));

    let bits = |values: &[f32]| values.iter().flat_map(|&x| bf16::from_f32(x).to_le_bytes()).collect::<Vec<_>>();
    let x = folder.file("x.npy", &npy("'<V2'", false, "(3,)", &bits(&[0.0, 3.0, -1.0])));
    let grad = folder.file("g.npy", &npy("'<V2'", false, "(3,)", &bits(&[1.0, 1.0, 2.0])));
    let options = ["--alpha", "0.25", "--beta", "0.5", "--element", "bf16", "--force"];
    succeeds(&backward([&x, &grad, &output], &options));
    assert_eq!(fs::read(&output).unwrap(), npy("'<V2'", false, "(3,)", &bits(&[0.25, 0.0, 0.5])));

    let empty = folder.file("x.npy", &npy("'<f4'", false, "(0, 3)", &[]));
    succeeds(&backward([&empty, &empty, &output], &["--preset", "onnx", "--force"]));
    assert_eq!(fs::read(&output).unwrap(), fs::read(&empty).unwrap());
}

/// Beside what is computed, there is something that is carried over from the gradients.
#[test]
fn archives_and_tensors_have_the_results_of_their_arrays() {
    let folder = Folder::new();
    let (x, grad) = ([-4.0, 0.5, 2.0, f32::NAN, 3.0], [1.0, 2.0, -3.0, 4.0, 5.0]);
    let mut expected = [0.0; 5];
    cpu::backward(HardSigmoid::ONNX.backward(), &x, &grad, &mut expected).unwrap();
    let options = ["--preset", "onnx", "--force"];
    let [x_npz, grad_npz, npz] = ["x.npz", "grad.npz", "out.npz"].map(|name| folder.path(name));
    let array = |values: &[f32]| npy("'<f4'", false, "(5,)", &floats(values));
    let zip = |values: &[f32], note: &[u8]| {
        archive(
            &[("note.txt", note), ("a.npy", &array(values)), ("b.npy", &array(values))],
            CompressionMethod::Deflated,
        )
    };
    fs::write(&x_npz, zip(&x, b"of x")).unwrap();
    fs::write(&grad_npz, zip(&grad, b"of the gradients")).unwrap();
    let summary = succeeds(&backward([&x_npz, &grad_npz, &npz], &options));
    assert!(summary.contains("10 f32 elements of 2 tensors (1 copied)"), "{summary}");
    let contents: Vec<_> = members(&npz).into_iter().map(|(_, bytes, _)| bytes).collect();
    assert_eq!(contents, [b"of the gradients".to_vec(), array(&expected), array(&expected)]);
    succeeds(&backward([&x_npz, &grad_npz, &npz], &[&options[..], &["--tensor", "b"]].concat()));
    let contents: Vec<_> = members(&npz).into_iter().map(|(_, bytes, _)| bytes).collect();
    assert_eq!(contents, [b"of the gradients".to_vec(), array(&grad), array(&expected)]);

    let tensors = |values: &[f32], name: &str, mask: u8| {
        let header = json!({
            "mask": { "dtype": "BOOL", "shape": [3], "data_offsets": [0, 3] },
            name: { "dtype": "F32", "shape": [5], "data_offsets": [3, 23] },
        });
        safetensors::file(&header, &[&[mask; 3], &floats(values)[..]].concat())
    };
    let (x_file, grad_file) = (folder.path("x.safetensors"), folder.path("grad.safetensors"));
    let output = folder.path("out.safetensors");
    fs::write(&x_file, tensors(&x, "a", 0)).unwrap();
    fs::write(&grad_file, tensors(&grad, "a", 1)).unwrap();
    succeeds(&backward([&x_file, &grad_file, &output], &options));
    assert!(fs::read(&output).unwrap() == tensors(&expected, "a", 1));
    // Through a pipe, too.
    let piped = with_stdin(
        command().args(["backward", "-"]).args([&grad_file, &output]).args(options),
        fs::read(&x_file).unwrap(),
    );
    succeeds(&piped);
    assert!(fs::read(&output).unwrap() == tensors(&expected, "a", 1));

    // The file with x may have more than is computed.
    let more = [("other.npy", &array(&x)[..]), ("b.npy", &array(&x)), ("c.txt", b"")];
    fs::write(&x_npz, archive(&more, CompressionMethod::Stored)).unwrap();
    succeeds(&backward([&x_npz, &grad_npz, &npz], &[&options[..], &["--tensor", "b"]].concat()));
    assert_eq!(members(&npz)[2].1, array(&expected));
    fails(&backward([&x_npz, &grad_file, &output], &options), &["grad.safetensors: is not a .npz file, as "]);
}

/// Gradients that belong to other elements would be wrong, and nobody would notice.
#[test]
fn archives_and_tensors_that_differ_are_refused() {
    let folder = Folder::new();
    let output = folder.path("out.npz");
    let remedy = "save both with the same names, types, shapes and orders";
    let data = floats(&[0.0; 6]);
    let zip = |name: &str, fortran, shape| {
        archive(&[(name, &npy("'<f4'", fortran, shape, &data))], CompressionMethod::Stored)
    };
    let x = folder.file("x.npz", &zip("a.npy", false, "(2, 3)"));
    for (name, fortran, shape) in
        [("b.npy", false, "(2, 3)"), ("a.npy", true, "(2, 3)"), ("a.npy", false, "(3, 2)"), ("a.npy", false, "(6,)")]
    {
        let grad = folder.file("grad.npz", &zip(name, fortran, shape));
        let run = backward([&x, &grad, &output], &["--preset", "onnx"]);
        fails(&run, &["grad.npz: has other arrays or tensors than ", "x.npz: ", remedy]);
    }
    succeeds(&backward([&x, &folder.file("same.npz", &zip("a.npy", false, "(2, 3)")), &output], &["--preset", "onnx"]));

    let output = folder.path("out.safetensors");
    let tensor = |name: &str, dtype: &str, shape: &[usize], bytes: usize| {
        let header = json!({ name: { "dtype": dtype, "shape": shape, "data_offsets": [0, bytes] } });
        safetensors::file(&header, &vec![0; bytes])
    };
    let x = folder.file("x.safetensors", &tensor("a", "F32", &[2, 3], 24));
    for (name, dtype, shape, bytes) in
        [("b", "F32", &[2, 3][..], 24), ("a", "F64", &[3], 24), ("a", "F32", &[3, 2], 24), ("a", "F32", &[2, 2], 16)]
    {
        let grad = folder.file("grad.safetensors", &tensor(name, dtype, shape, bytes));
        let run = backward([&x, &grad, &output], &["--preset", "onnx"]);
        fails(&run, &["grad.safetensors: has other arrays or tensors than ", "x.safetensors: ", remedy]);
    }
    succeeds(&backward([&x, &x, &output], &["--preset", "onnx"]));
}

#[test]
fn arrays_that_differ_are_refused() {
    let folder = Folder::new();
    let output = folder.path("out.npy");
    let x = folder.file("x.npy", &npy("'<f4'", false, "(2, 3)", &floats(&[0.0; 6])));
    let run = |name: &str, bytes: &[u8]| backward([&x, &folder.file(name, bytes), &output], &["--preset", "onnx"]);
    let remedy = "pass arrays of one type, shape and order";
    let shape = run("shape.npy", &npy("'<f4'", false, "(3, 2)", &floats(&[0.0; 6])));
    fails(&shape, &["shape.npy: has f32 elements in shape [3, 2], but ", "x.npy has f32 ", "shape [2, 3]", remedy]);
    fails(&run("type.npy", &npy("'<f2'", false, "(2, 3)", &[0; 12])), &["has f16 elements", "has f32", remedy]);
    fails(&run("order.npy", &npy("'<f4'", true, "(2, 3)", &floats(&[0.0; 6]))), &["in Fortran order, but", remedy]);
    let short = npy("'<f4'", false, "(2, 3)", &floats(&[0.0; 5]));
    fails(&run("short.npy", &short), &["short.npy: is truncated"]);
    let header = br#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    let tensors = [&(header.len() as u64).to_le_bytes(), &header[..], &[0; 4]].concat();
    fails(
        &run("a.safetensors", &tensors),
        &["a.safetensors: is not a .npy file, as ", "x.npy is: pass files of one format"],
    );
    fails(&backward([&x, &folder.path("none.npy"), &output], &["--preset", "onnx"]), &["none.npy: cannot be read"]);
    let grad = folder.file("g.npy", &fs::read(&x).unwrap());
    for input in [&x, &grad] {
        fails(&backward([&x, &grad, input], &["--preset", "onnx", "--force"]), &["is the input: choose another path"]);
    }
    fails(&backward([&x, &x, &folder.path("y.safetensors")], &["--preset", "onnx"]), &["would be a .npy file"]);
    misused(&backward([&x, &x, &output], &[]), &["no function selected"]);
    // In one dimension, both orders are the same.
    let fortran = folder.file("column.npy", &npy("'<f4'", true, "(1, 6)", &floats(&[2.0; 6])));
    let c = folder.file("row.npy", &npy("'<f4'", false, "(1, 6)", &floats(&[0.0; 6])));
    assert!(!output.exists());
    succeeds(&backward([&c, &fortran, &output], &["--preset", "onnx"]));
    fails(&backward([&c, &fortran, &output], &["--preset", "onnx"]), &["already exists: use --force"]);
}
