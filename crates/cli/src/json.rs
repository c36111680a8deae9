//! What several commands print as JSON.

use std::io;
use std::path::Path;

use hard_sigmoid::HardSigmoid;
use serde::{Serialize, Serializer};

use super::console::{self, Failure};

/// An input. Text in JSON is Unicode. A file name need not be, and is given as bytes then.
#[derive(Serialize)]
pub(crate) struct File<'a> {
    file: Option<&'a str>,
    file_bytes: Option<&'a [u8]>,
}

impl<'a> From<&'a Path> for File<'a> {
    fn from(path: &'a Path) -> Self {
        Self { file: path.to_str(), file_bytes: bytes(path) }
    }
}

/// The bytes of a path that is not Unicode.
pub(crate) fn bytes(path: &Path) -> Option<&[u8]> {
    path.to_str().is_none().then_some(path.as_os_str().as_encoded_bytes())
}

/// An input that failed.
#[derive(Serialize)]
pub(crate) struct Failed<'a> {
    #[serde(flatten)]
    pub(crate) file: File<'a>,
    pub(crate) error: &'a str,
}

/// A function.
#[derive(Serialize)]
pub(crate) struct Function {
    pub(crate) preset: Option<&'static str>,
    alpha: f64,
    beta: f64,
}

impl From<HardSigmoid> for Function {
    fn from(f: HardSigmoid) -> Self {
        Self { preset: f.preset(), alpha: f.alpha(), beta: f.beta() }
    }
}

/// Serializes what an iterator yields, without holding all of it.
pub(crate) struct Sequence<F>(pub(crate) F);

impl<F: Fn() -> I, I: Iterator<Item: Serialize>> Serialize for Sequence<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0())
    }
}

/// Prints an object in a line of stdout.
pub(crate) fn print(value: &impl Serialize) -> Result<(), Failure> {
    console::print_with(|out| {
        serde_json::to_writer(&mut *out, value).map_err(io::Error::from)?;
        writeln!(out)
    })
}
