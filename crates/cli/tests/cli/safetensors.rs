//! `hard-sigmoid apply` on `.safetensors` files.

use std::fs;
use std::path::Path;

use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::{Element, HardSigmoid};
use serde_json::{Value, json};

use super::stats::stats;
use super::{DIGITS, Folder, apply, backends, command, fails, peak_memory, succeeds};

pub(super) const F: HardSigmoid = HardSigmoid::PYTORCH;

/// Returns a `.safetensors` file: the length of the header, the header, and the data.
pub(super) fn file(header: &Value, data: &[u8]) -> Vec<u8> {
    let mut text = header.to_string();
    text.push_str(&" ".repeat(text.len().next_multiple_of(8) - text.len()));
    [&(text.len() as u64).to_le_bytes(), text.as_bytes(), data].concat()
}

fn tensor(dtype: &str, shape: &[usize], offsets: [usize; 2]) -> Value {
    json!({ "dtype": dtype, "shape": shape, "data_offsets": offsets })
}

pub(super) fn numbers<T: Element>(len: usize) -> Vec<T> {
    let bytes: Vec<u8> = (0..len * size_of::<T>()).map(|i| (i * 151 + i / 256 * 7) as u8).collect();
    bytemuck::pod_collect_to_vec(&bytes)
}

fn result<T: Element>(x: &[T]) -> Vec<u8> {
    bytemuck::cast_slice(&x.iter().map(|&x| F.eval(x)).collect::<Vec<_>>()).to_vec()
}

/// Returns a header with tensors of many types and odd lengths, their data, and the data after `apply` on `computed`.
pub(super) fn tensors(computed: &[&str]) -> (Value, Vec<u8>, Vec<u8>) {
    let (mut header, mut before, mut after) = (serde_json::Map::new(), Vec::new(), Vec::new());
    header.insert("__metadata__".into(), json!({ "format": "pt", "note": "ä \" \\ é" }));
    let mut add = |name: &str, dtype: &str, shape: &[usize], x: Vec<u8>, y: Vec<u8>| {
        let offsets = [before.len(), before.len() + x.len()];
        header.insert(name.into(), tensor(dtype, shape, offsets));
        after.extend(if computed.contains(&name) { &y } else { &x });
        before.extend(x);
    };
    let bytes = |len: usize| numbers::<f16>(len).iter().flat_map(|x| x.to_bits().to_le_bytes()).collect::<Vec<u8>>();
    add("mask", "BOOL", &[3], vec![1, 0, 1], vec![]);
    let x = numbers::<bf16>(3 * 5 * 7);
    add("brain", "BF16", &[3, 5, 7], bytemuck::cast_slice(&x).to_vec(), result(&x));
    let x = numbers::<f32>(4_194_309);
    add("large", "F32", &[4_194_309], bytemuck::cast_slice(&x).to_vec(), result(&x));
    add("ids", "I64", &[4], bytes(16), vec![]);
    let x = numbers::<f16>(1001);
    add("half", "F16", &[7, 143], bytemuck::cast_slice(&x).to_vec(), result(&x));
    add("empty", "F32", &[0, 4], vec![], vec![]);
    add("eighth", "F8_E4M3", &[2], vec![1, 2], vec![]);
    let x = numbers::<f32>(1);
    add("scalar", "F32", &[], bytemuck::cast_slice(&x).to_vec(), result(&x));
    (header.into(), before, after)
}

pub(super) const COMPUTED: [&str; 5] = ["brain", "large", "half", "empty", "scalar"];

#[test]
fn every_floating_tensor_is_computed_and_the_rest_carried_over() {
    let folder = Folder::new();
    let (header, before, after) = tensors(&COMPUTED);
    let input = folder.file("x.safetensors", &file(&header, &before));
    for backend in backends() {
        let options = ["--preset", "pytorch", "--backend", backend, "--verify", "--force"];
        let summary = succeeds(&apply(&input, &folder.path("y.safetensors"), &options));
        assert!(summary.contains("of 5 tensors (3 copied)"), "{summary}");
        assert!(fs::read(folder.path("y.safetensors")).unwrap() == file(&header, &after), "{backend}");
    }
}

/// A type that a later version of the format brings is carried over by its offsets.
#[test]
fn tensors_of_unknown_types_are_carried_over() {
    let folder = Folder::new();
    let header = json!({
        "q": tensor("F8_E4M3B11", &[3], [0, 3]),
        "i": tensor("I4", &[2], [3, 4]),
        "a": tensor("F32", &[1], [4, 8]),
    });
    let input = folder.file("x.safetensors", &file(&header, &[b"qqqi", &0.0_f32.to_le_bytes()[..]].concat()));
    let output = folder.path("y.safetensors");
    let summary = succeeds(&apply(&input, &output, &["--preset", "onnx"]));
    assert!(summary.contains("1 f32 element of 1 tensor (2 copied)"), "{summary}");
    assert!(fs::read(&output).unwrap() == file(&header, &[b"qqqi", &0.5_f32.to_le_bytes()[..]].concat()));
    let run = apply(&input, &output, &["--preset", "onnx", "--force", "--tensor", "q"]);
    fails(&run, &["has tensor \"q\" of type F8_E4M3B11", "select only tensors of type F16"]);
}

#[test]
fn tensors_are_chosen_by_name() {
    let folder = Folder::new();
    let (header, before, after) = tensors(&["half", "scalar"]);
    // The command recognizes the format by its contents.
    let input = folder.file("weights.bin", &file(&header, &before));
    let options = ["--preset", "pytorch", "--tensor", "scalar", "--tensor", "half", "--quiet"];
    succeeds(&apply(&input, &folder.path("y"), &options));
    assert!(fs::read(folder.path("y")).unwrap() == file(&header, &after));
    let refused = |name: &str, parts: &[&str]| {
        let options = ["--preset", "onnx", "--tensor", name];
        fails(&apply(&input, &folder.path("z"), &options), parts);
        fails(&command().arg("stats").arg(&input).args(options).output().unwrap(), parts);
    };
    refused("ids", &["\"ids\" of type I64", "BF16"]);
    refused("nothing", &["no tensor \"nothing\"", "\"mask\", \"brain\", \"large\""]);
    let run = apply(Path::new(DIGITS), &folder.path("z"), &["--preset", "onnx", "--tensor", "half"]);
    fails(&run, &["digits.npy", "omit --tensor"]);
    assert_eq!(folder.names(), ["weights.bin", "y"]);
}

/// A header may describe a million tensors.
#[cfg(target_os = "linux")]
#[test]
fn memory_is_bounded_by_the_header() {
    let folder = Folder::new();
    let mut text = String::from("{");
    for i in 0..300_000 {
        let (start, end) = (2 * i, 2 * i + 2);
        text += &format!(r#""block.{i}.bias":{{"dtype":"F16","shape":[1],"data_offsets":[{start},{end}]}},"#);
    }
    text.pop();
    text.push('}');
    let bytes = [&(text.len() as u64).to_le_bytes(), text.as_bytes(), &[0; 600_000]].concat();
    let input = folder.file("x.safetensors", &bytes);
    let allowed = 4 * (text.len() as u64 >> 10);
    for arguments in [["stats", "--json"], ["stats", "--preset"], ["apply", "y.safetensors"]] {
        let mut run = command();
        run.arg(arguments[0]).arg(&input).args(["--preset", "onnx", "--backend", "cpu"]);
        match arguments[1] {
            "--json" => _ = run.arg("--json"),
            "y.safetensors" => _ = run.arg(folder.path("y.safetensors")),
            _ => {}
        }
        let peak = peak_memory(&mut run);
        assert!((1..allowed).contains(&peak), "{arguments:?}: {peak} of {allowed} KiB");
    }
    // Or a tensor of many dimensions.
    let text = format!(r#"{{"a":{{"dtype":"F16","shape":[1{}],"data_offsets":[0,2]}}}}"#, ",1".repeat(10_000_000));
    let many =
        folder.file("many.safetensors", &[&(text.len() as u64).to_le_bytes(), text.as_bytes(), &[0; 2]].concat());
    let peak = peak_memory(command().arg("stats").arg(many).args(["--preset", "onnx", "--backend", "cpu"]));
    assert!((1..4 * (text.len() as u64 >> 10)).contains(&peak), "{peak} KiB");
    let counts = stats(&input, &["--preset", "onnx"]);
    assert_eq!((&counts["elements"], &counts["inside"]), (&json!(300_000), &json!(300_000)));
    assert_eq!(counts["tensors"][299_999]["name"], json!("block.299999.bias"));
}

#[test]
fn f64_tensors_keep_the_gpu_away_and_say_so() {
    let folder = Folder::new();
    let x = numbers::<f64>(9);
    let header = json!({ "d": tensor("F64", &[9], [0, 72]) });
    let input = folder.file("x.safetensors", &file(&header, bytemuck::cast_slice(&x)));
    succeeds(&apply(&input, &folder.path("y.safetensors"), &["--preset", "pytorch", "--verify"]));
    assert_eq!(fs::read(folder.path("y.safetensors")).unwrap(), file(&header, &result(&x)));
    let run = apply(&input, &folder.path("z.safetensors"), &["--preset", "pytorch", "--backend", "gpu"]);
    fails(&run, &["f64", "--backend cpu or auto", "--tensor"]);
}

#[test]
fn bad_tensor_files_are_refused_and_nothing_is_left() {
    let one = |dtype: &str, shape: &[usize], offsets| json!({ "a": tensor(dtype, shape, offsets) });
    let two = |offsets| json!({ "a": tensor("F32", &[2], [0, 8]), "b": tensor("F32", &[2], offsets) });
    let good = file(&one("F32", &[2], [0, 8]), &[0; 8]);
    let twice = format!(r#"{{"a":{},"a":{}}}"#, tensor("I32", &[2], [0, 8]), tensor("F32", &[2], [0, 8]));
    let twice = [&(twice.len() as u64).to_le_bytes(), twice.as_bytes(), &[0; 8]].concat();
    let bad: Vec<(&str, Vec<u8>, &[&str])> = vec![
        ("empty", vec![], &["is empty"]),
        ("cut in the length", good[..5].to_vec(), &["too short to hold the length of the header"]),
        ("cut in the header", good[..40].to_vec(), &["its header claims"]),
        ("cut in the data", good[..good.len() - 1].to_vec(), &["truncated", "need 8 bytes", "holds 7"]),
        ("something after", [&good[..], &[0]].concat(), &["has 1 bytes after its last tensor"]),
        ("a huge header", [&[0xff; 8], &good[8..]].concat(), &["its header claims 18446744073709551615 bytes"]),
        ("no JSON", [&3_u64.to_le_bytes()[..], b"{{{"].concat(), &["not a valid .safetensors"]),
        ("deep JSON", [&4096_u64.to_le_bytes()[..], &[b'['; 4096]].concat(), &["not a valid .safetensors"]),
        ("no UTF-8", [&4_u64.to_le_bytes()[..], b"{\"\xff\""].concat(), &["not a valid .safetensors"]),
        ("overlapping", file(&two([4, 12]), &[0; 12]), &["invalid offset"]),
        ("a hole", file(&two([16, 24]), &[0; 24]), &["invalid offset"]),
        ("backwards", file(&one("F32", &[2], [8, 0]), &[0; 8]), &["invalid offset"]),
        ("too short for its shape", file(&one("F32", &[3], [0, 8]), &[0; 8]), &["invalid shape"]),
        ("a shape that overflows", file(&one("F32", &[1 << 33, 1 << 33], [0, 0]), &[]), &["overflow"]),
        ("exabytes", file(&one("F32", &[1 << 57], [0, 1 << 59]), &[0; 8]), &["truncated", "holds 8"]),
        ("a name twice", twice, &["duplicate key \"a\""]),
        (
            "an unknown type",
            file(&one("F128", &[1], [0, 16]), &[0; 16]),
            &["has no tensor to compute", "F16, BF16, F32 or F64"],
        ),
        ("nothing to compute", file(&one("I32", &[2], [0, 8]), &[0; 8]), &["no tensor to compute"]),
        ("no tensor", file(&json!({}), &[]), &["no tensor to compute"]),
    ];
    for (name, bytes, parts) in bad {
        let folder = Folder::new();
        let input = folder.file("bad.safetensors", &bytes);
        let run = apply(&input, &folder.path("y.safetensors"), &["--preset", "onnx"]);
        fails(&run, parts);
        fails(&run, &["bad.safetensors"]);
        fails(&command().arg("stats").arg(&input).args(["--preset", "onnx"]).output().unwrap(), parts);
        assert_eq!(folder.names(), ["bad.safetensors"], "{name}");
    }
}
