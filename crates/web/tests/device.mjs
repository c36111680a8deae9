// Drives the check of the device.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { until } from "./browser.mjs";
import { expect } from "./steps.mjs";

const rows = ({ page }) => page.$$eval("#checks tr", (rows) => rows.map((row) => row.innerText));

export async function check(visit, out) {
  const { page } = visit;
  await visit.press("button", "Check this device");
  await until("the check", async () => ["finished", "failed"].includes(await visit.text("check-what")));
  expect((await visit.text("check-alert")) === "", `alert: ${await visit.text("check-alert")}`);
  const said = await visit.text("verdict");
  expect(said.startsWith("Passed: 18 checks."), `the verdict is: ${said}\n${(await rows(visit)).join("\n")}`);
  expect((await rows(visit)).length === 18, `there are ${(await rows(visit)).length} rows`);
  console.log(`    ${await visit.text("checked-on")}: ${said}`);

  await visit.press("button", "Copy the report");
  await until("copying", async () => /copied|selected/.test(await visit.text("check-status")));
  const report = await page.evaluate(() => navigator.clipboard.readText());
  await writeFile(join(out, `report-${visit.name}.md`), report);
  const device = await visit.text("device");
  const [, adapter] = report.match(/^## (.+)\n/);
  expect(/webgpu/i.test(adapter) && device.includes(adapter), `the report is of ${adapter}, the device is ${device}`);
  const lines = report.split("\n").filter((line) => line.startsWith("| "));
  expect(lines.length === 20, `the report has no table:\n${report}`);
  expect(report.trimEnd().endsWith(said), "the report has no verdict");

  await visit.reload();
  expect((await visit.text("verdict")) === said, "a reload loses the report");
}

/** What a device that computes wrongly is told: the report of one, where a reload finds it. */
export async function failed(visit) {
  await visit.page.evaluate(() => {
    const key = "hard-sigmoid report";
    const report = JSON.parse(sessionStorage.getItem(key));
    Object.assign(report.rows[3], { mismatches: 7, passed: false, first: ["element 5: input 1 gave 2, expected 1"] });
    sessionStorage.setItem(key, JSON.stringify(report));
  });
  await visit.reload();
  const said = await visit.text("verdict");
  expect(/^Failed: 1 of 18 checks\. Use the CPU path .*report/.test(said), `the verdict is: ${said}`);
  const wrong = (await rows(visit)).filter((row) => row.startsWith("failed: "));
  expect(wrong.length === 1 && wrong[0].includes("7"), `the rows that failed are: ${wrong.join("; ")}`);
  // A browser that does not let the page copy.
  await visit.page.evaluate(() => {
    navigator.clipboard.writeText = () => Promise.reject(new Error("no"));
  });
  await visit.press("button", "Copy the report");
  await until("selecting", async () => (await visit.text("check-status")).includes("selected"));
  const selected = await visit.page.$eval("#markdown", (text) => {
    return text.value.slice(text.selectionStart, text.selectionEnd);
  });
  expect(selected.includes("expected 1") && selected.includes("Failed: 1"), `selected is ${selected}`);
}
