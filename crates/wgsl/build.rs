//! Writes the source as wesl 0.6 takes it from a package: there, a package exports what is marked `public`, which is no
//! WGSL. All items are marked, since the other ways to import know no visibility.

#![allow(clippy::print_stdout, reason = "cargo reads it")]

use std::error::Error;
use std::path::PathBuf;

const SOURCE: &str = "src/hard_sigmoid.wgsl";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={SOURCE}");
    let wgsl = std::fs::read_to_string(SOURCE)?;
    let mut wesl = String::new();
    for line in wgsl.lines() {
        if line.starts_with("fn ") || line.starts_with("struct ") {
            wesl.push_str("public ");
        }
        wesl.push_str(line);
        wesl.push('\n');
    }
    let folder = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(folder.join("hard_sigmoid.wesl"), wesl)?;
    Ok(())
}
