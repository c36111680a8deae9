//! Parses bytes as a file. The result is an error, or sections that match the bytes.

#![allow(clippy::unwrap_used, reason = "a panic is a finding")]

use hard_sigmoid::Dtype;
use std::path::Path;
use std::sync::LazyLock;

use hard_sigmoid_files::{Input, Layout, Selection, open};

static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
});

/// Checks `bytes` as the contents of a file of this name.
pub(crate) fn check(name: &str, bytes: &[u8], element: Option<Dtype>) {
    let path = FOLDER.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let mut selection = Selection { element, ..Selection::default() };
    let Ok((mut input, header)) = open(&path) else { return };
    let Ok(layout) = input.layout(&header, &selection) else { return };
    if !layout.headers.is_empty() {
        return read_archive(&mut input, &layout);
    }
    let sections = &layout.sections;
    let mut end = 0;
    for section in sections {
        assert_eq!(section.start, end);
        end += section.bytes;
        if let Some(dtype) = section.dtype {
            assert_eq!(dtype.size() * section.elements(), section.bytes);
        }
    }
    // The sections are all of the data after the header.
    let Some(first) = sections.first() else { return };
    let mut data = vec![0_u8; end as usize];
    let mut reader = input.data(0, first).unwrap();
    reader.read(first, &mut data).unwrap();
    // In the order of the file again.
    first.swap_bytes(&mut data);
    assert!(bytes.ends_with(&data));
    assert!(reader.read(first, &mut [0_u8]).is_err());
    // The header of the output describes the same data.
    std::fs::write(&path, [&layout.header[..], &data].concat()).unwrap();
    let (input, header_again) = open(&path).unwrap();
    let again = input.layout(&header_again, &selection).unwrap();
    assert_eq!(again.header, layout.header);
    assert_eq!(again.elements(), layout.elements());
    // Every tensor can be selected by its name.
    for section in sections.iter().filter(|section| section.dtype.is_some()) {
        if let Some(name) = &section.name {
            selection.tensor = vec![name.to_string()];
            let one = input.layout(&header, &selection).unwrap();
            assert_eq!(one.sections.iter().filter(|section| section.dtype.is_some()).count(), 1);
        }
    }
}

/// Reads the arrays of an archive to their ends, or to where they are damaged.
fn read_archive(input: &mut Input, layout: &Layout<'_>) {
    for (i, section) in layout.sections.iter().enumerate() {
        let Some(dtype) = section.dtype else { continue };
        assert_eq!(dtype.size() * section.elements(), section.bytes);
        let Ok(mut data) = input.data(i, section) else { continue };
        let mut left = section.bytes;
        // An archive of a few bytes may claim any length.
        while left > 0 && data.read(section, &mut vec![0_u8; left.min(4096) as usize]).is_ok() {
            left -= left.min(4096);
        }
        let _ = data.finish();
    }
}
