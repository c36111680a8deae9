// Drives the page in Chromium and in Firefox as a person would, and checks what it shows.
//
//     node drive.mjs PAGE_DIR DATA.npy EXPECTED.npy OUT_DIR INPUTS_DIR EXPECTED_DIR
//
// EXPECTED.npy is what the function with the ONNX preset makes of DATA.npy, and so for the files in the other two
// folders. Screenshots and downloads go to OUT_DIR.

import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, extname, join, resolve } from "node:path";
import { omitted, until, Visit } from "./browser.mjs";
import { addresses, plots, sliders, typing } from "./curves.mjs";
import * as device from "./device.mjs";
import { keyboard, looks, still } from "./looks.mjs";
import { offline } from "./offline.mjs";
import { serve } from "./serve.mjs";
import { expect, fail, finish, step } from "./steps.mjs";

const [folder, data, expected, out, inputs, results] = process.argv.slice(2).map((path) => resolve(path));
if (!results) {
  console.error("usage: node drive.mjs PAGE_DIR DATA.npy EXPECTED.npy OUT_DIR INPUTS_DIR EXPECTED_DIR");
  process.exit(2);
}

const known = ["Chromium", "Firefox"];
const browsers = process.env.BROWSERS?.split(",") ?? known;
const name = basename(data);
const saved = `${name.replace(/\.npy$/, "")}_hard_sigmoid.npy`;
const summary = (result) => `${result["ran on"]}, ${result.time}, ${result.throughput}`;

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

const savedAs = (name) => `${basename(name, extname(name))}_hard_sigmoid${extname(name)}`;

/** Chooses files, in any browser. */
async function choose({ page }, paths) {
  const input = await page.$("#file");
  await input.uploadFile(...paths);
}

const batchIs = (visit, part) =>
  until(`a batch with ${part}`, async () => (await visit.text("batch")).includes(part));

async function expectResult(visit, name, button) {
  const got = await visit.download(savedAs(name), button);
  expect((await readFile(join(results, name))).equals(got), `the result for ${name} is not the command's`);
}

/** Applies the function to each file of INPUTS_DIR on WebGPU, and compares the downloads with those of EXPECTED_DIR. */
async function everyFile(visit) {
  const names = await readdir(inputs);
  for (const extension of [".npy", ".npz", ".safetensors"]) {
    expect(names.some((name) => extname(name) === extension), `there is no ${extension} file in ${inputs}`);
  }
  await visit.press("radio", "WebGPU");
  for (const name of names) {
    await choose(visit, [join(inputs, name)]);
    await batchIs(visit, ` ${name},`);
    const result = await visit.apply();
    expect(result.alert === "", `alert: ${result.alert}`);
    console.log(`    ${result.batch}, ${result.elements}: ${summary(result)}`);
    await expectResult(visit, name);
  }
  await choose(visit, [join(inputs, "mixed.safetensors")]);
  await batchIs(visit, "4 of 5 tensors");
  const { elements, "ran on": where } = await visit.apply();
  expect(elements.includes("4 of 5 tensors: bfloat16, float32, float16, and float64, 463,843 elements"), elements);
  expect(/webgpu.* with float64 on the CPU path$/i.test(where), `float64 among others ran on ${where}`);
}

/** Of two choices at once, the later one is the batch. */
async function quickChoices(visit) {
  const { page } = visit;
  await choose(visit, ["long.npz", "long.safetensors", "float32.npy"].map((name) => join(inputs, name)));
  await choose(visit, [data]);
  await batchIs(visit, ` ${name},`);
  // The worker answers in turn: after this, nothing of the first choice is left.
  await page.select("#type", "float16");
  await visit.press("button", "Generate");
  await choose(visit, [data]);
  await visit.apply();
  const found = await visit.text("batch");
  expect(found.includes(` ${name},`), `of two choices at once, the batch is ${found}`);
}

async function severalFiles(visit, give) {
  const { page } = visit;
  const names = ["float16.npy", "stored_with_bfloat16.npz", "mixed.safetensors"];
  await page.$eval("#batch-alert", (alert) => (alert.textContent = ""));
  await give([...names, "damaged.npz"].map((name) => join(name === "damaged.npz" ? wrong : inputs, name)));
  // It comes after the batch.
  const complaint = await until("an alert", async () => (await visit.text("batch-alert")) || null);
  await batchIs(visit, "3 files,");
  const isListed = /^damaged\.npz .*\nThe batch is 3 files\.$/.test(complaint);
  expect(isListed, `a wrong file among good ones: ${complaint}`);
  const result = await visit.apply();
  expect(result.alert === "" && result.batch === "3 files", `${result.batch}, ${result.alert}`);
  const rows = await page.$$eval("#files li", (rows) => rows.map((row) => row.textContent));
  const has = (row, i) => row.startsWith(names[i]) && /0: .*, between: .*, 1: .*, NaN: /.test(row);
  expect(rows.length === 3 && rows.every(has), `the rows: ${rows.join("; ")}`);
  // The table has the sums.
  const counted = (text) => Number(/\(([\d,]+)\)/.exec(text)?.[1].replaceAll(",", ""));
  const ofRows = (name) => rows.reduce((sum, row) => sum + counted(row.slice(row.indexOf(`${name}: `))), 0);
  expect(counted(result.NaN) === ofRows("NaN"), `NaN: ${result.NaN}, and ${ofRows("NaN")}`);
  expect(!(await isShown(page, "#histograms")) && !(await isShown(page, "#download")), "several files as one");
  for (const name of names) await expectResult(visit, name, `Download ${savedAs(name)}`);
}

const isShown = (page, selector) => page.$eval(selector, (element) => element.checkVisibility());

const wrong = join(out, "wrong");

async function writeWrong() {
  await rm(wrong, { recursive: true, force: true });
  await mkdir(wrong, { recursive: true });
  const whole = {
    "truncated.npy": await readFile(data),
    "truncated_bfloat16.npy": await readFile(join(inputs, "bfloat16.npy")),
    "damaged.npz": await readFile(join(inputs, "deflated_with_bfloat16.npz")),
    "truncated.safetensors": await readFile(join(inputs, "mixed.safetensors")),
  };
  for (const [name, bytes] of Object.entries(whole)) await writeFile(join(wrong, name), bytes.subarray(0, -5));
  await writeFile(join(wrong, "notes.txt"), "This is no array.\n");
  const integers = (await readFile(data, "latin1")).replace("<f4", "<i4");
  await writeFile(join(wrong, "integers.npy"), integers, "latin1");
  // Only its checksum shows that an element has changed.
  const changed = await readFile(join(inputs, "stored_with_bfloat16.npz"));
  changed[1000] ^= 1;
  await writeFile(join(wrong, "changed.npz"), changed);
}

/** Each wrong file is told, and the page says what it has left as it was. */
async function wrongFiles(visit) {
  const { page } = visit;
  await choose(visit, [data]);
  await batchIs(visit, ` ${name},`);
  await visit.apply();
  const standing = await visit.text("batch");
  const complaint = async () => until("an alert", async () => (await visit.text("batch-alert")) || null);
  for (const file of (await readdir(wrong)).filter((file) => file !== "changed.npz")) {
    await page.$eval("#batch-alert", (alert) => (alert.textContent = ""));
    await choose(visit, [join(wrong, file)]);
    const [told, left, ...more] = (await complaint()).split("\n");
    console.log(`    ${told}`);
    expect(told.startsWith(`${file} `) && /[:;] .+[.)]$/.test(told) && !/--|pipe/.test(told), `${file}: ${told}`);
    const isLeft = left === `The batch is still ${name}.` && more.length === 0;
    expect(isLeft, `after ${file}, the page does not say what the batch is: ${left}`);
    expect((await visit.text("batch")) === standing, `${file} has changed the batch`);
  }
  const earlier = (await readFile(expected)).equals(await visit.download(saved));
  expect(earlier, "after a wrong file, the earlier result is lost");

  await choose(visit, [join(wrong, "changed.npz")]);
  await batchIs(visit, "changed.npz");
  const note = await visit.text("result-note");
  const isTold = note.endsWith(`earlier batch, ${name}. Press Apply for that of changed.npz.`);
  expect(isTold, `the result of another batch: ${note}`);
  const { alert, batch } = await visit.apply();
  console.log(`    ${alert}`);
  const isStill = alert.endsWith(`\nThe result is still the earlier one, of ${name}.`) && batch === name;
  expect(/^changed\.npz array "a" .*damaged/.test(alert) && isStill, `a damaged array: ${alert}`);
  expect((await readFile(expected)).equals(await visit.download(saved)), "a damaged array loses the earlier result");

  const copy = join(wrong, "copy.npy");
  await writeFile(copy, await readFile(data));
  await choose(visit, [copy]);
  await batchIs(visit, "copy.npy");
  await rm(copy);
  const gone = (await visit.apply()).alert;
  expect(/^copy\.npy cannot be read: .* gone\. Choose it again\./.test(gone), `a file that is gone: ${gone}`);
}

/** What belongs together is on one screen of a phone. */
async function phone(visit) {
  const { page } = visit;
  await page.setViewport({ width: 360, height: 740 });
  await visit.reload();
  await page.$eval("#apply-title", (title) => title.scrollIntoView());
  const place = (selector) => page.$eval(selector, (element) => {
    const { top, bottom } = element.getBoundingClientRect();
    return { top, bottom };
  });
  for (const id of ["#drop", "#generate", "#apply"]) {
    const { top, bottom } = await place(id);
    expect(top >= 0 && bottom <= 740, `${id} is at ${top} to ${bottom} of 740 pixels`);
  }
  await visit.apply();
  const [apply, numbers] = [await place("#apply"), await place("#numbers")];
  const isInView = numbers.bottom <= 740.5 && apply.top >= 0;
  expect(isInView, `Apply is at ${apply.top} of 740 pixels, and the result ends at ${numbers.bottom}`);
  await page.screenshot({ path: join(out, "phone-result.png") });
  await page.setViewport({ width: 1280, height: 900 });
}

/** After a reload, the numbers are there and the file is not; and in a new tab there is nothing to see yet. */
async function reload(visit) {
  const { page } = visit;
  const numbers = () => page.$$eval("#numbers td", (cells) => cells.map((cell) => cell.textContent).join("; "));
  await choose(visit, [data]);
  await batchIs(visit, ` ${name},`);
  await visit.apply();
  const [before, bars] = [await numbers(), await page.$eval("#after .bars", (bars) => bars.getAttribute("d"))];
  await visit.reload();
  expect((await numbers()) === before, `after a reload, the result is ${await numbers()}`);
  expect((await page.$eval("#after .bars", (it) => it.getAttribute("d"))) === bars, "a reload changes the histogram");
  expect(!(await isShown(page, "#download")), "after a reload, what is gone can be downloaded");
  const note = await visit.text("result-note");
  expect(note.includes(`choose ${name} again`), `after a reload, the page does not say what is gone: ${note}`);
  await page.evaluate(() => sessionStorage.clear());
  await visit.reload();
  expect(!(await isShown(page, "#result")) && !(await isShown(page, "#histograms")), "there is a result from nowhere");
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

async function withGpu(browser, url) {
  const visit = await Visit.start({ browser, url, out, complain: (text) => fail(`${browser} with WebGPU: ${text}`) });
  const part = (title, action) => step(`${browser}: ${title}`, action);
  const seen = (state) => part(`how it looks: ${state}`, () => looks(visit, state, out));
  try {
    console.log(`${browser} with WebGPU: ${await visit.text("device")}`);
    if (visit.isChromium) await part("the page does not move while it starts", () => still(visit));
    else for (const what of omitted) console.log(`not in Firefox: ${what}`);
    await seen("start");
    await part("sliders and presets", () => sliders(visit));
    await part("numbers as they are typed", () => typing(visit));
    await part("addresses", () => addresses(visit, url));
    await part("values and zoom in the plots", () => plots(visit));
    await part("a dropped file on WebGPU", () => file(visit, "WebGPU", (path) => visit.drop(path)));
    await part("a chosen file on the CPU path", () => file(visit, "CPU path", (path) => visit.choose(path)));
    await part("files of every format and type", () => everyFile(visit));
    await part("two choices at once", () => quickChoices(visit));
    await part("several files, chosen", () => severalFiles(visit, (paths) => choose(visit, paths)));
    await part("several files, dropped", () => severalFiles(visit, (paths) => visit.dropByScript(paths)));
    await part("wrong files", () => wrongFiles(visit));
    await part("a phone", () => phone(visit));
    await part("a reload", () => reload(visit));
    await visit.press("radio", "WebGPU");
    await part("generated float16", () => generated(visit, "float16", 2 ** 20));
    await part("generated bfloat16", () => generated(visit, "bfloat16", 2 ** 16));
    await part("generated float64", async () => {
      const result = await generated(visit, "float64", 2 ** 16);
      expect(/cpu/i.test(result["ran on"]), `float64 ran on ${result["ran on"]}`);
    });
    await part("the check of this device", () => device.check(visit, out));
    await seen("checked");
    await part("a check that fails", () => device.failed(visit));
    await part("keyboard", async () => {
      await visit.apply();
      await keyboard(visit);
    });
    await visit.type("α, the slope", "1e999");
    await choose(visit, [join(wrong, "notes.txt")]);
    await until("the alert about the file", async () => (await visit.text("batch-alert")) !== "");
    await seen("wrong");
  } finally {
    await visit.browser.close();
  }
}

async function withoutGpu(browser, url) {
  // Chromium says this itself when a page asks for an adapter.
  const allowed = [/No available adapters/];
  const complain = (text) => fail(`${browser} without WebGPU: ${text}`);
  const visit = await Visit.start({ browser, gpu: false, dark: true, url, out, allowed, complain });
  const part = (title, action) => step(`${browser}: ${title}, without WebGPU`, action);
  try {
    console.log(`${browser} without WebGPU: ${await visit.text("device")}`);
    if (visit.isChromium) await part("the page does not move while it starts", () => still(visit));
    await part("the notice", async () => {
      const shown = await visit.page.$eval("#device", (device) => device.classList.contains("warning"));
      const disabled = await visit.page.$eval("#webgpu", (radio) => radio.disabled);
      const cpu = await visit.page.$eval("#cpu", (radio) => radio.checked);
      expect(shown && disabled && cpu, "without WebGPU, there is no notice, or WebGPU can be chosen");
    });
    await part("a file", () => file(visit, "CPU path", (path) => visit.choose(path)));
    await part("how it looks", () => looks(visit, "cpu", out));
  } finally {
    await visit.browser.close();
  }
}

await mkdir(out, { recursive: true });
await writeWrong();
const server = await serve(folder);
try {
  for (const browser of browsers) {
    await step(`${browser} with WebGPU`, () => withGpu(browser, server.url));
    await step(`${browser} without WebGPU`, () => withoutGpu(browser, server.url));
    const complain = (text) => fail(`${browser} offline: ${text}`);
    await step(`${browser} offline`, () => offline(browser, folder, out, complain));
  }
} finally {
  server.close();
}
for (const browser of known) if (!browsers.includes(browser)) console.log(`not driven: ${browser}`);
finish();
