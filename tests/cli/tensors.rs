//! `.safetensors` files, and what `stats` counts.

use std::fs;
use std::path::Path;

use hard_sigmoid::half::{bf16, f16};
use hard_sigmoid::{Element, HardSigmoid};
use serde_json::{Value, json};

use super::{DIGITS, Folder, apply, backends, command, fails, succeeds};

const F: HardSigmoid = HardSigmoid::PYTORCH;

/// A file as the format is defined: the length of the header, the header, the data.
fn file(header: &Value, data: &[u8]) -> Vec<u8> {
    let mut text = header.to_string();
    text.push_str(&" ".repeat(text.len().next_multiple_of(8) - text.len()));
    [&(text.len() as u64).to_le_bytes(), text.as_bytes(), data].concat()
}

fn numbers<T: Element>(len: usize) -> Vec<T> {
    let bytes: Vec<u8> = (0..len * size_of::<T>()).map(|i| (i * 151 + i / 256 * 7) as u8).collect();
    bytemuck::pod_collect_to_vec(&bytes)
}

fn result<T: Element>(x: &[T]) -> Vec<u8> {
    bytemuck::cast_slice(&x.iter().map(|&x| F.eval(x)).collect::<Vec<_>>()).to_vec()
}

/// Tensors of all kinds, of odd lengths so that nothing is aligned: the header, the data before, and after `computed`.
fn tensors(computed: &[&str]) -> (Value, Vec<u8>, Vec<u8>) {
    let (mut header, mut before, mut after) = (serde_json::Map::new(), Vec::new(), Vec::new());
    header.insert("__metadata__".into(), json!({ "format": "pt", "note": "ä \" \\ é" }));
    let mut add = |name: &str, dtype: &str, shape: &[usize], x: Vec<u8>, y: Vec<u8>| {
        let offsets = [before.len(), before.len() + x.len()];
        header.insert(name.into(), json!({ "dtype": dtype, "shape": shape, "data_offsets": offsets }));
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

const COMPUTED: [&str; 5] = ["brain", "large", "half", "empty", "scalar"];

#[test]
fn every_floating_tensor_is_computed_and_the_rest_carried_over() {
    let folder = Folder::new();
    let (header, before, after) = tensors(&COMPUTED);
    let input = folder.file("x.safetensors", &file(&header, &before));
    for backend in backends() {
        let options = ["--preset", "pytorch", "--backend", backend, "--verify", "--force"];
        let summary = succeeds(&apply(&input, &folder.path("y.safetensors"), &options));
        assert!(summary.contains("of 5 tensors, 3 others carried over"), "{summary}");
        assert!(fs::read(folder.path("y.safetensors")).unwrap() == file(&header, &after), "{backend}");
    }
}

#[test]
fn tensors_are_chosen_by_name() {
    let folder = Folder::new();
    let (header, before, after) = tensors(&["half", "scalar"]);
    // By its contents, whatever its name.
    let input = folder.file("weights.bin", &file(&header, &before));
    let options = ["--preset", "pytorch", "--tensor", "scalar", "--tensor", "half", "--quiet"];
    succeeds(&apply(&input, &folder.path("y"), &options));
    assert!(fs::read(folder.path("y")).unwrap() == file(&header, &after));
    let refused = |name: &str, parts: &[&str]| {
        fails(&apply(&input, &folder.path("z"), &["--preset", "onnx", "--tensor", name]), parts);
        fails(
            &command().arg("stats").arg(&input).args(["--preset", "onnx", "--tensor", name]).output().unwrap(),
            parts,
        );
    };
    refused("ids", &["\"ids\" of type I64", "BF16"]);
    refused("nothing", &["no tensor \"nothing\"", "\"mask\", \"brain\", \"large\""]);
    let run = apply(Path::new(DIGITS), &folder.path("z"), &["--preset", "onnx", "--tensor", "half"]);
    fails(&run, &["digits.npy", "leave --tensor out"]);
    assert_eq!(folder.names(), ["weights.bin", "y"]);
}

#[test]
fn f64_tensors_keep_the_gpu_away_and_say_so() {
    let folder = Folder::new();
    let x = numbers::<f64>(9);
    let header = json!({ "d": { "dtype": "F64", "shape": [9], "data_offsets": [0, 72] } });
    let input = folder.file("x.safetensors", &file(&header, bytemuck::cast_slice(&x)));
    succeeds(&apply(&input, &folder.path("y.safetensors"), &["--preset", "pytorch", "--verify"]));
    assert_eq!(fs::read(folder.path("y.safetensors")).unwrap(), file(&header, &result(&x)));
    let run = apply(&input, &folder.path("z.safetensors"), &["--preset", "pytorch", "--backend", "gpu"]);
    fails(&run, &["f64", "--backend cpu or auto", "--tensor"]);
}

#[test]
fn bad_tensor_files_are_refused_and_nothing_is_left() {
    let one = |dtype: &str, shape: Value, offsets: [u64; 2]| json!({ "a": { "dtype": dtype, "shape": shape, "data_offsets": offsets } });
    let two = |offsets: [u64; 2]| {
        let tensor = |offsets: [u64; 2]| json!({ "dtype": "F32", "shape": [2], "data_offsets": offsets });
        json!({ "a": tensor([0, 8]), "b": tensor(offsets) })
    };
    let good = file(&one("F32", json!([2]), [0, 8]), &[0; 8]);
    let twice = r#"{"a":{"dtype":"I32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    let twice = [&(twice.len() as u64).to_le_bytes(), twice.as_bytes(), &[0; 8]].concat();
    let bad: Vec<(&str, Vec<u8>, &[&str])> = vec![
        ("empty", vec![], &["within the length of the header"]),
        ("cut in the length", good[..5].to_vec(), &["within the length of the header"]),
        ("cut in the header", good[..40].to_vec(), &["its header claims"]),
        ("cut in the data", good[..good.len() - 1].to_vec(), &["truncated", "need 8 bytes", "holds 7"]),
        ("something behind", [&good[..], &[0]].concat(), &["has 1 bytes behind its last tensor"]),
        ("a huge header", [&[0xff; 8], &good[8..]].concat(), &["its header claims 18446744073709551615 bytes"]),
        ("no JSON", [&3_u64.to_le_bytes()[..], b"{{{"].concat(), &["not a valid .safetensors"]),
        ("deep JSON", [&4096_u64.to_le_bytes()[..], &[b'['; 4096]].concat(), &["not a valid .safetensors"]),
        ("no UTF-8", [&4_u64.to_le_bytes()[..], b"{\"\xff\""].concat(), &["not a valid .safetensors"]),
        ("overlapping", file(&two([4, 12]), &[0; 12]), &["invalid offset"]),
        ("a hole", file(&two([16, 24]), &[0; 24]), &["invalid offset"]),
        ("backwards", file(&one("F32", json!([2]), [8, 0]), &[0; 8]), &["invalid offset"]),
        ("too short for its shape", file(&one("F32", json!([3]), [0, 8]), &[0; 8]), &["invalid shape"]),
        ("a shape that overflows", file(&one("F32", json!([1_u64 << 33, 1_u64 << 33]), [0, 0]), &[]), &["overflow"]),
        ("exabytes", file(&one("F32", json!([1_u64 << 57]), [0, 1 << 59]), &[0; 8]), &["truncated", "holds 8"]),
        ("a name twice", twice, &["\"a\" comes twice"]),
        ("an unknown type", file(&one("F128", json!([1]), [0, 16]), &[0; 16]), &["F128"]),
        ("nothing to compute", file(&one("I32", json!([2]), [0, 8]), &[0; 8]), &["no tensor that can be computed"]),
        ("no tensor", file(&json!({}), &[]), &["no tensor that can be computed"]),
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

fn stats(input: &Path, options: &[&str]) -> Value {
    let run = command().arg("stats").arg(input).args(options).arg("--json").output().unwrap();
    assert!(run.status.success(), "{run:?}");
    serde_json::from_slice(&run.stdout).unwrap()
}

/// The digits, whose results other systems have computed.
#[test]
fn stats_counts_what_apply_writes() {
    for preset in ["onnx", "pytorch"] {
        let y = fs::read(format!("tests/data/digits_{preset}.npy")).unwrap();
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
