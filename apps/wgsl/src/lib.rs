//! Only tests: those of `tests/`, and the examples of the package's README.

#![cfg_attr(doctest, doc = include_str!("../../../crates/wgsl/README.md"))]
