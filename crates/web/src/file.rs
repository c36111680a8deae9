//! Files of JavaScript: inputs that are read where they lie, and outputs that are written piece by piece, so that
//! WebAssembly holds neither.

use std::io::{Error, ErrorKind, Read, Result, Seek, SeekFrom, Write};

use js_sys::{Function, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

/// The least that is read at once: many a member of an archive is small.
const READ: u64 = 1 << 18;

/// The least that is written at once.
const WRITE: usize = 1 << 22;

/// A file to read.
#[derive(Debug)]
pub(crate) struct Source {
    /// Returns the bytes from one place to another, as a `Uint8Array`.
    read: Function,
    bytes: u64,
    position: u64,
    /// What was read last, and where it begins.
    piece: Uint8Array,
    start: u64,
}

impl Source {
    pub(crate) fn new(read: Function, bytes: u64) -> Self {
        Self { read, bytes, position: 0, piece: Uint8Array::new_with_length(0), start: 0 }
    }

    /// What is left of the last piece.
    fn left(&self) -> Option<Uint8Array> {
        let from = self.position.checked_sub(self.start).filter(|&from| from < u64::from(self.piece.length()))?;
        Some(self.piece.subarray(from as u32, self.piece.length()))
    }
}

impl Read for Source {
    fn read(&mut self, target: &mut [u8]) -> Result<usize> {
        if target.is_empty() || self.position >= self.bytes {
            return Ok(0);
        }
        let left = match self.left() {
            Some(left) => left,
            None => {
                let end = self.position.saturating_add(READ.max(target.len() as u64)).min(self.bytes);
                let read = self.read.call2(&JsValue::NULL, &number(self.position), &number(end)).map_err(failed)?;
                self.piece = read.unchecked_into();
                self.start = self.position;
                self.left().ok_or(ErrorKind::UnexpectedEof)?
            }
        };
        let len = target.len().min(left.length() as usize);
        left.subarray(0, len as u32).copy_to(&mut target[..len]);
        self.position += len as u64;
        Ok(len)
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        self.position = place(to, self.position, self.bytes)?;
        Ok(self.position)
    }
}

/// A file to write.
#[derive(Debug)]
pub(crate) struct Target {
    /// Takes a `Uint8Array` and where it belongs, which is at the end or in what it was given before.
    write: Function,
    position: u64,
    /// What comes last, and where it begins.
    piece: Vec<u8>,
    start: u64,
}

impl Target {
    pub(crate) fn new(write: Function) -> Self {
        Self { write, position: 0, piece: Vec::new(), start: 0 }
    }

    fn give(&self, bytes: &[u8], position: u64) -> Result<()> {
        let bytes = Uint8Array::from(bytes);
        self.write.call2(&JsValue::NULL, &bytes, &number(position)).map(drop).map_err(failed)
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        // An archive changes its headers when it knows the sizes.
        let before = self.start.saturating_sub(self.position).min(bytes.len() as u64) as usize;
        if before > 0 {
            self.give(&bytes[..before], self.position)?;
            self.position += before as u64;
            return Ok(before);
        }
        let from = (self.position - self.start) as usize;
        let replaced = (self.piece.len() - from).min(bytes.len());
        self.piece[from..from + replaced].copy_from_slice(&bytes[..replaced]);
        self.piece.extend_from_slice(&bytes[replaced..]);
        self.position += bytes.len() as u64;
        if self.piece.len() >= WRITE && self.position == self.start + self.piece.len() as u64 {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        self.give(&self.piece, self.start)?;
        self.start += self.piece.len() as u64;
        self.piece.clear();
        Ok(())
    }
}

impl Seek for Target {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        let end = self.start + self.piece.len() as u64;
        self.position = place(to, self.position, end)?.min(end);
        Ok(self.position)
    }
}

fn place(to: SeekFrom, position: u64, end: u64) -> Result<u64> {
    let place = match to {
        SeekFrom::Start(place) => Some(place),
        SeekFrom::End(offset) => end.checked_add_signed(offset),
        SeekFrom::Current(offset) => position.checked_add_signed(offset),
    };
    place.ok_or_else(|| ErrorKind::InvalidInput.into())
}

fn number(place: u64) -> JsValue {
    (place as f64).into()
}

/// What a function of JavaScript has thrown.
fn failed(thrown: JsValue) -> Error {
    let error: Option<&js_sys::Error> = JsCast::dyn_ref(&thrown);
    Error::other(error.map_or_else(|| format!("{thrown:?}"), |error| String::from(error.message())))
}
