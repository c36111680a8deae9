//! Parses arbitrary bytes as a `.npy` and a `.safetensors` file. The result is an error, or sections that match them.

#![no_main]
#![allow(dead_code, unused_imports, reason = "the target does not use all of these modules")]

#[path = "../../../src/bin/hard-sigmoid/console.rs"]
mod console;
#[path = "../../../src/bin/hard-sigmoid/dtype.rs"]
mod dtype;
#[path = "../../../src/bin/hard-sigmoid/input.rs"]
mod input;
#[path = "../../../src/bin/hard-sigmoid/layout.rs"]
mod layout;
#[path = "../../../src/bin/hard-sigmoid/npy.rs"]
mod npy;
#[path = "../../../src/bin/hard-sigmoid/safetensors.rs"]
mod safetensors;

use std::path::Path;
use std::sync::LazyLock;

use input::Input;
use libfuzzer_sys::fuzz_target;

static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
});

fuzz_target!(|bytes: &[u8]| {
    for name in ["x.npy", "x.safetensors"] {
        let path = FOLDER.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let Ok((mut input, layout)) = Input::open(&path, &[]) else { continue };
        let sections = &layout.sections;
        for section in sections {
            if let Some(dtype) = section.dtype {
                assert_eq!(dtype.size() * section.elements(), section.bytes);
            }
        }
        // The sections are all of the data after the header.
        let mut data = vec![0_u8; sections.iter().map(|section| section.bytes).sum::<u64>() as usize];
        input.read(&mut data).unwrap();
        assert!(bytes.ends_with(&data));
        assert!(input.read(&mut [0_u8]).is_err());
        // The header of the output describes the same data.
        std::fs::write(&path, [&layout.header[..], &data].concat()).unwrap();
        let (_, again) = Input::open(&path, &[]).unwrap();
        assert_eq!(again.header, layout.header);
        assert_eq!(again.elements(), layout.elements());
        // Every tensor can be selected by its name.
        for section in sections.iter().filter(|section| section.dtype.is_some()) {
            if let Some(name) = &section.name {
                let (_, one) = Input::open(&path, std::slice::from_ref(name)).unwrap();
                assert_eq!(one.sections.iter().filter(|section| section.dtype.is_some()).count(), 1);
            }
        }
    }
});
