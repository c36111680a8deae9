// What a check has found, in words and as Markdown.

import { count } from "./text.js";

/** Whether all is well, and what to do if not. */
export function verdict({ rows, hasGpu }) {
  const wrong = rows.filter((row) => !row.passed);
  if (wrong.length) {
    const remedy = hasGpu ? "Use the CPU path on this device" : "Do not use this browser's results";
    const text = `Failed: ${count(wrong.length)} of ${count(rows.length)} checks. ${remedy}, and report this: `
      + "“Copy the report” copies what the maintainers need.";
    return { passed: false, text };
  }
  const bits = hasGpu ? " Every result has the bits of the CPU path, apart from flushed ones." : "";
  return { passed: true, text: `Passed: ${count(rows.length)} checks.${bits}` };
}

const columns = {
  type: "element", preset: "preset", pass: "pass", checked: "checked", mismatches: "mismatches", flushed: "flushed",
  miscounted: "miscounted", "beyond the bound": "outOfBound", "most ULP": "maxUlp",
};

/** The report, to paste into an issue. */
export function markdown(report) {
  const { adapter, version, browser, at, rows } = report;
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const keys = Object.values(columns);
  const table = [Object.keys(columns), keys.map(() => "---"), ...rows.map((row) => keys.map((key) => row[key]))];
  const first = rows.flatMap((row) => row.first.map((text) => `* ${row.element} ${row.preset} ${row.pass}: ${text}`));
  const parts = [`## ${adapter}`, `hard-sigmoid ${version}, ${browser}, ${at}`, table.map(line).join("\n")];
  if (first.length) parts.push(first.join("\n"));
  return `${[...parts, verdict(report).text].join("\n\n")}\n`;
}
