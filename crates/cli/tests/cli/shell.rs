//! `hard-sigmoid completions` and `hard-sigmoid man`.

use std::fs;
use std::process::Command;

use super::{Folder, command, fails, misused, succeeds};

pub(super) const COMMANDS: [&str; 10] =
    ["apply", "adapters", "backward", "bench", "completions", "man", "plot", "report", "stats", "validate"];

#[test]
fn completions_have_the_commands_and_options() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = command().args(["completions", shell]).output().unwrap();
        let script = String::from_utf8(run.stdout).unwrap();
        assert!(run.status.success() && COMMANDS.iter().all(|name| script.contains(name)), "{shell}");
        assert!(script.contains("from-output"), "{shell}");
    }
    // The shell itself completes an option with them.
    let binary = env!("CARGO_BIN_EXE_hard-sigmoid");
    let script = format!(
        "eval \"$({binary} completions bash)\"; COMP_WORDS=(hard-sigmoid backward --from); COMP_CWORD=2; \
         f=$(complete -p hard-sigmoid | sed 's/.*-F \\([^ ]*\\).*/\\1/'); \
         $f hard-sigmoid --from backward; echo \"${{COMPREPLY[@]}}\""
    );
    let run = Command::new("bash").args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8(run.stdout).unwrap().trim(), "--from-output", "{:?}", String::from_utf8(run.stderr));
    misused(&command().args(["completions", "tcsh"]).output().unwrap(), &["possible values: bash"]);
}

#[test]
fn each_command_has_a_manual_page() {
    let folder = Folder::new();
    let man = |folder| command().arg("man").arg(folder).output().unwrap();
    succeeds(&man(folder.path("new/man1")));
    let page = |name: &str| fs::read_to_string(folder.path("new/man1").join(name)).unwrap();
    assert!(page("hard-sigmoid.1").contains(".TH hard-sigmoid 1"));
    for name in COMMANDS {
        let page = page(&format!("hard-sigmoid-{name}.1"));
        assert!(page.contains(&format!(".TH hard-sigmoid-{name} 1")) && page.contains(".SH SYNOPSIS"), "{page}");
    }
    let apply = page("hard-sigmoid-apply.1");
    assert!(apply.contains("pytorch") && apply.contains(concat!("\"hard-sigmoid ", env!("CARGO_PKG_VERSION"), "\"\n")));
    // The lines of examples are not filled.
    let examples = apply.split_once(".SH EXAMPLES\n.nf\n").unwrap().1.split_once("\n.fi").unwrap().0;
    assert!(examples.lines().count() == 5 && examples.lines().all(|line| line.starts_with("  hard")), "{examples}");
    fails(&man(folder.file("file", b"")), &["file: cannot be written", "choose another folder"]);
}
