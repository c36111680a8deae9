//! The `hard-sigmoid` command.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
#![allow(clippy::doc_markdown, reason = "clap prints the doc comments as plain text")]

mod adapters;
mod apply;
mod backend;
mod backward;
mod bench;
mod console;
mod container;
mod early;
mod encoding;
mod function;
mod index;
mod item;
mod json;
mod judge;
mod list;
mod output;
mod pieces;
mod plot;
mod progress;
mod ran;
mod report;
mod selection;
mod shell;
mod size;
mod stats;
mod stop;
mod summary;
mod threads;
mod transform;
mod validate;
mod verify;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ErrorKind};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use console::Failure;

/// Apply the hard sigmoid, clamp(alpha*x + beta, 0, 1), to files of numbers
///
/// The exit code is 0 on success, 1 if a file, the GPU or a check fails, and 2 if the arguments are invalid.
///
/// The environment variable RUST_LOG has the library say on stderr what it does: with RUST_LOG=hard_sigmoid=debug which
/// adapter it opens, why it falls back to the CPU, and what it compiles; with RUST_LOG=hard_sigmoid=trace also which
/// elements it sends to the GPU.
#[derive(Parser)]
#[command(name = "hard-sigmoid", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Use at most N threads of the CPU, and at most one for each core [default: one for each core]
    #[arg(short = 'j', long, value_name = "N", global = true, value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
}

#[derive(Subcommand)]
enum Command {
    Apply(apply::Args),
    Adapters(adapters::Args),
    Backward(backward::Args),
    Bench(bench::Args),
    Completions(shell::CompletionsArgs),
    Man(shell::ManArgs),
    Plot(plot::Args),
    Report(report::Args),
    Stats(stats::Args),
    Validate(validate::Args),
}

fn main() -> ExitCode {
    if std::env::var_os("RUST_LOG").is_some_and(|filters| !filters.is_empty()) {
        env_logger::init();
    }
    early::quiet_drivers();
    let mut command = Cli::command();
    let matches = match command.clone().try_get_matches_from(arguments()) {
        Ok(matches) => matches,
        // Help that was asked for goes to stdout.
        Err(error) if !error.use_stderr() && console::check_stdout().is_err() => {
            console::error(console::CLOSED);
            return ExitCode::FAILURE;
        }
        Err(mut error) => {
            // clap would advise to pass an unknown option as a value.
            if error.kind() == ErrorKind::UnknownArgument {
                error.remove(ContextKind::Suggested);
            }
            error.exit()
        }
    };
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let (name, of_command) = matches.subcommand().unwrap_or(("", &matches));
    threads::limit(cli.threads);
    let result = match cli.command {
        Command::Apply(args) => apply::run(&args),
        Command::Adapters(args) => adapters::run(&args),
        Command::Backward(args) => backward::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Completions(args) => shell::completions(&args, command.clone()),
        Command::Man(args) => shell::man(&args, command.clone()),
        Command::Plot(args) => plot::run(&args, of_command),
        Command::Report(args) => report::run(&args),
        Command::Stats(args) => stats::run(&args),
        Command::Validate(args) => validate::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Runtime(message) | Failure::Exists(message)) => {
            console::error(&message);
            ExitCode::FAILURE
        }
        Err(Failure::Signal(signal, message)) => {
            console::error(&message);
            #[cfg(unix)]
            let _ = signal_hook::low_level::emulate_default_handler(i32::try_from(signal).unwrap_or_default());
            let _ = signal;
            ExitCode::FAILURE
        }
        Err(Failure::Usage(message)) => {
            command.build();
            let used = command
                .find_subcommand_mut(name)
                .map(|command| command.error(ErrorKind::ValueValidation, console::escape(&message)));
            let _ = used.map(|error| error.print());
            ExitCode::from(2)
        }
    }
}

/// The arguments. Only the shells of Windows leave patterns such as `*.npy` to the commands.
fn arguments() -> Vec<OsString> {
    let arguments: Vec<_> = std::env::args_os().collect();
    // A name of a file may have brackets, which would be a pattern as well: x[1].npy must not become x1.npy.
    #[cfg(windows)]
    if !arguments.iter().any(|argument| argument.to_string_lossy().contains('[')) {
        return wild::args_os().collect();
    }
    arguments
}
