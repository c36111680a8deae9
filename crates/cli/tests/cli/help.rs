//! The help texts.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::safetensors::file;
use super::shell::COMMANDS;
use super::{DIGITS, Folder, command};

fn help(name: &str) -> String {
    let run = command().args(["help", name]).output().unwrap();
    assert!(run.status.success(), "{run:?}");
    String::from_utf8(run.stdout).unwrap()
}

/// What follows `Examples:`.
fn examples(name: &str) -> Vec<String> {
    let help = help(name);
    let (_, examples) = help.split_once("\nExamples:\n").unwrap_or_else(|| panic!("{name} has no examples"));
    // Those that a terminal wraps cannot be copied.
    assert!(examples.lines().all(|line| line.len() <= 80), "{examples}");
    let examples: Vec<_> = examples.lines().map(|line| line.trim().to_owned()).collect();
    assert!(
        !examples.is_empty() && examples.iter().all(|line| line.contains(&format!("hard-sigmoid {name}"))),
        "{name}"
    );
    examples
}

/// Runs each example as it is printed, in a folder with the files that they name.
#[test]
fn the_examples_of_every_command_run() {
    let folder = Folder::new();
    let binary = Path::new(env!("CARGO_BIN_EXE_hard-sigmoid"));
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    fs::copy(DIGITS, folder.path("x.npy")).unwrap();
    folder.file("list", b"x.npy\ngrad_y.npy\n");
    folder.file("grad_y.npy", &fs::read(DIGITS).unwrap());
    folder.file(
        "model.safetensors",
        &file(&json!({ "a": { "dtype": "F32", "shape": [1], "data_offsets": [0, 4] } }), &[0; 4]),
    );
    for name in COMMANDS {
        for example in examples(name) {
            // These run for minutes, with no adapter of this name on some machines; their own tests run them.
            if ["bench", "validate", "report", "adapters"].contains(&name) && !example.contains("--adapter cpu") {
                let parsed = format!("{} --help", example.split(" > ").next().unwrap());
                let run = Command::new("bash").args(["-c", &parsed]).env("PATH", &path).output().unwrap();
                assert!(run.status.success(), "{example}: {}", String::from_utf8_lossy(&run.stderr));
                continue;
            }
            let mut run = Command::new("bash");
            run.args(["-c", &format!("set -o pipefail; {example}")]);
            let run =
                run.current_dir(folder.0.path()).env("PATH", &path).env("HOME", folder.0.path()).output().unwrap();
            assert!(run.status.success(), "{example}: {}", String::from_utf8_lossy(&run.stderr));
        }
        // The next one reads what this one has not written.
        folder.file("y.npy", &fs::read(DIGITS).unwrap());
    }
    for left in ["grad_x.npy", "piped.npy", "out", "d", "y.safetensors", "_hard-sigmoid"] {
        assert!(folder.path(left).exists(), "{left}");
    }
}

#[test]
fn the_first_help_names_every_command_and_the_exit_codes() {
    let run = command().arg("--help").output().unwrap();
    let text = String::from_utf8(run.stdout).unwrap();
    for name in COMMANDS {
        assert!(text.contains(&format!("\n  {name} ")), "{name}: {text}");
    }
    assert!(text.contains("The exit code is 0 on success") && text.contains("--threads <N>"), "{text}");
    assert!(!text.contains('\x1b'));
}
