//! The function, imported in each way: the program has the same code as with the source pasted in front of it, and
//! gives the CPU's bits on every adapter, in a compute, a vertex and a fragment shader.

mod canonical;
mod gpu;
mod numbers;
mod way;

use gpu::{Gpu, Inputs};
use hard_sigmoid::HardSigmoid;
use way::Link;

/// The program that each way links.
const STAGES: &str = include_str!("stages.wesl");

const F: HardSigmoid = HardSigmoid::PYTORCH;

/// Runs a check on every adapter. There must be one.
fn on_every_adapter(check: impl Fn(&Gpu)) {
    let adapters = gpu::adapters();
    assert!(!adapters.is_empty(), "there is no adapter: scripts/wgsl installs a software driver");
    for adapter in &adapters {
        println!("{} ({:?})", adapter.get_info().name, adapter.get_info().backend);
        check(&Gpu::open(adapter));
    }
}

fn code(link: Link) {
    canonical::assert_same(&link(STAGES), &way::concatenated(STAGES));
}

fn compute(link: Link) {
    let program = link(STAGES);
    on_every_adapter(|gpu| {
        let x = numbers::numbers();
        let inputs = Inputs::new(F);
        let y = x.iter().map(|&x| F.eval(x));
        numbers::assert_same(&x, &gpu.compute(&program, "forward", &inputs, &x), y);
        let grad_x = x.iter().map(|&x| F.backward().eval(x, 3.0));
        numbers::assert_same(&x, &gpu.compute(&program, "backward", &inputs, &x), grad_x);
    });
}

fn draw(link: Link, vertex: &str, fragment: &str) {
    let program = link(STAGES);
    on_every_adapter(|gpu| {
        let x = numbers::numbers();
        let y = x.iter().map(|&x| F.eval(x));
        numbers::assert_same(&x, &gpu.draw(&program, vertex, fragment, &Inputs::new(F), &x), y);
    });
}

/// A program with an entry point `main` that doubles the numbers first.
fn doubled(program: &str, link: Link) {
    let program = link(program);
    on_every_adapter(|gpu| {
        let x = numbers::numbers();
        let y = x.iter().map(|&x| F.eval(x * 2.0));
        numbers::assert_same(&x, &gpu.compute(&program, "main", &Inputs::new(F), &x), y);
    });
}

/// The tests of each way of importing.
macro_rules! ways {
    ($($way:ident)*) => {$(
        mod $way {
            use super::way::$way as way;

            #[test]
            fn readme() {
                let (_, rest) = include_str!("../../../crates/wgsl/README.md").split_once("```wgsl\n").unwrap();
                super::doubled(rest.split_once("```\n").unwrap().0, way);
            }

            #[test]
            fn code() {
                super::code(way);
            }

            #[test]
            fn compute() {
                super::compute(way);
            }

            #[test]
            fn vertex() {
                super::draw(way, "activated", "store");
            }

            #[test]
            fn fragment() {
                super::draw(way, "given", "activate");
            }
        }
    )*};
}

ways! { concatenated naga_oil wesl_0_4 wesl_0_6 bevy_0_20 npm }

/// A program may have names of the package for items of its own, unless the source is in front of it.
#[test]
fn names_do_not_clash() {
    for link in [way::naga_oil, way::wesl_0_4, way::wesl_0_6, way::bevy_0_20, way::npm] {
        doubled(include_str!("names.wesl"), link);
    }
}

#[test]
fn the_source_is_the_crates() {
    assert_eq!(hard_sigmoid_wgsl::WGSL, hard_sigmoid::WGSL);
}

/// Neither the names nor the other options of wesl change the code of the function.
#[test]
fn options_of_wesl() {
    let pasted = way::concatenated(STAGES);
    for link in way::options() {
        canonical::assert_same(&link, &pasted);
    }
}
