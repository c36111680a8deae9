//! `hard-sigmoid completions` and `hard-sigmoid man`.

use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Shell;

use super::console::{Failure, print};

/// Print the completions for a shell
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  eval \"$(hard-sigmoid completions bash)\"  # in ~/.bashrc
  hard-sigmoid completions zsh > _hard-sigmoid  # in a folder of $fpath
  hard-sigmoid completions fish > hard-sigmoid.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell that reads them
    shell: Shell,
}

pub(crate) fn completions(args: &CompletionsArgs, mut command: Command) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "hard-sigmoid", &mut script);
    // clap_complete 4.6 spells the name in two ways if it has a hyphen (clap-rs/clap#6421).
    let script = String::from_utf8_lossy(&script).replace("hard__subcmd__sigmoid", "hard__sigmoid");
    print(&script)
}

/// Write the manual pages, one for each command
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  hard-sigmoid man ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// The folder to write to, which is created if there is none. Pages of the same names are replaced
    folder: PathBuf,
}

pub(crate) fn man(args: &ManArgs, command: Command) -> Result<(), Failure> {
    let names: Vec<_> = command.get_subcommands().map(|it| format!("hard-sigmoid-{}.1", it.get_name())).collect();
    let written = std::fs::create_dir_all(&args.folder)
        .and_then(|()| clap_mangen::generate_to(command, &args.folder))
        .and_then(|()| names.iter().try_for_each(|name| mend(&args.folder.join(name))));
    written.map_err(|error| Failure::file(&args.folder, format!("cannot be written: {error}; choose another folder")))
}

/// clap_mangen calls what follows the options EXTRA, fills its lines, and gives a subcommand's name for the program's.
fn mend(page: &Path) -> std::io::Result<()> {
    let Ok(text) = std::fs::read_to_string(page) else { return Ok(()) };
    let mut text = text.replace(".SH EXTRA\nExamples:\n", ".SH EXAMPLES\n.nf\n");
    if let Some(start) = text.find(".nf\n") {
        let end =
            text.get(start..).and_then(|rest| rest.find("\n.SH ")).map_or(text.len(), |len| start.saturating_add(len));
        text.insert_str(end, "\n.fi");
    }
    let lines = text.lines().map(|line| match line.strip_prefix(".TH ").and_then(|rest| rest.split_once(' ')) {
        Some((name, _)) => format!(".TH {name} 1 \"\" \"hard-sigmoid {}\"\n", env!("CARGO_PKG_VERSION")),
        None => format!("{line}\n"),
    });
    std::fs::write(page, lines.collect::<String>())
}
