//! Why a file cannot be read.

use std::fmt::{Display, Formatter, Result};

/// Why a file cannot be read, in a line that names the file and the remedy.
#[derive(Debug)]
pub struct Error(pub(crate) String);

impl Display for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}
