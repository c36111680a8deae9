//! `hard-sigmoid stats`

use std::ffi::OsStr;
use std::fs;
#[cfg(target_os = "linux")]
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde_json::{Value, json};

use super::safetensors::{COMPUTED, F, file, numbers, tensors};
use super::{DIGITS, Folder, backends, command};

pub(super) fn stats(input: &Path, options: &[&str]) -> Value {
    super::json(&[&["stats", input.to_str().unwrap()], options].concat()).remove(0)
}

/// The expected results are from NumPy and PyTorch.
#[test]
fn stats_counts_what_apply_writes() {
    for preset in ["onnx", "pytorch"] {
        let y = fs::read(format!("../../tests/data/digits_{preset}.npy")).unwrap();
        let y: Vec<f32> = y[128..].chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        let count = |is: fn(f32) -> bool| json!(y.iter().filter(|&&y| is(y)).count());
        for backend in backends() {
            let report = stats(Path::new(DIGITS), &["--preset", preset, "--backend", backend]);
            assert_eq!(report["elements"], json!(57_504));
            assert_eq!(report["zero"], count(|y| y == 0.0));
            assert_eq!(report["one"], count(|y| y == 1.0));
            assert_eq!(report["inside"], count(|y| y > 0.0 && y < 1.0));
            assert_eq!(report["nan"], json!(0));
            assert_eq!(report["advice"], Value::Null);
            assert!(report["ran"].as_str().unwrap().starts_with(backend), "{report}");
        }
    }
}

#[test]
fn stats_of_every_tensor_and_of_all() {
    let folder = Folder::new();
    let (header, before, _) = tensors(&COMPUTED);
    let input = folder.file("x.safetensors", &file(&header, &before));
    for backend in backends() {
        let report = stats(&input, &["--preset", "pytorch", "--backend", backend]);
        let tensors = report["tensors"].as_array().unwrap();
        let names: Vec<_> = tensors.iter().map(|tensor| tensor["name"].as_str().unwrap()).collect();
        assert_eq!(names, COMPUTED);
        let large = numbers::<f32>(4_194_309);
        let inside = large.iter().filter(|&&x| F.eval(x) > 0.0 && F.eval(x) < 1.0).count();
        let nan = large.iter().filter(|x| x.is_nan()).count();
        assert_eq!((&tensors[1]["inside"], &tensors[1]["nan"]), (&json!(inside), &json!(nan)));
        for key in ["elements", "zero", "one", "inside", "nan"] {
            let sum: u64 = tensors.iter().map(|tensor| tensor[key].as_u64().unwrap()).sum();
            assert_eq!(report[key], json!(sum), "{key}");
        }
        let part = stats(&input, &["--preset", "pytorch", "--backend", backend, "--tensor", "half"]);
        assert_eq!((&part["elements"], &part["tensors"][0]), (&json!(1001), &tensors[2]));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_name_that_is_not_unicode_is_reported_in_bytes() {
    let folder = Folder::new();
    let name = OsStr::from_bytes(b"x\xe9.npy");
    let path = folder.0.path().join(name);
    fs::copy(DIGITS, &path).unwrap();
    let run = command().arg("stats").arg(&path).args(["--preset", "onnx", "--json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!((&report["file"], &report["file_bytes"]), (&Value::Null, &json!(path.as_os_str().as_bytes())));
    let report = stats(Path::new(DIGITS), &["--preset", "onnx"]);
    assert_eq!((&report["file"], &report["file_bytes"]), (&json!(DIGITS), &Value::Null));
}

#[test]
fn stats_says_in_plain_words_what_saturation_means() {
    let run = |alpha: &str| {
        let run = command().args(["stats", DIGITS, "--alpha", alpha, "--beta", "0.5"]).output().unwrap();
        assert!(run.status.success());
        String::from_utf8(run.stdout).unwrap()
    };
    let text = run("50");
    for part in ["digits.npy", "57504 f32 elements", "at 0", "inside", "at 1", "NaN", "saturated", "gradients are zero"]
    {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(!run("0.1").contains("gradient"));
}
