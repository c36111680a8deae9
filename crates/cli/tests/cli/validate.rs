//! `hard-sigmoid validate`

use std::fs;
use std::path::Path;

use hard_sigmoid::HardSigmoid;
use hard_sigmoid::half::bf16;

use super::{Folder, apply, backends, command, fails, json, misused, npy, succeeds};

#[test]
fn validate_prints_one_object_and_finds_nothing() {
    for backend in backends() {
        let adapter = if backend == "cpu" { "cpu" } else { "" };
        let report = &json(&["validate", "--preset", "pytorch", "--adapter", adapter])[0];
        let numbers = [("mismatches", 0.0), ("flushed", 0.0), ("max_ulp", 1.0), ("alpha", 1.0 / 6.0), ("beta", 0.5)];
        for (key, value) in numbers {
            assert_eq!(report[key].as_f64(), Some(value), "{key} {report}");
        }
        assert_eq!(report["preset"], "pytorch");
        let more_than = |key: &str, value: u64| assert!(report[key].as_u64() > Some(value), "{key} {report}");
        more_than("checked", 1 << 24);
        more_than("nan_checked", 1 << 16);
        assert!(report["max_abs_error"].as_f64() < Some(8.4e-8) && report["seconds"].as_f64() > Some(0.0), "{report}");
        assert!(["adapter", "backend", "driver"].iter().all(|key| report[key].is_string()), "{report}");
    }
    for element in ["f16", "bf16"] {
        let report = &json(&["validate", "--preset", "onnx", "--adapter", "cpu", "--element", element])[0];
        assert_eq!((&report["element"], &report["checked"]), (&element.into(), &65_536.into()));
    }
    let reports = json(&["validate", "--backward", "--preset", "onnx", "--adapter", "cpu", "--element", "bf16"]);
    let passes: Vec<_> = reports.iter().map(|report| &report["pass"]).collect();
    assert_eq!(passes, ["backward", "backward from output"]);
    for report in &reports {
        assert_eq!((report["checked"].as_u64(), report["mismatches"].as_u64()), (Some(65_536), Some(0)));
    }
    // By default, it checks both presets and prints text.
    let run = command().args(["validate", "--adapter", "cpu"]).output().unwrap();
    let text = String::from_utf8(run.stdout).unwrap();
    assert!(text.contains("the CPU path, onnx, f32:") && text.contains("the CPU path, pytorch, f32:"), "{text}");
    let run = command().args(["validate", "--adapter", "cpu", "--alpha", "-3", "--beta", "0.7"]).output().unwrap();
    assert!(run.status.success());
    fails(&command().args(["validate", "--adapter", "no such"]).output().unwrap(), &["no GPU adapter", "\"no such\""]);
}

/// Writes the inputs, and has them judged with the results of `apply` or `backward`.
#[test]
fn results_of_others_are_judged_through_files() {
    let folder = Folder::new();
    let [x, y, other] = ["x.npy", "y.npy", "other.npy"].map(|name| folder.path(name));
    let options = ["--preset", "pytorch", "--element", "f16"];
    let validate = |option: &str, path: &Path, options: &[&str]| {
        command().arg("validate").args(options).arg(option).arg(path).output().unwrap()
    };
    succeeds(&validate("--write-inputs", &x, &options));
    fails(&validate("--write-inputs", &x, &options), &["x.npy", "already exists"]);
    succeeds(&apply(&x, &y, &["--preset", "pytorch", "--quiet"]));
    for tolerance in [&["--bits"][..], &[], &["--ulp", "0"], &["--absolute", "1e-3"]] {
        let run = validate("--results", &y, &[&options, tolerance].concat());
        let text = String::from_utf8(run.stdout).unwrap();
        assert!(run.status.success() && text.contains("**right**: pytorch, f16, forward; 65536 results"), "{text}");
    }
    succeeds(&apply(&x, &other, &["--preset", "onnx", "--quiet"]));
    let run = validate("--results", &other, &options);
    assert!(String::from_utf8_lossy(&run.stdout).contains("this is the other function: onnx"), "{run:?}");
    fails(&run, &["other.npy", "outside of the tolerance"]);
    assert!(validate("--results", &other, &[&options[..], &["--absolute", "0.2"]].concat()).status.success());
    // Other options than those of the inputs.
    let bf16 = ["--preset", "pytorch", "--element", "bf16"];
    fails(&validate("--results", &y, &["--preset", "pytorch"]), &["y.npy", "float16", "float32", "--element"]);
    fails(&validate("--results", &y, &[&options[..], &["--backward"]].concat()), &["65536 results", "options"]);
    misused(&validate("--results", &y, &["--element", "f16"]), &["--preset"]);
    misused(&validate("--results", &y, &[&options[..], &["--exhaustive"]].concat()), &["--exhaustive"]);
    misused(&command().args(["validate", "--ulp", "1"]).output().unwrap(), &["--results"]);
    // bfloat16, whose type a header does not say, and two rows for the backward pass.
    let [both, grad] = ["both.npy", "grad.npy"].map(|name| folder.path(name));
    let options = [&bf16[..], &["--backward"]].concat();
    succeeds(&validate("--write-inputs", &both, &options));
    let file = fs::read(&both).unwrap();
    let data = &file[file.iter().position(|&byte| byte == b'\n').unwrap() + 1..];
    let (x, grad_y) = data.split_at(data.len() / 2);
    let rows = x.len() / 2;
    let element = |bytes: &[u8], i: usize| bf16::from_le_bytes([bytes[2 * i], bytes[2 * i + 1]]);
    let pass = HardSigmoid::PYTORCH.backward();
    let results: Vec<u8> = (0..rows).flat_map(|i| pass.eval(element(x, i), element(grad_y, i)).to_le_bytes()).collect();
    fs::write(&grad, npy("'<V2'", false, &format!("({rows},)"), &results)).unwrap();
    let run = validate("--results", &grad, &options);
    let text = String::from_utf8(run.stdout).unwrap();
    assert!(run.status.success() && text.contains("**right**: pytorch, bf16, backward"), "{text}");
}
