//! The header of `.safetensors` files: its length in 8 bytes, followed by JSON.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;

use hard_sigmoid::Dtype;
use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::de::{Deserialize, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use crate::layout::{Layout, Section};
use crate::selection::Selection;

/// The extension of these files.
pub(crate) const EXTENSION: &str = "safetensors";

/// The longest header that the format allows.
const MAX_HEADER: u64 = 100_000_000;

const AGAIN: &str = "save or copy it again";

/// Reads the length of the header and the header of a file of `file_bytes` bytes, if that is known.
pub(crate) fn read_header(file: &mut impl Read, file_bytes: Option<u64>) -> Result<Vec<u8>, String> {
    let mut header = vec![0; 8];
    file.read_exact(&mut header).map_err(|_| invalid("it is too short to hold the length of the header"))?;
    let len = header.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    if len > file_bytes.map_or(MAX_HEADER, |bytes| MAX_HEADER.min(bytes.saturating_sub(8))) {
        let claim = format!("its header claims {len} bytes, more than the file holds or the format allows");
        return Err(invalid(claim));
    }
    header.reserve_exact(len as usize);
    file.take(len).read_to_end(&mut header).map_err(|error| format!("cannot be read: {error}; {AGAIN}"))?;
    Ok(header)
}

/// Checks a header against the size of the data behind it, if that is known. If no tensor is selected, every
/// tensor of a supported type is computed.
pub(crate) fn layout<'a>(
    header: &'a [u8],
    data_bytes: Option<u64>,
    selection: &Selection,
) -> Result<Layout<'a>, String> {
    if selection.element.is_some() {
        return Err("is a .safetensors file, which says what its elements are: omit --element".into());
    }
    let mut json = serde_json::Deserializer::from_slice(header.get(8..).unwrap_or_default());
    let tensors = json.deserialize_map(Selected(selection)).and_then(|tensors| json.end().map(|()| tensors));
    let Tensors { mut sections, unsupported } = tensors.map_err(invalid)?;
    check(&mut sections, data_bytes)?;
    if let Some((name, dtype)) = unsupported {
        let remedy = "select only tensors of type F16, BF16, F32 or F64";
        return Err(format!("has tensor {name:?} of type {dtype}: {remedy}"));
    }
    let layout = Layout { extension: EXTENSION, header: header.into(), sections, ..Layout::default() };
    layout.check_selected(selection, "tensor", "pass a file with a tensor of type F16, BF16, F32 or F64")?;
    Ok(layout)
}

/// Sorts sections by their position, and checks that they have different names and are all of the data.
fn check(sections: &mut [Section<'_>], data_bytes: Option<u64>) -> Result<(), String> {
    // Parsers disagree about which of two equal keys counts.
    sections.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    if let Some([twice, _]) = sections.windows(2).find(|pair| matches!(pair, [a, b] if a.name == b.name)) {
        return Err(invalid(format!("duplicate key {:?}", twice.name.as_deref().unwrap_or_default())));
    }
    sections.sort_unstable_by_key(|section| (section.start, section.bytes));
    let mut needed = 0_u64;
    for Section { name, start, bytes, .. } in sections.iter() {
        if *start != needed {
            return Err(invalid(format!("invalid offset of tensor {:?}", name.as_deref().unwrap_or_default())));
        }
        needed = start.saturating_add(*bytes);
    }
    let Some(data_bytes) = data_bytes else { return Ok(()) };
    if needed > data_bytes {
        return Err(format!("is truncated: its tensors need {needed} bytes, but the file holds {data_bytes}; {AGAIN}"));
    }
    if needed < data_bytes {
        let extra = data_bytes.saturating_sub(needed);
        return Err(format!("has {extra} bytes after its last tensor: it is damaged or in another format; {AGAIN}"));
    }
    Ok(())
}

fn invalid(error: impl std::fmt::Display) -> String {
    format!("is not a valid .safetensors file: {error}; {AGAIN}")
}

/// What a header describes.
struct Tensors<'a> {
    /// In the order of the text.
    sections: Vec<Section<'a>>,
    /// A selected tensor of another type, and its type.
    unsupported: Option<(Cow<'a, str>, Cow<'a, str>)>,
}

/// Reads a header, and selects tensors.
struct Selected<'s>(&'s Selection);

impl<'de> Visitor<'de> for Selected<'_> {
    type Value = Tensors<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut tensors, mut metadata) = (Tensors { sections: Vec::new(), unsupported: None }, false);
        while let Some(Name(name)) = map.next_key()? {
            if name == "__metadata__" {
                if std::mem::replace(&mut metadata, true) {
                    return Err(A::Error::custom("duplicate key \"__metadata__\""));
                }
                map.next_value::<Metadata>()?;
                continue;
            }
            let info: Info<'de> = map.next_value()?;
            let (start, bytes) = position(&name, &info).map_err(A::Error::custom)?;
            let dtype = dtype(&info.dtype).filter(|_| self.0.includes(&name));
            if dtype.is_none() && self.0.tensor.iter().any(|it| *it == name) {
                tensors.unsupported = Some((name.clone(), info.dtype));
            }
            // The format is little-endian.
            let swapped = cfg!(target_endian = "big");
            let name = Some(name);
            tensors.sections.push(Section { name, start, bytes, form: info.shape.form.finish(), dtype, swapped });
        }
        Ok(tensors)
    }
}

fn dtype(name: &str) -> Option<Dtype> {
    match name {
        "F16" => Some(Dtype::F16),
        "BF16" => Some(Dtype::Bf16),
        "F32" => Some(Dtype::F32),
        "F64" => Some(Dtype::F64),
        _ => None,
    }
}

/// The size of an element in bits. None for types that came later than this version.
fn bits(dtype: &str) -> Option<usize> {
    let deserializer: StrDeserializer<'_, ValueError> = dtype.into_deserializer();
    safetensors::Dtype::deserialize(deserializer).ok().map(|dtype| dtype.bitsize())
}

/// Where a tensor begins in the data, and its size in bytes.
fn position(name: &str, info: &Info<'_>) -> Result<(u64, u64), String> {
    let (start, end) = info.data_offsets;
    let bytes = end.checked_sub(start).ok_or_else(|| format!("invalid offset of tensor {name:?}"))?;
    if let Some(bits) = bits(&info.dtype) {
        let bits = info.shape.product.and_then(|elements| elements.checked_mul(bits));
        let bits = bits.ok_or_else(|| format!("the size of tensor {name:?} overflows"))?;
        if bytes.checked_mul(8) != Some(bits) {
            return Err(format!("invalid shape or offsets of tensor {name:?}"));
        }
    }
    Ok((start as u64, bytes as u64))
}

/// What a header says of a tensor. Its shape may have millions of dimensions, so it is not kept.
#[derive(serde::Deserialize)]
struct Info<'a> {
    #[serde(borrow)]
    dtype: Cow<'a, str>,
    shape: Elements,
    data_offsets: (usize, usize),
}

/// What is kept of a shape.
struct Elements {
    /// The product. None if it overflows.
    product: Option<usize>,
    form: DefaultHasher,
}

impl<'de> Deserialize<'de> for Elements {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Self { product: Some(1), form: DefaultHasher::new() })
    }
}

impl<'de> Visitor<'de> for Elements {
    type Value = Self;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a shape")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut shape: A) -> Result<Self, A::Error> {
        while let Some(n) = shape.next_element::<usize>()? {
            self.product = self.product.and_then(|product| product.checked_mul(n));
            n.hash(&mut self.form);
        }
        Ok(self)
    }
}

/// A string, borrowed from the text unless it has escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// Strings by name, which are checked and not kept.
struct Metadata;

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self)
    }
}

impl<'de> Visitor<'de> for Metadata {
    type Value = Self;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<Name<'_>, Name<'_>>()?.is_some() {}
        Ok(self)
    }
}
