//! The `hard-sigmoid` command: hard sigmoid over files.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
#![allow(clippy::doc_markdown, reason = "clap prints the doc comments as they stand")]

mod adapters;
mod apply;
mod backend;
mod bench;
mod function;
mod input;
mod npy;
mod output;
mod progress;
mod safetensors;
mod stats;
mod stop;
mod validate;

use std::io::Write;
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
    Bench(bench::Args),
    Stats(stats::Args),
    Validate(validate::Args),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Apply(args) => apply::run(&args),
        Command::Adapters => adapters::run(),
        Command::Bench(args) => bench::run(&args),
        Command::Stats(args) => stats::run(&args),
        Command::Validate(args) => validate::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(message)) => {
            say(&message);
            ExitCode::FAILURE
        }
    }
}

/// One line on stderr. That nobody can read it changes nothing about the work.
fn say(message: &str) {
    let _ = std::io::stderr().write_all(format!("hard-sigmoid: {}\n", printable(message)).as_bytes());
}

/// In one line: names and file contents may hold line breaks and terminal escapes.
fn printable(text: &str) -> String {
    let mut line = String::new();
    for c in text.chars() {
        if c.is_control() { line.extend(c.escape_default()) } else { line.push(c) }
    }
    line
}

/// Lines on stdout, which is what a command like this is for.
fn print(lines: &str) -> Result<(), Failure> {
    match std::io::stdout().write_all(lines.as_bytes()) {
        // The reader has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure(format!("stdout cannot be written: {error}; send it elsewhere"))),
        Ok(()) => Ok(()),
    }
}

/// What ends the command early: one line that names the file and the remedy.
struct Failure(String);

impl Failure {
    fn file(path: &std::path::Path, what: impl std::fmt::Display) -> Self {
        Self(format!("{}: {what}", path.display()))
    }
}
