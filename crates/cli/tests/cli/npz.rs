//! `.npz` archives.

use std::fs::{self, File};
use std::io::{Cursor, Read, Write};
use std::path::Path;

use hard_sigmoid::half::bf16;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use super::{
    Folder, apply, backends, command, fails, floats, json, npy, npy_with_header, peak_memory, succeeds, with_stdin,
};

/// Archives that NumPy has written: tests/data/archives.py.
const NUMPY: [&str; 2] = ["../../tests/data/stored.npz", "../../tests/data/deflated.npz"];

/// The arrays that are not computed.
const COPIED: [&str; 2] = ["labels.npy", "words.npy"];

/// The members in their order: names, contents, and what else is to be kept.
pub(super) fn members(path: &Path) -> Vec<(String, Vec<u8>, String)> {
    let mut archive = ZipArchive::new(File::open(path).unwrap()).unwrap();
    let len = archive.len();
    let member = |i| {
        let mut member = archive.by_index(i).unwrap();
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).unwrap();
        let kept = format!("{:?} {:?}", member.compression(), member.last_modified());
        (member.name().unwrap().into_owned(), bytes, kept)
    };
    (0..len).map(member).collect()
}

/// Writes an archive.
pub(super) fn archive(members: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let date = DateTime::from_date_and_time(2001, 2, 3, 4, 5, 6).unwrap();
        let options = SimpleFileOptions::default().compression_method(method).last_modified_time(date);
        zip.start_file(*name, options.unix_permissions(0o640)).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.set_raw_comment(b"a comment".to_vec().into()).unwrap();
    zip.finish().unwrap().into_inner()
}

#[test]
fn arrays_of_numpys_archives_are_computed_and_the_rest_carried_over() {
    let folder = Folder::new();
    for input in NUMPY.map(Path::new) {
        let output = folder.path("y.npz");
        let run = apply(input, &output, &["--preset", "onnx", "--verify", "--force"]);
        let summary = succeeds(&run);
        assert!(summary.contains("97 f32, f16, f64 elements of 6 tensors (2 copied)"), "{summary}");
        let (before, after) = (members(input), members(&output));
        assert_eq!(before.len(), after.len());
        for ((name, x, kept), (same_name, y, same_kept)) in before.into_iter().zip(after) {
            assert_eq!((&name, &kept), (&same_name, &same_kept));
            if COPIED.contains(&name.as_str()) {
                assert_eq!(x, y, "{name}");
                continue;
            }
            // As the array alone.
            let alone = folder.file("x.npy", &x);
            succeeds(&apply(&alone, &folder.path("y.npy"), &["--preset", "onnx", "--force", "--quiet"]));
            assert_eq!(y, fs::read(folder.path("y.npy")).unwrap(), "{name}");
            assert!(x != y || name == "empty.npy", "{name}");
        }
    }
}

#[test]
fn arrays_are_chosen_by_name() {
    let folder = Folder::new();
    let output = folder.path("y.npz");
    let input = Path::new(NUMPY[1]);
    for backend in backends() {
        let options = ["--preset", "onnx", "--tensor", "single", "--tensor", "half", "--force", "--backend", backend];
        assert!(succeeds(&apply(input, &output, &options)).contains("48 f32, f16 elements of 2 tensors (6 copied)"));
        let changed = members(input).into_iter().zip(members(&output)).filter(|(a, b)| a != b).map(|(a, _)| a.0);
        assert_eq!(changed.collect::<Vec<_>>(), ["half.npy", "single.npy"]);
    }
    let refused = |name: &str, parts: &[&str]| {
        fails(&apply(input, &folder.path("z.npz"), &["--preset", "onnx", "--tensor", name]), parts);
    };
    refused("spam", &["has no array \"spam\"", "its arrays are \"half\", \"single\""]);
    refused("labels", &["array \"labels\" has dtype '<i8'", "astype('<f4')"]);
    assert_eq!(folder.names(), ["y.npz"]);
}

#[test]
fn stats_of_an_archive_are_those_of_its_arrays() {
    for path in NUMPY {
        let report = &json(&["stats", path, "--preset", "onnx"])[0];
        assert_eq!((&report["elements"], &report["nan"]), (&97.into(), &0.into()), "{report}");
        let tensors = report["tensors"].as_array().unwrap();
        let names: Vec<_> = tensors.iter().map(|tensor| tensor["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["half", "single", "big", "column", "scalar", "empty"]);
        // linspace(-4, 4, 24) has 5 values up to -2.5, and as many from 2.5 on.
        assert_eq!(
            (&tensors[1]["zero"], &tensors[1]["one"], &tensors[1]["inside"]),
            (&5.into(), &5.into(), &14.into())
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn bfloat16_arrays_need_the_option() {
    let folder = Folder::new();
    let data = |x: [f32; 2]| x.map(|x| bf16::from_f32(x).to_le_bytes()).concat();
    let brain = npy("'<V2'", false, "(2,)", &data([0.0, 9.0]));
    let single = npy("'<f4'", false, "(1,)", &floats(&[0.0]));
    let both = [("brain.npy", brain.as_slice()), ("single.npy", &single)];
    let input = folder.file("x.npz", &archive(&both, CompressionMethod::Stored));
    let output = folder.path("y.npz");
    fails(&apply(&input, &output, &["--preset", "onnx"]), &["array \"brain\" has dtype 'V2'", "--element bf16"]);
    succeeds(&apply(&input, &output, &["--preset", "onnx", "--element", "bf16", "--verify"]));
    let after = members(&output);
    assert_eq!(after[0].1, npy("'<V2'", false, "(2,)", &data([0.5, 1.0])));
    assert_eq!(after[1].1, npy("'<f4'", false, "(1,)", &floats(&[0.5])));
    let mut kept = ZipArchive::new(File::open(&output).unwrap()).unwrap();
    assert_eq!(kept.comment(), b"a comment");
    let member = kept.by_index(0).unwrap();
    assert_eq!((member.compression(), member.unix_mode()), (CompressionMethod::Stored, Some(0o100640)));
    assert_eq!(member.last_modified().unwrap().to_string(), "2001-02-03 04:05:06");
    drop(member);
    // The other array alone does not need it.
    succeeds(&apply(&input, &output, &["--preset", "onnx", "--tensor", "single", "--force"]));
}

#[test]
fn bad_archives_are_refused_and_nothing_is_left() {
    let single = npy("'<f4'", false, "(300,)", &floats(&[0.5; 300]));
    let stored = |members: &[(&str, &[u8])]| archive(members, CompressionMethod::Stored);
    let good = stored(&[("a.npy", &single)]);
    let deflated = archive(&[("a.npy", &single)], CompressionMethod::Deflated);
    let damaged = |mut bytes: Vec<u8>, at: usize| {
        bytes[at] ^= 1;
        bytes
    };
    // Within the last bytes of the data.
    let end = deflated.windows(4).position(|it| it == b"PK\x01\x02").unwrap() - 4;
    let mut unsupported = stored(&[("a.npy", &single), ("b.npy", &single)]);
    unsupported[8] = 12;
    let central = unsupported.windows(4).position(|it| it == b"PK\x01\x02").unwrap();
    unsupported[central + 10] = 12;
    let longer = [single.as_slice(), &[0]].concat();
    let mut same = stored(&[("a.npy", &single), ("b.npy", &single)]);
    for at in 0..same.len() - 4 {
        if &same[at..at + 5] == b"b.npy" {
            same[at] = b'a';
        }
    }
    let bad: [(Vec<u8>, &[&str]); 11] = [
        (good[..good.len() - 9].to_vec(), &["cannot be read as a zip archive", "save or copy it again"]),
        (damaged(good.clone(), 900), &["array", "hecksum"]),
        (damaged(deflated.clone(), end), &["array \"a\" cannot be read", "damaged"]),
        (stored(&[("x.csv", b"1,2")]), &["is a zip archive without arrays of NumPy"]),
        (stored(&[("a.npy", b"\x93NUMPY\x01\x00")]), &["array \"a\"", "ends within the header"]),
        (stored(&[("a.npy", &single[..single.len() - 1])]), &["array \"a\" is truncated", "needs 1200 bytes"]),
        (stored(&[("a.npy", &longer)]), &["array \"a\" has 1 bytes after its 1200 bytes"]),
        (stored(&[("a.npy", &npy("'<i4'", false, "(1,)", &[0; 4]))]), &["has no array to compute"]),
        (same, &["two members named \"a.npy\""]),
        (stored(&[]), &["is an empty archive", "numpy.savez"]),
        // bzip2 in both headers of the member.
        (unsupported.clone(), &["array \"a\" cannot be read: bzip2 is not supported", "numpy.savez_compressed"]),
    ];
    for (i, (bytes, parts)) in bad.into_iter().enumerate() {
        let folder = Folder::new();
        let input = folder.file("bad.npz", &bytes);
        let run = apply(&input, &folder.path("y.npz"), &["--preset", "onnx"]);
        assert_eq!(folder.names(), ["bad.npz"], "{i}");
        fails(&run, parts);
        fails(&run, &["bad.npz"]);
    }
    let folder = Folder::new();
    // What is not computed need not be read.
    let input = folder.file("x.npz", &unsupported);
    succeeds(&apply(&input, &folder.path("z.npz"), &["--preset", "onnx", "--tensor", "b", "--quiet"]));
    // A copied member that claims to be longer than the archive.
    let mut long = stored(&[("a.npy", &single), ("b.csv", b"1,2")]);
    let central = long.windows(4).rposition(|it| it == b"PK\x01\x02").unwrap();
    long[central + 22] = 1;
    let input = folder.file("x.npz", &long);
    let run = apply(&input, &folder.path("long.npz"), &["--preset", "onnx"]);
    fails(&run, &["longer than the archive"]);
    assert!(!folder.path("long.npz").exists());
    let input = folder.file("x.npz", &good);
    fails(&apply(&input, &folder.path("y.npy"), &["--preset", "onnx"]), &["name it .npz instead of .npy"]);
    let run = with_stdin(command().arg("apply").arg(&input).args(["-", "--preset", "onnx"]), vec![]);
    fails(&run, &["to which no archive can be written: name a file"]);
}

/// NumPy decides by the contents of a member, and takes one `.npy` from its name.
#[test]
fn members_are_arrays_by_their_contents() {
    let folder = Folder::new();
    let (x, y) = (npy("'<f4'", false, "(2,)", &floats(&[0.0, 9.0])), npy("'<f4'", false, "(2,)", &floats(&[0.5, 1.0])));
    let others = [
        ("__MACOSX/._v.npy", &b"\0\x05\x16\x07 of macOS"[..]),
        ("empty.npy", b""),
        ("link.npy", b"v.npy"),
        ("d/", b""),
    ];
    for (name, arrays) in [("alone", &["w"][..]), ("many", &["w", "v.npy", "u.npy.npy"])] {
        let of = |array: &[u8]| {
            let arrays = arrays.iter().map(|name| (*name, array.to_vec()));
            arrays.chain(others.map(|(name, bytes)| (name, bytes.to_vec()))).collect::<Vec<_>>()
        };
        let bytes: Vec<_> = of(&x);
        let bytes: Vec<_> = bytes.iter().map(|(name, bytes)| (*name, &bytes[..])).collect();
        let input = folder.file(&format!("{name}.npz"), &archive(&bytes, CompressionMethod::Deflated));
        let output = folder.path("y.npz");
        let summary = succeeds(&apply(&input, &output, &["--preset", "onnx", "--verify", "--force"]));
        let n = arrays.len();
        assert!(summary.contains(&format!("{} f32 elements of {n} tensor", 2 * n)) && summary.contains("(4 copied)"));
        let written: Vec<_> = members(&output).into_iter().map(|(name, bytes, _)| (name, bytes)).collect();
        let expected: Vec<_> = of(&y).into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
        assert!(written == expected, "{name}");
    }
    // What cannot be opened may be an array, unless its name says something else.
    for (name, parts) in [("w", "array \"w\" cannot be read: bzip2 is not supported"), ("w.txt", "(1 copied)")] {
        let mut bytes = archive(&[("v.npy", &x), (name, b"whatever")], CompressionMethod::Stored);
        let local = bytes.windows(4).rposition(|it| it == b"PK\x03\x04").unwrap();
        let central = bytes.windows(4).rposition(|it| it == b"PK\x01\x02").unwrap();
        (bytes[local + 8], bytes[central + 10]) = (12, 12);
        let run = apply(&folder.file("other.npz", &bytes), &folder.path("z.npz"), &["-p", "onnx", "-f"]);
        assert!(String::from_utf8_lossy(&run.stderr).contains(parts), "{run:?}");
    }
    let notes = archive(&[("v.npy", &x), ("notes.txt", b"hello")], CompressionMethod::Stored);
    let notes = folder.file("notes.npz", &notes);
    for tensors in [&["--tensor", "notes.txt"][..], &["--tensor", "v", "--tensor", "notes.txt"]] {
        let run = apply(&notes, &folder.path("z.npz"), &[&["-p", "onnx", "-f"], tensors].concat());
        fails(&run, &["has array \"notes.txt\", but nothing to compute in it"]);
    }
    let output = folder.path("one.npz");
    succeeds(&apply(&folder.path("many.npz"), &output, &["--preset", "onnx", "--tensor", "u.npy"]));
    let written = members(&output);
    assert!(written[0].1 == x && written[1].1 == x && written[2].1 == y);
}

#[cfg(target_os = "linux")]
#[test]
fn an_archive_that_is_stdin_is_read_as_a_file() {
    let folder = Folder::new();
    let output = folder.path("y.npz");
    let mut run = command();
    run.args(["apply", "-"]).arg(&output).args(["-p", "onnx"]).stdin(File::open(NUMPY[0]).unwrap());
    succeeds(&run.output().unwrap());
    succeeds(&apply(Path::new(NUMPY[0]), &folder.path("z.npz"), &["-p", "onnx"]));
    assert!(fs::read(&output).unwrap() == fs::read(folder.path("z.npz")).unwrap());
    // Something else has read from it.
    let mut begun = File::open(NUMPY[0]).unwrap();
    begun.read_exact(&mut [0; 4]).unwrap();
    let mut run = command();
    run.args(["apply", "-"]).arg(&output).args(["-p", "onnx", "-f"]).stdin(begun);
    fails(&run.output().unwrap(), &["stdin: "]);
}

/// A `ZipWriter` that is dropped writes its directory.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_becomes_too_large_is_one_message() {
    let folder = Folder::new();
    let zeros = npy("'<f4'", false, "(1000000,)", &vec![0; 4_000_000]);
    let input = folder.file("x.npz", &archive(&[("a.npy", &zeros), ("b.npy", &zeros)], CompressionMethod::Stored));
    let line = format!("ulimit -f 1000; exec {} apply x.npz y.npz --preset onnx", env!("CARGO_BIN_EXE_hard-sigmoid"));
    let run = std::process::Command::new("bash").args(["-c", &line]).current_dir(input.parent().unwrap()).output();
    let run = run.unwrap();
    fails(&run, &["y.npz: cannot be written: File too large", "ulimit -f"]);
    assert!(!String::from_utf8_lossy(&run.stderr).contains("ZipWriter"));
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_arrays() {
    let folder = Folder::new();
    let zeros = npy("'<f4'", false, "(25165824,)", &vec![0; 96 << 20]);
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let input = folder.file("x.npz", &archive(&[("a.npy", &zeros), ("b", b"")], method));
        let mut run = command();
        run.args(["apply", "--preset", "onnx", "--backend", "cpu", "--force", "--quiet"]);
        let peak = peak_memory(run.args([&input, &folder.path("y.npz")]));
        assert!((1..32 << 10).contains(&peak), "{method}: {peak} KiB");
    }
}

/// An archive of 2 MB whose arrays have headers of 64 KiB each.
#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_headers() {
    let folder = Folder::new();
    let header = npy_with_header(
        &format!("{{'descr': '<f4', 'fortran_order': False, 'shape': (0,), }}{}\n", " ".repeat(65_000)),
        &[],
    );
    let names: Vec<_> = (0..3000).map(|i| format!("{i}.npy")).collect();
    let members: Vec<_> = names.iter().map(|name| (name.as_str(), header.as_slice())).collect();
    let input = folder.file("x.npz", &archive(&members, CompressionMethod::Deflated));
    let script = format!(
        "ulimit -v 700000; {} apply {} {} --preset onnx",
        env!("CARGO_BIN_EXE_hard-sigmoid"),
        input.display(),
        folder.path("y.npz").display()
    );
    let run = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
    fails(&run, &["more than 64 MiB of headers", "several archives"]);
}
