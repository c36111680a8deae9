//! `hard-sigmoid bench`

use super::{backends, command, json, misused};

#[test]
fn bench_measures_what_it_says_and_gives_a_verdict() {
    for backend in backends() {
        let adapter = if backend == "cpu" { "cpu" } else { "" };
        let report = &json(&["bench", "--adapter", adapter, "--elements", "1", "1000"])[0];
        let results = report["results"].as_array().unwrap();
        // Cases, how many arrays they read and write, and whether a copy says how fast they could be.
        let on_cpu = [("cpu", 2, true), ("memcpy", 2, false), ("cpu_backward", 3, true), ("cpu_saturation", 1, true)];
        let on_gpu = [
            ("kernel", 2, true),
            ("copy", 2, false),
            ("backward", 3, true),
            ("saturation", 1, true),
            ("round_trip", 2, false),
            ("naive_round_trip", 2, false),
        ];
        let on_gpu = on_gpu.into_iter().filter(|_| backend != "cpu");
        for (case, arrays, has_roof) in on_cpu.into_iter().chain(on_gpu) {
            for (element, elements, size) in [("f32", 1, 4), ("f32", 1000, 4), ("f16", 1000, 2), ("bf16", 1000, 2)] {
                let bytes = arrays * elements * size;
                let of_element = results.iter().filter(|r| r["case"] == case && r["element"] == element);
                let found: Vec<_> = of_element.filter(|r| r["elements"] == elements).collect();
                assert_eq!(found.len(), 1, "{case} {element} {elements}");
                assert_eq!(found[0]["bytes"], bytes, "{case} {element} {elements}");
                let (seconds, speed) = (found[0]["seconds"].as_f64().unwrap(), found[0]["gb_per_s"].as_f64().unwrap());
                assert!(seconds > 0.0 && (speed * seconds * 1e9 / f64::from(bytes) - 1.0).abs() < 1e-6, "{found:?}");
                assert!(
                    found[0]["timings"].as_u64() >= Some(3) && found[0]["spread"].as_f64() >= Some(0.0),
                    "{found:?}"
                );
                assert_eq!(found[0]["of_roof"].as_f64().is_some_and(|share| share > 0.0), has_roof, "{found:?}");
            }
        }
        assert!(report["threads"].as_u64() > Some(0) && report["adapter"].is_string() && report["driver"].is_string());
        let verdict = report["verdict"].as_str().unwrap();
        let part = if backend == "cpu" { "CPU path" } else { "starts and ends on the host" };
        assert!(verdict.contains(part), "{verdict}");
    }
    for elements in ["0", "268435457", "257Mi", "16MiB"] {
        let run = command().args(["bench", "--adapter", "cpu", "--elements", elements]).output().unwrap();
        misused(&run, &[&format!("'{elements}'"), "--elements", "from 1 to 268435456 (256Mi)"]);
    }
}

#[test]
fn bench_of_chosen_types() {
    let report = &json(&["bench", "--adapter", "cpu", "--elements", "1Ki", "--element", "f64", "bf16"])[0];
    let results = report["results"].as_array().unwrap();
    let of = |element: &str| results.iter().filter(|r| r["element"] == element).count();
    assert_eq!((of("f64"), of("bf16"), results.len()), (4, 4, 8));
    assert_eq!(results[0]["elements"], 1024);
}

#[test]
fn the_table_has_units_and_says_how_often_it_measured() {
    let run = command().args(["bench", "--adapter", "cpu", "--elements", "64ki", "1e3", "--element", "F32"]).output();
    let text = String::from_utf8(run.unwrap().stdout).unwrap();
    let rows: Vec<_> = text.lines().filter(|line| line.contains(" f32 ")).collect();
    assert_eq!(rows.len(), 8, "{text}");
    for row in rows {
        let cells: Vec<_> = row.split_whitespace().collect();
        let (time, unit, percent) = (cells[3].parse::<f64>().unwrap(), cells[4], cells[6]);
        assert!((1.0..1000.0).contains(&time) && ["ns", "us", "ms"].contains(&unit) && percent == "%", "{row}");
    }
    assert!(text.contains("spread") && text.contains("Times are medians of "), "{text}");
    // A share of more than a copy is not left without a word.
    let shares = text.lines().filter_map(|line| line.strip_suffix(" %")?.rsplit(' ').next()?.parse::<f64>().ok());
    let (greatest, is_explained) = (shares.fold(0.0, f64::max), text.contains("More than 100 % of a copy: "));
    assert!(if is_explained { greatest >= 105.0 } else { greatest <= 105.0 }, "{text}");
}
