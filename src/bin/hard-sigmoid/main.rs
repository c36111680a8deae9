//! The `hard-sigmoid` command: hard sigmoid over files.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks through both")]
#![allow(clippy::doc_markdown, reason = "clap prints the doc comments as they stand")]

mod adapters;
mod apply;
mod function;
mod npy;
mod output;
mod progress;
mod validate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Applies the hard sigmoid, clamp(alpha*x + beta, 0, 1), to files of numbers.
///
/// Exit code 0 if all is well, 1 if a file, the GPU or a check fails, 2 if the command is not understood.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Apply(apply::Args),
    /// List the GPU adapters of this machine.
    Adapters,
    Validate(validate::Args),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Apply(args) => apply::run(&args),
        Command::Adapters => adapters::run(),
        Command::Validate(args) => validate::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(message)) => {
            eprintln!("hard-sigmoid: {message}");
            ExitCode::FAILURE
        }
    }
}

/// What ends the command early: one line that names the file and the remedy.
struct Failure(String);

impl Failure {
    fn file(path: &std::path::Path, what: impl std::fmt::Display) -> Self {
        // A path may hold a line break, and the message is one line.
        Self(format!("{}: {what}", path.display()).replace('\n', "\\n"))
    }
}
