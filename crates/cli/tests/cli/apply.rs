//! `hard-sigmoid apply` on `.npy` files.

use std::fs;
use std::path::Path;

use hard_sigmoid::half::{bf16, f16};

use super::{
    DIGITS, Folder, apply, backends, command, fails, floats, json, npy, npy_with_header, peak_memory, succeeds,
};

#[test]
fn batch_is_the_same_file_on_every_backend() {
    let folder = Folder::new();
    for preset in ["onnx", "pytorch"] {
        let expected = fs::read(format!("../../tests/data/digits_{preset}.npy")).unwrap();
        let mut files = Vec::new();
        for backend in backends() {
            let output = folder.path(&format!("{preset}_{backend}.npy"));
            let run = apply(Path::new(DIGITS), &output, &["--preset", preset, "--backend", backend, "--verify"]);
            let summary = succeeds(&run);
            assert!(summary.contains(&format!("on {backend} ")) && summary.contains("57504 f32 elements"), "{summary}");
            assert!(summary.contains("verified"), "{summary}");
            files.push(fs::read(output).unwrap());
        }
        assert!(files.iter().all(|file| file == &files[0]), "{preset}");
        // The header is NumPy's, and each result is within 1 ULP of NumPy's or PyTorch's.
        assert_eq!((files[0].len(), &files[0][..128]), (expected.len(), &expected[..128]));
        for (ours, theirs) in files[0][128..].chunks_exact(4).zip(expected[128..].chunks_exact(4)) {
            let [ours, theirs] = [ours, theirs].map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap()));
            assert!(ours.abs_diff(theirs) <= 1, "{preset}: {ours:#x} {theirs:#x}");
        }
    }
}

#[test]
fn every_shape_and_order_is_kept() {
    let folder = Folder::new();
    let shapes: [(&str, bool, usize); 7] = [
        ("()", false, 1),
        ("(0,)", false, 0),
        ("(3, 0, 2)", true, 0),
        ("(5,)", false, 5),
        ("(2, 3)", true, 6),
        ("(1, 2, 1, 3, 1)", false, 6),
        ("(4, 1)", false, 4),
    ];
    for backend in backends() {
        for (shape, fortran, n) in shapes {
            let x: Vec<f32> = (0..n).map(|i| i as f32 - 2.5).collect();
            let input = folder.file("x.npy", &npy("'<f4'", fortran, shape, &floats(&x)));
            let output = folder.path("y.npy");
            let options = ["--alpha", "-0.25", "--beta", "0.5", "--backend", backend, "--force", "--verify", "--quiet"];
            assert_eq!(succeeds(&apply(&input, &output, &options)), "");
            let y: Vec<f32> = x.iter().map(|x| (0.5 - 0.25 * x).clamp(0.0, 1.0)).collect();
            assert_eq!(fs::read(output).unwrap(), npy("'<f4'", fortran, shape, &floats(&y)), "{shape}");
        }
    }
}

#[test]
fn float16_and_float64_files_keep_their_dtype() {
    let folder = Folder::new();
    let halves: Vec<u8> = [0xc000_u16, 0x0000, 0x4000, 0x7e01].iter().flat_map(|x| x.to_le_bytes()).collect();
    let input = folder.file("x.npy", &npy("'<f2'", false, "(4,)", &halves));
    let expected: Vec<u8> = [0x2e66_u16, 0x3800, 0x3b33, 0x7e01].iter().flat_map(|x| x.to_le_bytes()).collect();
    for backend in backends() {
        let run =
            apply(&input, &folder.path("y.npy"), &["--preset", "onnx", "--backend", backend, "--verify", "--force"]);
        assert!(succeeds(&run).contains("4 f16 elements"));
        assert_eq!(fs::read(folder.path("y.npy")).unwrap(), npy("'<f2'", false, "(4,)", &expected), "{backend}");
    }
    let doubles = |x: [f64; 3]| x.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>();
    let input = folder.file("x.npy", &npy("'<f8'", true, "(1, 3)", &doubles([-9.0, 1.5, 3.0])));
    let run = apply(&input, &folder.path("y.npy"), &["-p", "pytorch", "--verify", "-f", "-v"]);
    let summary = succeeds(&run);
    assert!(summary.contains("; auto: GPUs do not support f64"), "{summary}");
    let expected = npy("'<f8'", true, "(1, 3)", &doubles([0.0, 0.75, 1.0]));
    assert_eq!(fs::read(folder.path("y.npy")).unwrap(), expected);
    if backends().contains(&"gpu") {
        let run = apply(&input, &folder.path("z.npy"), &["--preset", "pytorch", "--backend", "gpu"]);
        fails(&run, &["x.npy", "f64 elements, which GPUs do not support", "--backend cpu"]);
    }
}

#[test]
fn auto_says_why_it_ran_on_the_cpu() {
    let folder = Folder::new();
    let quiet = succeeds(&apply(Path::new(DIGITS), &folder.path("y.npy"), &["--preset", "onnx"]));
    assert!(quiet.contains("on cpu ") && !quiet.contains("auto"), "{quiet}");
    let summary = succeeds(&apply(Path::new(DIGITS), &folder.path("y.npy"), &["-p", "onnx", "-f", "--verbose"]));
    assert!(summary.contains("on cpu ") && summary.contains("auto: fewer than 2^26 elements"), "{summary}");
    let large = folder.zeros(1 << 26);
    let mut run = command();
    run.arg("apply").arg(large).arg(folder.path("z.npy")).args(["--preset", "onnx", "-v"]);
    let run = run.env("WGPU_ADAPTER_NAME", "no such adapter").output().unwrap();
    let summary = succeeds(&run);
    assert!(summary.contains("on cpu ") && summary.contains("auto: no hardware GPU"), "{summary}");
}

#[test]
fn big_endian_files_keep_their_dtype() {
    fn check<const N: usize>(dtype: &str, values: [([u8; N], [u8; N]); 3]) {
        let folder = Folder::new();
        // More elements than are computed at a time.
        let (shape, repeat) = ("(3, 70001)", 70_001);
        let data = |data: [[u8; N]; 3]| npy(&format!("'>{dtype}'"), false, shape, &data.concat().repeat(repeat));
        let input = folder.file("x.npy", &data(values.map(|(x, _)| x)));
        for backend in backends().into_iter().filter(|&it| it == "cpu" || dtype != "f8") {
            let options = ["--preset", "onnx", "--backend", backend, "--verify", "--force", "--quiet"];
            succeeds(&apply(&input, &folder.path("y.npy"), &options));
            assert!(fs::read(folder.path("y.npy")).unwrap() == data(values.map(|(_, y)| y)), "{dtype} {backend}");
        }
        let counts = &json(&["stats", input.to_str().unwrap(), "--preset", "onnx"])[0];
        assert_eq!((&counts["zero"], &counts["inside"]), (&repeat.into(), &(2 * repeat).into()), "{dtype}");
    }
    check("f2", [-9.0, 0.0, 1.25].map(|x| (f16::from_f64(x).to_be_bytes(), f16::from_f64(y(x)).to_be_bytes())));
    check("f4", [-9.0, 0.0, 1.25].map(|x| ((x as f32).to_be_bytes(), (y(x) as f32).to_be_bytes())));
    check("f8", [-9.0, 0.0, 1.25].map(|x: f64| (x.to_be_bytes(), y(x).to_be_bytes())));
}

/// The function of the preset `onnx`, where it is exact.
fn y(x: f64) -> f64 {
    (x / 5.0 + 0.5).clamp(0.0, 1.0)
}

/// NumPy saves an array of the bfloat16 of `ml_dtypes` with the dtype `<V2`, and an array of V2 with `|V2`.
#[test]
fn bfloat16_files_need_an_option_and_keep_their_dtype() {
    let folder = Folder::new();
    let data = |x: [f64; 3]| x.map(|x| bf16::from_f64(x).to_le_bytes()).concat();
    let x = [-9.0, 0.0, 1.25];
    for descr in ["'<V2'", "'|V2'"] {
        let input = folder.file("x.npy", &npy(descr, false, "(3,)", &data(x)));
        for backend in backends() {
            let options = ["--preset", "onnx", "--element", "bf16", "--backend", backend, "--verify", "--force"];
            assert!(succeeds(&apply(&input, &folder.path("y.npy"), &options)).contains("3 bf16 elements"));
            assert_eq!(fs::read(folder.path("y.npy")).unwrap(), npy(descr, false, "(3,)", &data(x.map(y))), "{descr}");
        }
        let path = input.to_str().unwrap();
        let counts = &json(&["stats", path, "--preset", "onnx", "--element", "bf16"])[0];
        assert_eq!((&counts["zero"], &counts["tensors"][0]["element"]), (&1.into(), &"bf16".into()));
        let refused = |element, part| {
            fails(&apply(&input, &folder.path("z"), &["--preset", "onnx", "--element", element]), &[part]);
        };
        refused("f32", "dtype 'V2', which has another size than f32: omit --element");
    }
    let refused = |input: &Path| {
        let run = apply(input, &folder.path("z"), &["--preset", "onnx", "--element", "bf16"]);
        fails(&run, &["omit --element"]);
    };
    let bits = folder.file("bits.npy", &npy("'<u2'", false, "(1,)", &[0; 2]));
    let run = apply(&bits, &folder.path("z"), &["--preset", "onnx", "--element", "bf16"]);
    fails(&run, &["dtype '<u2'", "omit --element", "array.view('V2')"]);
    refused(Path::new(DIGITS));
    refused(&folder.file("x.safetensors", b"\x02\0\0\0\0\0\0\0{}"));
}

/// NumPy reads these headers but does not write them. The header of the output is as NumPy writes it.
#[test]
fn unusual_headers_are_read_and_written_as_numpy_does() {
    let folder = Folder::new();
    let data = floats(&[0.0; 6]);
    for (shape, descr) in
        [("(2L, 3L)", "u'<f4'"), ("(2, # two\n 3)", "'f4'"), ("(2,\r\n3)", "\"float32\""), ("((2,3))", "'<f'")]
    {
        let text = format!("{{'shape': {shape}, 'fortran_order': False, 'descr': {descr}}}\r\n# the end");
        let input = folder.file("x.npy", &npy_with_header(&text, &data));
        succeeds(&apply(&input, &folder.path("y.npy"), &["--preset", "onnx", "--force", "--quiet"]));
        let expected = npy("'<f4'", false, "(2, 3)", &floats(&[0.5; 6]));
        assert_eq!(fs::read(folder.path("y.npy")).unwrap(), expected, "{shape}");
    }
}

/// Computes 300 MiB and reads the peak memory from the kernel.
#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_file() {
    let folder = Folder::new();
    let input = folder.zeros(300 << 18);
    for backend in backends() {
        let output = folder.path("y.npy");
        let mut run = command();
        run.args(["apply", "--preset", "pytorch", "--force", "--quiet", "--backend", backend]).args([&input, &output]);
        let peak = peak_memory(&mut run);
        assert!((1..512 << 10).contains(&peak), "{backend}: {peak} KiB");
        assert_eq!(fs::metadata(&output).unwrap().len(), fs::metadata(&input).unwrap().len());
        let tail = fs::read(&output).unwrap();
        assert_eq!(tail[tail.len() - 4..], 0.5_f32.to_le_bytes());
    }
}
