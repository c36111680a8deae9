// Drives the page in Chromium as a person would, and checks what it shows.
//
//     node drive.mjs PAGE_DIR DATA.npy EXPECTED.npy OUT_DIR [INPUTS_DIR EXPECTED_DIR]
//
// EXPECTED.npy is what the function with the ONNX preset makes of DATA.npy, and so for the files in the other two
// folders. Screenshots and downloads go to OUT_DIR.

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import axe from "axe-core";
import { until, Visit } from "./browser.mjs";
import { serve } from "./serve.mjs";

const [folder, data, expected, out, inputs, results] = process.argv.slice(2).map((path) => resolve(path));
if (!out) {
  console.error("usage: node drive.mjs PAGE_DIR DATA.npy EXPECTED.npy OUT_DIR [INPUTS_DIR EXPECTED_DIR]");
  process.exit(2);
}

const webgpu = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];
const name = basename(data);
const saved = `${name.replace(/\.npy$/, "")}_hard_sigmoid.npy`;
const broken = join(out, "truncated.npy");
let failures = 0;

function fail(text) {
  failures += 1;
  console.error(`FAILED: ${text}`);
}

const expect = (met, text) => met || fail(text);

/** Runs one part. If it fails, the others still run. */
async function step(title, action) {
  const before = failures;
  try {
    await action();
  } catch (error) {
    fail(`${title}: ${error.message}`);
  }
  if (failures === before) console.log(`ok: ${title}`);
}

async function curves(visit) {
  const { page } = visit;
  const path = (id) => page.$eval(`#${id} path.chosen`, (line) => line.getAttribute("d"));
  const lines = ".plot path:is(.chosen, .onnx, .pytorch, .logistic)";
  await until("drawing the lines", async () => (await page.$$(lines)).length === 8);
  const first = [await path("values"), await path("slopes")];
  await (await visit.find("slider", "α, slider")).focus();
  for (let i = 0; i < 5; i++) await page.keyboard.press("ArrowRight");
  await until("redrawing y", async () => (await path("values")) !== first[0]);
  await until("redrawing dy/dx", async () => (await path("slopes")) !== first[1]);
  const value = await page.$eval("#alpha", (input) => input.value);
  expect(value === "0.25", "five steps of the slider do not make α 0.25");

  const alpha = await visit.find("spinbutton", "α, the slope");
  await alpha.click({ count: 3 });
  await page.keyboard.press("Backspace");
  await until("the alert about an empty α", async () => (await visit.text("curve-alert")) !== "");
  console.log(`    an empty α: ${await visit.text("curve-alert")}`);

  await visit.press("button", "PyTorch, Keras 3, JAX α = 1/6, β = 0.5");
  await until("clearing the alert", async () => (await visit.text("curve-alert")) === "");
  const formula = await visit.text("formula");
  expect(formula === "y = clamp(1/6·x + 0.5, 0, 1)", `the PyTorch preset gives ${formula}`);
  await visit.press("button", "ONNX, Keras 1–2, TensorFlow.js α = 0.2, β = 0.5");
  await until("redrawing for ONNX", async () => (await path("values")) === first[0]);
}

const summary = (result) => `${result["ran on"]}, ${result.time}, ${result["read and written"]}`;

/** Applies the function to DATA.npy and compares the download with EXPECTED.npy. */
async function file(visit, backend, give) {
  await visit.press("radio", backend);
  await give(data);
  await until("reading the file", async () => (await visit.text("batch")).includes(name));
  const result = await visit.apply();
  expect(result.alert === "", `alert: ${result.alert}`);
  console.log(`    ${result.batch}, ${result.elements}: ${summary(result)}`);
  const ranOnCpu = /cpu/i.test(result["ran on"]);
  expect(ranOnCpu === (backend === "CPU path"), `chose ${backend}, and it ran on ${result["ran on"]}`);
  expect((await readFile(expected)).equals(await visit.download(saved)), `${saved} from ${backend} is not ${expected}`);
}

/** Applies the function to each file of INPUTS_DIR on WebGPU, and compares the downloads with those of EXPECTED_DIR. */
async function everyFile(visit) {
  const names = (await readdir(inputs)).filter((name) => name.endsWith(".npy"));
  expect(names.length >= 6, `only ${names.length} files in ${inputs}`);
  await visit.press("radio", "WebGPU");
  for (const name of names) {
    await visit.choose(join(inputs, name));
    await until(`reading ${name}`, async () => (await visit.text("batch")).includes(` ${name},`));
    const result = await visit.apply();
    expect(result.alert === "", `alert: ${result.alert}`);
    console.log(`    ${result.batch}, ${result.elements}: ${summary(result)}`);
    const got = await visit.download(name.replace(/\.npy$/, "_hard_sigmoid.npy"));
    expect((await readFile(join(results, name))).equals(got), `the result for ${name} is not the command's`);
  }
}

async function brokenFile(visit) {
  const before = await visit.text("r-batch");
  await visit.choose(broken);
  await until("the alert about the file", async () => (await visit.text("batch-alert")) !== "");
  const alert = await visit.text("batch-alert");
  console.log(`    ${alert}`);
  expect(/^truncated\.npy is truncated/i.test(alert), `the alert does not say that the file is truncated: ${alert}`);
  expect((await visit.text("r-batch")) === before, "a broken file changes the result that is shown");
  const kept = (await readFile(expected)).equals(await visit.download(saved));
  expect(kept, "after a broken file, the earlier result is lost");
}

async function generated(visit, type, elements) {
  const { page } = visit;
  await page.select("#type", type);
  await page.select("#elements", String(elements));
  await visit.press("button", "Generate");
  const count = elements.toLocaleString("en");
  await until("generating", async () => (await visit.text("batch")).includes(`${type}, ${count} elements`));
  const result = await visit.apply();
  expect(result.alert === "", `alert: ${result.alert}`);
  console.log(`    ${result.batch}, ${result.elements}: ${summary(result)}`);
  for (const id of ["before", "after"]) {
    const bars = await page.$eval(`#${id} .bars`, (bars) => bars.getAttribute("d"));
    const label = await page.$eval(`#${id}`, (svg) => svg.ariaLabel);
    expect(bars.length > 100 && label.includes(count), `no histogram ${id}: ${label}`);
  }
  return result;
}

async function device(visit) {
  await visit.press("button", "Check this device");
  await until("the check", async () => ["finished", "failed"].includes(await visit.text("check-what")));
  expect((await visit.text("check-alert")) === "", `alert: ${await visit.text("check-alert")}`);
  const report = await visit.text("report");
  await writeFile(join(out, "report.md"), `${report}\n`);
  const clean = report.includes("no mismatches") && !report.includes("MISMATCHES");
  expect(clean, `the report does not say "no mismatches":\n${report}`);
  await visit.press("button", "Copy the report");
  await until("copying", async () => /copied|selected/.test(await visit.text("check-status")));
  const copied = await visit.page.evaluate(() => navigator.clipboard.readText());
  expect(copied.trim() === report, "what is copied is not the report");
}

/** Every place that Tab reaches has to show that it is there. */
async function keyboard({ page }) {
  await page.evaluate(() => document.activeElement.blur());
  const reached = new Set();
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => {
      const element = document.activeElement;
      const shown = element.closest(".drop") ?? element;
      const outlined = getComputedStyle(shown).outlineStyle !== "none";
      return element === document.body ? null : { id: element.id, outlined };
    });
    // After the last place, Tab leaves the page and comes back.
    if (at === null) continue;
    if (reached.has(at.id)) break;
    reached.add(at.id);
    expect(at.outlined, `the focus on #${at.id} cannot be seen`);
  }
  const first = "alpha alpha-slider beta beta-slider onnx pytorch";
  const rest = "file type elements generate apply download check copy report";
  for (const id of `${first} ${rest}`.split(" ")) expect(reached.has(id), `Tab does not reach #${id}`);
}

async function looks({ page }, prefix) {
  for (const scheme of ["light", "dark"]) {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    for (const width of [360, 1280]) {
      await page.setViewport({ width, height: width === 360 ? 740 : 900 });
      await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn, 300))));
      await page.screenshot({ path: join(out, `${prefix}-${scheme}-${width}.png`), fullPage: true });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide <= width, `the page is ${wide} wide on a screen of ${width}`);
      await page.evaluate(axe.source);
      const { violations } = await page.evaluate(() => window.axe.run());
      for (const { id, help, nodes } of violations) {
        fail(`axe, ${scheme}, ${width}: ${id}: ${help}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
      }
    }
  }
}

async function still({ page }) {
  const shifted = await page.evaluate(() => window.shifted);
  expect(shifted < 0.01, `the layout shifts by ${shifted.toFixed(3)}`);
}

async function withGpu(url) {
  const visit = await Visit.start({ url, args: webgpu, out, complain: (text) => fail(`with WebGPU: ${text}`) });
  try {
    console.log(`with WebGPU: ${await visit.text("device")}`);
    await step("the page does not move while it starts", () => still(visit));
    await step("curves", () => curves(visit));
    await step("a dropped file on WebGPU", () => file(visit, "WebGPU", (path) => visit.drop(path)));
    await step("a chosen file on the CPU path", () => file(visit, "CPU path", (path) => visit.choose(path)));
    await step("a broken file", () => brokenFile(visit));
    await visit.press("radio", "WebGPU");
    await step("generated float16", () => generated(visit, "float16", 2 ** 20));
    await step("generated bfloat16", () => generated(visit, "bfloat16", 2 ** 16));
    await step("generated float64", async () => {
      const result = await generated(visit, "float64", 2 ** 16);
      expect(/cpu/i.test(result["ran on"]), `float64 ran on ${result["ran on"]}`);
    });
    if (results) await step("files of every type", () => everyFile(visit));
    await step("the check of this device", () => device(visit));
    await step("keyboard", () => keyboard(visit));
    await step("light and dark, phone and desktop", () => looks(visit, "webgpu"));
  } finally {
    await visit.browser.close();
  }
}

async function withoutGpu(url) {
  // Chromium says this itself when a page asks for an adapter.
  const allowed = [/No available adapters/];
  const visit = await Visit.start({ url, args: [], out, allowed, complain: (text) => fail(`without WebGPU: ${text}`) });
  try {
    console.log(`without WebGPU: ${await visit.text("device")}`);
    await step("the page does not move while it starts, without WebGPU", () => still(visit));
    await step("the notice", async () => {
      const shown = await visit.page.$eval("#device", (device) => device.classList.contains("warning"));
      const disabled = await visit.page.$eval("#webgpu", (radio) => radio.disabled);
      const cpu = await visit.page.$eval("#cpu", (radio) => radio.checked);
      expect(shown && disabled && cpu, "without WebGPU, there is no notice, or WebGPU can be chosen");
    });
    await step("a file, without WebGPU", () => file(visit, "CPU path", (path) => visit.choose(path)));
    await step("light and dark, phone and desktop, without WebGPU", () => looks(visit, "cpu"));
  } finally {
    await visit.browser.close();
  }
}

await mkdir(out, { recursive: true });
await writeFile(broken, (await readFile(data)).subarray(0, -5));
const server = await serve(folder);
try {
  await step("the browser with WebGPU", () => withGpu(server.url));
  await step("the browser without WebGPU", () => withoutGpu(server.url));
} finally {
  server.close();
}
console.log(failures === 0 ? "all is well" : `${failures} failed`);
process.exitCode = failures === 0 ? 0 : 1;
