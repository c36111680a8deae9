//! The header of `.npy` files, as NumPy reads it:
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.

use std::borrow::Cow;
use std::io::{ErrorKind, Read};

use hard_sigmoid::Dtype;

use crate::layout::{Layout, Section, form};
use crate::literal::{self, Literal};

/// The extension of these files.
pub(crate) const EXTENSION: &str = "npy";

/// What a `.npy` file begins with.
pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";

/// The longest header that is accepted. NumPy accepts 10,000 bytes by default.
const MAX_HEADER: usize = 1 << 16;

/// The most dimensions that NumPy supports.
const MAX_DIMENSIONS: usize = 64;

const SAVE_AGAIN: &str = "save the array again with numpy.save";

/// What a header says.
#[derive(Debug, PartialEq, Eq)]
struct Array {
    element: Element,
    fortran_order: bool,
    shape: Vec<u64>,
}

/// What a header says of the elements.
#[derive(Debug, PartialEq, Eq)]
enum Element {
    Float {
        dtype: Dtype,
        big_endian: bool,
    },
    /// Only the number of bytes is known. NumPy saves the bfloat16 of `ml_dtypes` as `<V2`.
    Void {
        bytes: u64,
    },
    /// Another type, as the header spells it, and how to convert it.
    Other {
        descr: String,
        remedy: &'static str,
    },
}

/// Reads the magic, the version, the length and the Python dictionary of a file.
pub fn read_header(file: &mut impl Read) -> Result<Vec<u8>, String> {
    let truncated = |error: std::io::Error| match error.kind() {
        ErrorKind::UnexpectedEof => format!("is not a valid .npy file: it ends within the header; {SAVE_AGAIN}"),
        _ => format!("cannot be read: {error}; {SAVE_AGAIN}"),
    };
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
        _ => return Err(format!("has an unknown .npy version: 1, 2 and 3 are supported; {SAVE_AGAIN}")),
    };
    if len > MAX_HEADER {
        return Err(format!("claims a header of {len} bytes, but at most {MAX_HEADER} are accepted; {SAVE_AGAIN}"));
    }
    let start = header.len();
    header.resize(start.saturating_add(len), 0);
    file.read_exact(header.split_at_mut(start).1).map_err(truncated)?;
    Ok(header)
}

/// Checks a header against the size of the data behind it, if that is known. `void` is the type of elements of which
/// the header gives only the size.
pub fn layout(header: &[u8], data_bytes: Option<u64>, void: Option<Dtype>) -> Result<Layout<'_>, String> {
    let array = parse(header).map_err(|error| format!("is not a valid .npy file: {error}; {SAVE_AGAIN}"))?;
    let Array { element, fortran_order, shape } = array;
    let (dtype, big_endian, descr) = supported(element, void)?;
    let dimensions = shape.len();
    if dimensions > MAX_DIMENSIONS {
        return Err(format!(
            "has {dimensions} dimensions, but NumPy supports at most {MAX_DIMENSIONS}: reshape the array"
        ));
    }
    let swapped = big_endian != cfg!(target_endian = "big");
    // Dimensions that overflow are valid next to one that is 0.
    let needed = if shape.contains(&0) {
        Some(0)
    } else {
        shape.iter().try_fold(dtype.size(), |product, &n| product.checked_mul(n))
    };
    // Both orders are the same if at most one dimension is longer than 1.
    let is_fortran = fortran_order && shape.iter().filter(|&&n| n > 1).count() > 1;
    match (needed, data_bytes) {
        (Some(needed), data_bytes) if data_bytes.is_none_or(|data_bytes| data_bytes == needed) => Ok(Layout {
            extension: EXTENSION,
            header: canonical(header, &descr, fortran_order, &shape),
            sections: vec![Section {
                bytes: needed,
                form: form(shape.iter().copied(), is_fortran),
                dtype: Some(dtype),
                swapped,
                ..Section::default()
            }],
            shape,
            is_fortran,
            ..Layout::default()
        }),
        (Some(needed), Some(data_bytes)) if needed < data_bytes => Err(format!(
            "has {} bytes after its {needed} bytes of data: it is damaged or in another format; save it again",
            data_bytes.saturating_sub(needed)
        )),
        _ => Err(format!(
            "is truncated: shape {shape:?} needs {} bytes of data{}; save or copy it again",
            needed.map_or("more than 2^64".to_owned(), |n| n.to_string()),
            data_bytes.map_or(String::new(), |n| format!(", but the file holds {n}")),
        )),
    }
}

/// Whether a header is valid, but says that the elements are no floats.
pub(crate) fn is_of_another_type(header: &[u8]) -> bool {
    let other = |element| match element {
        Element::Float { .. } => false,
        // It may be bfloat16.
        Element::Void { bytes } => bytes != Dtype::Bf16.size(),
        Element::Other { .. } => true,
    };
    parse(header).is_ok_and(|array| other(array.element))
}

/// The size of elements of which a header says nothing else.
pub(crate) fn void_bytes(header: &[u8]) -> Option<u64> {
    match parse(header).ok()?.element {
        Element::Void { bytes } => Some(bytes),
        Element::Float { .. } | Element::Other { .. } => None,
    }
}

/// The type and the byte order of elements, and the dtype of the output; or an error if they cannot be computed.
fn supported(element: Element, void: Option<Dtype>) -> Result<(Dtype, bool, String), String> {
    match element {
        Element::Float { .. } if void.is_some() => Err("says what its elements are: omit --element".into()),
        Element::Float { dtype, big_endian } => {
            Ok((dtype, big_endian, format!("{}f{}", if big_endian { '>' } else { '<' }, dtype.size())))
        }
        Element::Void { bytes } => match void {
            Some(dtype) if dtype.size() == bytes => Ok((dtype, false, format!("|V{bytes}"))),
            Some(dtype) => {
                let name = dtype.name();
                Err(format!("has dtype 'V{bytes}', which has another size than {name}: omit --element"))
            }
            None if bytes == 2 => {
                let remedy = "use --element bf16 if they are bfloat16 (ml_dtypes, JAX), or --element f16";
                Err(format!("has dtype 'V2', which does not say what the two bytes are: {remedy}"))
            }
            None => {
                let remedy = "if it is a type of ml_dtypes, load the array, give it that type with \
                              array.view(ml_dtypes.float8_e4m3fn) or another, and save array.astype('<f4')";
                Err(format!("has dtype 'V{bytes}', which does not say what the elements are: {remedy}"))
            }
        },
        Element::Other { descr, .. } if void.is_some() => {
            let remedy =
                "omit --element, which is for dtype V2, or save array.view('V2') if it holds the bits of bfloat16";
            Err(format!("has dtype {descr}: {remedy}"))
        }
        Element::Other { descr, remedy } => {
            Err(format!("has dtype {descr}, but only float16, float32 and float64 are supported: {remedy}"))
        }
    }
}

/// The version, and the text of the dictionary.
fn text(header: &[u8]) -> Result<(u8, String), String> {
    let version = header.get(MAGIC.len()).copied().unwrap_or_default();
    let bytes = header.get(if version == 1 { 10 } else { 12 }..).unwrap_or_default();
    let text = match version {
        // Latin-1.
        1 | 2 => bytes.iter().map(|&byte| char::from(byte)).collect(),
        _ => String::from_utf8(bytes.to_vec()).map_err(|_| "its header is not UTF-8")?,
    };
    Ok((version, text))
}

fn parse(header: &[u8]) -> Result<Array, String> {
    let (version, text) = text(header)?;
    let items = literal::dictionary(&text, false).or_else(|error| {
        // NumPy on Python 2 wrote only versions 1 and 2.
        if version < 3 { literal::dictionary(&text, true).map_err(|_| error) } else { Err(error) }
    });
    let items = items.map_err(|from| {
        let from: String = from.trim_ascii_end().chars().take(20).collect();
        if from.is_empty() {
            "its header ends within the Python dictionary".to_owned()
        } else {
            format!("its header is not a Python dictionary from {from:?} on")
        }
    })?;
    let (mut descr, mut fortran_order, mut shape) = (None, None, None);
    // Of two equal keys, Python uses the last.
    for (key, value, source) in items {
        match key {
            Literal::Str(key) if key == "descr" => descr = Some(element(&value, source)),
            Literal::Str(key) if key == "fortran_order" => fortran_order = Some(value),
            Literal::Str(key) if key == "shape" => shape = Some(value),
            _ => return Err("its header has a key other than 'descr', 'fortran_order' and 'shape'".into()),
        }
    }
    let element = descr.ok_or("its header lacks 'descr'")?;
    let Some(Literal::Bool(fortran_order)) = fortran_order else {
        return Err("its header lacks 'fortran_order', or this is neither True nor False".into());
    };
    let Some(Literal::Tuple(shape)) = shape else {
        return Err("its header lacks 'shape', or this is not a tuple".into());
    };
    let dimension = |n| if let Literal::Int(Some(n)) = n { Ok(n) } else { Err("its header has an invalid dimension") };
    Ok(Array { element, fortran_order, shape: shape.into_iter().map(dimension).collect::<Result<_, _>>()? })
}

/// Understands a dtype as `numpy.dtype` does.
fn element(descr: &Literal, source: &str) -> Element {
    let other = |remedy| Element::Other { descr: source.to_owned(), remedy };
    let name = match descr {
        Literal::Str(name) => name,
        // NumPy makes the shape of a subarray part of the array's.
        Literal::Tuple(_) => return other("load it with numpy.load and save it again with numpy.save"),
        _ => return other("save one of its fields, such as array['name']"),
    };
    let (order, code) = match name.strip_prefix(['<', '>', '=', '|']) {
        Some(code) => (name.chars().next(), code),
        None => (None, name.as_str()),
    };
    let kind = code.get(..1).unwrap_or_default();
    let bytes = code.get(1..).and_then(|bytes| bytes.trim_start().parse::<u64>().ok());
    let dtype = match (kind, bytes) {
        ("f", Some(2)) => Dtype::F16,
        ("f", Some(4)) => Dtype::F32,
        ("f", Some(8)) => Dtype::F64,
        _ => match code {
            "e" => Dtype::F16,
            "f" => Dtype::F32,
            "d" => Dtype::F64,
            "half" | "float16" if order.is_none() => Dtype::F16,
            "single" | "float32" if order.is_none() => Dtype::F32,
            "double" | "float" | "float64" if order.is_none() => Dtype::F64,
            _ => {
                return match (kind, bytes) {
                    ("V", Some(bytes)) => Element::Void { bytes },
                    ("f", Some(1)) => {
                        other("NumPy cannot load it either; where it was made, save array.astype('<f4') instead")
                    }
                    ("f" | "g", _) => other("convert it with array.astype('<f8')"),
                    ("c", _) => other("save array.real and array.imag, each in a file of its own"),
                    ("O", _) => other(
                        "load it with numpy.load(file, allow_pickle=True) and convert it with array.astype('<f4')",
                    ),
                    ("S" | "U", _) => other("if they are numbers, convert them with array.astype('<f4')"),
                    _ => other("convert it with array.astype('<f4')"),
                };
            }
        },
    };
    // '=' and '|' mean the byte order of the machine that reads the file, as NumPy has it.
    let big_endian = if matches!(order, Some('<' | '>')) { order == Some('>') } else { cfg!(target_endian = "big") };
    Element::Float { dtype, big_endian }
}

/// Returns `header` if it is spelled as NumPy writes it today, and otherwise a new header with the same contents.
fn canonical<'a>(header: &'a [u8], descr: &str, fortran_order: bool, shape: &[u64]) -> Cow<'a, [u8]> {
    let is = |descr| header.trim_ascii_end().ends_with(dictionary(descr, fortran_order, shape).as_bytes());
    // NumPy writes '|V2' for a type of its own and '<V2' for one of ml_dtypes.
    if is(descr) || is(&descr.replace('|', "<")) {
        return Cow::Borrowed(header);
    }
    Cow::Owned(new_header(descr, fortran_order, shape))
}

/// What NumPy writes of an array.
fn dictionary(descr: &str, fortran_order: bool, shape: &[u64]) -> String {
    let order = if fortran_order { "True" } else { "False" };
    let shape = match shape {
        [n] => format!("({n},)"),
        shape => format!("({})", shape.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")),
    };
    format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}")
}

/// The header of a new file, as NumPy writes it.
#[must_use]
pub fn new_header(descr: &str, fortran_order: bool, shape: &[u64]) -> Vec<u8> {
    let mut text = dictionary(descr, fortran_order, shape);
    // The magic, version 1.0 and the length take 10 bytes. The data starts at a multiple of 64.
    let len = text.len().saturating_add(10 + 1).next_multiple_of(64).saturating_sub(10);
    text.push_str(&" ".repeat(len.saturating_sub(text.len()).saturating_sub(1)));
    text.push('\n');
    [MAGIC, &[1, 0], &(len as u16).to_le_bytes(), text.as_bytes()].concat()
}

#[cfg(test)]
mod tests;
