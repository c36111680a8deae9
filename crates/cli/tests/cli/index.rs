//! Indexes of `.safetensors` files.

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use serde_json::json;

use super::safetensors::{file, tensors};
use super::{Folder, apply, command, fails, impatient, misused, succeeds};

const INDEX: &str = "model.safetensors.index.json";

/// A model of three files, of which the last has no floats; the index with blanks that are to be kept.
fn model(folder: &Folder) -> PathBuf {
    let (header, data, _) = tensors(&[]);
    folder.file("model-1.safetensors", &file(&header, &data));
    let half = json!({ "half": { "dtype": "F16", "shape": [2], "data_offsets": [0, 4] } });
    folder.file("model-2.safetensors", &file(&half, &[0, 0, 0, 0x44]));
    let counts = json!({ "counts": { "dtype": "I32", "shape": [1], "data_offsets": [0, 4] } });
    folder.file("model-3.safetensors", &file(&counts, &[7; 4]));
    let names = header.as_object().unwrap().keys().filter(|name| *name != "__metadata__");
    let mut map: serde_json::Map<_, _> = names.map(|name| (name.clone(), "model-1.safetensors".into())).collect();
    map.insert("half".into(), "model-2.safetensors".into());
    map.insert("counts".into(), "model-3.safetensors".into());
    folder.file(INDEX, format!("{{\n  \"metadata\": {{}}, \"weight_map\": {}\n}}\n", json!(map)).as_bytes())
}

fn run(index: &PathBuf, folder: &Folder, options: &[&str]) -> Output {
    let mut run = impatient();
    run.arg("apply").arg(index).args(["--preset", "pytorch", "--output-dir"]).arg(folder.path("out")).args(options);
    run.output().unwrap()
}

fn read(folder: &Folder, name: &str) -> Vec<u8> {
    fs::read(folder.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn an_index_stands_for_its_files_and_is_copied() {
    let folder = Folder::new();
    let index = model(&folder);
    let summary = succeeds(&run(&index, &folder, &[]));
    assert!(summary.contains("4 of 4 files"), "{summary}");
    assert_eq!(read(&folder, &format!("out/{INDEX}")), read(&folder, INDEX));
    assert_eq!(read(&folder, "out/model-3.safetensors"), read(&folder, "model-3.safetensors"));
    for name in ["model-1.safetensors", "model-2.safetensors"] {
        succeeds(&apply(&folder.path(name), &folder.path("alone"), &["--preset", "pytorch", "--force", "--quiet"]));
        assert!(read(&folder, &format!("out/{name}")) == read(&folder, "alone"), "{name}");
        assert!(read(&folder, &format!("out/{name}")) != read(&folder, name), "{name}");
    }
    // Files that are named besides their index are computed once, as the index has it.
    let mut both = command();
    both.arg("apply").args([&folder.path("model-3.safetensors"), &folder.path("model-2.safetensors"), &index]);
    both.args(["--preset", "pytorch", "--output-dir"]);
    assert!(succeeds(&both.arg(folder.path("both")).output().unwrap()).contains("4 of 4 files"));
}

#[test]
fn what_an_index_lists_twice_or_where_it_is_not_is_a_warning() {
    let folder = Folder::new();
    let half = json!({ "half": { "dtype": "F16", "shape": [2], "data_offsets": [0, 4] } });
    folder.file("model-2.safetensors", &file(&half, &[0, 0, 0, 0x44]));
    let map = r#"{"half": "other.safetensors", "lost": "./model-2.safetensors", "half": "./model-2.safetensors"}"#;
    let index = folder.file(INDEX, format!("{{\"weight_map\": {map}}}").as_bytes());
    let summary = succeeds(&run(&index, &folder, &[]));
    for part in [
        "lists tensor \"half\" more than once; the last one counts",
        "lists tensor \"lost\" in model-2",
        "2 of 2 files",
    ] {
        assert!(summary.contains(part), "{summary}");
    }
    assert_eq!(read(&folder, "out/model-2.safetensors")[..8], read(&folder, "model-2.safetensors")[..8]);
    // With and without ./ it is one file.
    let mut both = command();
    both.current_dir(folder.0.path()).args(["stats", INDEX, "model-2.safetensors", "-p", "onnx", "--json"]);
    assert_eq!(String::from_utf8(both.output().unwrap().stdout).unwrap().lines().count(), 1);
}

#[test]
fn selected_tensors_are_computed_where_they_are() {
    let folder = Folder::new();
    let index = model(&folder);
    succeeds(&run(&index, &folder, &["--tensor", "half"]));
    for name in [INDEX, "model-1.safetensors", "model-3.safetensors"] {
        assert!(read(&folder, &format!("out/{name}")) == read(&folder, name), "{name}");
    }
    assert_ne!(read(&folder, "out/model-2.safetensors"), read(&folder, "model-2.safetensors"));
    let failed = run(&index, &folder, &["--tensor", "nowhere", "--force", "--quiet"]);
    assert!(String::from_utf8_lossy(&failed.stderr).contains("has no tensor \"nowhere\""));
    assert_eq!(failed.status.code(), Some(1));
}

#[test]
fn stats_of_an_index_are_those_of_its_files() {
    let folder = Folder::new();
    let index = model(&folder);
    let run = command().arg("stats").arg(&index).args(["--preset", "pytorch"]).output().unwrap();
    assert!(run.status.success(), "{run:?}");
    let text = String::from_utf8(run.stdout).unwrap();
    let elements = |name: &str| {
        let run =
            command().arg("stats").arg(folder.path(name)).args(["--preset", "pytorch", "--json"]).output().unwrap();
        let json: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
        json["elements"].as_u64().unwrap()
    };
    let total = elements("model-1.safetensors") + elements("model-2.safetensors");
    let last = text.lines().last().unwrap().trim();
    assert!(last.starts_with(&format!("{total} ")) && last.ends_with(" %  sum of 3"), "{text}");
    assert_eq!(text.lines().count(), 6, "{text}");
}

#[cfg(target_os = "linux")]
#[test]
fn bad_indexes_are_refused() {
    let folder = Folder::new();
    let index = model(&folder);
    let misuse = apply(&index, &folder.path("y.safetensors"), &["--preset", "onnx"]);
    misused(&misuse, &["an index stands for several files", "--output-dir DIR"]);
    for (text, part) in [
        ("{", "is not a valid index"),
        ("{\"metadata\": {}}", "weight_map"),
        (r#"{"weight_map": {"a": "../model-1.safetensors"}}"#, "names a file in another folder"),
        (r#"{"weight_map": {"a": "/etc/passwd"}}"#, "names a file in another folder"),
        (r#"{"weight_map": {"a": ""}}"#, "names a file in another folder"),
        (r#"{"weight_map": {"a": "gone.safetensors"}}"#, "gone.safetensors: cannot be read: No such file"),
    ] {
        fs::write(&index, text).unwrap();
        let run = run(&index, &folder, &["--force", "--quiet"]);
        let stderr = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.code() == Some(1) && stderr.contains(part), "{stderr}");
    }
    // It is no pipe, which could be endless.
    fs::remove_file(&index).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&index).status().unwrap().success());
    let refused = run(&index, &folder, &[]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("is not a regular file"));
    // Under another name it is recognized by its contents.
    let index = folder.file("x.json", br#"{"weight_map": {"a": "model-1.safetensors"}}"#);
    fails(&apply(&index, &folder.path("y"), &["--preset", "onnx"]), &["is an index of .safetensors files"]);
}
