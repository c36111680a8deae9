//! `hard-sigmoid completions` and `hard-sigmoid man`.

use std::path::PathBuf;

use clap::Command;
use clap_complete::Shell;

use super::console::{Failure, print};

/// Print the completions for a shell
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  hard-sigmoid completions bash > ~/.local/share/bash-completion/completions/hard-sigmoid
  hard-sigmoid completions zsh > ~/.zfunc/_hard-sigmoid
  hard-sigmoid completions fish > ~/.config/fish/completions/hard-sigmoid.fish")]
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
    let written = std::fs::create_dir_all(&args.folder).and_then(|()| clap_mangen::generate_to(command, &args.folder));
    written.map_err(|error| Failure::file(&args.folder, format!("cannot be written: {error}; choose another folder")))
}
