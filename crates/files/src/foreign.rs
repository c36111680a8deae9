//! Files of other formats that are passed by mistake, and what to do instead.

/// What files of a format begin with, and the message for them.
const FORMATS: [(&[u8], &str); 14] = [
    (b"version https://git-lfs.github.com/spec/", LFS),
    (b"version https://hawser.github.com/spec/", LFS),
    (b"\x89HDF\r\n\x1a\n", "is an HDF5 file: read the dataset with h5py and save it with numpy.save"),
    (b"\x1f\x8b", "is compressed with gzip: decompress it first with gunzip"),
    (b"\x28\xb5\x2f\xfd", "is compressed with Zstandard: decompress it first with `zstd -d`"),
    (b"\xfd7zXZ\0", "is compressed with xz: decompress it first with unxz"),
    (b"BZh", "is compressed with bzip2: decompress it first with bunzip2"),
    (b"<!doctype html", HTML),
    (b"<html", HTML),
    (b"<?xml", HTML),
    (b"\x80\x02", PICKLE),
    (b"\x80\x03", PICKLE),
    (b"\x80\x04", PICKLE),
    (b"\x80\x05", PICKLE),
];

const LFS: &str = "is a pointer of Git LFS instead of the file itself: get the file with `git lfs pull`";

const HTML: &str = "is an HTML page, perhaps of a failed download: download the file itself";

const PICKLE: &str = "is a pickle of Python or PyTorch: load it with torch.load or numpy.load(file, \
                      allow_pickle=True), \
                      and save the tensors with safetensors.torch.save_file, or an array with numpy.save";

/// Returns a message if `start` is the start of a file of another format.
pub(crate) fn recognize(start: &[u8]) -> Option<&'static str> {
    let has = |part: &[u8]| start.windows(part.len()).any(|window| window == part);
    // Text may begin with a byte order mark and with blanks.
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    if text.starts_with(b"{") && (has(b"\"weight_map\"") || has(b"\"total_size\"")) {
        return Some("is an index of .safetensors files: pass the files that it names");
    }
    let known = |(magic, _): &&(&[u8], &str)| {
        start.starts_with(magic) || text.get(..magic.len()).is_some_and(|it| it.eq_ignore_ascii_case(magic))
    };
    FORMATS.iter().find(known).map(|(_, message)| *message)
}
