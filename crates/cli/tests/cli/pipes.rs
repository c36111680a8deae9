//! `-`, FIFOs and other pipes, as inputs and as outputs.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::output::{has_namespaces, in_namespace};
use super::safetensors::{file, tensors};
use super::{DIGITS, Folder, apply, backends, command, fails, floats, misused, npy, peak_memory, succeeds, with_stdin};

const STREAM: [&str; 5] = ["apply", "-", "-", "--preset", "pytorch"];

#[test]
fn stdin_and_stdout_give_the_same_bytes_as_files() {
    let folder = Folder::new();
    // More than is computed at a time.
    let x: Vec<f32> = (0..5_000_011).map(|i| (i % 1009) as f32 / 100.0 - 5.0).collect();
    let array = npy("'<f4'", false, "(5000011,)", &floats(&x));
    let (header, data, _) = tensors(&[]);
    for bytes in [fs::read(DIGITS).unwrap(), array, file(&header, &data)] {
        let input = folder.file("x", &bytes);
        succeeds(&apply(&input, &folder.path("y"), &["--preset", "pytorch", "--force", "--quiet"]));
        let expected = fs::read(folder.path("y")).unwrap();
        for backend in backends() {
            // f64 tensors are for the CPU.
            let options = ["--backend", if expected.starts_with(b"\x93NUMPY") { backend } else { "cpu" }];
            let run = with_stdin(command().current_dir(folder.0.path()).args(STREAM).args(options), bytes.clone());
            assert!(run.status.success(), "{:?}", String::from_utf8_lossy(&run.stderr));
            assert!(run.stdout == expected, "{backend}");
            assert!(String::from_utf8_lossy(&run.stderr).contains(" elements"), "the summary is on stderr");
        }
    }
    assert_eq!(folder.names(), ["x", "y"]);
    // A file of that name.
    let run =
        command().current_dir(folder.0.path()).args(["apply", "x", "./-", "--preset", "onnx", "--quiet"]).output();
    succeeds(&run.unwrap());
    assert_eq!(folder.names(), ["-", "x", "y"]);
}

#[test]
fn fifos_and_dev_stdin_are_read_and_fifos_are_written() {
    let folder = Folder::new();
    let expected = fs::read("../../tests/data/digits_pytorch.npy").unwrap().len();
    succeeds(&apply(Path::new(DIGITS), &folder.path("y.npy"), &["--preset", "pytorch"]));
    let y = fs::read(folder.path("y.npy")).unwrap();
    assert_eq!(y.len(), expected);
    let script = r#"cd "$2" && mkfifo in out && {
            cat "$1" > in & cat out > fifo.npy & "$0" apply in out --preset pytorch --quiet; wait
        } &&
        "$0" apply /dev/stdin stdin.npy --preset pytorch --quiet < "$1" &&
        cat "$1" | "$0" apply /dev/stdin piped.npy --preset pytorch --quiet &&
        "$0" apply <(cat "$1") >(cat > substituted.npy) --preset pytorch --quiet"#;
    let digits = fs::canonicalize(DIGITS).unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_hard-sigmoid"));
    let run = Command::new("bash").args(["-c", script]).args([binary, &digits, folder.0.path()]).output().unwrap();
    succeeds(&run);
    // bash does not wait for the last one.
    let started = Instant::now();
    while fs::metadata(folder.path("substituted.npy")).map_or(0, |file| file.len()) < y.len() as u64 {
        assert!(started.elapsed() < Duration::from_secs(20), "no output");
        std::thread::sleep(Duration::from_millis(10));
    }
    for name in ["fifo.npy", "stdin.npy", "piped.npy", "substituted.npy"] {
        assert!(fs::read(folder.path(name)).unwrap() == y, "{name}");
    }
}

#[test]
fn stats_and_backward_read_stdin() {
    let digits = fs::read(DIGITS).unwrap();
    let run = with_stdin(command().args(["stats", "-", "--preset", "onnx", "--json"]), digits.clone());
    let json: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!((&json["file"], &json["elements"]), (&"-".into(), &57504.into()));
    let arguments = ["backward", "-", DIGITS, "-", "--preset", "onnx", "--quiet"];
    let run = with_stdin(command().args(arguments), digits.clone());
    assert!(run.status.success());
    let folder = Folder::new();
    let mut of_files = command();
    of_files.args(["backward", DIGITS, DIGITS]).arg(folder.path("y.npy")).args(["--preset", "onnx", "--quiet"]);
    succeeds(&of_files.output().unwrap());
    assert!(run.stdout == fs::read(folder.path("y.npy")).unwrap());
    let both = with_stdin(command().args(["backward", "-", "-", "y.npy", "--preset", "onnx"]), digits);
    misused(&both, &["stdin cannot be both X and GRAD", "hard-sigmoid backward"]);
}

/// The size of a pipe is not known before its end.
#[test]
fn bad_pipes_are_refused_and_leave_nothing() {
    let folder = Folder::new();
    let data = floats(&[0.0; 300]);
    let cases: [(Vec<u8>, &[&str]); 7] = [
        (vec![], &["is empty"]),
        (npy("'<f4'", false, "(301,)", &data), &["truncated", "ends within its data"]),
        (npy("'<f4'", false, "(299,)", &data), &["goes on after its data"]),
        (npy("'<i4'", false, "(300,)", &data), &["dtype '<i4'", "astype"]),
        (npy("'<f4'", false, "(1000000000000000000,)", &data), &["truncated"]),
        // A header of 99 MB that is not there.
        ([&99_000_000_u64.to_le_bytes()[..], b"{\"a\":"].concat(), &["not a valid .safetensors file"]),
        (b"PK\x03\x04\x14\0\0\0\0\0\0\0\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\x05\0\0\0a.npy".to_vec(), &[".npz", "as a file"]),
    ];
    for (bytes, parts) in cases {
        let output = folder.path("y.npy");
        let run = with_stdin(command().args(["apply", "-"]).arg(&output).args(["--preset", "onnx"]), bytes.clone());
        fails(&run, parts);
        fails(&run, &["stdin: "]);
        assert_eq!(folder.names(), [""; 0]);
        // What cannot be computed is not begun. What ends too early is.
        let run = with_stdin(command().args(STREAM), bytes);
        assert_eq!(run.status.code(), Some(1));
        assert_eq!(run.stdout.is_empty(), !parts.contains(&"truncated") && !parts.contains(&"goes on after its data"));
    }
}

#[test]
fn memory_does_not_grow_with_what_a_pipe_claims_or_holds() {
    let folder = Folder::new();
    let header = npy("'<f4'", false, "(78643200,)", &[]);
    let claim = folder.file("claim", &npy("'<f4'", false, "(1000000000000,)", &[0; 4096]));
    let claims = folder.file("claims", &[&99_000_000_u64.to_le_bytes()[..], b"{\"a\":"].concat());
    let header = folder.file("header", &header);
    let binary = env!("CARGO_BIN_EXE_hard-sigmoid");
    for (name, script, ends_well) in [
        ("300 MiB", format!("cat {} <(head -c 314572800 /dev/zero)", header.display()), true),
        ("a claimed array", format!("cat {}", claim.display()), false),
        ("a claimed header", format!("cat {}", claims.display()), false),
        ("no end", "cat /dev/zero".to_owned(), false),
    ] {
        let expect = if ends_well { "" } else { "!" };
        // exec, so that the process is the command itself.
        let script = format!("exec {binary} apply - - --preset onnx --backend cpu < <({script}) > /dev/null");
        let mut run = Command::new("bash");
        run.args(["-c", &script]);
        if ends_well {
            let peak = peak_memory(&mut run);
            assert!((1..64 << 10).contains(&peak), "{name}: {peak} KiB");
        } else {
            // Far below what is claimed.
            let limited = format!("ulimit -v 600000; {expect} ( {script} )");
            let run = Command::new("bash").args(["-c", &limited]).output().unwrap();
            assert!(run.status.success(), "{name}: {:?}", String::from_utf8_lossy(&run.stderr));
            let stderr = String::from_utf8_lossy(&run.stderr);
            assert!(stderr.contains("hard-sigmoid: stdin: ") && !stderr.contains("memory"), "{name}: {stderr}");
        }
    }
}

#[test]
fn a_reader_that_leaves_is_an_error_of_one_line() {
    let mut run = command();
    let run = run.args(STREAM).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = run.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(&npy("'<f4'", false, "(40000000,)", &[]));
        while stdin.write_all(&[0; 1 << 16]).is_ok() {}
    });
    child.stdout.take().unwrap().read_exact(&mut [0; 200]).unwrap();
    writer.join().unwrap();
    fails(&child.wait_with_output().unwrap(), &["stdout", "Broken pipe"]);
}

/// The first signal ends a command that waits for the reader of its output.
#[test]
fn a_signal_ends_the_wait_for_a_reader() {
    let folder = Folder::new();
    let input = folder.zeros(1 << 22);
    let mut run = command();
    let run = run.arg("apply").arg(input).args(["-", "--preset", "onnx"]).stdout(Stdio::piped());
    let mut child = run.spawn().unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0; 200]).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    interrupt(child);
}

/// Ends a process by a signal, of which it must die soon. Not SIGINT, which a shell has ignored in the background.
#[track_caller]
fn interrupt(mut child: Child) {
    assert!(Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status().unwrap().success());
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(started.elapsed() < Duration::from_secs(20), "still waiting");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(child.wait().unwrap().signal(), Some(15));
}

/// The first signal ends a command that waits for a pipe.
#[test]
fn a_signal_ends_the_wait_for_a_pipe_and_leaves_nothing() {
    let folder = Folder::new();
    let begin = |run: &mut Command, is_named: bool| {
        let mut child = run.stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&npy("'<f4'", false, "(40000000,)", &[0; 4096])).unwrap();
        let started = Instant::now();
        while is_named && folder.names().iter().all(|name| !name.starts_with(".hard-sigmoid-")) {
            assert!(started.elapsed() < Duration::from_secs(60), "no temporary file");
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_millis(300));
        interrupt(child);
        drop(stdin);
        assert_eq!(folder.names(), [""; 0]);
    };
    begin(command().arg("apply").arg("-").arg(folder.path("y.npy")).args(["--preset", "onnx"]), false);
    if has_namespaces() {
        // Without /proc, the output has a name from the beginning, as on other systems and on simpler disks.
        let script = r#"mount -t tmpfs tmpfs /proc && exec "$0" "$@""#;
        begin(
            in_namespace(script).args(["plot", "--preset", "onnx", "--histogram", "-"]).arg(folder.path("y.svg")),
            true,
        );
        begin(in_namespace(script).args(["apply", "--preset", "onnx", "-"]).arg(folder.path("y.npy")), true);
    }
}

#[test]
fn binary_data_does_not_go_to_a_terminal() {
    let run = |command: &str| {
        let command = format!("{} {command}", env!("CARGO_BIN_EXE_hard-sigmoid"));
        let mut script = Command::new("script");
        let run = script.args(["--quiet", "--return", "--command", &command, "/dev/null"]).stdin(Stdio::null());
        let run = run.output().unwrap();
        (run.status.code(), String::from_utf8_lossy(&run.stdout).into_owned())
    };
    let (code, text) = run(&format!("apply {DIGITS} - --preset onnx"));
    assert!(code == Some(1) && text.contains("stdout: is a terminal") && text.contains("redirect it"), "{text}");
    let (code, text) = run("apply - y.npy --preset onnx");
    assert!(code == Some(1) && text.contains("stdin: is a terminal") && text.contains("redirect it"), "{text}");
    assert!(File::open("y.npy").is_err());
}
