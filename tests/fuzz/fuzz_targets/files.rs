//! Any bytes as a `.npy` or a `.safetensors` file: an error, or sections that are exactly what the file holds.

#![no_main]
#![allow(dead_code, reason = "the command uses more of them")]

#[path = "../../../src/bin/hard-sigmoid/input.rs"]
mod input;
#[path = "../../../src/bin/hard-sigmoid/npy.rs"]
mod npy;
#[path = "../../../src/bin/hard-sigmoid/safetensors.rs"]
mod safetensors;

use std::path::Path;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

/// As the command has it.
struct Failure(String);

impl Failure {
    fn file(path: &Path, what: impl std::fmt::Display) -> Self {
        Self(format!("{}: {what}", path.display()))
    }
}

static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
});

fuzz_target!(|bytes: &[u8]| {
    for name in ["x.npy", "x.safetensors"] {
        let path = FOLDER.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let Ok(mut input) = input::open(&path, &[]) else { continue };
        let sections: u64 = input.sections.iter().map(|section| section.bytes).sum();
        for section in &input.sections {
            if let Some((dtype, elements)) = section.computed {
                assert_eq!(dtype.bytes() * elements, section.bytes);
            }
        }
        // All that is behind the header can be read, and nothing is left.
        let mut data = vec![0_u8; sections as usize];
        input.read(&mut data).unwrap();
        assert!(bytes.ends_with(&data));
        assert!(input.read(&mut [0_u8]).is_err());
        // What would be written is a file like it.
        let output = [&input.header[..], &data].concat();
        std::fs::write(&path, &output).unwrap();
        let again = input::open(&path, &[]).map_err(|Failure(message)| message).unwrap();
        assert_eq!(again.header, input.header);
        assert_eq!(again.elements(), input.elements());
        // And every tensor can be asked for by its name.
        for section in input.sections.iter().filter(|section| section.computed.is_some()) {
            if let Some(name) = &section.name {
                let one = input::open(&path, std::slice::from_ref(name)).map_err(|Failure(message)| message).unwrap();
                assert_eq!(one.sections.iter().filter(|section| section.computed.is_some()).count(), 1);
            }
        }
    }
});
