//! Runs this program on radv, once for each GPU, and makes a table of the figures that radv prints.

use std::collections::BTreeMap;
use std::process::Command;

use crate::{GPUS, Kernel};

/// Set for the processes that run radv.
pub(crate) const CHILD: &str = "SHADER_COST_CHILD";

/// What these processes print before the name of the driver, and before the number of a kernel.
pub(crate) const DRIVER: &str = "shader-cost driver: ";
pub(crate) const KERNEL: &str = "shader-cost kernel: ";

/// Columns of the table and their widths.
const COLUMNS: [(&str, usize); 12] = [
    ("GPU", 8),
    ("element", 8),
    ("operation", 20),
    ("source", 16),
    ("unit", 9),
    ("branches", 9),
    ("spilled", 8),
    ("loads, stores, atomics", 56),
    ("VGPRs", 6),
    ("waves", 6),
    ("per element", 12),
    ("per byte", 8),
];

/// A line for each kernel and GPU. Instructions are divided by the elements that a thread computes, and by the bytes
/// that it reads and writes.
pub(crate) fn table(kernels: &[Kernel]) -> Result<String, Box<dyn std::error::Error>> {
    let mut driver = None;
    let mut lines = vec![line(COLUMNS.map(|(name, _)| name.to_owned()))];
    for gpu in GPUS {
        let run = Command::new(std::env::current_exe()?)
            .env(CHILD, "1")
            .env("RADV_FORCE_FAMILY", gpu)
            .env("RADV_DEBUG", "shaders,shaderstats,nocache")
            .output()?;
        let printed = String::from_utf8_lossy(&run.stderr);
        if !run.status.success() {
            let last: Vec<_> = printed.lines().rev().take(5).collect();
            return Err(format!("{gpu}: {}", last.join("\n")).into());
        }
        let mut parts = printed.split(KERNEL);
        let name = parts.next().and_then(|head| head.split(DRIVER).nth(1)).ok_or("no driver")?.trim().to_owned();
        if driver.get_or_insert_with(|| name.clone()) != &name {
            return Err("the driver has changed".into());
        }
        let parts: Vec<_> = parts.collect();
        if parts.len() != kernels.len() {
            return Err(format!("{gpu}: {} of {} kernels", parts.len(), kernels.len()).into());
        }
        for (kernel, printed) in kernels.iter().zip(parts) {
            lines.push(line(figures(gpu, kernel, printed)?));
        }
    }
    Ok(format!("{}\n{}", driver.unwrap_or_default(), lines.concat()))
}

fn line(cells: [String; COLUMNS.len()]) -> String {
    let padded: String = cells.iter().zip(COLUMNS).map(|(cell, (_, width))| format!("{cell:width$}")).collect();
    format!("{}\n", padded.trim_end())
}

fn figures(gpu: &str, kernel: &Kernel, printed: &str) -> Result<[String; COLUMNS.len()], String> {
    let figure = |name: &str| {
        let value = printed.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")?.parse::<u64>().ok());
        value.ok_or_else(|| format!("{gpu}: no {name}"))
    };
    let instructions = figure("Instructions")? as f64;
    let spilled = figure("Spilled SGPRs")? + figure("Spilled VGPRs")? + figure("Scratch size")?;
    Ok([
        gpu.to_owned(),
        kernel.element.to_owned(),
        kernel.operation.to_owned(),
        kernel.access.to_owned(),
        kernel.unit.to_owned(),
        figure("Branches")?.to_string(),
        spilled.to_string(),
        memory(printed),
        figure("VGPRs")?.to_string(),
        figure("Subgroups per SIMD")?.to_string(),
        format!("{:.1}", instructions / kernel.elements as f64),
        format!("{:.2}", instructions / kernel.bytes as f64),
    ])
}

/// The instructions that access buffers, and how many there are of each.
fn memory(printed: &str) -> String {
    let mut counts = BTreeMap::<_, u32>::new();
    // Lines of the disassembly, which end with the code in hexadecimal.
    let code = printed.lines().filter(|line| line.contains(" ; "));
    for instruction in code.filter_map(|line| line.split_whitespace().next()) {
        if let Some(access) = instruction.strip_prefix("buffer_").filter(|access| !access.contains("gl")) {
            // The generations name them differently.
            let name = access.replace("dwordx4", "b128").replace("dwordx2", "b64").replace("dword", "b32");
            let name = name.replace("atomic_add_u32", "atomic_add");
            *counts.entry(name).or_default() += 1;
        }
    }
    counts.iter().map(|(name, n)| format!("{n} {name}")).collect::<Vec<_>>().join(", ")
}
