//! The inputs of a call.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use hard_sigmoid_files::{Format, STANDARD, Selection};

use super::console::Failure;
use super::encoding::utf8;
use super::index;
use super::item::{Action, Item};

#[derive(clap::Args)]
pub(crate) struct ListArgs {
    /// Read names of inputs from this file (- for stdin), one to a line, or separated by NUL bytes
    #[arg(long, value_name = "LIST")]
    pub(crate) files_from: Option<PathBuf>,
    /// The names in the list are separated by NUL bytes, even if there is none in it
    #[arg(short = '0', long, requires = "files_from")]
    null: bool,
    /// Take only part I of N parts of the inputs, with I from 1 to N
    ///
    /// The parts are about equally large in bytes and depend only on the names and sizes of the inputs. So N processes
    /// with the same inputs, on as many machines, take each file once.
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
}

/// One of several parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    /// From 0.
    index: u64,
    count: u64,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<u64>().ok();
        let numbers = text.split_once('/').and_then(|(i, n)| Some((number(i)?, number(n)?)));
        match numbers {
            Some((index @ 1.., count)) if index <= count => Ok(Self { index: index.saturating_sub(1), count }),
            _ => Err("use I/N with I from 1 to N, such as 1/4".into()),
        }
    }
}

impl ListArgs {
    /// The inputs of a call, each once.
    pub(crate) fn items(&self, files: &[PathBuf], selection: &Selection) -> Result<Vec<Item>, Failure> {
        let mut paths = files.to_vec();
        if let Some(list) = &self.files_from {
            if list.as_os_str() == STANDARD && files.iter().any(|file| file.as_os_str() == STANDARD) {
                return Err(Failure::Usage("stdin cannot be both an input and the list: name a file".into()));
            }
            paths.extend(names(list, self.null)?);
        }
        if paths.is_empty() {
            return Err(Failure::Usage("no inputs: name at least one".into()));
        }
        let expand = |path: PathBuf| match index::is_index(&path) {
            true => index::items(path, selection),
            false => vec![Item::new(path, Action::Compute(selection.clone()))],
        };
        // Of a file that is also named by itself, the index knows more.
        let (indexes, files): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| index::is_index(path));
        let mut items: Vec<_> = indexes.into_iter().chain(files).flat_map(expand).collect();
        let mut seen = HashSet::new();
        items.retain(|item| seen.insert(item.path.clone()));
        Ok(items)
    }

    /// Leaves out the items of other shards.
    pub(crate) fn part(&self, items: Vec<Item>) -> Vec<Item> {
        match self.shard {
            Some(shard) => shard.part(items),
            None => items,
        }
    }
}

impl Shard {
    /// The items whose middle byte is in this part of the bytes of all items, sorted by name.
    fn part(self, mut items: Vec<Item>) -> Vec<Item> {
        let mut sorted: Vec<&Item> = items.iter().collect();
        sorted.sort_by_key(|item| item.path.as_os_str());
        // Files without bytes are shared out, too.
        let weight = |item: &Item| u128::from(item.bytes).saturating_add(1);
        let total: u128 = items.iter().map(weight).sum();
        let (mut start, mut mine) = (0_u128, HashSet::new());
        for item in sorted {
            let weight = weight(item);
            let middle = start.saturating_mul(2).saturating_add(weight);
            let part = middle.saturating_mul(self.count.into()).checked_div(total.saturating_mul(2));
            if part == Some(self.index.into()) {
                mine.insert(item.path.clone());
            }
            start = start.saturating_add(weight);
        }
        items.retain(|item| mine.contains(&item.path));
        items
    }
}

/// Reads a list of names.
fn names(list: &Path, null: bool) -> Result<Vec<PathBuf>, Failure> {
    let read = if list.as_os_str() == STANDARD {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(list)
    };
    let remedy = "check that it exists and is readable";
    let bytes = read.map_err(|error| Failure::file(list, format!("cannot be read: {error}; {remedy}")))?;
    if Format::of_start(&bytes).is_some() {
        return Err(Failure::file(list, "is no list of names: pass it as an input, without --files-from"));
    }
    let bytes = utf8(bytes).map_err(|message| Failure::file(list, message))?;
    let separator = if null || bytes.contains(&0) { 0 } else { b'\n' };
    let names = bytes.split(|&byte| byte == separator);
    // Lists that were written on Windows have \r\n.
    let names = names.map(|name| if separator == 0 { name } else { name.strip_suffix(b"\r").unwrap_or(name) });
    names.filter(|name| !name.is_empty()).map(|name| path(list, name)).collect()
}

#[cfg(unix)]
fn path(_list: &Path, name: &[u8]) -> Result<PathBuf, Failure> {
    Ok(OsString::from(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(name)).into())
}

#[cfg(not(unix))]
fn path(list: &Path, name: &[u8]) -> Result<PathBuf, Failure> {
    std::str::from_utf8(name)
        .map(|name| OsString::from(name).into())
        .map_err(|_| Failure::file(list, "is not UTF-8: save it as UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(sizes: &[u64]) -> Vec<Item> {
        let item = |(i, &bytes)| Item { path: format!("{i:03}").into(), bytes, action: Action::Copy };
        sizes.iter().enumerate().map(item).collect()
    }

    #[test]
    fn shards_are_a_partition_and_about_equal() {
        let cases: [&[u64]; 5] = [&[0; 7], &[1000; 100], &[5], &[1 << 40, 0, 1, 1 << 40, 7, 1 << 40], &[u64::MAX; 9]];
        for sizes in cases {
            for count in 1..12 {
                let mut union = Vec::new();
                for index in 0..count {
                    let part = Shard { index, count }.part(items(sizes));
                    let bytes: u128 = part.iter().map(|item| u128::from(item.bytes)).sum();
                    let total: u128 = sizes.iter().map(|&it| u128::from(it)).sum();
                    let largest = u128::from(sizes.iter().copied().max().unwrap());
                    assert!(bytes <= total / u128::from(count) + largest + 1, "{sizes:?} {index}/{count}: {bytes}");
                    union.extend(part.into_iter().map(|item| item.path));
                }
                union.sort();
                assert_eq!(union, items(sizes).into_iter().map(|item| item.path).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn shards_do_not_depend_on_the_order_of_the_inputs() {
        let sizes: Vec<u64> = (0..50).map(|i| i * i % 17).collect();
        let names = |reverse| {
            let mut items = items(&sizes);
            if reverse {
                items.reverse();
            }
            let part = Shard { index: 1, count: 3 }.part(items);
            let mut names: Vec<_> = part.into_iter().map(|item| item.path).collect();
            names.sort();
            names
        };
        assert_eq!(names(false), names(true));
    }

    #[test]
    fn shards_are_numbered_from_1() {
        assert_eq!("1/4".parse(), Ok(Shard { index: 0, count: 4 }));
        assert_eq!("4/4".parse(), Ok(Shard { index: 3, count: 4 }));
        for text in ["0/4", "5/4", "1", "1/", "/4", "a/b", "-1/4", "1/0", "0/0"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
