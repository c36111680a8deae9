//! Rules about the source files that the compiler does not hold.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The names of modules from the root of the crate on.
type Module = Vec<String>;

/// The folders of the crates, and at least how many imports between files each has, as proof that they are understood.
const CRATES: [(&str, usize); 5] =
    [("src", 150), ("crates/cli/src", 100), ("crates/files/src", 20), ("crates/web/src", 3), ("python/src", 15)];

/// The source files of a crate but for tests, without comments, by module.
fn sources(folder: &str) -> BTreeMap<Module, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let (mut folders, mut sources) = (vec![root.clone()], BTreeMap::new());
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            let code = code.split("#[cfg(test)]").next().unwrap().to_owned();
            if !path.ends_with("tests.rs") {
                sources.insert(module(path.strip_prefix(&root).unwrap().with_extension("")), code);
            }
        }
    }
    sources
}

fn module(path: PathBuf) -> Module {
    let names: Module = path.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
    if names == ["lib"] || names == ["main"] { Module::new() } else { names }
}

/// The paths that begin at `text`, with their groups in braces taken apart.
fn paths(text: &str) -> Vec<Vec<&str>> {
    let mut text = text.trim_start();
    let mut names = Vec::new();
    loop {
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        if !name.is_empty() {
            names.push(name);
        }
        match rest.strip_prefix("::") {
            Some(rest) => text = rest,
            None if rest.starts_with('{') && name.is_empty() => {
                let tails = group(rest).into_iter().flat_map(paths);
                return tails.map(|tail| names.iter().copied().chain(tail).collect()).collect();
            }
            None => return vec![names],
        }
    }
}

/// The parts of the group in braces that begins at `text`.
fn group(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 1, Vec::new());
    for (i, c) in text.char_indices() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if (c == ',' && depth == 1) || depth == 0 {
            parts.push(&text[start..i]);
            start = i + 1;
        }
        if depth == 0 {
            break;
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// All paths in a file that begin with `crate`, `super` or a module in the file, from the root of the crate on.
fn imports(of: &Module, code: &str, sources: &BTreeMap<Module, String>) -> Vec<Module> {
    let children = sources.keys().filter(|it| it.len() == of.len() + 1 && it.starts_with(of)).map(|it| &it[of.len()]);
    let mut found = Vec::new();
    for first in children.map(String::as_str).chain(["crate", "super"]) {
        for (at, _) in code.match_indices(&format!("{first}::")) {
            let before = &code[..at];
            // A part of another name, or of `pub(in crate::gpu)`.
            if before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') || before.ends_with("(in ") {
                continue;
            }
            for path in paths(&code[at..]) {
                let up = path.iter().take_while(|&&name| name == "super").count();
                let base = match first {
                    "crate" => &[],
                    _ => &of[..of.len() - up],
                };
                let names = path[up.max(usize::from(first == "crate"))..].iter().map(|&name| name.to_owned());
                found.push(base.iter().cloned().chain(names).collect());
            }
        }
    }
    found
}

/// Where an item is, by the longest module that its path begins with. None for the root.
fn home(path: &Module, sources: &BTreeMap<Module, String>) -> Option<Module> {
    let lens = (1..=path.len()).rev();
    lens.map(|len| path[..len].to_vec()).find(|module| sources.contains_key(module))
}

/// The module that an item of the root is re-exported from.
fn exported(item: &str, sources: &BTreeMap<Module, String>) -> Option<Module> {
    let root = &sources[&Module::new()];
    let uses = root.match_indices("pub use ").flat_map(|(at, word)| paths(&root[at + word.len()..]));
    let path = uses.into_iter().find(|path| path.iter().rfind(|&&name| name != "self") == Some(&item))?;
    home(&path.into_iter().map(str::to_owned).collect(), sources)
}

#[test]
fn no_file_imports_one_that_imports_it() {
    for (folder, least) in CRATES {
        assert_no_circles(folder, least);
    }
}

fn assert_no_circles(folder: &str, least: usize) {
    let sources = sources(folder);
    let mut edges: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
    for (module, code) in sources.iter().filter(|(module, _)| !module.is_empty()) {
        let targets = imports(module, code, &sources)
            .into_iter()
            .filter_map(|path| home(&path, &sources).or_else(|| exported(path.first()?, &sources)));
        edges.insert(module.clone(), targets.filter(|target| target != module).collect());
    }
    let found = edges.values().map(BTreeSet::len).sum::<usize>();
    assert!(found >= least, "{folder}: only {found} imports were understood");
    // Takes away what imports nothing that is left. What remains imports itself, by way of others.
    while let Some(done) = edges.iter().find(|(_, to)| to.is_empty()).map(|(module, _)| module.clone()) {
        edges.remove(&done);
        edges.values_mut().for_each(|to| {
            to.remove(&done);
        });
    }
    assert!(edges.is_empty(), "{folder}: {edges:#?}");
}
