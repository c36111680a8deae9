//! The `hard-sigmoid` command, as a user runs it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "tests")]

mod refused;
mod tensors;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const DIGITS: &str = "tests/data/digits.npy";

/// A folder of its own for a test, and the command run in it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    /// The names of all that is in it, hidden files included.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(self.0.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_hard-sigmoid"))
}

fn apply(input: &Path, output: &Path, options: &[&str]) -> Output {
    command().arg("apply").args([input, output]).args(options).output().unwrap()
}

#[track_caller]
fn succeeds(run: &Output) -> String {
    let stderr = String::from_utf8(run.stderr.clone()).unwrap();
    assert!(run.status.success(), "{:?} {stderr}", run.status);
    assert_eq!(run.stdout, b"");
    // Drivers write there too.
    stderr.lines().filter(|line| line.starts_with("hard-sigmoid: ")).collect()
}

/// Exit code 1 and one line on stderr, which names what `parts` lists.
#[track_caller]
fn fails(run: &Output, parts: &[&str]) {
    let stderr = String::from_utf8(run.stderr.clone()).unwrap();
    let lines: Vec<_> = stderr.lines().filter(|line| line.starts_with("hard-sigmoid: ")).collect();
    assert_eq!((run.status.code(), lines.len()), (Some(1), 1), "{stderr}");
    assert!(!stderr.contains(".hard-sigmoid-"), "names a temporary file: {stderr}");
    for part in parts {
        assert!(lines[0].contains(part), "{part:?} is not in {stderr}");
    }
}

/// A `.npy` file of version 1.
fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let mut text = format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}");
    text.push_str(&" ".repeat((64 - (11 + text.len()) % 64) % 64));
    text.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((text.len() as u16).to_le_bytes());
    file.extend(text.as_bytes());
    file.extend(data);
    file
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// The backends of this machine. The GPU one is left out, loudly, where there is no adapter and none is required.
fn backends() -> Vec<&'static str> {
    let any = command().arg("adapters").output().unwrap().status.success();
    if !any && std::env::var("HARD_SIGMOID_REQUIRE").unwrap_or_default().is_empty() {
        eprintln!("WARNING: no GPU adapter on this machine: `--backend gpu` IS NOT TESTED. scripts/test installs one.");
        return vec!["cpu"];
    }
    vec!["cpu", "gpu"]
}

#[test]
fn batch_is_the_same_file_on_every_backend() {
    let folder = Folder::new();
    for preset in ["onnx", "pytorch"] {
        let expected = fs::read(format!("tests/data/digits_{preset}.npy")).unwrap();
        let mut files = Vec::new();
        for backend in backends() {
            let output = folder.path(&format!("{preset}_{backend}.npy"));
            let run = apply(Path::new(DIGITS), &output, &["--preset", preset, "--backend", backend, "--verify"]);
            let summary = succeeds(&run);
            assert!(summary.contains(&format!("{backend}: ")) && summary.contains("57504 f32 elements"), "{summary}");
            assert!(summary.contains("verified"), "{summary}");
            files.push(fs::read(output).unwrap());
        }
        assert!(files.iter().all(|file| file == &files[0]), "{preset}");
        // The same header as NumPy's, and no number further from NumPy's or PyTorch's than 1 ULP.
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
    let run = apply(&input, &folder.path("y.npy"), &["--preset", "pytorch", "--verify", "--force"]);
    let summary = succeeds(&run);
    assert!(summary.contains("(auto: no GPU computes f64): 3 f64 elements"), "{summary}");
    let expected = npy("'<f8'", true, "(1, 3)", &doubles([0.0, 0.75, 1.0]));
    assert_eq!(fs::read(folder.path("y.npy")).unwrap(), expected);
    if backends().contains(&"gpu") {
        let run = apply(&input, &folder.path("z.npy"), &["--preset", "pytorch", "--backend", "gpu"]);
        fails(&run, &["x.npy", "f64 elements, which a GPU does not compute", "--backend cpu"]);
    }
}

#[test]
fn auto_says_why_it_ran_on_the_cpu() {
    let folder = Folder::new();
    let summary = succeeds(&apply(Path::new(DIGITS), &folder.path("y.npy"), &["--preset", "onnx"]));
    assert!(summary.contains("cpu: ") && summary.contains("auto: fewer than 1048576 elements"), "{summary}");
    let large = folder.file("x.npy", &npy("'<f4'", false, "(1048576,)", &vec![0; 4 << 20]));
    let mut run = command();
    run.arg("apply").arg(large).arg(folder.path("z.npy")).args(["--preset", "onnx"]);
    let run = run.env("WGPU_ADAPTER_NAME", "no such adapter").output().unwrap();
    let summary = succeeds(&run);
    assert!(summary.contains("cpu: ") && summary.contains("auto: no hardware GPU"), "{summary}");
}

/// Headers that NumPy has written or reads, but would not write today; the output's is one that it writes.
#[test]
fn unusual_headers_are_read_and_written_as_numpy_does() {
    let folder = Folder::new();
    let data = floats(&[0.0; 6]);
    for shape in ["(2L, 3L)", "[2, 3]", "(2, 3), 'extra': 1", "(02, 3)"] {
        let text = format!("{{'shape': {shape}, 'fortran_order': False, 'descr': '<f4'}}\n");
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((text.len() as u16).to_le_bytes());
        file.extend(text.as_bytes());
        file.extend(&data);
        let input = folder.file("x.npy", &file);
        let run = apply(&input, &folder.path("y.npy"), &["--preset", "onnx", "--force", "--quiet"]);
        succeeds(&run);
        let mut expected = b"\x93NUMPY\x02\x00\x74\x00\x00\x00".to_vec();
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
        expected.extend(format!("{text:115}\n").as_bytes());
        expected.extend(floats(&[0.5; 6]));
        assert_eq!(fs::read(folder.path("y.npy")).unwrap(), expected, "{shape}");
    }
}

/// A signal, a limit for the file's size, and no more threads: an error, or the work done all the same.
#[test]
fn validate_prints_one_object_and_finds_nothing() {
    for backend in backends() {
        let adapter = if backend == "cpu" { "cpu" } else { "" };
        let run = command().args(["validate", "--json", "--preset", "pytorch", "--adapter", adapter]).output().unwrap();
        assert!(run.status.success());
        let report: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
        for (key, value) in
            [("mismatches", 0.0), ("flushed", 0.0), ("max_ulp", 1.0), ("alpha", 1.0 / 6.0), ("beta", 0.5)]
        {
            assert_eq!(report[key].as_f64(), Some(value), "{key} {report}");
        }
        assert_eq!(report["preset"], "pytorch");
        assert!(
            report["checked"].as_u64() > Some(1 << 24) && report["nan_checked"].as_u64() > Some(1 << 16),
            "{report}"
        );
        assert!(report["max_abs_error"].as_f64() < Some(8.4e-8) && report["seconds"].as_f64() > Some(0.0), "{report}");
        assert!(["adapter", "backend", "driver"].iter().all(|key| report[key].is_string()), "{report}");
    }
    for element in ["f16", "bf16"] {
        let mut run = command();
        run.args(["validate", "--json", "--preset", "onnx", "--adapter", "cpu", "--element", element]);
        let report: serde_json::Value = serde_json::from_slice(&run.output().unwrap().stdout).unwrap();
        assert_eq!((&report["element"], &report["checked"]), (&element.into(), &65_536.into()));
    }
    let mut run = command();
    run.args(["validate", "--backward", "--json", "--preset", "onnx", "--adapter", "cpu", "--element", "bf16"]);
    let lines = String::from_utf8(run.output().unwrap().stdout).unwrap();
    let reports = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let passes: Vec<_> = reports
        .map(|report| {
            assert_eq!((report["checked"].as_u64(), report["mismatches"].as_u64()), (Some(65_536), Some(0)));
            report["pass"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(passes, ["backward", "backward from output"]);
    // Both presets, for people; any pair, too.
    let run = command().args(["validate", "--adapter", "cpu"]).output().unwrap();
    let text = String::from_utf8(run.stdout).unwrap();
    assert!(text.contains("the CPU path, onnx, f32:") && text.contains("the CPU path, pytorch, f32:"), "{text}");
    let run = command().args(["validate", "--adapter", "cpu", "--alpha", "-3", "--beta", "0.7"]).output().unwrap();
    assert!(run.status.success());
    fails(&command().args(["validate", "--adapter", "no such"]).output().unwrap(), &["no GPU adapter", "\"no such\""]);
}

#[test]
fn bench_measures_what_it_says_and_gives_a_verdict() {
    for backend in backends() {
        let adapter: &[&str] = if backend == "cpu" { &["--adapter", "cpu"] } else { &[] };
        let run = command().args(["bench", "--json", "--elements", "1", "1000"]).args(adapter).output().unwrap();
        assert!(run.status.success(), "{run:?}");
        let report: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
        let results = report["results"].as_array().unwrap();
        let of_gpu = ["kernel", "copy", "round_trip", "naive_round_trip"];
        let cases: Vec<_> = if backend == "cpu" { vec![] } else { of_gpu.to_vec() };
        for case in cases.into_iter().chain(["cpu", "memcpy"]) {
            for (element, elements, bytes) in
                [("f32", 1, 8), ("f32", 1000, 8000), ("f16", 1000, 4000), ("bf16", 1000, 4000)]
            {
                let is =
                    |r: &&serde_json::Value| r["case"] == case && r["element"] == element && r["elements"] == elements;
                let found: Vec<_> = results.iter().filter(is).collect();
                assert_eq!(found.len(), 1, "{case} {element} {elements}");
                assert_eq!(found[0]["bytes"], bytes, "{case} {element} {elements}");
                let (seconds, speed) = (found[0]["seconds"].as_f64().unwrap(), found[0]["gb_per_s"].as_f64().unwrap());
                assert!(seconds > 0.0 && (speed * seconds * 1e9 / f64::from(bytes) - 1.0).abs() < 1e-6, "{found:?}");
            }
        }
        assert!(report["threads"].as_u64() > Some(0) && report["adapter"].is_string() && report["driver"].is_string());
        let verdict = report["verdict"].as_str().unwrap();
        assert!(
            verdict.contains(if backend == "cpu" { "CPU path" } else { "starts and ends on the host" }),
            "{verdict}"
        );
    }
    let run = command().args(["bench", "--adapter", "cpu", "--elements", "0"]).output().unwrap();
    fails(&run, &["--elements 0", "from 1 to 2^28"]);
}

/// In a mount namespace of its own: a small tmpfs runs full, and a read-only one cannot be written to even by root.
/// 300 MiB through every backend: the most memory the process ever held, as the kernel counts it.
#[test]
fn memory_does_not_grow_with_the_file() {
    let folder = Folder::new();
    let elements = 300 << 18;
    let input = folder.path("x.npy");
    let mut file = File::create(&input).unwrap();
    let header = npy("'<f4'", false, &format!("({elements},)"), &[]);
    file.write_all(&header).unwrap();
    file.set_len((header.len() + elements * 4) as u64).unwrap();
    for backend in backends() {
        let output = folder.path("y.npy");
        let mut child = command()
            .args(["apply", "--preset", "pytorch", "--force", "--quiet", "--backend", backend])
            .args([&input, &output])
            .spawn()
            .unwrap();
        let status = format!("/proc/{}/status", child.id());
        let mut peak = 0;
        let code = loop {
            if let Some(line) = fs::read_to_string(&status).unwrap_or_default().lines().find(|l| l.starts_with("VmHWM"))
            {
                peak = peak.max(line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap());
            }
            if let Some(code) = child.try_wait().unwrap() {
                break code;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        };
        assert!(code.success());
        assert!((1..512 << 10).contains(&peak), "{backend}: {peak} KiB");
        assert_eq!(fs::metadata(&output).unwrap().len(), fs::metadata(&input).unwrap().len());
        let tail = fs::read(&output).unwrap();
        assert_eq!(tail[tail.len() - 4..], 0.5_f32.to_le_bytes());
    }
}
