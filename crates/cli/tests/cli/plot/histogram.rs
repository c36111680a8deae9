//! `hard-sigmoid plot --histogram`

use std::fs;

use super::super::{DIGITS, Folder, command, fails, floats, npy, peak_memory};
use super::{SLOPES, has, labels, plot, svg, text};

/// The expected results are from NumPy and PyTorch.
#[test]
fn a_histogram_has_the_shares_of_the_results() {
    for (preset, _) in SLOPES {
        let y = fs::read(format!("../../tests/data/digits_{preset}.npy")).unwrap();
        let y: Vec<f32> = y[128..].chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        let share = |is: fn(f32) -> bool| {
            let n = y.iter().filter(|&&y| is(y)).count();
            format!("{n} ({:.2} %)", 100.0 * n as f64 / y.len() as f64)
        };
        let (zero, one, inside) = (share(|y| y == 0.0), share(|y| y == 1.0), share(|y| y > 0.0 && y < 1.0));
        let svg = svg(&["--histogram", DIGITS, "--preset", preset]);
        for label in [format!("becomes 0: {zero}"), format!("exactly 0: {zero}"), format!("becomes 1: {one}")] {
            has(&svg, &label);
        }
        has(&svg, &format!("exactly 1: {one}"));
        has(&svg, &format!("between: {inside}"));
        has(&svg, "x = digits.npy, 57504 elements");
        has(&svg, "NaN: 0 (0.00 %)");
        assert_eq!(svg.matches("#bbbbbb").count(), 4);
        // The bars of the panel of results: their heights are in proportion to what was counted.
        let bars = |color: &str| bars(&svg, color);
        let (saturated, between) = (bars("#d55e00"), bars("#0072b2"));
        let [zero_bar, one_bar] = saturated[saturated.len() - 2..] else { panic!("{saturated:?}") };
        let bins = (0..40).map(|i| y.iter().filter(|&&y| y > 0.0 && y < 1.0 && (y * 40.0) as usize == i).count());
        let n = |is: fn(f32) -> bool| y.iter().filter(|&&y| is(y)).count() as f64;
        let scale = zero_bar / n(|y| y == 0.0);
        assert!((one_bar - scale * n(|y| y == 1.0)).abs() < 0.1);
        for (bar, n) in between[between.len() - 40..].iter().zip(bins) {
            assert!((bar - scale * n as f64).abs() < 0.1, "{bar} {n}");
        }
    }
}

/// The heights of the rectangles of a color, in order.
fn bars(svg: &str, color: &str) -> Vec<f64> {
    let bars = svg.lines().filter(|line| line.contains("<rect") && line.contains(&format!("fill=\"{color}\"")));
    bars.map(|line| line.split("height=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap()).collect()
}

/// The bars together are all that is not outside and not NaN, whatever the bins.
#[test]
fn a_histogram_counts_each_element_once_and_says_what_it_leaves_out() {
    let folder = Folder::new();
    let x: Vec<f32> = (0..100_000_u32)
        .map(|i| match i % 2000 {
            0 => f32::NAN,
            // The high bits are those of infinity.
            1 => f32::from_bits(0x7f80_0001),
            2 | 3 => f32::INFINITY,
            4 => -1e30,
            5 | 6 => f32::NEG_INFINITY,
            n => (n as f32 - 1000.0) / 200.0,
        })
        .collect();
    let input = folder.file("x.npy", &npy("'<f4'", false, "(100000,)", &floats(&x)));
    let options = ["--histogram", input.to_str().unwrap(), "--alpha", "0.5", "--beta", "0.5"];
    let svg = svg(&options);
    has(&svg, "NaN: 100 (0.10 %)");
    has(&svg, "0.15 % below, 0.1 % above");
    // The first panel: with the edges of the ramp at -1 and 1, no bin has elements of both kinds.
    let shape = |color: &str| bars(&svg, color);
    let (saturated, between) = (shape("#d55e00"), shape("#0072b2"));
    let saturated: f64 = saturated[..saturated.len() - 2].iter().sum();
    let between: f64 = between[..between.len() - 40].iter().sum();
    let expected =
        x.iter().filter(|x| x.abs() < 1.0).count() as f64 / x.iter().filter(|x| x.abs() < 6.0).count() as f64;
    let share = between / (saturated + between);
    assert!((share - expected).abs() < 0.01, "{share} {expected}");
}

/// With a negative slope, large elements become 0.
#[test]
fn the_shares_of_a_descending_function_are_on_their_sides() {
    let svg = svg(&["--histogram", DIGITS, "--alpha", "-0.2", "--beta", "0.5"]);
    let starts = |start: &str| labels(&svg).iter().position(|label| label.starts_with(start)).unwrap();
    assert!(starts("becomes 1") < starts("between") && starts("between") < starts("becomes 0"));
    // As many as become 1 with a positive slope.
    let y = fs::read("../../tests/data/digits_onnx.npy").unwrap();
    let ones = y[128..].chunks_exact(4).filter(|y| f32::from_le_bytes((*y).try_into().unwrap()) == 1.0).count();
    has(&svg, &format!("becomes 0: {ones} "));
}

#[cfg(target_os = "linux")]
#[test]
fn histograms_of_unusual_files() {
    let folder = Folder::new();
    let draw = |name: &str, descr: &str, data: &[u8], size: usize, options: &[&str]| {
        let shape = format!("({},)", data.len() / size);
        let input = folder.file(name, &npy(descr, false, &shape, data));
        plot(&[&["--preset", "onnx", "--histogram", input.to_str().unwrap()], options].concat())
    };
    let shows = |run: &std::process::Output, parts: &[&str]| {
        let text = String::from_utf8(run.stdout.clone()).unwrap();
        assert!(run.status.success() && parts.iter().all(|part| text.contains(part)), "{parts:?} {run:?} {text}");
    };
    fails(&draw("x.npy", "'<f4'", &[], 4, &[]), &["x.npy: has no elements", "choose another"]);
    shows(&draw("x.npy", "'<f4'", &floats(&[f32::NAN; 3]), 4, &[]), &["NaN: 3 (100.00 %)", "becomes 0: 0.00 %"]);
    let infinities = floats(&[f32::INFINITY, f32::NEG_INFINITY]);
    shows(&draw("x.npy", "'<f4'", &infinities, 4, &[]), &["50 % below, 50 % above", "becomes 1: 50.00 %"]);
    // Beyond f32, and neither bytes nor formulas nor escapes in the name.
    let large = [1e300_f64, 0.0].map(f64::to_be_bytes).concat();
    shows(&draw("$a$\x1b[1m.npy", "'>f8'", &large, 8, &[]), &["$a$\\u{1b}[1m.npy, 2 elements", "50 % above"]);
    let half = [0x3c00_u16; 4].map(u16::to_le_bytes).concat();
    shows(&draw("x.npy", "'<f2'", &half, 2, &[]), &["between: 100.00 %", "0 % below, 0 % above"]);
    shows(&draw("x.npy", "'<V2'", &half, 2, &["--element", "bf16"]), &["x = x.npy, 4 elements"]);
}

#[test]
fn a_histogram_of_tensors_counts_the_chosen_ones() {
    let folder = Folder::new();
    let tensor = |name: &str, dtype: &str, start: u32, end: u32| {
        format!(
            "\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":[{}],\"data_offsets\":[{start},{end}]}}",
            (end - start) / 4
        )
    };
    let tensors = [tensor("a", "F32", 0, 8), tensor("i", "I32", 8, 12), tensor("b", "F32", 12, 16)];
    let header = format!("{{{}}}", tensors.join(","));
    let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &floats(&[0.0, 9.0, 0.0, -9.0])].concat();
    let input = folder.file("x.safetensors", &bytes);
    let shares =
        |options: &[&str]| text(&[&["--preset", "onnx", "--histogram", input.to_str().unwrap()], options].concat());
    let all = shares(&[]);
    assert!(all.contains("x.safetensors, 3 elements") && all.contains("becomes 0: 33.33 %"), "{all}");
    let one = shares(&["--tensor", "b"]);
    assert!(one.contains("x.safetensors, 1 elements") && one.contains("becomes 0: 100.00 %"), "{one}");
}

/// Reads 300 MiB.
#[cfg(target_os = "linux")]
#[test]
fn memory_of_a_histogram_does_not_grow_with_the_file() {
    let folder = Folder::new();
    let input = folder.zeros(300 << 18);
    let output = folder.path("y.svg");
    let peak = peak_memory(command().args(["plot", "--preset", "onnx", "--histogram"]).args([&input, &output]));
    assert!((1..64 << 10).contains(&peak), "{peak} KiB");
    has(&fs::read_to_string(output).unwrap(), "between: 78643200 (100.00 %)");
}
