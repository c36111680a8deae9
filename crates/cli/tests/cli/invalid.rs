//! Invalid inputs and arguments.

use std::fs;
use std::path::Path;

use super::{DIGITS, Folder, apply, backends, command, fails, misused, npy, npy_with_header, succeeds};

#[test]
fn bad_files_are_refused_and_nothing_is_left() {
    let bad: Vec<(&str, Vec<u8>, &[&str])> = vec![
        ("empty", vec![], &["is empty", "what should have written it"]),
        ("text", b"x,y\n1,2\n3,4\n".to_vec(), &["neither a .npy, .npz nor .safetensors file", "numpy.save"]),
        (
            "header cut",
            npy("'<f4'", false, "(2,)", &[])[..40].to_vec(),
            &["not a valid .npy file", "within the header"],
        ),
        ("version", b"\x93NUMPY\x09\x00\x10\x00".to_vec(), &["version"]),
        ("header of 4 GiB", b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(), &["claims a header of 4294967295 bytes"]),
        ("header no dict", [b"\x93NUMPY\x01\x00\x04\x00".as_slice(), b"spam"].concat(), &["not a valid .npy"]),
        ("header of brackets", npy_with_header(&"(".repeat(65_000), &[]), &["not a Python dictionary"]),
        ("header of braces", npy_with_header(&"{".repeat(65_000), &[]), &["not a Python dictionary"]),
        ("header of lists", npy(&"[".repeat(60_000), false, "(2,)", &[]), &["not a Python dictionary"]),
        ("no shape", npy("'<f4'}", false, "(2,)", &[]), &["not a valid .npy"]),
        ("negative shape", npy("'<f4'", false, "(-2,)", &[]), &["not a valid .npy"]),
        ("no end", npy_with_header("{'descr': '<f4',", &[]), &["ends within the Python dictionary"]),
        ("another key", npy("'<f4', 'x': 1", false, "()", &[0; 4]), &["a key other than", "numpy.save"]),
        ("float128", npy("'<f16'", false, "(1,)", &[0; 16]), &["dtype '<f16'", "astype('<f8')"]),
        ("float8_e5m2", npy("'<f1'", false, "(1,)", &[0; 1]), &["dtype '<f1'", "where it was made"]),
        ("text", npy("'|S3'", false, "(1,)", &[0; 3]), &["dtype '|S3'", "if they are numbers", "astype('<f4')"]),
        (
            "subarray",
            npy("('<f4', (2,))", false, "(1,)", &[0; 8]),
            &["dtype ('<f4', (2,))", "numpy.load", "numpy.save"],
        ),
        ("float8_e4m3fn or int4", npy("'<V1'", false, "(1,)", &[0; 1]), &["dtype 'V1'", "ml_dtypes", "view"]),
        ("bfloat16", npy("'<V2'", false, "(1,)", &[0; 2]), &["dtype 'V2'", "--element bf16"]),
        ("complex", npy("'<c8'", false, "(1,)", &[0; 8]), &["dtype '<c8'", "array.real"]),
        ("bool", npy("'|b1'", false, "(1,)", &[0; 1]), &["dtype '|b1'", "astype('<f4')"]),
        ("string", npy("'<U5'", false, "(1,)", &[0; 20]), &["dtype '<U5'", "astype('<f4')"]),
        ("date", npy("'<M8[s]'", false, "(1,)", &[0; 8]), &["dtype '<M8[s]'", "astype('<f4')"]),
        ("float64 cut", npy("'<f8'", false, "(2,)", &[0; 8]), &["truncated", "needs 16 bytes", "holds 8"]),
        ("int32", npy("'<i4'", false, "(1,)", &[0; 4]), &["dtype '<i4'", "astype('<f4')"]),
        ("big-endian int", npy("'>i4'", false, "(1,)", &[0; 4]), &["dtype '>i4'", "astype('<f4')"]),
        ("record", npy("[('a', '<f4'), ('b', '<f4')]", false, "(1,)", &[0; 8]), &["dtype [('a'", "array['name']"]),
        ("objects", npy("'|O'", false, "(1,)", &[0; 8]), &["dtype '|O'", "allow_pickle=True"]),
        ("truncated", npy("'<f4'", false, "(3,)", &[0; 11]), &["truncated", "needs 12 bytes", "holds 11"]),
        ("no data", npy("'<f4'", false, "(1000000000000,)", &[]), &["truncated", "needs 4000000000000 bytes"]),
        ("overflow", npy("'<f4'", false, "(4294967296, 4294967296)", &[0; 4]), &["truncated", "more than 2^64"]),
        (
            "empty, with data",
            npy("'<f4'", false, "(4294967296, 4294967296, 0)", &[0; 4]),
            &["has 4 bytes after its 0 bytes of data"],
        ),
        ("overflow to 0", npy("'<f4'", false, "(4611686018427387904,)", &[]), &["truncated", "more than 2^64"]),
        ("trailing", npy("'<f4'", false, "(3,)", &[0; 14]), &["has 2 bytes after its 12 bytes of data"]),
    ];
    for (name, bytes, parts) in bad {
        let folder = Folder::new();
        let input = folder.file("bad.npy", &bytes);
        let run = apply(&input, &folder.path("y.npy"), &["--preset", "onnx"]);
        fails(&run, parts);
        fails(&run, &["bad.npy"]);
        assert_eq!(folder.names(), ["bad.npy"], "{name}");
    }
}

/// The formats are recognized under any name.
#[test]
fn files_of_other_formats_are_named() {
    let folder = Folder::new();
    let zip = |name: &str| [b"PK\x03\x04\x14\0\0\0\0\0\0\0\x21\0", &[0; 14][..], name.as_bytes(), &[0; 99]].concat();
    let text = |text: &str| text.as_bytes().to_vec();
    let formats: Vec<(Vec<u8>, &[&str])> = vec![
        (zip("model/data.pkl"), &["PyTorch file", "safetensors.torch.save_file"]),
        (b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.".to_vec(), &["pickle", "torch.load"]),
        (b"\x80\x03]q\0.".to_vec(), &["pickle"]),
        (b"\x80\x05]\x94.".to_vec(), &["pickle"]),
        (b"\x80\x04\x95\x10\0\0\0\0\0\0\0{".to_vec(), &["pickle", "allow_pickle=True"]),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec(), &["gzip", "gunzip"]),
        (b"\x28\xb5\x2f\xfd\x24\0".to_vec(), &["Zstandard", "zstd -d"]),
        (b"\xfd7zXZ\0\0\x04".to_vec(), &["xz", "unxz"]),
        (b"BZh91AY&SY".to_vec(), &["bzip2", "bunzip2"]),
        (b"\x89HDF\r\n\x1a\n\0\0".to_vec(), &["HDF5", "h5py"]),
        (text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n"), &["Git LFS", "git lfs pull"]),
        (text("<!DOCTYPE html>\n<html><title>404</title>"), &["HTML page", "download"]),
        (text("\u{feff}\r\n <HTML lang=en>"), &["HTML page"]),
        (
            text("{\n  \"metadata\": {\"total_size\": 9},\n  \"weight_map\": {}}"),
            &["an index", "pass the files that it names"],
        ),
    ];
    for (bytes, parts) in formats {
        for name in ["x.npy", "x.safetensors", "x"] {
            let input = folder.file(name, &bytes);
            fails(&apply(&input, &folder.path("y.npy"), &["--preset", "onnx"]), parts);
            fs::remove_file(input).unwrap();
        }
    }
    assert_eq!(folder.names(), [""; 0]);
}

#[cfg(target_os = "linux")]
#[test]
fn bad_input_paths_are_refused() {
    let folder = Folder::new();
    let output = folder.path("y.npy");
    fails(&apply(&folder.path("missing.npy"), &output, &["--preset", "onnx"]), &["missing.npy", "No such file"]);
    fails(&apply(folder.0.path(), &output, &["--preset", "onnx"]), &["is a folder", "pass the files in it"]);
    fails(&apply(Path::new("/dev/zero"), &output, &["--preset", "onnx"]), &["/dev/zero", "neither a .npy"]);
    assert_eq!(folder.names(), [""; 0]);
}

/// A header may have room for far more dimensions than NumPy supports.
#[test]
fn huge_ranks_end() {
    let folder = Folder::new();
    for rank in [64, 65, 10_000] {
        let input = folder.file("x.npy", &npy("'<f4'", false, &format!("({})", "1, ".repeat(rank)), &[0; 4]));
        let run = apply(&input, &folder.path("y.npy"), &["--preset", "onnx", "--force"]);
        if rank > 64 {
            fails(&run, &["x.npy", "dimensions"]);
        } else {
            succeeds(&run);
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn messages_are_one_line_of_printable_text() {
    let folder = Folder::new();
    let run = apply(&folder.path("a\n\x1b[31mb"), &folder.path("y.npy"), &["--preset", "onnx"]);
    fails(&run, &["a\\n\\u{1b}[31mb: cannot be read: No such file", "check that it exists"]);
    let text = "{'descr': '<f4', \x1b[31m\n";
    let run = apply(&folder.file("x.npy", &npy_with_header(text, &[])), &folder.path("y.npy"), &["--preset", "onnx"]);
    fails(&run, &["x.npy: is not a valid .npy file: its header is not a Python dictionary from \"\\u{1b}[31m\" on"]);
    assert!(!run.stderr.contains(&0x1b));
}

#[test]
fn no_adapter_is_an_error_with_a_remedy() {
    let folder = Folder::new();
    let output = folder.path("y.npy");
    let run = |variable: &str, value: &str| {
        let mut run = command();
        run.args(["apply", DIGITS]).arg(&output).args(["--preset", "onnx", "--backend", "gpu"]);
        run.env(variable, value).output().unwrap()
    };
    let (foreign, remedy) = match () {
        () if cfg!(windows) => ("metal", "install the driver of the GPU"),
        () if cfg!(target_os = "macos") => ("dx12", "use a system with Metal"),
        () => ("dx12", "mesa-vulkan-drivers"),
    };
    for (variable, value, part) in [("WGPU_BACKEND", foreign, remedy), ("WGPU_ADAPTER_NAME", "no such", "\"no such\"")]
    {
        let run = run(variable, value);
        fails(&run, &["no GPU adapter", part, "use the CPU path (--backend cpu)"]);
        assert!(!String::from_utf8(run.stderr).unwrap().contains("digits.npy"));
    }
    for (list, word) in [("foo", "\"foo\""), ("vulkan,foo", "\"foo\"")] {
        fails(&run("WGPU_BACKEND", list), &["WGPU_BACKEND", word, "vulkan, gl, metal or dx12", "unset it"]);
        let adapters = command().arg("adapters").env("WGPU_BACKEND", list).output().unwrap();
        fails(&adapters, &["WGPU_BACKEND", word]);
    }
    assert_eq!(folder.names(), [""; 0]);
    if backends().contains(&"gpu") {
        // An empty variable is like none.
        succeeds(&run("WGPU_BACKEND", ""));
    }
}

/// Mesa's GL driver pretends to be older than compute shaders.
#[test]
fn adapters_that_cannot_compute_are_marked_and_passed_over() {
    let old = |arguments: &[&str]| {
        let mut run = command();
        run.args(arguments).env("WGPU_BACKEND", "gl");
        run.env("MESA_GL_VERSION_OVERRIDE", "3.1").env("MESA_GLES_VERSION_OVERRIDE", "3.0").output().unwrap()
    };
    let list = old(&["adapters"]);
    let list = String::from_utf8(list.stdout).unwrap();
    if !list.contains("(gl") && !std::env::var("HARD_SIGMOID_REQUIRE").unwrap_or_default().contains("gl/") {
        eprintln!("WARNING: no GL adapter on this machine: ADAPTERS THAT CANNOT COMPUTE ARE NOT TESTED.");
        return;
    }
    assert!(list.contains("cannot compute (max_compute_invocations_per_workgroup is 0, and 256 are needed)"), "{list}");
    let objects = String::from_utf8(old(&["adapters", "--json"]).stdout).unwrap();
    assert!(objects.contains("\"can_compute\":false"), "{objects}");
    let folder = Folder::new();
    let output = folder.path("y.npy");
    let parts =
        ["no GPU adapter", "(gl, software), which cannot compute; ask for another name", "use the CPU path (--"];
    let output = output.to_str().unwrap();
    fails(&old(&["apply", DIGITS, output, "--preset", "onnx", "--backend", "gpu"]), &parts);
    fails(&old(&["validate", "--preset", "onnx"]), &parts);
    let input = folder.zeros(1 << 26);
    let summary = succeeds(&old(&["apply", input.to_str().unwrap(), output, "--preset", "onnx", "-v"]));
    // auto needs no remedy.
    assert!(summary.ends_with("which cannot compute"), "{summary}");
}

/// What people type instead.
#[test]
fn other_spellings_are_understood() {
    let folder = Folder::new();
    let output = folder.path("y.npy");
    let result = |options: &str| {
        let options: Vec<_> = options.split(' ').chain(["--force"]).collect();
        succeeds(&apply(Path::new(DIGITS), &output, &options));
        fs::read(&output).unwrap()
    };
    let (onnx, pytorch) = (result("--preset onnx"), result("--preset pytorch"));
    assert!(onnx != pytorch);
    for name in ["ONNX", "keras1", "Keras2", "tensorflowjs", "tfjs", "WebNN"] {
        assert!(result(&format!("-p {name} --backend CPU")) == onnx, "{name}");
    }
    for name in ["PyTorch", "torch", "keras3", "JAX"] {
        assert!(result(&format!("-p {name} --adapter CPU")) == pytorch, "{name}");
    }
    assert!(result("--alpha 1/6 --beta 1/2") == pytorch && result("--alpha 1/5 --beta 5e-1") == onnx);
    for (options, parts) in [
        ("-p keras", ["Keras 1 and 2", "use onnx or pytorch"]),
        ("-p relu", ["relu", "[possible values: onnx, pytorch]"]),
        ("--alpha 1/0 --beta 1", ["alpha is inf", "finite"]),
        ("--alpha 1/2/3 --beta 1", ["not a number", "0.25 or 1/6"]),
    ] {
        misused(&apply(Path::new(DIGITS), &output, &options.split(' ').collect::<Vec<_>>()), &parts);
    }
}

#[test]
fn usage_errors_exit_with_2_and_list_the_choices() {
    let folder = Folder::new();
    let output = folder.path("y.npy");
    let cases: [(&[&str], &str); 8] = [
        (&[], "--preset pytorch (alpha 1/6, beta 0.5)"),
        (&["--preset", "relu"], "onnx, pytorch"),
        (&["--alpha", "0.2"], "--beta"),
        (&["--beta", "0.2"], "--alpha"),
        (&["--preset", "onnx", "--alpha", "1", "--beta", "2"], "cannot be used with"),
        (&["--alpha", "nan", "--beta", "0.5"], "must be a finite number"),
        (&["--alpha", "-1e-50", "--beta", "0.5"], "outside the normal 32-bit floats"),
        (&["--preset", "onnx", "--backend", "tpu"], "auto, gpu, cpu"),
    ];
    for (options, part) in cases {
        let run = apply(Path::new(DIGITS), &output, options);
        misused(&run, &[part, "For more information, try '--help'"]);
    }
    let run = apply(Path::new(DIGITS), &output, &[]);
    misused(&run, &["\n\nUsage: hard-sigmoid apply [OPTIONS] <INPUT> <OUTPUT>\n"]);
    assert_eq!(folder.names(), [""; 0]);
}
