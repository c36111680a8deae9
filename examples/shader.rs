//! Prints the shader of an operation, as it is joined for two buffers of f32:
//! `cargo run --example shader -- backward`.

#![allow(clippy::print_stdout, reason = "an example")]

use hard_sigmoid::plan::{Limits, Operand, Place, Recipe};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let operation = std::env::args().nth(1).unwrap_or_else(|| "forward".into());
    let limits = Limits::default();
    let operand = |buffer| Operand { buffer, buffer_bytes: 1 << 20, elements: (0..1 << 18).into() };
    let (x, y) = (operand("x"), operand("y"));
    let counters = Place { buffer: "counters", buffer_bytes: 32, offset_bytes: 0 };
    let recipe = match &operation[..] {
        "forward" => Recipe::forward::<f32>(&x, &y, limits)?,
        "count" => Recipe::count::<f32>(&x, &counters, limits)?,
        "forward-and-count" => Recipe::forward_and_count::<f32>(&x, &y, &counters, limits)?,
        "backward" => Recipe::backward::<f32>(&x, &y, &y, limits)?,
        other => return Err(format!("unknown operation {other}: forward, count, forward-and-count, backward").into()),
    };
    for step in recipe.steps() {
        let program = step.program();
        let [x, y] = step.workgroups();
        println!("// {} with {:?}, {x} x {y} workgroups", program.entry_point(), program.constants());
        step.bindings().for_each(|(binding, resource)| println!("// binding {binding}: {resource:?}"));
        program.wgsl().for_each(|wgsl| println!("\n{wgsl}"));
    }
    Ok(())
}
