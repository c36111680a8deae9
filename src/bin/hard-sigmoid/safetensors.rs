//! The header of `.safetensors` files: its length in 8 bytes, followed by JSON.

use std::collections::HashSet;
use std::io::Read;

use safetensors::tensor::Metadata;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::dtype::Dtype;
use super::layout::{Layout, Section};

pub(crate) const EXTENSION: &str = "safetensors";

/// The longest header that the format allows.
const MAX_HEADER: u64 = 100_000_000;

/// How many tensor names an error message lists.
const MAX_LISTED: usize = 8;

/// Reads the header of a file of `file_size` bytes.
pub(crate) fn read_layout(file: &mut impl Read, file_size: u64, tensors: &[String]) -> Result<Layout, String> {
    let again = "save or copy it again";
    let invalid = |error: String| format!("is not a valid .safetensors file: {error}; {again}");
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(|_| invalid("it is too short to hold the length of the header".into()))?;
    let len = u64::from_le_bytes(length);
    let after_length = file_size.saturating_sub(8);
    if len > MAX_HEADER.min(after_length) {
        return Err(invalid(format!("its header claims {len} bytes, more than the file holds or the format allows")));
    }
    let mut json = Vec::new();
    file.take(len).read_to_end(&mut json).map_err(|error| format!("cannot be read: {error}; {again}"))?;
    let metadata: Metadata = serde_json::from_slice(&json).map_err(|error| invalid(error.to_string()))?;
    serde_json::from_slice::<UniqueKeys>(&json).map_err(|error| invalid(error.to_string()))?;
    let (needed, held) = (metadata.data_len() as u64, after_length.saturating_sub(len));
    if needed > held {
        return Err(format!("is truncated: its tensors need {needed} bytes, but the file holds {held}; {again}"));
    }
    if needed < held {
        let extra = held.saturating_sub(needed);
        return Err(format!("has {extra} bytes after its last tensor: it is damaged or in another format; {again}"));
    }
    let names = metadata.offset_keys();
    if let Some(missing) = tensors.iter().find(|&name| !names.contains(name)) {
        let listed: Vec<_> = names.iter().take(MAX_LISTED).map(|name| format!("{name:?}")).collect();
        let more = if names.len() > MAX_LISTED { ", ..." } else { "" };
        return Err(format!("has no tensor {missing:?}: its tensors are {}{more}", listed.join(", ")));
    }
    let mut sections = Vec::new();
    for name in names {
        let Some(info) = metadata.info(&name) else { continue };
        let selected = tensors.contains(&name);
        let dtype = dtype(info.dtype);
        if selected && dtype.is_none() {
            return Err(format!(
                "has tensor {name:?} of type {}: select only tensors of type F16, BF16, F32 or F64",
                info.dtype
            ));
        }
        let (start, end) = info.data_offsets;
        let dtype = dtype.filter(|_| selected || tensors.is_empty());
        sections.push(Section { name: Some(name), bytes: end.saturating_sub(start) as u64, dtype });
    }
    if sections.iter().all(|section| section.dtype.is_none()) {
        return Err("has no tensor to compute: pass a file with a tensor of type F16, BF16, F32 or F64".into());
    }
    Ok(Layout { extension: EXTENSION, header: [&length[..], &json].concat(), sections })
}

fn dtype(dtype: safetensors::Dtype) -> Option<Dtype> {
    match dtype {
        safetensors::Dtype::F16 => Some(Dtype::F16),
        safetensors::Dtype::BF16 => Some(Dtype::Bf16),
        safetensors::Dtype::F32 => Some(Dtype::F32),
        safetensors::Dtype::F64 => Some(Dtype::F64),
        _ => None,
    }
}

/// A JSON object without duplicate keys. Parsers disagree about which of two equal keys counts.
struct UniqueKeys;

impl<'de> Deserialize<'de> for UniqueKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self)
    }
}

impl<'de> Visitor<'de> for UniqueKeys {
    type Value = Self;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut seen = HashSet::new();
        while let Some((key, IgnoredAny)) = map.next_entry::<String, _>()? {
            if seen.contains(&key) {
                return Err(A::Error::custom(format!("duplicate key {key:?}")));
            }
            seen.insert(key);
        }
        Ok(self)
    }
}
