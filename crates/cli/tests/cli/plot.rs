//! `hard-sigmoid plot`

mod histogram;

use std::fs::{self, File};
use std::path::Path;

use super::{DIGITS, Folder, command, fails, misused, npy, succeeds};

/// The two presets.
const SLOPES: [(&str, f64); 2] = [("onnx", 0.2), ("pytorch", 1.0 / 6.0)];

fn plot(options: &[&str]) -> std::process::Output {
    command().arg("plot").args(options).output().unwrap()
}

/// The text that a plot on stdout consists of.
#[track_caller]
fn text(options: &[&str]) -> String {
    let run = plot(options);
    assert!(run.status.success(), "{run:?}");
    assert!(!run.stdout.contains(&0x1b), "colors, although stdout is no terminal");
    String::from_utf8(run.stdout).unwrap()
}

/// A plot as SVG.
#[track_caller]
fn svg(options: &[&str]) -> String {
    let folder = Folder::new();
    let path = folder.path("plot.svg");
    succeeds(&plot(&[&[path.to_str().unwrap()], options].concat()));
    assert_eq!(folder.names(), ["plot.svg"]);
    let svg = fs::read_to_string(path).unwrap();
    balanced(&svg);
    svg
}

/// Expects that each element ends, in order, and that all coordinates are numbers.
#[track_caller]
fn balanced(svg: &str) {
    let mut open = Vec::new();
    for tag in svg.split('<').skip(1).map(|rest| rest.split_once('>').unwrap().0) {
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if tag.ends_with('/') || tag.starts_with('!') => {}
            None => open.push(tag.split_whitespace().next().unwrap()),
        }
    }
    assert!(open.is_empty() && svg.starts_with("<svg "), "{open:?}");
    assert!(!svg.contains("NaN\"") && !svg.contains("inf\""), "{svg}");
}

/// The contents of the `text` elements.
fn labels(svg: &str) -> Vec<&str> {
    svg.split("<text ").skip(1).map(|rest| rest.split_once('>').unwrap().1.split_once('<').unwrap().0).collect()
}

#[track_caller]
fn has(svg: &str, label: &str) {
    assert!(labels(svg).iter().any(|it| it.contains(label)), "{label:?} is not in {:?}", labels(svg));
}

/// The coordinates of the lines that are drawn in a color.
fn lines(svg: &str, color: &str) -> Vec<Vec<(f64, f64)>> {
    let of_color = |path: &&str| path.split_once('>').unwrap().0.contains(&format!("stroke=\"{color}\""));
    let paths = svg.split("<path ").skip(1).filter(of_color).map(|path| path.split('"').nth(1).unwrap());
    let points = |path: &str| {
        let numbers: Vec<f64> = path.split(['M', 'L', ' ']).filter_map(|number| number.parse().ok()).collect();
        numbers.chunks(2).map(|point| (point[0], point[1])).collect()
    };
    paths.map(points).collect()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The largest gap between two curves from -6 to 6, and where it is. Of two at ±x, the one at x.
fn largest_gap(alpha: f64, beta: f64) -> (f64, f64) {
    let gap = |x: f64| ((alpha * x + beta).clamp(0.0, 1.0) - sigmoid(x)).abs();
    let places = (-600_000..=600_000).map(|i| f64::from(i) / 1e5);
    places.map(|x| (gap(x), x)).max_by(|a, b| a.0.total_cmp(&b.0)).unwrap()
}

#[test]
fn the_largest_gaps_to_the_sigmoid_are_written() {
    for (preset, alpha) in SLOPES {
        let (size, x) = largest_gap(alpha, 0.5);
        let (size, x) = (format!("{size:.5}"), format!("{:.3}", x.abs()));
        let svg = svg(&["--preset", preset, "--sigmoid"]);
        has(&svg, &format!("largest gap {size} at x = {}", x.trim_end_matches(['0', '.'])));
        assert!(labels(&svg).contains(&format!("gap {size}").as_str()));
        has(&svg, "logistic sigmoid, 1/(1 + e^-x)");
    }
    // In the shown range: without its ends, the gap is at 2.5.
    let (size, _) = largest_gap(0.2, 0.5);
    has(&svg(&["--preset", "onnx", "--sigmoid", "--range", "-9:9"]), &format!("largest gap {size:.5} at x = 2.5"));
    let at_1 = sigmoid(1.0) - 0.7;
    has(&svg(&["--preset", "onnx", "--sigmoid", "--range=1:1.5"]), &format!("largest gap {:.5}", at_1));
    let (size, _) = largest_gap(-2.0, 0.7);
    has(&svg(&["--alpha", "-2", "--beta", "0.7", "--sigmoid"]), &format!("largest gap {size:.4}"));
    assert!(!svg(&["--preset", "onnx"]).contains("gap"));
}

/// The ratio of widths within a line does not depend on the layout.
#[test]
fn lines_bend_at_the_edges_of_the_ramp() {
    for (alpha, rises) in [("0.2", true), ("-0.2", false)] {
        let svg = svg(&["--alpha", alpha, "--beta", "0.5", "--range", "-5:5"]);
        let lines = lines(&svg, "#0072b2");
        // The other line is in the legend.
        let [(x0, y0), (x1, y1), (x2, y2), (x3, y3)] = lines.iter().find(|line| line.len() == 4).unwrap()[..] else {
            panic!("{lines:?}")
        };
        let at = |x: f64| (x - x0) / (x3 - x0) * 10.0 - 5.0;
        assert!((at(x1) + 2.5).abs() < 0.01 && (at(x2) - 2.5).abs() < 0.01, "{lines:?}");
        assert!(y0 == y1 && y2 == y3 && (y0 > y2) == rises, "{lines:?}");
    }
}

#[test]
fn functions_are_the_given_ones_or_all_presets() {
    let both = svg(&[]);
    has(&both, "onnx, clamp(0.2 x + 0.5, 0, 1)");
    has(&both, "pytorch, clamp(x/6 + 0.5, 0, 1)");
    let options = ["--alpha", "-0.25", "--beta", "-0.5", "--preset", "onnx", "--alpha", "1", "--beta", "2"];
    let some = svg(&options);
    let functions: Vec<_> = labels(&some).into_iter().filter(|label| label.contains("clamp")).collect();
    // In the order in which they are given.
    let expected = ["clamp(-0.25 x - 0.5, 0, 1)", "onnx, clamp(0.2 x + 0.5, 0, 1)", "clamp(x + 2, 0, 1)"];
    assert_eq!(functions, expected);
    // For dark pages, and for this picture of a page only.
    assert!(
        both.contains("<svg class=\"hard-sigmoid\"")
            && both.contains("(prefers-color-scheme: dark) { svg.hard-sigmoid")
    );
    // All ramps are shown: this one begins at -50 and ends at 50.
    let wide = svg(&["--alpha", "0.01", "--beta", "0.5"]);
    assert!(labels(&wide).contains(&"-60") && labels(&wide).contains(&"60"));
}

#[test]
fn derivatives_jump_at_the_edges() {
    let svg = svg(&["--preset", "pytorch", "--derivative", "--range", "-6:6"]);
    has(&svg, "1/6 for -3 &lt; x &lt; 3, else 0");
    assert_eq!(labels(&svg).iter().filter(|label| **label == "gradient 0").count(), 2);
    let lines = lines(&svg, "#0072b2");
    // Three horizontal pieces and two vertical jumps.
    let horizontal: Vec<_> = lines.iter().filter(|line| line[0].1 == line[1].1).collect();
    let vertical: Vec<_> = lines.iter().filter(|line| line[0].0 == line[1].0).collect();
    assert_eq!((horizontal.len(), vertical.len(), lines.len()), (3, 2, 5), "{lines:?}");
    let [left, ramp, right] = horizontal[..] else { panic!("{horizontal:?}") };
    assert!((left[0].1 == right[0].1) && left[0].1 > ramp[0].1);
    assert_eq!((left[1].0, right[0].0), (ramp[0].0, ramp[1].0));
    let shade = |line: &str| line.contains("<rect") && line.contains("#bbbbbb");
    assert_eq!(svg.lines().filter(|line| shade(line)).count(), 2);

    has(&self::svg(&["--alpha", "0", "--beta", "0.5", "--derivative"]), "clamp(0 x + 0.5, 0, 1): 0");
    has(&self::svg(&["--derivative", "--sigmoid"]), "derivative of the logistic sigmoid");
}

#[test]
fn a_png_file_has_the_picture_with_its_text() {
    let folder = Folder::new();
    let path = folder.path("PLOT.PNG");
    succeeds(&plot(&[path.to_str().unwrap(), "--sigmoid"]));
    let mut reader = png::Decoder::new(std::io::BufReader::new(File::open(&path).unwrap())).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let size = info.color_type.samples();
    assert!(info.width > 1000 && info.height > 600 && size >= 3, "{info:?}");
    let is = |pixel: &[u8], color: [u8; 3]| pixel.iter().zip(color).all(|(a, b)| a.abs_diff(b) < 8);
    let count = |color| pixels.chunks(size).filter(|pixel| is(&pixel[..3], color)).count();
    // The background, both lines, and black.
    assert!(count([255; 3]) > pixels.len() / size / 2);
    assert!(count([0x00, 0x72, 0xb2]) > 1000 && count([0xd5, 0x5e, 0x00]) > 1000);
    // The title, which is the only thing in the topmost rows.
    let rows = pixels.chunks(info.line_size).take(60);
    let ink: usize = rows.map(|row| row.chunks(size).filter(|pixel| is(&pixel[..3], [1, 2, 3])).count()).sum();
    assert!(ink > 300, "{ink}");
}

#[test]
fn without_an_output_the_plot_is_text_in_80_columns() {
    let text = text(&["--sigmoid"]);
    assert_eq!(text.lines().count(), 23);
    assert!(text.lines().all(|line| line.chars().count() <= 80 && line.trim_end() == line), "{text}");
    let (size, _) = largest_gap(0.2, 0.5);
    for part in ["A onnx, clamp(0.2 x + 0.5, 0, 1)", "B pytorch", "s logistic", &format!("gap {size:.5}"), "⢀"] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(self::text(&["--derivative"]).contains("gradient 0"));
    let histogram = self::text(&["--histogram", DIGITS, "--preset", "onnx"]);
    assert!(histogram.contains("█") && histogram.contains("exactly 0: "), "{histogram}");
}

/// `script` runs a command on a terminal.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_gets_colors_unless_it_asks_for_none() {
    let on_terminal = |variable: &str| {
        let run = format!("stty rows 30 cols 100; {variable} {} plot", env!("CARGO_BIN_EXE_hard-sigmoid"));
        let run = std::process::Command::new("script").args(["-qec", &run, "/dev/null"]).output().unwrap();
        assert!(run.status.success(), "{run:?}");
        String::from_utf8(run.stdout).unwrap()
    };
    let colored = on_terminal("NO_COLOR=");
    assert!(colored.contains("\x1b[38;2;0;114;178m") && colored.contains("\x1b[39m"), "{colored}");
    assert!(!colored.contains("38;2;1;2;3"), "{colored}");
    let plain = on_terminal("NO_COLOR=1");
    assert!(!plain.contains('\x1b'), "{plain}");
    let width = plain.lines().map(|line| line.trim_end().chars().count()).max().unwrap();
    assert_eq!((plain.lines().count(), (90..=100).contains(&width)), (29, true), "{width}");
}

#[test]
fn refused_arguments_name_the_remedy() {
    misused(&plot(&["--alpha", "1"]), &["1 --alpha and 0 --beta", "one --beta for each --alpha", "Usage"]);
    misused(&plot(&["--beta", "1", "--alpha", "2", "--beta", "3"]), &["1 --alpha and 2 --beta"]);
    misused(&plot(&["--alpha", "nan", "--beta", "1"]), &["alpha is NaN"]);
    for range in ["4:-4", "1:1", "nan:1"] {
        misused(&plot(&["--range", range]), &["must be less than the second", "-6:6"]);
    }
    misused(&plot(&["--range", "-4"]), &["two numbers with a colon"]);
    for range in ["-inf:inf", "0:1e300", "1:1.0000001"] {
        misused(&plot(&["--range", range]), &["too wide or too narrow", "choose numbers further apart"]);
    }
    for name in ["x.gif", "x", "svg"] {
        misused(&plot(&[name]), &[name, ".svg", ".png"]);
    }
    misused(&plot(&["--histogram", DIGITS]), &["exactly one function", "--preset onnx"]);
    misused(&plot(&["--histogram", DIGITS, "--preset", "onnx", "--preset", "pytorch"]), &["exactly one function"]);
    for option in [&["--sigmoid"][..], &["--derivative"], &["--range", "0:1"]] {
        misused(&plot(&[&["--histogram", DIGITS, "--preset", "onnx"], option].concat()), &["cannot be used with"]);
    }
    misused(&plot(&["--tensor", "a"]), &["--histogram"]);
    fails(&plot(&["--histogram", "none.npy", "--preset", "onnx"]), &["none.npy: cannot be read"]);
}

#[test]
fn an_output_is_replaced_only_when_forced_and_only_by_a_whole_picture() {
    let folder = Folder::new();
    let output = folder.file("y.svg", b"precious");
    let path = output.to_str().unwrap();
    fails(&plot(&[path]), &["y.svg", "already exists", "--force"]);
    // The input ends too early, which shows when it is read.
    let input = folder.file("x.npy", &npy("'<f4'", false, "(3,)", &[0; 8]));
    fails(&plot(&[path, "--force", "--preset", "onnx", "--histogram", input.to_str().unwrap()]), &["x.npy"]);
    let empty = folder.file("e.npy", &npy("'<f4'", false, "(0,)", &[]));
    fails(&plot(&[path, "--force", "--preset", "onnx", "--histogram", empty.to_str().unwrap()]), &["e.npy"]);
    assert_eq!(fs::read(&output).unwrap(), b"precious");
    succeeds(&plot(&[path, "--force"]));
    assert!(fs::read(&output).unwrap().starts_with(b"<svg"));
    assert_eq!(folder.names(), ["e.npy", "x.npy", "y.svg"]);
    // An input is never replaced.
    let svg = folder.file("x.svg", &npy("'<f4'", false, "(2,)", &[0; 8]));
    let path = svg.to_str().unwrap();
    fails(&plot(&[path, "--force", "--preset", "onnx", "--histogram", path]), &["is the input"]);
}

#[test]
fn the_pictures_of_the_documentation_are_what_the_command_draws() {
    let same = |name: &str, options: &[&str]| {
        let path = Path::new("../../docs/pictures").join(name);
        let (committed, drawn) = (fs::read_to_string(&path).unwrap(), svg(options));
        if drawn != committed {
            fs::write(&path, drawn).unwrap();
            panic!("docs/pictures/{name} was out of date, and is drawn anew: look at it");
        }
        assert!(committed.len() < 60_000, "{name} has {} bytes", committed.len());
    };
    same("curve.svg", &["--preset", "onnx", "--preset", "pytorch", "--sigmoid"]);
    same("histogram.svg", &["--preset", "pytorch", "--histogram", DIGITS]);
}
