//! Reading `.safetensors` files: 8 bytes with the length of a JSON header, the header, and the tensors one behind the
//! other.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;

use safetensors::tensor::Metadata;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::input::{Dtype, Input, Section};

/// The most that the format allows a header.
const MAX_HEADER: u64 = 100_000_000;

/// How many names a message lists.
const LISTED: usize = 8;

/// Reads the header of a file of `bytes` bytes. The header of the output is the same, byte for byte.
pub(crate) fn read(mut file: File, bytes: u64, tensors: &[String]) -> Result<Input, String> {
    let again = "save or copy it again";
    let mut length = [0; 8];
    file.read_exact(&mut length)
        .map_err(|_| format!("is not a .safetensors file: it ends within the length of the header; {again}"))?;
    let len = u64::from_le_bytes(length);
    if len > MAX_HEADER || len > bytes.saturating_sub(8) {
        let remedy = format!("which neither the file nor the format has room for; {again}");
        return Err(format!("is not a valid .safetensors file: its header claims {len} bytes, {remedy}"));
    }
    let mut header = length.to_vec();
    file.by_ref().take(len).read_to_end(&mut header).map_err(|error| format!("cannot be read: {error}; {again}"))?;
    let metadata: Metadata = serde_json::from_slice(header.get(8..).unwrap_or_default())
        .map_err(|error| format!("is not a valid .safetensors file: {error}; {again}"))?;
    serde_json::from_slice::<UniqueKeys>(header.get(8..).unwrap_or_default())
        .map_err(|error| format!("is not a valid .safetensors file: {error}; {again}"))?;
    let (needed, held) = (metadata.data_len() as u64, bytes.saturating_sub(8).saturating_sub(len));
    if needed > held {
        return Err(format!("is truncated: its tensors need {needed} bytes and the file holds {held}; {again}"));
    }
    if needed < held {
        let behind = held.saturating_sub(needed);
        return Err(format!("has {behind} bytes behind its last tensor: it is damaged or another format; {again}"));
    }
    let mut sections = Vec::new();
    for name in metadata.offset_keys() {
        let Some(info) = metadata.info(&name) else { continue };
        let (start, end) = info.data_offsets;
        let bytes = end.saturating_sub(start) as u64;
        let dtype = dtype(info.dtype);
        let wanted = tensors.is_empty() || tensors.contains(&name);
        if wanted && !tensors.is_empty() && dtype.is_none() {
            let remedy = "name tensors of F16, BF16, F32 or F64";
            return Err(format!("has tensor {name:?} of type {}, which is not computed: {remedy}", info.dtype));
        }
        let computed = dtype.filter(|_| wanted).map(|dtype| (dtype, bytes.checked_div(dtype.bytes()).unwrap_or(0)));
        let kind = dtype.map_or("other", Dtype::name);
        sections.push(Section { name: Some(name), kind, bytes, computed });
    }
    let list = |names: Vec<String>| {
        let more = if names.len() > LISTED { ", ..." } else { "" };
        format!("{}{more}", names.iter().take(LISTED).map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", "))
    };
    if let Some(missing) =
        tensors.iter().find(|&name| !sections.iter().any(|section| section.name.as_ref() == Some(name)))
    {
        let there = list(sections.iter().filter_map(|section| section.name.clone()).collect());
        return Err(format!("has no tensor {missing:?}: it has {there}"));
    }
    if sections.iter().all(|section| section.computed.is_none()) {
        let remedy = "it needs one of F16, BF16, F32 or F64";
        return Err(format!("has no tensor that can be computed: {remedy}"));
    }
    Ok(Input { file, header, sections })
}

/// An object no key of which comes twice: parsers disagree about which of the two counts.
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
                return Err(A::Error::custom(format!("{key:?} comes twice")));
            }
            seen.insert(key);
        }
        Ok(self)
    }
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
