//! Indexes such as `model.safetensors.index.json`, which say which file of a set has which tensor.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use hard_sigmoid_files::Selection;
use serde::Deserialize;

use super::item::{Action, Item};

/// Larger indexes are refused. A hundred thousand tensors take less than 10 MB, and ten times that in memory.
const MAX_BYTES: u64 = 1 << 25;

const AGAIN: &str = "download or save it again";

#[derive(Deserialize)]
struct Index {
    /// The file of each tensor.
    weight_map: BTreeMap<String, String>,
}

/// Whether a file has the name of an index.
pub(crate) fn is_index(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Diffusers puts the variant in between, as in `.safetensors.index.fp16.json`.
    name.contains(".safetensors.index.") && name.ends_with(".json")
}

/// The files of an index, followed by the index itself, which is copied.
pub(crate) fn items(path: PathBuf, selection: &Selection) -> Vec<Item> {
    match files(&path, selection) {
        Ok(mut items) => {
            items.push(Item::new(path, Action::Copy));
            items
        }
        Err(message) => vec![Item::new(path, Action::Fail(message))],
    }
}

fn files(path: &Path, selection: &Selection) -> Result<Vec<Item>, String> {
    let unreadable = |error| format!("cannot be read: {error}; check that it exists and is readable");
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err("is not a regular file: pass the .safetensors files instead".into());
    }
    if metadata.len() > MAX_BYTES {
        return Err(format!("is larger than {} MiB: pass the .safetensors files instead", MAX_BYTES >> 20));
    }
    let text = std::fs::read(path).map_err(unreadable)?;
    let index: Index = serde_json::from_slice(&text)
        .map_err(|error| format!("is not a valid index of .safetensors files: {error}; {AGAIN}"))?;
    if let Some(name) = index.weight_map.values().find(|name| !is_plain(name)) {
        return Err(format!("names a file in another folder, {name:?}: pass the .safetensors files instead"));
    }
    if let Some(missing) = selection.tensor.iter().find(|&name| !index.weight_map.contains_key(name)) {
        return Err(format!("has no tensor {missing:?}: its \"weight_map\" lists the names"));
    }
    let names: BTreeSet<&String> = index.weight_map.values().collect();
    let item = |name: &String| {
        let is_here = |tensor: &&String| index.weight_map.get(*tensor) == Some(name);
        let tensor: Vec<_> = selection.tensor.iter().filter(is_here).cloned().collect();
        let action = if tensor.is_empty() && !selection.tensor.is_empty() {
            Action::Copy
        } else {
            Action::Compute(Selection { tensor, may_be_empty: true, ..selection.clone() })
        };
        Item::new(path.with_file_name(name), action)
    };
    Ok(names.into_iter().map(item).collect())
}

/// Whether a name is that of a file in the folder of the index.
fn is_plain(name: &str) -> bool {
    let mut components = Path::new(name).components();
    matches!((components.next(), components.next()), (Some(Component::Normal(_)), None))
}
