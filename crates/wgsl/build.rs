//! Writes the source as wesl 0.6 takes it from a package: there, a package exports what is marked `public`, which is no
//! WGSL. All items are marked, since the other ways to import know no visibility.

use std::path::PathBuf;

const SOURCE: &str = "src/hard_sigmoid.wgsl";

fn main() {
    println!("cargo::rerun-if-changed={SOURCE}");
    let wgsl = std::fs::read_to_string(SOURCE).expect(SOURCE);
    let mut wesl = String::new();
    for line in wgsl.lines() {
        if line.starts_with("fn ") || line.starts_with("struct ") {
            wesl.push_str("public ");
        }
        wesl.push_str(line);
        wesl.push('\n');
    }
    let folder = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    std::fs::write(folder.join("hard_sigmoid.wesl"), wesl).expect("OUT_DIR is writable");
}
