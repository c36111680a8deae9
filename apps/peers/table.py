"""Reads the JSON lines of the benchmarks and prints tables of times relative to hard-sigmoid. Several lines of the same
measurement are replaced by their median."""

import json
import statistics
import sys

OURS, COPIES = "hard-sigmoid", ("copy", "memcpy", "streamed")

rows = {}
for line in sys.stdin:
    row = json.loads(line)
    times = rows.setdefault(row["adapter"], {}).setdefault(row["case"], {}).setdefault(row["elements"], {})
    times.setdefault(row["who"], []).append(row["seconds"])


def line(*cells):
    print("|", " | ".join(cells), "|")


def shown(seconds):
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-4 else f"{seconds * 1e6:.3g} µs"


def cell(times):
    """Our time, how many times as long the hardest peer takes, and a copy."""
    ratios = {who: seconds / times[OURS] for who, seconds in times.items() if who != OURS}
    copies = [ratios.pop(who) for who in COPIES if who in ratios]
    hardest = min(ratios, key=ratios.get, default=None)
    parts = [shown(times[OURS])]
    parts += [f"{hardest} {ratios[hardest]:.2f}"] if hardest else []
    parts += [f"copy {min(copies):.2f}"] if copies else []
    return ", ".join(parts)


for adapter, cases in rows.items():
    medians = {
        case: {n: {who: statistics.median(of) for who, of in measured.items()} for n, measured in sizes.items()}
        for case, sizes in cases.items()
    }
    lengths = list(dict.fromkeys(n for sizes in medians.values() for n in sizes))
    peers = list(dict.fromkeys(who for sizes in medians.values() for times in sizes.values() for who in times))

    def table(title, text):
        line(title, *(f"{n:,}" for n in lengths))
        line(*["---"] * (len(lengths) + 1))
        for case, sizes in medians.items():
            cells = [text(sizes[n]) if n in sizes else "" for n in lengths]
            if any(cells):
                line(case.replace("_", " "), *cells)
        print()

    table(f"{adapter}: time, that of the hardest peer and of a copy, divided by ours", cell)
    for peer in peers:
        if peer != OURS:

            def ratio(times, peer=peer):
                return f"{times[peer] / times[OURS]:.2f}" if peer in times else ""

            table(f"{adapter}: {peer} divided by ours", ratio)
