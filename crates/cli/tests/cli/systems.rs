//! What differs between systems, and must not.

use super::*;

fn ones() -> Vec<u8> {
    npy("'<f4'", false, "(3,)", &floats(&[9.0; 3]))
}

#[test]
fn lists_and_indexes_may_be_as_windows_writes_them() {
    let text = "a.npy\r\nb é.npy\r\n";
    let utf16 = |to_bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(to_bytes).collect()
    };
    let marked = ["\u{feff}", text].concat().into_bytes();
    for list in [utf16(u16::to_le_bytes), utf16(u16::to_be_bytes), marked] {
        let folder = Folder::new();
        folder.file("a.npy", &ones());
        folder.file("b é.npy", &ones());
        folder.file("list", &list);
        let mut command = command();
        command.current_dir(folder.path("")).args(["apply", "--preset", "onnx", "--files-from", "list"]);
        succeeds(&command.args(["--output-dir", "out"]).output().unwrap());
        assert!(folder.path("out/a.npy").is_file() && folder.path("out/b é.npy").is_file(), "{list:?}");
    }
    let folder = Folder::new();
    let list = folder.file("list", b"\xff\xfea\0\x00\xd8");
    let list = list.to_str().unwrap();
    let arguments = ["apply", "--preset", "onnx", "--files-from", list, "--output-dir", "out"];
    fails(&command().args(arguments).output().unwrap(), &["list: is not valid UTF-16: save it as UTF-8"]);

    let text = "\u{feff}{\"weight_map\": {}}";
    for text in [text.into(), text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()] {
        let folder = Folder::new();
        let index = folder.file("model.safetensors.index.json", &text);
        let out = folder.path("out");
        let run = command().args(["apply", "--preset", "onnx", "--output-dir"]).args([&out, &index]).output().unwrap();
        succeeds(&run);
    }
}

#[test]
fn a_read_only_output_is_kept() {
    let folder = Folder::new();
    let (input, output) = (folder.file("x.npy", &ones()), folder.file("y.npy", b"precious"));
    let permissions = |readonly| {
        let mut permissions = fs::metadata(&output).unwrap().permissions();
        permissions.set_readonly(readonly);
        fs::set_permissions(&output, permissions).unwrap();
    };
    permissions(true);
    for force in [&["--force"][..], &[]] {
        let run = apply(&input, &output, &[&["--preset", "onnx"], force].concat());
        fails(&run, &["y.npy: is read-only: make it writable"]);
    }
    assert_eq!(fs::read(&output).unwrap(), b"precious");
    permissions(false);
    succeeds(&apply(&input, &output, &["--preset", "onnx", "--force"]));
    assert_eq!(folder.names(), ["x.npy", "y.npy"]);
}

#[test]
fn two_names_for_one_output_are_refused_before_anything_is_written() {
    let folder = Folder::new();
    for part in ["A", "b"] {
        fs::create_dir(folder.path(part)).unwrap();
    }
    let names = |a: &str, b: &str| [folder.file(&format!("A/{a}"), &ones()), folder.file(&format!("b/{b}"), &ones())];
    let out = folder.path("out");
    // Case, and an accent that is a letter of its own.
    for [a, b] in [names("W.npy", "w.npy"), names("\u{e9}.npy", "e\u{301}.npy")] {
        let is_one = a.with_file_name(b.file_name().unwrap()).exists();
        let run = command().args(["apply", "--preset", "onnx", "--output-dir"]).args([&out, &a, &b]).output().unwrap();
        if is_one {
            misused(&run, &["would have the same output", "different folders"]);
            assert_eq!(fs::read_dir(&out).unwrap().count(), 0);
        } else {
            succeeds(&run);
            assert_eq!(fs::read_dir(&out).unwrap().count(), 2);
            fs::remove_dir_all(&out).unwrap();
        }
    }
}

#[cfg(windows)]
#[test]
fn the_command_expands_patterns() {
    let folder = Folder::new();
    for name in ["a.npy", "b.npy", "c.txt"] {
        folder.file(name, &ones());
    }
    let mut command = command();
    let command = command.current_dir(folder.path("")).args(["apply", "--preset", "onnx", "--output-dir", "out"]);
    succeeds(&command.arg("*.npy").output().unwrap());
    assert_eq!(fs::read_dir(folder.path("out")).unwrap().count(), 2);
    // Brackets are no pattern.
    let [x, y] = ["a[1].npy", "b[1].npy"].map(|name| folder.file(name, &ones()));
    folder.file("b1.npy", b"precious");
    succeeds(&apply(&x, &y, &["--preset", "onnx", "--force"]));
    assert_eq!(fs::read(folder.path("b1.npy")).unwrap(), b"precious");
    assert_ne!(fs::read(&y).unwrap(), ones());
}

#[cfg(windows)]
#[test]
fn devices_are_no_files() {
    let folder = Folder::new();
    let input = folder.file("x.npy", &ones());
    succeeds(&apply(&input, Path::new("NUL"), &["--preset", "onnx"]));
    for name in ["con.npy", "COM1", "aux", "Lpt9.x.npy", "nul.npy"] {
        let run = apply(&input, &folder.path(name), &["--preset", "onnx"]);
        fails(&run, &[name, "is the name of a device", "choose another name"]);
    }
    assert_eq!(folder.names(), ["x.npy"]);
}

#[cfg(windows)]
#[test]
fn nothing_is_left_by_a_process_that_is_killed() {
    let folder = Folder::new();
    let output = folder.path("y.npy");
    let mut command = command();
    let command = command.args(["apply", "--preset", "onnx", "-"]).arg(&output);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let half = npy("'<f4'", false, "(1000000,)", &[0; 2_000_000]);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&half).unwrap();
    while folder.names().is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(folder.names(), [""; 0]);
}
