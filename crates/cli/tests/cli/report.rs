//! `hard-sigmoid report`

use super::{backends, command};

#[test]
fn report_checks_and_measures_every_type() {
    for backend in backends() {
        let adapter = if backend == "cpu" { "cpu" } else { "" };
        let run = command().args(["report", "--adapter", adapter, "--elements", "64", "100"]).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let text = String::from_utf8(run.stdout).unwrap();
        let types: &[_] = if backend == "cpu" { &["f32", "f16", "bf16", "f64"] } else { &["f32", "f16", "bf16"] };
        let json = text.split_once("```json\n").unwrap().1.split_once("\n```").unwrap().0;
        let json: serde_json::Value = serde_json::from_str(json).unwrap();
        let (checks, results) = (json["checks"].as_array().unwrap(), json["bench"]["results"].as_array().unwrap());
        assert_eq!(checks.len(), types.len() * 6);
        for element in types {
            for preset in ["onnx", "pytorch"] {
                for pass in ["forward", "backward", "backward from output"] {
                    let of = |check: &&serde_json::Value| {
                        check["element"] == *element && check["preset"] == preset && check["pass"] == pass
                    };
                    let check = checks.iter().find(of).unwrap();
                    assert!(check["checked"].as_u64().unwrap() >= 65_536 && check["mismatches"] == 0, "{check}");
                    let row = format!("| {element} | {preset} {pass} | {} | 0 | ", check["checked"]);
                    assert_eq!(text.matches(&row).count(), 1, "{row}");
                }
            }
            for elements in [64, 100] {
                let measured = results.iter().filter(|r| r["element"] == *element && r["elements"] == elements);
                assert_eq!(measured.count(), if backend == "cpu" { 4 } else { 11 }, "{element} {elements}");
                assert!(text.contains(&format!("| cpu | {element} | {elements} | ")), "{text}");
            }
        }
        let head = text.lines().nth(2).unwrap();
        for part in [env!("CARGO_PKG_VERSION"), "wgpu 30", std::env::consts::OS, std::env::consts::ARCH, " threads"] {
            assert!(head.contains(part), "{head}");
        }
        let backward = checks.iter().filter(|check| check["pass"] != "forward");
        assert!(backward.into_iter().all(|check| check["max_abs_error"].is_null()), "{text}");
        assert!(text.starts_with("## ") && text.contains(json["bench"]["verdict"].as_str().unwrap()), "{text}");
    }
}
