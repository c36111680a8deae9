//! The header of `.npy` files.

use std::io::{Cursor, Read};

use super::dtype::Dtype;
use super::layout::{Layout, Section};

pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";

pub(crate) const EXTENSION: &str = "npy";

/// The longest header that is accepted. NumPy accepts 10,000 bytes by default.
const MAX_HEADER: usize = 1 << 16;

/// The most dimensions that NumPy supports.
const MAX_DIMENSIONS: usize = 64;

/// How often each bracket may occur in a header. A valid header has one dictionary, one tuple and, for structured
/// arrays, lists. The parser is recursive, and its run time is exponential in the number of `{` and `[`.
const MAX_BRACKETS: [(u8, usize); 3] = [(b'{', 1), (b'[', 8), (b'(', 64)];

/// The supported dtypes and how a header spells them.
const DTYPES: [(Dtype, &str); 3] = [(Dtype::F16, "'<f2'"), (Dtype::F32, "'<f4'"), (Dtype::F64, "'<f8'")];

/// Reads the header of a file of `file_size` bytes that starts with [`MAGIC`].
pub(crate) fn read_layout(file: &mut impl Read, file_size: u64) -> Result<Layout, String> {
    let save_again = |message| format!("{message}; save the array again with numpy.save");
    let header = read_header(file).map_err(save_again)?;
    let parsed = npyz::NpyHeader::from_reader(Cursor::new(&header))
        .or_else(|error| npyz::NpyHeader::from_reader(Cursor::new(without_longs(&header))).map_err(|_| error))
        .map_err(|error| {
            // The other lines of a syntax error show where it is.
            let error = error.to_string();
            let first_line = error.lines().next().unwrap_or_default().trim_end_matches(':');
            save_again(format!("is not a valid .npy file: {first_line}"))
        })?;
    let descr = parsed.dtype().descr();
    let Some(&(dtype, descr)) = DTYPES.iter().find(|(_, known)| *known == descr) else {
        let width = ["2", "4", "8"].into_iter().find(|width| descr == format!("'>f{width}'")).unwrap_or("4");
        let remedy = format!("convert it with array.astype('<f{width}')");
        return Err(format!("has dtype {descr}, but only '<f2', '<f4' and '<f8' are supported: {remedy}"));
    };
    let shape = parsed.shape();
    let dimensions = shape.len();
    if dimensions > MAX_DIMENSIONS {
        return Err(format!(
            "has {dimensions} dimensions, but NumPy supports at most {MAX_DIMENSIONS}: reshape the array"
        ));
    }
    let held = file_size.saturating_sub(header.len() as u64);
    // Dimensions that overflow are valid next to one that is 0.
    let needed = if shape.contains(&0) {
        Some(0)
    } else {
        shape.iter().try_fold(dtype.size(), |product, &n| product.checked_mul(n))
    };
    match needed {
        Some(needed) if needed == held => Ok(Layout {
            extension: EXTENSION,
            header: canonical(header, &parsed, descr),
            sections: vec![Section { name: None, bytes: needed, dtype: Some(dtype) }],
        }),
        Some(needed) if needed < held => Err(format!(
            "has {} bytes after its {needed} bytes of data: it is damaged or in another format; save it again",
            held.saturating_sub(needed)
        )),
        _ => Err(format!(
            "is truncated: shape {shape:?} needs {} bytes of data, but the file holds {held}; save or copy it again",
            needed.map_or("more than 2^64".to_owned(), |n| n.to_string()),
        )),
    }
}

/// Returns the bytes before the data: the magic, the version, the length and the Python dictionary.
fn read_header(file: &mut impl Read) -> Result<Vec<u8>, String> {
    let truncated = |_| "is not a valid .npy file: it ends within the header".to_owned();
    let mut header = vec![0; 10];
    file.read_exact(&mut header).map_err(truncated)?;
    let len = match *header.split_at(MAGIC.len()).1 {
        [1, _, a, b] => usize::from(u16::from_le_bytes([a, b])),
        [2 | 3, _, a, b] => {
            let mut high = [0; 2];
            file.read_exact(&mut high).map_err(truncated)?;
            header.extend(high);
            u32::from_le_bytes([a, b, high[0], high[1]]) as usize
        }
        _ => return Err("has an unknown .npy version: 1, 2 and 3 are supported".into()),
    };
    if len > MAX_HEADER {
        return Err(format!("claims a header of {len} bytes, but at most {MAX_HEADER} are accepted"));
    }
    let mut text = vec![0; len];
    file.read_exact(&mut text).map_err(truncated)?;
    if MAX_BRACKETS.iter().any(|(bracket, most)| text.iter().filter(|byte| *byte == bracket).count() > *most) {
        return Err("has a header with too many brackets".into());
    }
    header.extend(text);
    Ok(header)
}

/// Removes the `L` that NumPy on Python 2 appends to integers. Spaces keep the length the same.
fn without_longs(header: &[u8]) -> Vec<u8> {
    let mut after_digit = false;
    let mut kept = header.to_vec();
    kept.retain(|&byte| !(std::mem::replace(&mut after_digit, byte.is_ascii_digit()) && byte == b'L'));
    kept.pop();
    kept.resize(header.len().saturating_sub(1), b' ');
    kept.push(b'\n');
    kept
}

/// Returns `header` if it is spelled as NumPy writes it today, and otherwise a new header with the same contents.
fn canonical(header: Vec<u8>, parsed: &npyz::NpyHeader, descr: &str) -> Vec<u8> {
    let order = if parsed.order() == npyz::Order::Fortran { "True" } else { "False" };
    let shape = match parsed.shape() {
        [n] => format!("({n},)"),
        shape => format!("({})", shape.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")),
    };
    let mut text = format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}");
    if header.trim_ascii_end().ends_with(text.as_bytes()) {
        return header;
    }
    // The magic, version 2.0 and the length take 12 bytes. The data starts at a multiple of 64.
    let len = text.len().saturating_add(12 + 1).next_multiple_of(64).saturating_sub(12);
    text.push_str(&" ".repeat(len.saturating_sub(text.len()).saturating_sub(1)));
    text.push('\n');
    [MAGIC, &[2, 0], &(len as u32).to_le_bytes(), text.as_bytes()].concat()
}
