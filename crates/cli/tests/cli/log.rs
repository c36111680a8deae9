//! What `RUST_LOG` adds to stderr.

use std::path::Path;
use std::process::Command;

use super::{DIGITS, Folder, backends, command};

/// An element of f32 more than two windows of 4 MiB.
const ELEMENTS: usize = (2 << 20) + 1;

/// What the library logs.
fn logged(command: &mut Command) -> Vec<String> {
    let run = command.output().unwrap();
    let stderr = String::from_utf8(run.stderr).unwrap();
    assert!(run.status.success(), "{stderr}");
    stderr.lines().filter(|line| line.contains(" hard_sigmoid")).map(str::to_owned).collect()
}

fn stats(input: &Path, options: &[&str]) -> Command {
    let mut command = command();
    command.arg("stats").arg(input).args(["--preset", "onnx"]).args(options);
    command
}

#[test]
fn a_gpu_is_logged_with_its_pipelines_and_each_window() {
    if !backends().contains(&"gpu") {
        return;
    }
    let folder = Folder::new();
    let (input, output) = (folder.zeros(ELEMENTS), folder.path("y.npy"));
    let run = |level: &str| {
        let mut command = command();
        command.arg("apply").args([&input, &output]).args(["--preset", "onnx", "--backend", "gpu", "--force"]);
        logged(command.env("RUST_LOG", format!("hard_sigmoid={level}")))
    };
    let lines = run("trace");
    let at = |level: &'static str| lines.iter().filter(move |line| line.starts_with(&format!("[{level}")));
    let opened: Vec<_> = at("INFO").collect();
    let adapters = super::json(&["adapters"]);
    let adapter = adapters.iter().find(|adapter| adapter["can_compute"] == true).unwrap();
    let of = |key: &str| adapter[key].as_str().unwrap();
    assert_eq!(opened.len(), 1, "{lines:#?}");
    assert!(opened[0].contains(&format!("on {} ({}", of("name"), of("backend"))), "{opened:?}");
    assert!(opened[0].ends_with(of("driver_info")), "{opened:?}");

    let compiled: Vec<_> = at("DEBUG").filter(|line| line.contains("compiled Forward of f32")).collect();
    assert!(!compiled.is_empty() && compiled.iter().all(|line| line.ends_with("s")), "{lines:#?}");

    let windows: Vec<_> = at("TRACE").map(|line| line.split_once("] window ").unwrap().1).collect();
    let last = ELEMENTS - 1;
    let expected = [
        format!("0..1048576 of {ELEMENTS} elements: 4194304 bytes of f32"),
        format!("1048576..{last} of {ELEMENTS} elements: 4194304 bytes of f32"),
        format!("{last}..{ELEMENTS} of {ELEMENTS} elements: 4 bytes of f32"),
    ];
    assert_eq!(windows, expected);

    assert_eq!(run("info"), opened.into_iter().cloned().collect::<Vec<_>>());
}

/// A sparse file that is large enough for `auto` to look for a GPU.
#[test]
fn auto_says_why_it_falls_back() {
    let folder = Folder::new();
    let input = folder.zeros(1 << 26);
    let mut auto = stats(&input, &["--backend", "auto"]);
    let lines = logged(auto.env("RUST_LOG", "hard_sigmoid=debug").env("WGPU_ADAPTER_NAME", "no such adapter"));
    let (last, passed_over) = lines.split_last().unwrap();
    let why = "auto runs on the CPU path: no hardware GPU with \"no such adapter\" in its name";
    assert!(last.starts_with("[INFO ") && last.contains(why), "{lines:#?}");
    assert!(passed_over.iter().all(|line| line.starts_with("[DEBUG") && line.contains("] passed over ")), "{lines:#?}");
    let adapters = if backends().contains(&"gpu") { super::json(&["adapters"]).len() } else { 0 };
    assert_eq!(passed_over.len(), adapters, "{lines:#?}");
}

#[test]
fn nothing_is_logged_unasked() {
    for backend in backends() {
        let mut stats = stats(Path::new(DIGITS), &["--backend", backend]);
        assert_eq!(logged(stats.env_remove("RUST_LOG")), [""; 0]);
        assert_eq!(logged(stats.env("RUST_LOG", "")), [""; 0]);
    }
}
