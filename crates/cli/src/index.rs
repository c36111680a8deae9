//! Indexes such as `model.safetensors.index.json`, which say which file of a set has which tensor.

use std::collections::{BTreeMap, HashSet};
use std::path::{Component, Path, PathBuf};

use hard_sigmoid_files::Selection;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::console;
use super::encoding::utf8;
use super::item::{Action, Item};

/// Larger indexes are refused. A hundred thousand tensors take less than 10 MB, and ten times that in memory.
const MAX_BYTES: u64 = 1 << 25;

const AGAIN: &str = "download or save it again";

#[derive(Deserialize)]
struct Index {
    weight_map: WeightMap,
}

/// The file of each tensor.
#[derive(Default)]
struct WeightMap {
    files: BTreeMap<String, String>,
    /// A tensor that is listed more than once. The last one counts.
    twice: Option<String>,
}

impl<'de> Deserialize<'de> for WeightMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self::default())
    }
}

impl<'de> Visitor<'de> for WeightMap {
    type Value = Self;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        while let Some((tensor, file)) = map.next_entry::<String, String>()? {
            if self.files.insert(tensor.clone(), file).is_some() {
                self.twice = Some(tensor);
            }
        }
        Ok(self)
    }
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
        Ok(files) => files.into_iter().chain([Item::new(path, Action::Copy)]).collect(),
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
    let text = utf8(std::fs::read(path).map_err(unreadable)?)?;
    let index: Index = serde_json::from_slice(&text)
        .map_err(|error| format!("is not a valid index of .safetensors files: {error}; {AGAIN}"))?;
    let Index { weight_map: WeightMap { files, twice } } = index;
    if let Some(tensor) = twice {
        console::log(&format!("{}: lists tensor {tensor:?} more than once; the last one counts", path.display()));
    }
    // The tensors of each file.
    let mut listed: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (tensor, name) in &files {
        let Some(plain) = plain(name) else {
            return Err(format!("names a file in another folder, {name:?}: pass the .safetensors files instead"));
        };
        listed.entry(plain).or_default().push(tensor);
    }
    if let Some(missing) = selection.tensor.iter().find(|&name| !files.contains_key(name)) {
        return Err(format!("has no tensor {missing:?}: its \"weight_map\" lists the names"));
    }
    let item = |(name, tensors): (&str, Vec<&str>)| {
        let file = path.with_file_name(name);
        if let Some(tensor) = missing(&file, &tensors) {
            let index = path.display();
            console::log(&format!("{index}: lists tensor {tensor:?} in {name}, which has none of this name"));
        }
        let tensor: Vec<_> = selection.tensor.iter().filter(|it| tensors.contains(&it.as_str())).cloned().collect();
        let action = if tensor.is_empty() && !selection.tensor.is_empty() {
            Action::Copy
        } else {
            Action::Compute(Selection { tensor, may_be_empty: true, ..selection.clone() })
        };
        Item::new(file, action)
    };
    Ok(listed.into_iter().map(item).collect())
}

/// One of these tensors that a file lacks. None if the file cannot be read, which is reported when it is computed.
fn missing<'a>(path: &Path, tensors: &[&'a str]) -> Option<&'a str> {
    // A pipe can be read only once.
    std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    let (input, header) = hard_sigmoid_files::open(path).ok()?;
    let all = Selection { may_be_empty: true, ..Selection::default() };
    let layout = input.layout(&header, &all).ok()?;
    let present: HashSet<_> = layout.sections.iter().filter_map(|section| section.name.as_deref()).collect();
    tensors.iter().copied().find(|tensor| !present.contains(tensor))
}

/// The name of a file in the folder of the index, without `./`. None if it is in another folder.
fn plain(name: &str) -> Option<&str> {
    let mut components = Path::new(name).components().filter(|component| *component != Component::CurDir);
    match (components.next(), components.next()) {
        (Some(Component::Normal(name)), None) => name.to_str(),
        _ => None,
    }
}
