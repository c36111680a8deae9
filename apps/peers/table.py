"""Reads the JSON lines of the benchmarks and prints a table of times relative to hard-sigmoid. Several lines of the
same measurement are replaced by their median."""

import json
import statistics
import sys

rows = {}
for line in sys.stdin:
    row = json.loads(line)
    times = rows.setdefault((row["case"], row["adapter"], row["elements"]), {})
    times.setdefault(row["who"], []).append(row["seconds"])
print("| what | on | elements | hard-sigmoid | how many times as long the others take |")
print("|---|---|---|---|---|")
for (case, adapter, elements), measured in rows.items():
    times = {who: statistics.median(seconds) for who, seconds in measured.items()}
    ours = times.pop("hard-sigmoid")
    others = ", ".join(f"{who} {seconds / ours:.2f}" for who, seconds in times.items())
    shown = f"{ours * 1e3:.3g} ms" if ours >= 1e-4 else f"{ours * 1e6:.3g} µs"
    print(f"| {case.replace('_', ' ')} | {adapter} | {elements:,} | {shown} | {others} |")
