//! The `hard-sigmoid` command, as a user runs it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "tests")]

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
    assert!(succeeds(&run).contains("3 f64 elements"));
    let expected = npy("'<f8'", true, "(1, 3)", &doubles([0.0, 0.75, 1.0]));
    assert_eq!(fs::read(folder.path("y.npy")).unwrap(), expected);
    if backends().contains(&"gpu") {
        let run = apply(&input, &folder.path("z.npy"), &["--preset", "pytorch", "--backend", "gpu"]);
        fails(&run, &["x.npy", "a GPU does not compute f64", "CPU path"]);
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

#[test]
fn bad_files_are_refused_and_nothing_is_left() {
    let bad: Vec<(&str, Vec<u8>, &[&str])> = vec![
        ("empty", vec![], &["not a .npy file", "numpy.save"]),
        ("text", b"x,y\n1,2\n3,4\n".to_vec(), &["not a .npy file", "numpy.save"]),
        ("header cut", npy("'<f4'", false, "(2,)", &[])[..40].to_vec(), &["not a .npy file", "within the header"]),
        ("version", b"\x93NUMPY\x09\x00\x10\x00".to_vec(), &["version"]),
        ("header of 4 GiB", b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(), &["claims a header of 4294967295 bytes"]),
        ("header no dict", [b"\x93NUMPY\x01\x00\x04\x00".as_slice(), b"spam"].concat(), &["not a valid .npy"]),
        ("header of brackets", [b"\x93NUMPY\x01\x00\x00\x10".as_slice(), &[b'('; 4096]].concat(), &["brackets"]),
        ("no shape", npy("'<f4'}", false, "(2,)", &[]), &["not a valid .npy"]),
        ("negative shape", npy("'<f4'", false, "(-2,)", &[]), &["not a valid .npy"]),
        ("float128", npy("'<f16'", false, "(1,)", &[0; 16]), &["dtype '<f16'", "astype('<f4')"]),
        ("float64 cut", npy("'<f8'", false, "(2,)", &[0; 8]), &["truncated", "needs 16 bytes", "holds 8"]),
        ("int32", npy("'<i4'", false, "(1,)", &[0; 4]), &["dtype '<i4'", "astype('<f4')"]),
        ("big-endian", npy("'>f4'", false, "(1,)", &[0; 4]), &["dtype '>f4'", "astype('<f4')"]),
        ("record", npy("[('a', '<f4'), ('b', '<f4')]", false, "(1,)", &[0; 8]), &["dtype [('a'", "astype"]),
        ("objects", npy("'|O'", false, "(1,)", &[0; 8]), &["dtype '|O'", "astype"]),
        ("truncated", npy("'<f4'", false, "(3,)", &[0; 11]), &["truncated", "needs 12 bytes", "holds 11"]),
        ("no data", npy("'<f4'", false, "(1000000000000,)", &[]), &["truncated", "needs 4000000000000 bytes"]),
        ("overflow", npy("'<f4'", false, "(4294967296, 4294967296)", &[0; 4]), &["truncated", "over 2^64"]),
        ("empty, with data", npy("'<f4'", false, "(4294967296, 4294967296, 0)", &[0; 4]), &["has 4 bytes behind"]),
        ("overflow to 0", npy("'<f4'", false, "(4611686018427387904,)", &[]), &["truncated", "over 2^64"]),
        ("trailing", npy("'<f4'", false, "(3,)", &[0; 14]), &["has 2 bytes behind its data"]),
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

#[test]
fn bad_input_paths_are_refused() {
    let folder = Folder::new();
    let output = folder.path("y.npy");
    fails(&apply(&folder.path("missing.npy"), &output, &["--preset", "onnx"]), &["missing.npy", "No such file"]);
    fails(&apply(folder.0.path(), &output, &["--preset", "onnx"]), &["not a regular file"]);
    fails(&apply(Path::new("/dev/zero"), &output, &["--preset", "onnx"]), &["/dev/zero", "not a regular file"]);
    let fifo = folder.path("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    fails(&apply(&fifo, &output, &["--preset", "onnx"]), &["fifo", "not a regular file"]);
    assert_eq!(folder.names(), ["fifo"]);
}

#[test]
fn an_output_is_not_overwritten_unasked() {
    let folder = Folder::new();
    let input = folder.file("x.npy", &npy("'<f4'", false, "(2,)", &floats(&[0.0, 9.0])));
    let output = folder.file("y.npy", b"precious");
    fails(&apply(&input, &output, &["--preset", "onnx"]), &["y.npy", "exists", "--force"]);
    assert_eq!(fs::read(&output).unwrap(), b"precious");
    succeeds(&apply(&input, &output, &["--preset", "onnx", "--force"]));
    assert_eq!(fs::read(&output).unwrap(), npy("'<f4'", false, "(2,)", &floats(&[0.5, 1.0])));
    assert_eq!(folder.names(), ["x.npy", "y.npy"]);
}

#[test]
fn an_output_that_is_the_input_or_no_file_is_refused() {
    let folder = Folder::new();
    let bytes = npy("'<f4'", false, "(2,)", &[0; 8]);
    let input = folder.file("x.npy", &bytes);
    let refused = |output: &Path, part: &str| {
        fails(&apply(&input, output, &["--preset", "onnx", "--force"]), &[part]);
        assert_eq!(fs::read(&input).unwrap(), bytes);
    };
    fs::hard_link(&input, folder.path("hard.npy")).unwrap();
    std::os::unix::fs::symlink(&input, folder.path("soft.npy")).unwrap();
    std::os::unix::fs::symlink(folder.path("nowhere"), folder.path("dangling.npy")).unwrap();
    refused(&input, "is the input");
    refused(&folder.path("hard.npy"), "is the input");
    refused(&folder.path("soft.npy"), "is a symbolic link");
    refused(&folder.path("dangling.npy"), "is a symbolic link");
    assert!(Command::new("mkfifo").arg(folder.path("fifo")).status().unwrap().success());
    refused(&folder.path("fifo"), "not a regular file");
    refused(folder.0.path(), "not a regular file");
    refused(Path::new("/dev/full"), "not a regular file");
    refused(Path::new("/dev/null"), "not a regular file");
    refused(&folder.path("no/such/folder/y.npy"), "No such file");
    refused(&folder.path("x.npy/y.npy"), "cannot be written: Not a directory");
    refused(&folder.path(&"n".repeat(300)), "a shorter name");
    assert_eq!(folder.names(), ["dangling.npy", "fifo", "hard.npy", "soft.npy", "x.npy"]);
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
fn signals_and_limits_leave_nothing_behind() {
    let folder = Folder::new();
    let input = folder.path("x.npy");
    let header = npy("'<f4'", false, "(268435456,)", &[]);
    File::create(&input).unwrap().write_all(&header).unwrap();
    File::options().write(true).open(&input).unwrap().set_len((header.len() + (1 << 30)) as u64).unwrap();
    for signal in ["INT", "TERM", "HUP"] {
        let mut run = command();
        let run = run.arg("apply").args([&input, &folder.path("y.npy")]).args(["--preset", "onnx", "--backend", "cpu"]);
        let child = run.stderr(std::process::Stdio::piped()).spawn().unwrap();
        // Once it is under way.
        while folder.names().len() < 2 {
            std::thread::yield_now();
        }
        assert!(Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap().success());
        fails(&child.wait_with_output().unwrap(), &["stopped by a signal"]);
        assert_eq!(folder.names(), ["x.npy"], "{signal}");
    }
    let sh = |script: &str| {
        let mut run = Command::new("sh");
        run.args(["-c", script, env!("CARGO_BIN_EXE_hard-sigmoid")]).args([&input, &folder.path("y.npy")]);
        run.output().unwrap()
    };
    let run = "\"$0\" apply \"$1\" \"$2\" --preset onnx --backend cpu";
    fails(&sh(&format!("ulimit -f 100; {run}")), &["y.npy", "File too large", "ulimit -f"]);
    assert_eq!(folder.names(), ["x.npy"]);
}

#[test]
fn a_stderr_that_cannot_be_written_changes_nothing() {
    let folder = Folder::new();
    let mut run = command();
    run.args(["apply", DIGITS]).arg(folder.path("y.npy")).args(["--preset", "onnx"]);
    let full = || File::options().write(true).open("/dev/full").unwrap();
    assert_eq!(run.stderr(full()).status().unwrap().code(), Some(0));
    assert_eq!(run.stderr(full()).status().unwrap().code(), Some(1));
    let mut list = command();
    let list = list.arg("validate").args(["--preset", "onnx", "--adapter", "cpu"]).stdout(full()).output().unwrap();
    fails(&list, &["stdout cannot be written"]);
}

#[test]
fn messages_are_one_line_of_printable_text() {
    let folder = Folder::new();
    let run = apply(&folder.path("a\n\x1b[31mb"), &folder.path("y.npy"), &["--preset", "onnx"]);
    fails(&run, &["a\\n\\u{1b}[31mb: cannot be read: No such file", "give a file that exists"]);
    let text = "{'descr': '<f4', \x1b[31m\n";
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((text.len() as u16).to_le_bytes());
    file.extend(text.as_bytes());
    let run = apply(&folder.file("x.npy", &file), &folder.path("y.npy"), &["--preset", "onnx"]);
    fails(&run, &["x.npy: is not a valid .npy file: could not parse Python expression"]);
    assert!(!run.stderr.contains(&0x1b));
}

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
    // Both presets, for people; any pair, too.
    let run = command().args(["validate", "--adapter", "cpu"]).output().unwrap();
    let text = String::from_utf8(run.stdout).unwrap();
    assert!(text.contains("the CPU path, onnx, f32:") && text.contains("the CPU path, pytorch, f32:"), "{text}");
    let run = command().args(["validate", "--adapter", "cpu", "--alpha", "-3", "--beta", "0.7"]).output().unwrap();
    assert!(run.status.success());
    fails(&command().args(["validate", "--adapter", "no such"]).output().unwrap(), &["no GPU adapter", "\"no such\""]);
}

/// In a mount namespace of its own: a small tmpfs runs full, and a read-only one cannot be written to even by root.
#[test]
fn a_full_disk_and_a_read_only_folder_are_reported() {
    let unshare = ["--map-root-user", "--mount"];
    let allowed = Command::new("unshare").args(unshare).args(["mount", "-t", "tmpfs", "tmpfs", "/mnt"]).status();
    if !allowed.is_ok_and(|status| status.success()) && std::env::var_os("CI").is_none() {
        eprintln!("WARNING: no mount namespaces for this user: A FULL DISK IS NOT TESTED. CI requires them.");
        return;
    }
    let folder = Folder::new();
    let input = folder.file("x.npy", &npy("'<f4'", false, "(1048576,)", &vec![0; 4 << 20]));
    for (options, parts) in
        [("size=1m", &["y.npy", "No space left", "free some space"]), ("ro", &["y.npy", "Read-only", "folder"])]
    {
        let mounted = folder.path("mounted");
        fs::create_dir_all(&mounted).unwrap();
        let script = r#"mount -t tmpfs -o "$1" tmpfs "$2" && "$3" apply "$4" "$2/y.npy" --preset onnx; code=$?; ls -A "$2"; exit $code"#;
        let run = Command::new("unshare")
            .args(unshare)
            .args(["sh", "-c", script, "sh", options])
            .args([&mounted, Path::new(env!("CARGO_BIN_EXE_hard-sigmoid")), &input])
            .output()
            .unwrap();
        fails(&run, parts);
        assert_eq!(String::from_utf8(run.stdout).unwrap(), "", "left behind");
    }
}

#[test]
fn no_adapter_is_an_error_with_a_remedy() {
    let folder = Folder::new();
    let output = folder.path("y.npy");
    for (variable, value, part) in
        [("WGPU_BACKEND", "dx12", "mesa-vulkan-drivers"), ("WGPU_ADAPTER_NAME", "no such", "\"no such\"")]
    {
        let mut run = command();
        run.args(["apply", DIGITS]).arg(&output).args(["--preset", "onnx", "--backend", "gpu"]);
        fails(&run.env(variable, value).output().unwrap(), &["no GPU adapter", part, "CPU path"]);
    }
    assert_eq!(folder.names(), [""; 0]);
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
        (&["--alpha", "-1e-50", "--beta", "0.5"], "outside the normal f32 numbers"),
        (&["--preset", "onnx", "--backend", "tpu"], "auto, gpu, cpu"),
    ];
    for (options, part) in cases {
        let run = apply(Path::new(DIGITS), &output, options);
        let stderr = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(part), "{part} is not in {stderr}");
    }
    assert_eq!(folder.names(), [""; 0]);
}

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
