//! `hard-sigmoid adapters`.

use std::fs;
use std::path::Path;

use super::{DIGITS, Folder, apply, command, fails, json, misused, succeeds};

#[test]
fn text_and_json_say_the_same() {
    let run = command().arg("adapters").output().unwrap();
    if !run.status.success() && std::env::var("HARD_SIGMOID_REQUIRE").unwrap_or_default().is_empty() {
        eprintln!("WARNING: no GPU adapter on this machine: THE LIST OF ADAPTERS IS NOT TESTED.");
        return;
    }
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
        assert!(binding >= 128 && buffer >= binding, "{object}");
        let groups = object["max_compute_workgroups_per_dimension"].as_u64().unwrap();
        let limits = format!("{binding} MiB in a binding, {buffer} MiB in a buffer, {groups} workgroups in a dispatch");
        assert_eq!(block[2], format!("    limits: {limits}"));
        assert_eq!(object["can_compute"], true);
        if !software.is_empty() {
            assert_eq!(
                (object["auto"].as_bool(), field("auto_reason").as_str()),
                (Some(false), "it is a software adapter")
            );
            assert_eq!(block[3], "    auto: no, it is a software adapter");
        }
    }
}

/// Files are computed where `--adapter` says.
#[test]
fn files_run_on_the_adapter_that_is_named() {
    let folder = Folder::new();
    let output = folder.path("y.npy");
    let run =
        |options: &[&str]| apply(Path::new(DIGITS), &output, &[&["--preset", "onnx", "--force"], options].concat());
    assert!(succeeds(&run(&["--adapter", "cpu"])).contains(" on cpu ("));
    let expected = fs::read(&output).unwrap();
    if command().arg("adapters").output().unwrap().status.success() {
        let first = &json(&["adapters"])[0];
        let name = first["name"].as_str().unwrap();
        let part = name.get(..name.len() / 2).unwrap().to_uppercase();
        let summary = succeeds(&run(&["--adapter", &part]));
        assert!(summary.contains(&format!(" on gpu {name} (")), "{summary}");
        assert_eq!(fs::read(&output).unwrap(), expected);
        let stats = command().args(["stats", DIGITS, "--preset", "onnx", "--adapter", &part]).output().unwrap();
        assert!(String::from_utf8(stats.stdout).unwrap().contains(&format!("on gpu {name} (")));
    }
    fails(&run(&["--adapter", "no such"]), &["no GPU adapter", "\"no such\"", "(--adapter cpu)"]);
    misused(&run(&["--adapter", "cpu", "--backend", "gpu"]), &["cannot be used with"]);
}
