//! What the command writes to a terminal, and how many threads it uses.

use std::path::Path;
use std::process::{Command, Stdio};

use super::{DIGITS, Folder, apply, command, misused, objects, succeeds};

/// What a command writes to a terminal, in an environment.
fn on_terminal(arguments: &str, environment: &[(&str, &str)]) -> String {
    let line = format!("{} {arguments}", env!("CARGO_BIN_EXE_hard-sigmoid"));
    let mut script = Command::new("script");
    script.args(["--quiet", "--command", &line, "/dev/null"]).stdin(Stdio::null());
    script.env_remove("NO_COLOR").env("TERM", "xterm").envs(environment.iter().copied());
    String::from_utf8_lossy(&script.output().unwrap().stdout).into_owned()
}

#[test]
fn colors_are_for_terminals_only() {
    let missing = "apply missing.npy y.npy --preset onnx";
    let usage = "apply missing.npy";
    for arguments in [missing, usage, "help apply"] {
        assert!(on_terminal(arguments, &[]).contains("\x1b["), "{arguments}");
        assert!(!on_terminal(arguments, &[("NO_COLOR", "1")]).contains("\x1b["), "{arguments}");
        let run = command().args(arguments.split(' ')).output().unwrap();
        let text = [run.stdout, run.stderr].concat();
        assert!(!text.is_empty() && !text.contains(&0x1b), "{arguments}");
    }
    assert!(on_terminal(missing, &[]).contains("\x1b[1m\x1b[31mhard-sigmoid:\x1b[0m missing.npy: cannot be read"));
}

/// The bar appears after a second, for which the input waits.
#[test]
fn progress_is_shown_on_a_terminal_only() {
    let folder = Folder::new();
    let input = folder.zeros(1 << 18);
    let slowly = format!("bash -c '(head -c 500000; sleep 1.3; cat) < {} |", input.display());
    let binary = env!("CARGO_BIN_EXE_hard-sigmoid");
    let run = |options: &str| {
        let line =
            format!("{slowly} {binary} apply - {} --preset onnx --force {options}'", folder.path("y.npy").display());
        let mut script = Command::new("script");
        let run = script.args(["--quiet", "--command", &line, "/dev/null"]).env("TERM", "xterm").stdin(Stdio::null());
        String::from_utf8_lossy(&run.output().unwrap().stdout).into_owned()
    };
    let shown = run("");
    assert!(shown.contains(" % of 1.00 MiB, ") && shown.contains("iB/s, ") && shown.contains(" left"), "{shown}");
    let elsewhere = run("2> /dev/null");
    assert!(!elsewhere.contains('%'), "{elsewhere}");
    let quiet = run("--quiet");
    assert!(!quiet.contains('%') && !quiet.contains("elements"), "{quiet}");
}

#[test]
fn the_speed_is_told_where_it_means_something() {
    let folder = Folder::new();
    let small = succeeds(&apply(Path::new(DIGITS), &folder.path("small.npy"), &["--preset", "onnx"]));
    assert!(!small.contains("GB/s"), "{small}");
    let large = succeeds(&apply(&folder.zeros(1 << 25), &folder.path("y.npy"), &["--preset", "onnx"]));
    assert!(large.contains("GB/s read and written"), "{large}");
}

/// Thousands would take minutes to start, and no signal would end that.
#[test]
fn threads_are_as_many_as_asked_for_and_at_most_one_for_each_core() {
    let folder = Folder::new();
    let cores = std::thread::available_parallelism().unwrap().get();
    let (one, many) = (Some("1"), Some("99999999999"));
    for (option, variable, expected) in
        [(one, None, 1), (Some("60000"), None, cores), (Some("60000"), one, cores), (None, one, 1), (None, many, cores)]
    {
        let run = |arguments: &[&str]| {
            let mut command = command();
            command.args(arguments).args(option.iter().flat_map(|number| ["--threads", number]));
            variable.map(|number| command.env("RAYON_NUM_THREADS", number));
            command.output().unwrap()
        };
        let y = folder.path("y.npy");
        let summary = succeeds(&run(&["apply", DIGITS, y.to_str().unwrap(), "--preset", "onnx", "--force"]));
        let threads = if expected == 1 { "1 thread".into() } else { format!("{expected} threads") };
        assert!(summary.contains(&format!("on cpu ({threads})")), "{summary}");
        let bench = run(&["bench", "--adapter", "cpu", "--elements", "1Mi", "--element", "f32", "--json"]);
        assert_eq!(objects(bench)[0]["threads"], expected);
    }
    misused(&command().args(["adapters", "--threads", "0"]).output().unwrap(), &["0 is not in 1..=65535", "--threads"]);
}
