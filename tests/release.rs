//! What has to agree before a release: the versions of the packages, CHANGELOG.md, and README.md.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;

/// The version in the first line that begins with `key`.
fn value(manifest: &str, key: &str) -> String {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(manifest)).unwrap();
    let line = text.lines().find(|line| line.trim_start().starts_with(key)).unwrap();
    let version =
        line.split(key).nth(1).unwrap().split('"').find(|part| part.starts_with(|c: char| c.is_ascii_digit()));
    version.unwrap().to_owned()
}

/// Major and minor version, or the major version alone from 1 on.
fn compatible(version: &str) -> String {
    let mut parts = version.split('.');
    match (parts.next().unwrap(), parts.next().unwrap()) {
        ("0", minor) => format!("0.{minor}"),
        (major, _) => major.to_owned(),
    }
}

#[test]
fn the_npm_packages_have_the_version_of_the_crate() {
    assert_eq!(value("crates/web/npm/package.json", "\"version\": "), env!("CARGO_PKG_VERSION"));
    assert_eq!(value("crates/wgsl/npm/package.json", "\"version\": "), env!("CARGO_PKG_VERSION"));
}

/// They are not taken from the WebAssembly, which loads later.
#[test]
fn javascript_has_the_presets_of_the_crate() {
    use hard_sigmoid::HardSigmoid;
    // As JavaScript and as Rust write α and β.
    let numbers = [("0.2", "0.5", 0.2, 0.5), ("1 / 6", "0.5", 1.0 / 6.0, 0.5)];
    assert_eq!(HardSigmoid::PRESETS.len(), numbers.len());
    for ((name, f), (alpha, beta, in_rust, beta_in_rust)) in HardSigmoid::PRESETS.into_iter().zip(numbers) {
        assert_eq!(Ok(f), HardSigmoid::new(in_rust, beta_in_rust), "{name}");
        let package = include_str!("../crates/web/npm/load.js");
        assert!(package.contains(&format!("{name}: Object.freeze({{ alpha: {alpha}, beta: {beta} }})")), "{name}");
        let page = include_str!("../crates/web/page/text.js");
        assert!(page.contains(&format!("{name}: [{alpha}, {beta}]")), "{name}");
    }
}

#[test]
fn readme_names_this_version() {
    let [own, wgpu] = [env!("CARGO_PKG_VERSION"), &value("Cargo.toml", "wgpu = { version = ")].map(compatible);
    let sentence =
        format!("hard-sigmoid {own} works with wgpu {wgpu} and needs Rust {}.", env!("CARGO_PKG_RUST_VERSION"));
    let readme = include_str!("../README.md");
    let dependency =
        |name: &str, version: &str| format!("{name} = {{ version = \"{version}\", default-features = false");
    let guide = include_str!("../docs/crate.md");
    assert!(guide.contains(&dependency("hard-sigmoid", &own)) && guide.contains(&dependency("wgpu", &wgpu)));
    assert!(include_str!("../docs/other_wgpu.md").contains(&dependency("hard-sigmoid", &own)));
    assert!(readme.contains(&sentence), "{sentence}");
    assert!(readme.contains(&format!("cargo add wgpu@{wgpu}`")));
    let report = include_str!("../crates/cli/src/report.rs");
    assert!(report.contains(&format!("const WGPU: &str = {:?};", value("Cargo.toml", "wgpu = { version = "))));
}

/// The form of Keep a Changelog 1.1, with the newest version first. Unless the version is that of the newest release,
/// what has changed since is under `Unreleased`.
#[test]
fn the_changelog_has_its_form_and_this_version() {
    let mut releases: Vec<(&str, usize)> = Vec::new();
    for line in include_str!("../CHANGELOG.md").lines() {
        if let Some(name) = line.strip_prefix("### ") {
            let kinds = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];
            assert!(kinds.contains(&name) && !releases.is_empty(), "{line}");
        } else if let Some(heading) = line.strip_prefix("## ") {
            releases.push((heading, 0));
        } else if line.starts_with("* ") {
            releases.last_mut().unwrap().1 += 1;
        }
    }
    let (first, unreleased) = releases.remove(0);
    assert_eq!(first, "[Unreleased]");
    let versions: Vec<[u32; 3]> = releases
        .iter()
        .map(|&(heading, entries)| {
            let (version, date) = heading.strip_prefix('[').unwrap().split_once("] - ").unwrap();
            let numbers = |text: &str, at: char| text.split(at).map(|part| part.parse().unwrap()).collect::<Vec<u32>>();
            assert!(entries > 0 && date.len() == 10 && numbers(date, '-').len() == 3, "{heading}");
            numbers(version, '.').try_into().unwrap()
        })
        .collect();
    assert!(versions.is_sorted_by(|newer, older| newer > older), "{versions:?}");
    let current = [env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"), env!("CARGO_PKG_VERSION_PATCH")];
    let current = current.map(|part| part.parse().unwrap());
    match versions.first() {
        Some(&newest) if newest == current => {}
        newest => assert!(newest.is_none_or(|&newest| newest < current) && unreleased > 0, "{newest:?} {current:?}"),
    }
}
