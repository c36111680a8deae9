//! What the command refuses, what stops it, and what it leaves behind: nothing.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use super::{DIGITS, Folder, apply, command, fails, floats, npy, succeeds};

#[test]
fn bad_files_are_refused_and_nothing_is_left() {
    let bad: Vec<(&str, Vec<u8>, &[&str])> = vec![
        ("empty", vec![], &["neither a .npy file", "numpy.save"]),
        ("text", b"x,y\n1,2\n3,4\n".to_vec(), &["neither a .npy file", "numpy.save"]),
        ("header cut", npy("'<f4'", false, "(2,)", &[])[..40].to_vec(), &["not a .npy file", "within the header"]),
        ("version", b"\x93NUMPY\x09\x00\x10\x00".to_vec(), &["version"]),
        ("header of 4 GiB", b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(), &["claims a header of 4294967295 bytes"]),
        ("header no dict", [b"\x93NUMPY\x01\x00\x04\x00".as_slice(), b"spam"].concat(), &["not a valid .npy"]),
        ("header of brackets", [b"\x93NUMPY\x01\x00\x00\x10".as_slice(), &[b'('; 4096]].concat(), &["brackets"]),
        ("header of braces", [b"\x93NUMPY\x01\x00\x40\x00".as_slice(), &[b'{'; 64]].concat(), &["brackets"]),
        ("header of lists", [b"\x93NUMPY\x01\x00\x40\x00{".as_slice(), &[b'['; 63]].concat(), &["brackets"]),
        ("no shape", npy("'<f4'}", false, "(2,)", &[]), &["not a valid .npy"]),
        ("negative shape", npy("'<f4'", false, "(-2,)", &[]), &["not a valid .npy"]),
        ("float128", npy("'<f16'", false, "(1,)", &[0; 16]), &["dtype '<f16'", "astype('<f4')"]),
        ("float64 cut", npy("'<f8'", false, "(2,)", &[0; 8]), &["truncated", "needs 16 bytes", "holds 8"]),
        ("int32", npy("'<i4'", false, "(1,)", &[0; 4]), &["dtype '<i4'", "astype('<f4')"]),
        ("big-endian", npy("'>f4'", false, "(1,)", &[0; 4]), &["dtype '>f4'", "astype('<f4')"]),
        ("big-endian f64", npy("'>f8'", false, "(1,)", &[0; 8]), &["dtype '>f8'", "astype('<f8')"]),
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

/// KILL cannot be noticed. What was there before is still there, and whole.
#[test]
fn a_killed_process_leaves_the_old_output() {
    let folder = Folder::new();
    let input = folder.path("x.npy");
    let header = npy("'<f4'", false, "(268435456,)", &[]);
    File::create(&input).unwrap().write_all(&header).unwrap();
    File::options().write(true).open(&input).unwrap().set_len((header.len() + (1 << 30)) as u64).unwrap();
    let output = folder.file("y.npy", b"precious");
    let mut run = command();
    let run = run.arg("apply").args([&input, &output]).args(["--preset", "onnx", "--backend", "cpu", "--force"]);
    let mut child = run.spawn().unwrap();
    while folder.names().len() < 3 {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(fs::read(&output).unwrap(), b"precious");
    // And it does not stand in the way of the next one.
    let small = folder.file("small.npy", &npy("'<f4'", false, "(1,)", &floats(&[9.0])));
    succeeds(&apply(&small, &output, &["--preset", "onnx", "--force"]));
    assert_eq!(fs::read(&output).unwrap(), npy("'<f4'", false, "(1,)", &floats(&[1.0])));
}

/// Two processes that write one output: it is one of the two results, whole; without --force the second is refused.
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
            let runs: Vec<_> = inputs
                .iter()
                .map(|input| {
                    let mut run = command();
                    run.arg("apply")
                        .args([input, &output])
                        .args(["--preset", "onnx", "--backend", "cpu"])
                        .args(options);
                    run.stderr(std::process::Stdio::piped()).spawn().unwrap()
                })
                .collect();
            let runs: Vec<_> = runs.into_iter().map(|run| run.wait_with_output().unwrap()).collect();
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

/// A header of as many dimensions as fit, which NumPy would not read either, ends in a result or an error.
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
