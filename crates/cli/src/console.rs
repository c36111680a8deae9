//! Output on the terminal, and the error that ends a command.

use std::fmt::Display;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;

use super::early;

/// Why a command failed, in one line that names the remedy.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A file, the GPU or a check failed. The exit code is 1.
    Runtime(String),
    /// An output exists, and may not be replaced. The exit code is 1.
    Exists(String),
    /// The arguments are invalid. The exit code is 2.
    Usage(String),
    /// A signal of this number was received. The command ends as the signal ends other commands, so that a shell
    /// stops a loop, too.
    Signal(usize, String),
}

impl From<hard_sigmoid_files::Error> for Failure {
    fn from(error: hard_sigmoid_files::Error) -> Self {
        Self::Runtime(error.to_string())
    }
}

impl From<hard_sigmoid::Error> for Failure {
    fn from(error: hard_sigmoid::Error) -> Self {
        Self::Runtime(error.to_string())
    }
}

impl Failure {
    pub(crate) fn message(&self) -> &str {
        let (Self::Runtime(message) | Self::Exists(message) | Self::Usage(message) | Self::Signal(_, message)) = self;
        message
    }

    pub(crate) fn file(path: &Path, message: impl Display) -> Self {
        Self::Runtime(format!("{}: {message}", path.display()))
    }
}

/// Writes a line to stderr and ignores errors.
pub(crate) fn log(message: &str) {
    let _ = std::io::stderr().write_all(format!("hard-sigmoid: {}\n", escape(message)).as_bytes());
}

/// Writes a line to stderr that begins in red on a terminal, unless `NO_COLOR` is set, and ignores errors.
pub(crate) fn error(message: &str) {
    let red = anstyle::AnsiColor::Red.on_default().bold();
    let line = format!("{red}hard-sigmoid:{red:#} {}\n", escape(message));
    let _ = anstream::stderr().write_all(line.as_bytes());
}

/// Writes to stdout.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    print_with(|out| out.write_all(text.as_bytes()))
}

/// Writes to stdout piece by piece.
pub(crate) fn print_with(write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<(), Failure> {
    check_stdout()?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        // `hard-sigmoid ... | head` is not an error.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::Runtime(format!("cannot write to stdout: {error}; redirect it elsewhere"))),
        Ok(()) => Ok(()),
    }
}

/// The message for a stdout that does not exist.
pub(crate) const CLOSED: &str = "stdout: is closed: redirect it to a file or a pipe";

/// Checks that what is written to stdout is not lost.
pub(crate) fn check_stdout() -> Result<(), Failure> {
    match early::stdout_is_closed() {
        true => Err(Failure::Runtime(CLOSED.into())),
        false => Ok(()),
    }
}

/// Escapes control characters, because file names and file contents may hold line breaks and terminal escapes.
pub(crate) fn escape(text: &str) -> String {
    let mut line = String::new();
    for c in text.chars() {
        if c.is_control() { line.extend(c.escape_default()) } else { line.push(c) }
    }
    line
}
