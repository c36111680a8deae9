//! Reading `.npy` files: the header, checked against the file before any data is touched.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use super::Failure;
use super::input::{Dtype, Input, Section};

/// Longer headers are refused: NumPy itself reads no more than 10,000 bytes by default.
const MAX_HEADER: usize = 1 << 16;

/// Dimensions of a NumPy array.
const MAX_DIMENSIONS: usize = 64;

/// How many brackets a header may open: it is one dictionary with one tuple, and a list where the array is structured. Each further
/// one doubles or trebles the time that the parser of Python expressions takes, parentheses apart, into which it recurses.
const MAX_BRACKETS: [(u8, usize); 3] = [(b'{', 1), (b'[', 8), (b'(', 64)];

/// The dtypes that can be read, by their `descr`.
const DTYPES: [(Dtype, &str); 3] = [(Dtype::F16, "'<f2'"), (Dtype::F32, "'<f4'"), (Dtype::F64, "'<f8'")];

pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";

/// Reads the header of a file of `bytes` bytes, which begins with the magic. The header of the output is for the same
/// shape, order and type.
pub(crate) fn read(mut file: File, bytes: u64, path: &Path) -> Result<Input, Failure> {
    let fail = |what: String| Failure::file(path, what);
    let header = read_header(&mut file).map_err(|what| fail(format!("{what}; save the array with numpy.save")))?;
    let parsed = npyz::NpyHeader::from_reader(Cursor::new(&header))
        .or_else(|error| npyz::NpyHeader::from_reader(Cursor::new(without_longs(&header))).map_err(|_| error))
        .map_err(|error| {
            // Of a syntax error, the first line; a drawing of the place follows.
            let error = error.to_string();
            let first = error.lines().next().unwrap_or_default().trim_end_matches(':');
            fail(format!("is not a valid .npy file: {first}; save the array with numpy.save"))
        })?;
    let descr = parsed.dtype().descr();
    let Some(&(dtype, descr)) = DTYPES.iter().find(|(_, known)| *known == descr) else {
        let same_width = ["2", "4", "8"].into_iter().find(|width| descr == format!("'>f{width}'")).unwrap_or("4");
        let remedy = format!("not '<f2', '<f4' or '<f8': save it as array.astype('<f{same_width}')");
        return Err(fail(format!("has dtype {descr}, {remedy}")));
    };
    if parsed.shape().len() > MAX_DIMENSIONS {
        let dimensions = parsed.shape().len();
        return Err(fail(format!(
            "has {dimensions} dimensions, and NumPy reads {MAX_DIMENSIONS} at most: reshape the array"
        )));
    }
    let elements = match parsed.shape() {
        // Whatever the other dimensions are.
        shape if shape.contains(&0) => Some(0),
        shape => shape.iter().try_fold(1, |product: u64, &n| product.checked_mul(n)),
    };
    let needed = elements.and_then(|n| n.checked_mul(dtype.bytes()));
    let held = bytes.saturating_sub(header.len() as u64);
    match (elements, needed) {
        (Some(elements), Some(needed)) if needed == held => {
            let header = canonical(header, &parsed, descr);
            let section = Section { name: None, kind: dtype.name(), bytes: needed, computed: Some((dtype, elements)) };
            Ok(Input { file, header, sections: vec![section] })
        }
        (_, Some(needed)) if needed < held => Err(fail(format!(
            "has {} bytes behind its data, which ends after {needed}: it is damaged or another format; save it again",
            held.saturating_sub(needed)
        ))),
        (_, needed) => Err(fail(format!(
            "is truncated: shape {:?} needs {} bytes of data and the file holds {held}; save or copy it again",
            parsed.shape(),
            needed.map_or("over 2^64".to_owned(), |n| n.to_string()),
        ))),
    }
}

/// The bytes up to the data: magic, version, length, and the Python dictionary.
fn read_header(file: &mut File) -> Result<Vec<u8>, String> {
    let truncated = |_| "is not a .npy file: it ends within the header".to_owned();
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
        _ => return Err("has a .npy version other than 1, 2 and 3".into()),
    };
    if len > MAX_HEADER {
        return Err(format!("claims a header of {len} bytes, and {MAX_HEADER} are the most accepted"));
    }
    let mut text = vec![0; len];
    file.read_exact(&mut text).map_err(truncated)?;
    if MAX_BRACKETS.iter().any(|(bracket, most)| text.iter().filter(|byte| *byte == bracket).count() > *most) {
        return Err("has a header with too many brackets".into());
    }
    header.extend(text);
    Ok(header)
}

/// The header without the `L` that NumPy on Python 2 puts behind a dimension.
fn without_longs(header: &[u8]) -> Vec<u8> {
    let mut digit = false;
    let mut kept = header.to_vec();
    kept.retain(|&byte| !(std::mem::replace(&mut digit, byte.is_ascii_digit()) && byte == b'L'));
    // What was taken away is made up for before the line break at the end, so that the length still holds.
    kept.pop();
    kept.resize(header.len().saturating_sub(1), b' ');
    kept.push(b'\n');
    kept
}

/// The header as NumPy writes it today: as it stands, or, where it is spelled in a way that NumPy need not read, anew.
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
    // Magic, version 2 and a length of 4 bytes; the data begins at a multiple of 64.
    let len = text.len().saturating_add(12 + 1).next_multiple_of(64).saturating_sub(12);
    text.push_str(&" ".repeat(len.saturating_sub(text.len()).saturating_sub(1)));
    text.push('\n');
    let mut anew = b"\x93NUMPY\x02\x00".to_vec();
    anew.extend((len as u32).to_le_bytes());
    anew.extend(text.as_bytes());
    anew
}
