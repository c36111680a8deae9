//! `hard-sigmoid adapters`.

use std::fs;
use std::path::Path;

use super::{DIGITS, Folder, apply, backends, command, fails, json, misused, npy, succeeds};

#[test]
fn text_and_json_say_the_same() {
    if backends() == ["cpu"] {
        return;
    }
    let run = command().arg("adapters").output().unwrap();
    let text = String::from_utf8(run.stdout).unwrap();
    let blocks: Vec<Vec<&str>> = text.lines().collect::<Vec<_>>().chunks(4).map(<[_]>::to_vec).collect();
    let objects = json(&["adapters"]);
    assert_eq!(blocks.len(), objects.len());
    for (block, object) in blocks.iter().zip(&objects) {
        let field = |name: &str| object[name].as_str().unwrap().to_owned();
        let mib = |name: &str| object[name].as_u64().unwrap() >> 20;
        let software = if field("kind") == "software" { ", software" } else { "" };
        assert_eq!(block[0], format!("{} ({}{software})", field("name"), field("backend")));
        assert!(block[1].starts_with("    driver: ") && block[1].ends_with(&field("driver_info")), "{text}");
        let (binding, buffer) = (mib("max_storage_buffer_binding_size"), mib("max_buffer_size"));
        let groups = object["max_compute_workgroups_per_dimension"].as_u64().unwrap();
        let limits = format!("{binding} MiB in a binding, {buffer} MiB in a buffer, {groups} workgroups in a dispatch");
        assert_eq!(block[2], format!("    limits: {limits}"));
        match object["auto_reason"].as_str() {
            Some(reason) => {
                assert_eq!((object["auto"].as_bool(), block[3]), (Some(false), &*format!("    auto: no, {reason}")));
            }
            None => assert!(object["auto"] == true && block[3].starts_with("    auto: yes, from 2^26"), "{text}"),
        }
        if object["can_compute"] == true && !software.is_empty() {
            assert_eq!(field("auto_reason"), "it is a software adapter");
        }
    }
}

/// Files are computed where `--adapter` says.
#[test]
fn files_run_on_the_adapter_that_is_named() {
    let folder = Folder::new();
    let output = folder.path("y.npy");
    let run_on =
        |input: &Path, options: &[&str]| apply(input, &output, &[&["--preset", "onnx", "--force"], options].concat());
    let run = |options: &[&str]| run_on(Path::new(DIGITS), options);
    assert!(succeeds(&run(&["--adapter", "cpu"])).contains(" on cpu ("));
    let expected = fs::read(&output).unwrap();
    if backends().contains(&"gpu") {
        let adapters = json(&["adapters"]);
        let first = adapters.iter().find(|adapter| adapter["can_compute"] == true).unwrap();
        let name = first["name"].as_str().unwrap();
        let part: String = name.to_uppercase().chars().take(name.len() / 2).collect();
        let summary = succeeds(&run(&["--adapter", &part]));
        assert!(summary.contains(&format!(" on gpu {name} (")), "{summary}");
        assert_eq!(fs::read(&output).unwrap(), expected);
        let stats = command().args(["stats", DIGITS, "--preset", "onnx", "--adapter", &part]).output().unwrap();
        assert!(String::from_utf8(stats.stdout).unwrap().contains(&format!("on gpu {name} (")));
        let f64s = folder.file("x.npy", &npy("'<f8'", false, "(1,)", &[0; 8]));
        let refused = run_on(&f64s, &["--adapter", &part]);
        fails(&refused, &["x.npy: has f64 elements", "use --backend cpu or auto"]);
        assert!(!String::from_utf8(refused.stderr).unwrap().contains("--tensor"));
    }
    fails(&run(&["--adapter", "no such"]), &["no GPU adapter", "\"no such\"", "(--adapter cpu)"]);
    misused(&run(&["--adapter", "cpu", "--backend", "gpu"]), &["cannot be used with"]);
}
