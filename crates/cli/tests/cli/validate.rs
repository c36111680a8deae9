//! `hard-sigmoid validate`

use super::{backends, command, fails, json};

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
