//! Programs as text that does not depend on how they were linked.

use std::collections::BTreeSet;

use naga::Module;
use naga::back::wgsl::{WriterFlags, write_string};
use naga::compact::{KeepUnused, compact};
use naga::valid::{Capabilities, ValidationFlags, Validator};

/// The items of the program that are used, as naga writes them, with the names that they have in the package.
fn items(program: &Module) -> BTreeSet<String> {
    let package = naga::front::wgsl::parse_str(hard_sigmoid_wgsl::WGSL).unwrap();
    let functions = package.functions.iter().filter_map(|(_, f)| f.name.clone());
    let structs = package.types.iter().filter_map(|(_, t)| t.name.clone());
    let mut names: Vec<String> = functions.chain(structs).collect();
    // Some begin with others: the longest that a linker's name contains is the one that it stands for.
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    let original = |name: &mut Option<String>| {
        if let Some(linked) = name {
            // The package's own name begins with that of the function, too.
            let item = linked.replacen("hard_sigmoid_wgsl", "", 1);
            if let Some(found) = names.iter().find(|name| item.contains(*name)) {
                linked.clone_from(found);
            }
        }
    };

    let mut module = program.clone();
    compact(&mut module, KeepUnused::No);
    module.functions.iter_mut().for_each(|(_, f)| original(&mut f.name));
    let types: Vec<_> = module.types.iter().map(|(handle, t)| (handle, t.clone())).collect();
    for (handle, mut t) in types {
        original(&mut t.name);
        if t != module.types[handle] {
            module.types.replace(handle, t);
        }
    }
    let info = Validator::new(ValidationFlags::all(), Capabilities::default()).validate(&module).unwrap();
    let text = write_string(&module, &info, WriterFlags::empty()).unwrap();
    text.split_terminator("\n}\n")
        .flat_map(|part| part.split(";\n\n"))
        .map(|item| splatted(&renumbered(item)))
        .collect()
}

/// The item with vectors of one constant written as such. wesl writes out their components when it evaluates constants.
fn splatted(item: &str) -> String {
    let mut parts = item.split("vec4<");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let splat =
            part.split_once('(').and_then(|(_, arguments)| arguments.split_once(')')).and_then(|(list, rest)| {
                let mut arguments = list.split(", ");
                let first = arguments.next()?;
                (arguments.clone().count() == 3 && arguments.all(|next| next == first)).then_some((first, rest))
            });
        match splat {
            Some((first, rest)) => text.push_str(&format!("vec4({first}){rest}")),
            None => text.push_str(&format!("vec4<{part}")),
        }
    }
    text
}

/// The item with the results of calls and loads, `_e` and a number, numbered in the order of their use. The numbers
/// that naga gives them depend on the linker.
fn renumbered(item: &str) -> String {
    let mut parts = item.trim().split("_e");
    let mut text = parts.next().unwrap_or_default().to_owned();
    let mut numbers = Vec::new();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        let (number, rest) = part.split_at(end);
        if !number.is_empty() && !numbers.contains(&number) {
            numbers.push(number);
        }
        match numbers.iter().position(|n| *n == number) {
            Some(index) => text.push_str(&format!("_e{index}{rest}")),
            None => text.push_str(&format!("_e{part}")),
        }
    }
    text
}

pub(crate) fn assert_same(program: &Module, expected: &Module) {
    let (got, expected) = (items(program), items(expected));
    let clamped = got.iter().find(|item| item.contains("fn hard_sigmoid_clamped(")).unwrap();
    assert!(clamped.contains("(x) + vec4(f.shift)) * f.slope)"), "{clamped}");
    let differing: Vec<_> = got.symmetric_difference(&expected).collect();
    assert!(differing.is_empty(), "{differing:#?}");
}
