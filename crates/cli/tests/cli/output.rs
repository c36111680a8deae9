//! The output file: it is complete or absent, whatever happens.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::{DIGITS, Folder, apply, command, fails, floats, interruptible, npy, stopped, succeeds, with_stdin};

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
    // In a folder, the output has the name of the input.
    refused(folder.0.path(), "is the input");
    refused(Path::new("/dev/full"), "No space left");
    succeeds(&apply(&input, Path::new("/dev/null"), &["--preset", "onnx"]));
    refused(&folder.path("no/such/folder/y.npy"), "No such file");
    refused(&folder.path("x.npy/y.npy"), "cannot be written: Not a directory");
    refused(&folder.path(&"n".repeat(300)), "a shorter name");
    assert_eq!(folder.names(), ["dangling.npy", "hard.npy", "soft.npy", "x.npy"]);
}

#[test]
fn a_folder_takes_the_output_under_the_name_of_the_input() {
    let folder = Folder::new();
    let target = folder.path("target");
    fs::create_dir(&target).unwrap();
    succeeds(&apply(Path::new(DIGITS), &target, &["--preset", "onnx"]));
    fails(&apply(Path::new(DIGITS), &target, &["--preset", "onnx"]), &["digits.npy: already exists: use --force"]);
    let piped = with_stdin(command().args(["apply", "-"]).arg(&target).args(["-p", "onnx"]), fs::read(DIGITS).unwrap());
    fails(&piped, &["is a folder"]);
    fails(&apply(Path::new("/dev/null"), &target, &["-p", "onnx"]), &["/dev/null: is empty"]);
    assert_eq!(fs::read_dir(&target).unwrap().count(), 1);
    fails(
        &apply(&target, &folder.path("y.npy"), &["-p", "onnx"]),
        &["is a folder: pass the files in it", "--output-dir"],
    );
}

/// What is written there would be lost: the standard library opens /dev/null in its place.
#[test]
fn a_closed_stdout_is_an_error() {
    let folder = Folder::new();
    let output = folder.path("y.npy");
    let run = |arguments: &str| {
        let line = format!("exec {} {arguments} >&-", env!("CARGO_BIN_EXE_hard-sigmoid"));
        Command::new("bash").args(["-c", &line]).output().unwrap()
    };
    for arguments in [
        &format!("apply {DIGITS} - -p onnx"),
        &format!("stats {DIGITS} -p onnx"),
        &format!("stats {DIGITS} -p onnx --json"),
        &format!("apply {DIGITS} {} -p onnx --json", output.display()),
        "plot",
        "adapters",
        "bench --adapter cpu",
        "report --adapter cpu",
        "validate --adapter cpu",
        &format!("apply {DIGITS} /dev/stdout -p onnx"),
        "--help",
        "apply --version",
    ] {
        fails(&run(arguments), &["stdout: is closed: redirect it to a file or a pipe"]);
    }
    assert!(!output.exists());
    succeeds(&run(&format!("apply {DIGITS} {} -p onnx", output.display())));
    // It cannot be written to.
    let line = format!("exec {} stats {DIGITS} -p onnx 1</dev/null", env!("CARGO_BIN_EXE_hard-sigmoid"));
    fails(&Command::new("bash").args(["-c", &line]).output().unwrap(), &["stdout: is closed"]);
    // A file that is /dev/null is not closed.
    let line = format!("exec {} stats {DIGITS} -p onnx 1<>/dev/null", env!("CARGO_BIN_EXE_hard-sigmoid"));
    succeeds(&Command::new("bash").args(["-c", &line]).output().unwrap());
}

#[test]
fn a_file_that_is_replaced_keeps_its_owner_and_its_other_names_are_mentioned() {
    use std::os::unix::fs::MetadataExt;
    let folder = Folder::new();
    let output = folder.file("y.npy", b"old");
    fs::hard_link(&output, folder.path("other.npy")).unwrap();
    let summary = succeeds(&apply(Path::new(DIGITS), &output, &["-p", "onnx", "-f"]));
    assert!(summary.contains("y.npy: has other names (hard links), which keep the old data"), "{summary}");
    assert_eq!(fs::read(folder.path("other.npy")).unwrap(), b"old");
    assert!(!succeeds(&apply(Path::new(DIGITS), &output, &["-p", "onnx", "-f"])).contains("hard links"));
    // Only root can give a file away.
    if std::os::unix::fs::chown(&output, Some(1234), Some(4321)).is_ok() {
        succeeds(&apply(Path::new(DIGITS), &output, &["-p", "onnx", "-f"]));
        let metadata = fs::metadata(&output).unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (1234, 4321));
    }
}

#[test]
fn an_output_named_like_another_format_is_refused() {
    let folder = Folder::new();
    let run = apply(Path::new(DIGITS), &folder.path("y.safetensors"), &["--preset", "onnx"]);
    fails(&run, &["y.safetensors", "like the input", "name it .npy"]);
    assert_eq!(folder.names(), [""; 0]);
}

/// Waits until a process has opened its temporary file.
fn await_temporary_file(child: &Child, folder: &Folder) {
    let files = PathBuf::from(format!("/proc/{}/fd", child.id()));
    let is_temporary = |entry: io::Result<fs::DirEntry>| {
        let file = entry.and_then(|entry| fs::read_link(entry.path())).unwrap_or_default();
        let name = file.to_string_lossy();
        let is_new = name.ends_with("(deleted)") || name.contains(".hard-sigmoid-");
        is_new && file.starts_with(folder.0.path().canonicalize().unwrap())
    };
    let started = Instant::now();
    while !fs::read_dir(&files).unwrap().any(is_temporary) {
        assert!(started.elapsed() < Duration::from_secs(60), "no temporary file");
        std::thread::yield_now();
    }
}

#[test]
fn signals_and_limits_leave_nothing_behind() {
    let folder = Folder::new();
    let input = folder.zeros(1 << 28);
    for (signal, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        let mut run = interruptible();
        let run = run.arg("apply").args([&input, &folder.path("y.npy")]).args(["--preset", "onnx", "--backend", "cpu"]);
        let child = run.stderr(std::process::Stdio::piped()).spawn().unwrap();
        await_temporary_file(&child, &folder);
        assert!(Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap().success());
        stopped(&child.wait_with_output().unwrap(), number, "stopped by a signal: nothing was written");
        assert_eq!(folder.names(), ["x.npy"], "{signal}");
    }
    // As `nohup` has it.
    let mut run = Command::new("sh");
    let run = run.args(["-c", r#"trap '' HUP; exec "$0" apply "$1" "$2" --preset onnx --backend cpu --quiet"#]);
    let run = run.args([command().get_program(), input.as_os_str(), folder.path("kept.npy").as_os_str()]);
    let mut child = run.spawn().unwrap();
    await_temporary_file(&child, &folder);
    assert!(Command::new("kill").args(["-s", "HUP", &child.id().to_string()]).status().unwrap().success());
    assert!(child.wait().unwrap().success());
    fs::remove_file(folder.path("kept.npy")).unwrap();
    let sh = |script: &str| {
        let mut run = Command::new("sh");
        run.args(["-c", script, env!("CARGO_BIN_EXE_hard-sigmoid")]).args([&input, &folder.path("y.npy")]);
        run.output().unwrap()
    };
    for run in ["\"$0\" apply \"$1\" \"$2\"", "cat \"$1\" | \"$0\" apply - \"$2\""] {
        let limited = sh(&format!("ulimit -f 100; {run} --preset onnx --backend cpu"));
        fails(&limited, &["y.npy", "File too large", "ulimit -f"]);
    }
    assert_eq!(folder.names(), ["x.npy"]);
}

/// SIGKILL cannot be handled.
#[test]
fn a_killed_process_leaves_the_old_output_and_nothing_else() {
    let folder = Folder::new();
    let input = folder.zeros(1 << 28);
    let output = folder.file("y.npy", b"precious");
    let mut run = command();
    let run = run.arg("apply").args([&input, &output]).args(["--preset", "onnx", "--backend", "cpu", "--force"]);
    let mut child = run.spawn().unwrap();
    await_temporary_file(&child, &folder);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(fs::read(&output).unwrap(), b"precious");
    assert_eq!(folder.names(), ["x.npy", "y.npy"]);
    let small = folder.file("small.npy", &npy("'<f4'", false, "(1,)", &floats(&[9.0])));
    succeeds(&apply(&small, &output, &["--preset", "onnx", "--force"]));
    assert_eq!(fs::read(&output).unwrap(), npy("'<f4'", false, "(1,)", &floats(&[1.0])));
}

/// The output is one of the two results. Without `--force`, the second process fails.
#[test]
fn two_processes_do_not_mix_their_outputs() {
    let folder = Folder::new();
    let len = 3_000_000;
    let shape = format!("({len},)");
    let whole = |y: f32| npy("'<f4'", false, &shape, &floats(&vec![y; len]));
    let inputs = [folder.file("low.npy", &whole(-9.0)), folder.file("high.npy", &whole(9.0))];
    for options in [&[][..], &["--force"]] {
        for _ in 0..8 {
            let output = folder.path("y.npy");
            let runs = inputs.each_ref().map(|input| {
                let mut run = command();
                run.args(["apply", "--preset", "onnx", "--backend", "cpu"]).args(options).args([input, &output]);
                run.stderr(std::process::Stdio::piped()).spawn().unwrap()
            });
            let runs = runs.map(|run| run.wait_with_output().unwrap());
            let right = runs.iter().filter(|run| run.status.success()).count();
            assert_eq!(right, if options.is_empty() { 1 } else { 2 });
            if let Some(refused) = runs.iter().find(|run| !run.status.success()) {
                fails(refused, &["y.npy", "--force"]);
            }
            let written = fs::read(&output).unwrap();
            assert!(written == whole(0.0) || written == whole(1.0));
            assert_eq!(folder.names(), ["high.npy", "low.npy", "y.npy"]);
            fs::remove_file(output).unwrap();
        }
    }
}

/// Runs a script in which disks can be mounted.
pub(crate) fn in_namespace(script: &str) -> Command {
    let mut unshare = Command::new("unshare");
    unshare.args(["--map-root-user", "--mount", "sh", "-c", script, env!("CARGO_BIN_EXE_hard-sigmoid")]);
    unshare
}

/// Whether disks can be mounted there. CI requires it.
pub(crate) fn has_namespaces() -> bool {
    let allowed = in_namespace("mount -t tmpfs tmpfs /mnt").status().is_ok_and(|status| status.success());
    if !allowed && std::env::var_os("CI").is_none() {
        eprintln!(
            "WARNING: no mount namespaces for this user: FULL AND SIMPLER DISKS ARE NOT TESTED. CI requires them."
        );
        return false;
    }
    true
}

/// Mounts a small and a read-only tmpfs in a mount namespace, because root may write to a read-only folder.
#[test]
fn a_full_disk_and_a_read_only_folder_are_reported() {
    if !has_namespaces() {
        return;
    }
    let folder = Folder::new();
    let input = folder.file("x.npy", &npy("'<f4'", false, "(1048576,)", &vec![0; 4 << 20]));
    for (options, parts) in
        [("size=1m", &["y.npy", "No space left", "free some space"]), ("ro", &["y.npy", "Read-only", "folder"])]
    {
        let mounted = folder.path("mounted");
        fs::create_dir_all(&mounted).unwrap();
        let script = r#"mount -t tmpfs -o "$1" tmpfs "$2" && "$0" apply "$3" "$2/y.npy" --preset onnx
            code=$?; ls -A "$2"; exit $code"#;
        let run = in_namespace(script).arg(options).args([&mounted, &input]).output().unwrap();
        fails(&run, parts);
        assert_eq!(String::from_utf8(run.stdout).unwrap(), "", "left behind");
    }
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
    fails(&list, &["cannot write to stdout"]);
}
