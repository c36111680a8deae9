//! `hard-sigmoid apply --output-dir`: many inputs in a call.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::{
    DIGITS, Folder, apply, command, fails, floats, impatient, misused, npy, peak_memory, succeeds, with_stdin,
};
#[cfg(target_os = "linux")]
use super::{interruptible, stopped};

/// Writes `n` files of different sizes to the folder `in`, and returns their paths.
fn inputs(folder: &Folder, n: usize) -> Vec<PathBuf> {
    fs::create_dir_all(folder.path("in")).unwrap();
    let file = |i: usize| {
        let x: Vec<f32> = (0..i * 37 % 101).map(|j| j as f32 / 8.0 - 4.0).collect();
        folder.file(&format!("in/{i}.npy"), &npy("'<f4'", false, &format!("({},)", x.len()), &floats(&x)))
    };
    (0..n).map(file).collect()
}

/// The files of a folder by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|it| (it.file_name().into_string().unwrap(), fs::read(it.path()).unwrap())).collect()
}

fn batch(inputs: &[PathBuf], output: &Path, options: &[&str]) -> Output {
    let mut run = impatient();
    run.arg("apply").args(inputs).arg("--output-dir").arg(output).args(["--preset", "onnx"]).args(options);
    run.output().unwrap()
}

/// What the inputs give one by one.
fn one_by_one(folder: &Folder, inputs: &[PathBuf]) -> BTreeMap<String, Vec<u8>> {
    fs::create_dir_all(folder.path("one")).unwrap();
    for input in inputs {
        let output = folder.path("one").join(input.file_name().unwrap());
        succeeds(&apply(input, &output, &["--preset", "onnx", "--quiet"]));
    }
    files(&folder.path("one"))
}

#[test]
fn many_inputs_give_what_each_gives_alone() {
    let folder = Folder::new();
    let inputs = inputs(&folder, 9);
    let summary = succeeds(&batch(&inputs, &folder.path("new/out"), &[]));
    let elements: usize = (0..9).map(|i| i * 37 % 101).sum();
    assert!(summary.contains(&format!("9 of 9 files: {elements} f32 elements")), "{summary}");
    assert!(!summary.contains("GB/s"), "{summary}");
    assert_eq!(files(&folder.path("new/out")), one_by_one(&folder, &inputs));
    // Nothing is replaced, or everything with --force.
    fs::write(folder.path("new/out/3.npy"), b"precious").unwrap();
    let run = batch(&inputs, &folder.path("new/out"), &[]);
    assert_eq!(run.status.code(), Some(1));
    assert_eq!(fs::read(folder.path("new/out/3.npy")).unwrap(), b"precious");
    assert_eq!(succeeds(&batch(&inputs, &folder.path("new/out"), &["--force", "--quiet"])), "");
    assert_eq!(files(&folder.path("new/out")), files(&folder.path("one")));
    // The folder of the inputs is none for the outputs.
    let run = batch(&inputs, &folder.path("in"), &["--force"]);
    assert!(run.status.code() == Some(1) && String::from_utf8_lossy(&run.stderr).contains("is the input"));
}

#[cfg(target_os = "linux")]
#[test]
fn an_input_that_fails_does_not_stop_the_others() {
    let folder = Folder::new();
    let mut inputs = inputs(&folder, 12);
    let expected = one_by_one(&folder, &inputs);
    inputs.insert(2, folder.file("bad.npy", b"spam"));
    inputs.insert(7, folder.path("missing.npy"));
    let run = batch(&inputs, &folder.path("out"), &[]);
    let stderr = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(1), "{stderr}");
    let lines: Vec<_> = stderr.lines().collect();
    let names = [&inputs[2], &inputs[7]].map(|path| path.display().to_string());
    assert_eq!(lines.last().unwrap(), &format!("hard-sigmoid: 2 of 14 files failed: {}, {}", names[0], names[1]));
    assert!(lines[0].contains("bad.npy: is neither a .npy"), "{stderr}");
    assert!(lines[1].contains("missing.npy: cannot be read: No such file"), "{stderr}");
    assert_eq!(files(&folder.path("out")), expected);
    // Of many, the last line names the first.
    let missing: Vec<_> = (0..30).map(|i| folder.path(&format!("missing{i}.npy"))).collect();
    let run = batch(&missing, &folder.path("out"), &["--quiet"]);
    let stderr = String::from_utf8_lossy(&run.stderr);
    let last = stderr.lines().last().unwrap();
    assert!(last.contains("30 of 30 files failed") && last.ends_with("missing7.npy, 22 others"), "{last}");
}

#[test]
fn what_all_inputs_fail_for_is_said_once() {
    let folder = Folder::new();
    let (inputs, output) = (inputs(&folder, 5), folder.path("out"));
    succeeds(&batch(&inputs[..3], &output, &[]));
    // Three outputs exist, and the others are computed.
    let run = batch(&inputs, &output, &[]);
    let text = String::from_utf8_lossy(&run.stderr);
    let lines: Vec<_> = text.lines().collect();
    for (line, part) in lines.iter().zip(["2 of 5 files: ", "3 outputs already exist in "]) {
        assert!(line.contains(part), "{text}");
    }
    assert_eq!((run.status.code(), lines.len()), (Some(1), 2), "{text}");
    assert_eq!(files(&output), one_by_one(&folder, &inputs));
    fails(&batch(&inputs, &output, &[]), &["5 outputs already exist in ", "use --force to replace them"]);
    // Another mistake is not hidden by that.
    fs::write(&inputs[1], b"spam").unwrap();
    let run = batch(&inputs[..3], &output, &[]);
    let text = String::from_utf8_lossy(&run.stderr);
    assert!(text.contains("1.npy: is neither") && text.contains("2 outputs already exist"), "{text}");
    // Of one input, the message is all that there is to say.
    let run = batch(&[folder.path("none.npy")], &output, &[]);
    fails(&run, &["none.npy: cannot be read"]);
    fails(&batch(&inputs[..1], &output, &[]), &["0.npy: already exists: use --force"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_list_of_names_is_read_from_a_file_or_stdin() {
    let folder = Folder::new();
    let mut inputs = inputs(&folder, 5);
    let odd = folder.path("in/a line\nand 'another'.npy");
    fs::copy(&inputs[4], &odd).unwrap();
    inputs.push(odd);
    let names: Vec<_> = inputs.iter().map(|path| path.to_str().unwrap()).collect();
    let expected = one_by_one(&folder, &inputs);
    let list = folder.file("list", names.join("\0").as_bytes());
    let from = |list: &str| {
        let mut run = command();
        run.args(["apply", "--files-from", list, "--preset", "onnx", "--quiet", "--output-dir"])
            .arg(folder.path("out"));
        run
    };
    succeeds(&from(list.to_str().unwrap()).output().unwrap());
    assert_eq!(files(&folder.path("out")), expected);
    fs::remove_dir_all(folder.path("out")).unwrap();
    // Lines, and an argument that is also in the list.
    let lines = names[..5].join("\n") + "\n";
    succeeds(&with_stdin(from("-").arg(&inputs[0]).arg(&inputs[5]), lines.into_bytes()));
    assert_eq!(files(&folder.path("out")), expected);
    fails(&from("nowhere").output().unwrap(), &["nowhere: cannot be read: No such file"]);
    fails(&from(names[0]).output().unwrap(), &["0.npy: is no list of names", "without --files-from"]);
    let torch = folder.file("model.pt", b"PK\x03\x04model/data.pkl\0");
    fails(&from(torch.to_str().unwrap()).output().unwrap(), &["model.pt: is no list of names"]);
    misused(&with_stdin(from("-").arg("-"), vec![]), &["stdin cannot be both an input and the list"]);
    // A brace where a .safetensors file has one.
    fs::copy(&inputs[1], folder.path("features{1}.npy")).unwrap();
    let mut relative = from("-");
    succeeds(&with_stdin(relative.current_dir(folder.0.path()), b"features{1}.npy\n".to_vec()));
    // A name with a line break, and no NUL byte behind it.
    fs::remove_dir_all(folder.path("out")).unwrap();
    succeeds(&with_stdin(from("-").arg("-0"), names[5].into()));
    assert_eq!(files(&folder.path("out")).len(), 1);
    // As Windows writes it.
    fs::remove_dir_all(folder.path("out")).unwrap();
    succeeds(&with_stdin(&mut from("-"), (names[..5].join("\r\n") + "\r\n").into_bytes()));
    assert_eq!(files(&folder.path("out")).len(), 5);
}

/// Runs a process for each shard, all at the same time.
#[test]
fn the_shards_together_are_the_whole() {
    let folder = Folder::new();
    let inputs = inputs(&folder, 40);
    let expected = one_by_one(&folder, &inputs);
    for n in [1, 3, 7] {
        let output = folder.path(&format!("out{n}"));
        let shard = |i: usize| {
            let mut run = command();
            run.arg("apply").args(["--shard", &format!("{i}/{n}"), "--preset", "onnx", "--json"]);
            // Each gets the inputs in another order, as folders are listed.
            run.args(&inputs[i..]).args(&inputs[..i]).arg("--output-dir").arg(&output);
            run.stdout(std::process::Stdio::piped()).spawn().unwrap()
        };
        let runs: Vec<_> = (1..=n).map(shard).collect();
        let mut seen = Vec::new();
        for run in runs {
            let run = run.wait_with_output().unwrap();
            // An output that two had written would be an error.
            assert!(run.status.success());
            let lines = String::from_utf8(run.stdout).unwrap();
            let of_shard = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
            let bytes: Vec<u64> = of_shard.map(|json| json["bytes"].as_u64().unwrap()).collect();
            assert!(n == 1 || bytes.len() < inputs.len());
            seen.extend(bytes);
        }
        assert_eq!(seen.len(), inputs.len());
        assert_eq!(files(&output), expected, "{n}");
    }
    let run = command().args(["apply", "x.npy", "--output-dir", "out", "--shard", "4/3", "--preset", "onnx"]).output();
    misused(&run.unwrap(), &["use I/N with I from 1 to N"]);
    // More shards than files.
    let run = batch(&inputs[..1], &folder.path("none"), &["--shard", "5/5"]);
    assert!(succeeds(&run).contains("this part has no files"));
}

#[test]
fn json_has_a_line_for_each_input() {
    let folder = Folder::new();
    let mut inputs = inputs(&folder, 3);
    inputs.push(folder.path("missing.npy"));
    let run = batch(&inputs, &folder.path("out"), &["--json", "--verify", "--backend", "cpu"]);
    assert_eq!(run.status.code(), Some(1));
    let lines = String::from_utf8(run.stdout).unwrap();
    let json: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(json.len(), 4);
    for (json, (input, i)) in json.iter().zip(inputs.iter().zip(0..3)) {
        assert_eq!(json["file"], input.to_str().unwrap());
        assert_eq!(json["output"], folder.path("out").join(format!("{i}.npy")).to_str().unwrap());
        assert_eq!((&json["preset"], &json["elements"]), (&"onnx".into(), &(i * 37 % 101).into()));
        assert_eq!((&json["types"][0], &json["verified"]), (&"f32".into(), &true.into()));
        assert!(json["seconds"].as_f64().unwrap() > 0.0 && json["ran"].as_str().unwrap().starts_with("cpu"));
    }
    assert!(json[3]["error"].as_str().unwrap().contains("missing.npy: cannot be read"));
    // A single file.
    let run = apply(&inputs[2], &folder.path("y.npy"), &["--preset", "onnx", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!((&json["file"], &json["bytes"]), (&inputs[2].to_str().unwrap().into(), &(74 * 4).into()));
    assert!(!String::from_utf8_lossy(&run.stderr).contains("elements"));
}

#[test]
fn arguments_that_would_write_twice_or_nowhere_are_refused() {
    let folder = Folder::new();
    let inputs = inputs(&folder, 2);
    let other = folder.file("0.npy", b"");
    let same = [&inputs[0], &other].map(PathBuf::clone);
    misused(&batch(&same, &folder.path("out"), &[]), &["would have the same output", "different folders"]);
    // That holds for shards of which each has one of them.
    misused(&batch(&same, &folder.path("out"), &["--shard", "1/2"]), &["would have the same output"]);
    misused(&batch(&["-".into()], &folder.path("out"), &[]), &["- has no name for its output"]);
    misused(&batch(&["..".into()], &folder.path("out"), &[]), &["has no file name"]);
    misused(&batch(&[], &folder.path("out"), &[]), &["no inputs: name at least one"]);
    let run = |arguments: &[&str]| command().arg("apply").args(arguments).args(["--preset", "onnx"]).output().unwrap();
    misused(&run(&["a.npy", "b.npy", "c.npy"]), &["3 files given", "--output-dir DIR", "hard-sigmoid apply"]);
    misused(&run(&["a.npy"]), &["1 file given", "INPUT and OUTPUT"]);
    misused(&run(&["a.npy", "b.npy", "--shard", "1/2"]), &["--files-from and --shard", "add --output-dir DIR"]);
    misused(&run(&["a.npy", "-", "--json"]), &["stdout cannot have both"]);
    fails(&batch(&inputs, &inputs[0], &[]), &["cannot be created", "choose another folder"]);
    assert_eq!(folder.names(), ["0.npy", "in"]);
}

/// Pipes would make a batch wait, and an output that is another input would be lost before it is read.
#[cfg(target_os = "linux")]
#[test]
fn pipes_and_other_inputs_are_no_outputs_of_a_batch() {
    let folder = Folder::new();
    let inputs = inputs(&folder, 3);
    fs::create_dir(folder.path("out")).unwrap();
    assert!(Command::new("mkfifo").arg(folder.path("out/1.npy")).status().unwrap().success());
    let run = batch(&inputs, &folder.path("out"), &["--force"]);
    let stderr = String::from_utf8_lossy(&run.stderr);
    assert!(
        run.status.code() == Some(1) && stderr.contains("1.npy: is a pipe or a device: apply it alone"),
        "{stderr}"
    );
    let run = batch(&[folder.path("out/1.npy")], &folder.path("other"), &[]);
    assert_eq!(run.status.code(), Some(1));

    fs::write(folder.path("out/a.npy"), b"precious").unwrap();
    fs::create_dir(folder.path("links")).unwrap();
    std::os::unix::fs::symlink(folder.path("out/a.npy"), folder.path("links/b.npy")).unwrap();
    fs::rename(&inputs[2], folder.path("in/a.npy")).unwrap();
    let run = batch(&[folder.path("in/a.npy"), folder.path("links/b.npy")], &folder.path("out"), &["--force"]);
    fails(&run, &["out/a.npy: is the input", "links/b.npy", "another folder"]);
    // Nor if the two are in different shards.
    for shard in ["1/2", "2/2"] {
        let inputs = [folder.path("in/a.npy"), folder.path("links/b.npy")];
        fails(&batch(&inputs, &folder.path("out"), &["--force", "--shard", shard]), &["out/a.npy: is the input"]);
    }
    assert_eq!(fs::read(folder.path("out/a.npy")).unwrap(), b"precious");
}

#[test]
fn a_batch_needs_the_gpu_that_was_asked_for_only_once() {
    let folder = Folder::new();
    let mut run = command();
    run.arg("apply").args(inputs(&folder, 5)).args(["--preset", "onnx", "--backend", "gpu", "--output-dir"]);
    let run = run.arg(folder.path("out")).env("WGPU_ADAPTER_NAME", "no such adapter").output().unwrap();
    fails(&run, &["no GPU adapter", "--backend cpu"]);
}

/// What `auto` finds for small files does not hold for large ones.
#[test]
fn auto_chooses_for_small_and_large_files_apart() {
    let folder = Folder::new();
    let large = folder.zeros(1 << 26);
    let mut run = command();
    run.args(["apply", DIGITS]).arg(large).args(["--preset", "onnx", "--json", "--output-dir"]).arg(folder.path("out"));
    let run = run.env("WGPU_ADAPTER_NAME", "no such adapter").output().unwrap();
    let lines = String::from_utf8(run.stdout).unwrap();
    let lines: Vec<_> = lines.lines().collect();
    assert!(lines[0].contains("fewer than 2^26 elements") && lines[1].contains("no hardware GPU"), "{lines:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_ends_a_batch_between_whole_files() {
    let folder = Folder::new();
    fs::create_dir(folder.path("in")).unwrap();
    let large = npy("'<f4'", false, "(2000000,)", &vec![0; 8_000_000]);
    let inputs: Vec<_> = (0..60).map(|i| folder.file(&format!("in/{i:02}.npy"), &large)).collect();
    let mut run = interruptible();
    run.arg("apply").args(&inputs).arg("--output-dir").arg(folder.path("out")).args(["--preset", "onnx"]);
    let child = run.stderr(std::process::Stdio::piped()).spawn().unwrap();
    while fs::read_dir(folder.path("out")).map_or(0, Iterator::count) < 2 {
        std::thread::yield_now();
    }
    assert!(Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status().unwrap().success());
    let run = child.wait_with_output().unwrap();
    let written = files(&folder.path("out"));
    assert!((2..60).contains(&written.len()));
    stopped(&run, 2, &format!("stopped by a signal: {} of 60 files were written", written.len()));
    assert!(written.values().all(|file| *file == npy("'<f4'", false, "(2000000,)", &floats(&[0.5; 2_000_000]))));
}

/// Memory does not grow with the number of files, apart from their names.
#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_number_of_files() {
    let folder = Folder::new();
    let inputs = inputs(&folder, 3000);
    let mut run = command();
    let list: Vec<_> = inputs.iter().map(|path| path.to_str().unwrap()).collect();
    let list = folder.file("list", list.join("\n").as_bytes());
    run.args(["apply", "--preset", "onnx", "--backend", "cpu", "--quiet", "--files-from"]).arg(list);
    let peak = peak_memory(run.arg("--output-dir").arg(folder.path("out")));
    assert!((1..32 << 10).contains(&peak), "{peak} KiB");
    assert_eq!(fs::read_dir(folder.path("out")).unwrap().count(), 3000);
}
