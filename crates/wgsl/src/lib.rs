#![no_std]
#![cfg_attr(all(feature = "wesl", feature = "wesl-0-4"), doc = include_str!("../README.md"))]
#![cfg_attr(not(all(feature = "wesl", feature = "wesl-0-4")), doc = "See README: its examples need all features.")]

/// The function as WGSL source: for `naga_oil`, Bevy, or to put in front of a shader.
pub const WGSL: &str = include_str!("hard_sigmoid.wgsl");

#[cfg(feature = "wesl")]
pub use hard_sigmoid_wgsl::PACKAGE;

/// The package for wesl 0.6. The module has the name of the package, where the generated code of packages that depend
/// on this one looks for it.
#[cfg(feature = "wesl")]
pub mod hard_sigmoid_wgsl {
    use wesl_core::{StaticPackage, StaticPackageModule};

    /// The package for wesl 0.6, for `CompileOptions::dependencies` or `add_package` of a resolver.
    pub static PACKAGE: StaticPackage =
        StaticPackage { crate_name: "hard_sigmoid_wgsl", root: &MODULE, dependencies: &[] };

    /// Its only module.
    pub static MODULE: StaticPackageModule = StaticPackageModule {
        name: "hard_sigmoid_wgsl",
        source: include_str!(concat!(env!("OUT_DIR"), "/hard_sigmoid.wesl")),
        submodules: &[],
    };
}

/// The package for wesl 0.4.
#[cfg(feature = "wesl-0-4")]
pub mod wesl_0_4 {
    use ::wesl_0_4::{CodegenModule, CodegenPkg};

    /// The package for wesl 0.4, for `Wesl::add_package`.
    pub const PACKAGE: CodegenPkg = CodegenPkg { crate_name: "hard_sigmoid_wgsl", root: &MODULE, dependencies: &[] };

    /// Its only module.
    pub const MODULE: CodegenModule = CodegenModule { name: "hard_sigmoid_wgsl", source: crate::WGSL, submodules: &[] };
}
