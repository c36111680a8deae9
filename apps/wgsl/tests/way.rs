//! The ways to import the function. Each takes a program that begins with an import, in the form of WESL.

use std::borrow::Cow;
use std::io::Write;
use std::process::{Command, Stdio};

use bevy_asset::{AssetId, uuid::Uuid};
use bevy_shader::{Shader, ShaderCache, ShaderCacheSource};
use hard_sigmoid_wgsl::WGSL;
use naga::Module;
use naga_oil::compose::{ComposableModuleDescriptor, Composer, NagaModuleDescriptor};
use wesl::syntax::ModulePath;

pub(crate) type Link = fn(&str) -> Module;

fn parsed(wgsl: &str) -> Module {
    naga::front::wgsl::parse_str(wgsl).unwrap_or_else(|e| panic!("{}", e.emit_to_string(wgsl)))
}

/// The source in front of the program, whose import is left out.
pub(crate) fn concatenated(program: &str) -> Module {
    let (_import, program) = program.split_once(";\n").unwrap();
    parsed(&format!("{WGSL}{program}"))
}

pub(crate) fn naga_oil(program: &str) -> Module {
    let mut composer = Composer::default();
    let module = ComposableModuleDescriptor {
        source: WGSL,
        file_path: "hard_sigmoid.wgsl",
        as_name: Some("hard_sigmoid_wgsl".into()),
        ..Default::default()
    };
    composer.add_composable_module(module).unwrap();
    // Its imports begin with # and end with the line.
    let source = format!("#{}", program.replacen(";\n", "\n", 1));
    let program = NagaModuleDescriptor { source: &source, file_path: "program.wgsl", ..Default::default() };
    composer.make_naga_module(program).unwrap_or_else(|e| panic!("{}", e.emit_to_string(&composer)))
}

/// The package of wesl 0.4, and the program as a module in memory.
struct Resolver04(wesl_0_4::PkgResolver, wesl_0_4::VirtualResolver<'static>);

impl wesl_0_4::Resolver for Resolver04 {
    fn resolve_source<'a>(&'a self, path: &wesl_0_4::ModulePath) -> Result<Cow<'a, str>, wesl_0_4::ResolveError> {
        if path.origin.is_package() { self.0.resolve_source(path) } else { self.1.resolve_source(path) }
    }
}

fn compiler_0_4(program: &str) -> wesl_0_4::Wesl<Resolver04> {
    let mut package = wesl_0_4::PkgResolver::new();
    package.add_package(&hard_sigmoid_wgsl::wesl_0_4::PACKAGE);
    let mut files = wesl_0_4::VirtualResolver::new();
    files.add_module("package::main".parse().unwrap(), program.to_owned().into());
    wesl_0_4::Wesl::new("").set_custom_resolver(Resolver04(package, files))
}

fn compiled_0_4(compiler: &wesl_0_4::Wesl<Resolver04>) -> Module {
    parsed(&compiler.compile(&"package::main".parse().unwrap()).unwrap_or_else(|e| panic!("{e}")).to_string())
}

pub(crate) fn wesl_0_4(program: &str) -> Module {
    compiled_0_4(&compiler_0_4(program))
}

/// The package of wesl 0.6, and the program as a module in memory.
struct Resolver06(wesl::resolver::PackageResolver, String);

impl wesl::Resolver for Resolver06 {
    fn resolve_source(&self, path: &ModulePath) -> Result<Cow<'_, str>, wesl::error::ResolveError> {
        if path.origin.is_package() { self.0.resolve_source(path) } else { Ok(self.1.as_str().into()) }
    }
}

fn compiled_0_6(program: &str, options: wesl::CompileOptions) -> Module {
    let mut package = wesl::resolver::PackageResolver::new();
    package.add_package(&hard_sigmoid_wgsl::PACKAGE);
    let compiler = wesl::Compiler::new_with_resolver(options, Resolver06(package, program.into()));
    parsed(&compiler.compile_root().unwrap_or_else(|e| panic!("{e}")).syntax.to_string())
}

pub(crate) fn wesl_0_6(program: &str) -> Module {
    compiled_0_6(program, Default::default())
}

/// Through the cache that keeps the shaders of a Bevy app, with the source as an embedded asset.
pub(crate) fn bevy_0_20(program: &str) -> Module {
    let mut cache: ShaderCache<Module, ()> = ShaderCache::new((), |(), source, _| match source {
        ShaderCacheSource::Wgsl(wgsl) => Ok(parsed(&wgsl)),
        ShaderCacheSource::SpirV(_) => unreachable!(),
    });
    let id = |n| AssetId::Uuid { uuid: Uuid::from_u128(n) };
    cache.set_shader(id(0), Shader::from_wesl(WGSL, "embedded://hard_sigmoid_wgsl.wesl"));
    cache.set_shader(id(1), Shader::from_wesl(program.to_owned(), "shaders/program.wesl"));
    (*cache.get(0, id(1), &[]).unwrap_or_else(|e| panic!("{e}"))).clone()
}

pub(crate) fn npm(program: &str) -> Module {
    linked(program, "underscoreMangle")
}

/// The program as the linker of npm links it. `scripts/wgsl` installs both in a folder.
fn linked(program: &str, mangler: &str) -> Module {
    let app = std::env::var("HARD_SIGMOID_NPM_APP").expect("run scripts/wgsl, which sets HARD_SIGMOID_NPM_APP");
    let mut node = Command::new("node")
        .args(["link.mjs", mangler])
        .current_dir(app)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    node.stdin.take().unwrap().write_all(program.as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "node failed");
    parsed(&String::from_utf8(output.stdout).unwrap())
}

/// The program with every option that changes what the linkers write. `ManglerKind::Unicode` is left out: the names
/// that it makes contain "::", which naga does not take.
pub(crate) fn options() -> Vec<Module> {
    let program = crate::STAGES;
    let mut modules = Vec::new();
    for (strip, lower) in [(true, false), (false, false), (true, true), (false, true)] {
        use wesl_0_4::ManglerKind::{Escape, Hash, None};
        for mangler in [Escape, Hash, None] {
            let mut compiler = compiler_0_4(program);
            compiler.set_mangler(mangler).use_stripping(strip).use_lower(lower);
            modules.push(compiled_0_4(&compiler));
        }
        use wesl::ManglerKind as Kind;
        for mangler in [Kind::Escape, Kind::Hash, Kind::None] {
            let options = wesl::CompileOptions { mangler, strip, lower, ..Default::default() };
            modules.push(compiled_0_6(program, options));
        }
    }
    modules.extend(["underscoreMangle", "lengthPrefixMangle", "minimalMangle"].map(|mangler| linked(program, mangler)));
    modules
}
