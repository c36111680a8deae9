//! Tests of the `hard-sigmoid` command, and what they share.

#![cfg_attr(not(target_os = "linux"), allow(unused_imports, dead_code, reason = "some tests need Linux"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "tests")]

mod adapters;
mod apply;
mod backward;
mod batch;
mod bench;
#[cfg(target_os = "linux")]
mod console;
#[cfg(target_os = "linux")]
mod help;
mod index;
mod invalid;
mod log;
mod npz;
#[cfg(target_os = "linux")]
mod output;
#[cfg(target_os = "linux")]
mod pipes;
mod plot;
mod report;
mod safetensors;
#[cfg(target_os = "linux")]
mod shell;
mod stats;
mod systems;
mod validate;

use std::fs::{self, File};
use std::io::Write;
#[cfg(target_os = "linux")]
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const DIGITS: &str = "../../tests/data/digits.npy";

/// A temporary folder.
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

    /// Creates a sparse `.npy` file of f32.
    fn zeros(&self, elements: usize) -> PathBuf {
        let header = npy("'<f4'", false, &format!("({elements},)"), &[]);
        let path = self.file("x.npy", &header);
        File::options().write(true).open(&path).unwrap().set_len((header.len() + elements * 4) as u64).unwrap();
        path
    }

    /// The names of its files, including hidden ones.
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

/// The command, which these signals end even where tests are run in the background, for which shells ignore SIGINT.
#[cfg(target_os = "linux")]
fn interruptible() -> Command {
    let mut env = Command::new("env");
    env.args(["--default-signal=INT,TERM,HUP", env!("CARGO_BIN_EXE_hard-sigmoid")]);
    env
}

/// The command, which fails if it waits for a pipe for half a minute.
fn impatient() -> Command {
    // Other systems have no `timeout`.
    if !cfg!(target_os = "linux") {
        return command();
    }
    let mut timeout = Command::new("timeout");
    timeout.args(["-s", "KILL", "30", env!("CARGO_BIN_EXE_hard-sigmoid")]);
    timeout
}

/// Returns the JSON objects that the command prints, one to a line.
#[track_caller]
fn json(arguments: &[&str]) -> Vec<serde_json::Value> {
    objects(command().args(arguments).arg("--json").output().unwrap())
}

#[track_caller]
fn objects(run: Output) -> Vec<serde_json::Value> {
    assert!(run.status.success(), "{run:?}");
    String::from_utf8(run.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn apply(input: &Path, output: &Path, options: &[&str]) -> Output {
    command().arg("apply").args([input, output]).args(options).output().unwrap()
}

/// Runs a command to its end, and returns the most memory that it had resident, in KiB.
#[track_caller]
fn peak_memory(command: &mut Command) -> u64 {
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        let status = fs::read_to_string(&status).unwrap_or_default();
        if let Some(line) = status.lines().find(|line| line.starts_with("VmHWM")) {
            peak = peak.max(line.split_whitespace().nth(1).unwrap().parse().unwrap());
        }
        if let Some(code) = child.try_wait().unwrap() {
            assert!(code.success(), "{code}");
            return peak;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Expects exit code 0, and returns what the command wrote to stderr.
#[track_caller]
fn succeeds(run: &Output) -> String {
    let stderr = String::from_utf8(run.stderr.clone()).unwrap();
    assert!(run.status.success(), "{:?} {stderr}", run.status);
    assert_eq!(run.stdout, b"");
    // Drivers write to stderr, too.
    stderr.lines().filter(|line| line.starts_with("hard-sigmoid: ")).collect()
}

/// Expects exit code 1 and one line on stderr that contains each of `parts`.
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

/// Expects the end by a signal and one line on stderr that contains `part`.
#[cfg(target_os = "linux")]
#[track_caller]
fn stopped(run: &Output, signal: i32, part: &str) {
    let stderr = String::from_utf8(run.stderr.clone()).unwrap();
    let lines: Vec<_> = stderr.lines().filter(|line| line.starts_with("hard-sigmoid: ")).collect();
    assert_eq!((run.status.signal(), lines.len()), (Some(signal), 1), "{stderr}");
    assert!(lines[0].contains(part), "{part:?} is not in {stderr}");
}

/// Expects exit code 2 and a message on stderr that contains each of `parts`.
#[track_caller]
fn misused(run: &Output, parts: &[&str]) {
    let stderr = String::from_utf8(run.stderr.clone()).unwrap();
    assert_eq!(run.status.code(), Some(2), "{stderr}");
    for part in parts {
        assert!(stderr.contains(part), "{part:?} is not in {stderr}");
    }
}

/// Runs a command with `input` on its stdin.
fn with_stdin(command: &mut Command, input: Vec<u8>) -> Output {
    let run = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = run.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // It may end before it has read everything.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let run = child.wait_with_output().unwrap();
    writer.join().unwrap();
    run
}

/// Returns a `.npy` file of version 1.0.
fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let mut text = format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}");
    text.push_str(&" ".repeat((64 - (11 + text.len()) % 64) % 64));
    npy_with_header(&format!("{text}\n"), data)
}

fn npy_with_header(text: &str, data: &[u8]) -> Vec<u8> {
    [b"\x93NUMPY\x01\x00", &(text.len() as u16).to_le_bytes()[..], text.as_bytes(), data].concat()
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// The backends of this machine. Without `HARD_SIGMOID_REQUIRE`, a machine without a GPU adapter skips the GPU with a
/// warning.
fn backends() -> Vec<&'static str> {
    let any = command().arg("adapters").output().unwrap().status.success();
    if !any && std::env::var("HARD_SIGMOID_REQUIRE").unwrap_or_default().is_empty() {
        eprintln!("WARNING: no GPU adapter on this machine: `--backend gpu` IS NOT TESTED. scripts/test installs one.");
        return vec!["cpu"];
    }
    vec!["cpu", "gpu"]
}
