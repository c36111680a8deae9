//! `hard-sigmoid bench`

use super::{backends, command, json, misused};

#[test]
fn bench_measures_what_it_says_and_gives_a_verdict() {
    for backend in backends() {
        let adapter = if backend == "cpu" { "cpu" } else { "" };
        let report = &json(&["bench", "--adapter", adapter, "--elements", "1", "1000"])[0];
        let results = report["results"].as_array().unwrap();
        let on_cpu = ["cpu", "memcpy"];
        let on_both = ["cpu", "memcpy", "kernel", "copy", "round_trip", "naive_round_trip"];
        for case in if backend == "cpu" { &on_cpu[..] } else { &on_both } {
            for (element, elements, bytes) in
                [("f32", 1, 8), ("f32", 1000, 8000), ("f16", 1000, 4000), ("bf16", 1000, 4000)]
            {
                let of_element = results.iter().filter(|r| r["case"] == *case && r["element"] == element);
                let found: Vec<_> = of_element.filter(|r| r["elements"] == elements).collect();
                assert_eq!(found.len(), 1, "{case} {element} {elements}");
                assert_eq!(found[0]["bytes"], bytes, "{case} {element} {elements}");
                let (seconds, speed) = (found[0]["seconds"].as_f64().unwrap(), found[0]["gb_per_s"].as_f64().unwrap());
                assert!(seconds > 0.0 && (speed * seconds * 1e9 / f64::from(bytes) - 1.0).abs() < 1e-6, "{found:?}");
            }
        }
        assert!(report["threads"].as_u64() > Some(0) && report["adapter"].is_string() && report["driver"].is_string());
        let verdict = report["verdict"].as_str().unwrap();
        let part = if backend == "cpu" { "CPU path" } else { "starts and ends on the host" };
        assert!(verdict.contains(part), "{verdict}");
    }
    for elements in ["0", "268435457"] {
        let run = command().args(["bench", "--adapter", "cpu", "--elements", elements]).output().unwrap();
        misused(&run, &[&format!("'{elements}'"), "--elements", "1..=268435456"]);
    }
}
