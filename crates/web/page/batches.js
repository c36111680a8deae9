// The second section: a batch of files or of generated numbers, the results and their histograms.

import { settled } from "./curves.js";
import { call } from "./link.js";
import { Histogram } from "./plot.js";
import { contents, count, formula, list, sentence, share, short, time } from "./text.js";

const byId = (id) => document.getElementById(id);
const make = (name, properties) => Object.assign(document.createElement(name), properties);
const alert = byId("batch-alert");
const status = byId("apply-status");
const before = new Histogram(byId("before"), { name: "inputs", from: -8, to: 8 });
const after = new Histogram(byId("after"), { name: "results", from: 0, to: 1 });

/** The files that Apply computes: each with a name and what it holds. */
let batch = [];
/** The result that is shown: its `files`, each with what came of it, and the `batch` that it came from. */
let shown;

/** How often a batch was chosen. Of two choices at once, the later one counts. */
let choices = 0;

function names(files) {
  if (files.length > 1) return `${files.length} files`;
  return files[0].isGenerated ? "generated numbers" : files[0].name;
}

/** Runs one action of the user's. What it says goes wrong is shown, and what was there before stays. */
async function attempt(button, action) {
  if (button?.getAttribute("aria-disabled") === "true") return;
  alert.textContent = "";
  button?.setAttribute("aria-disabled", "true");
  try {
    await action();
  } catch (error) {
    if (button) status.textContent = "";
    alert.textContent = sentence(error.message);
  } finally {
    button?.removeAttribute("aria-disabled");
  }
}

/** Runs an action for each file, one after the other: what came of the good ones, and a line for each bad one. */
async function forEach(files, action) {
  const good = [];
  const bad = [];
  for (const file of files) {
    try {
      good.push(await action(file));
    } catch (error) {
      bad.push(sentence(error.message, file.name));
    }
  }
  return { good, bad };
}

function setBatch(files) {
  batch = files;
  let text = `${names(files)}, ${contents(files[0])}`;
  if (files.length > 1) {
    const first = files.slice(0, 5).map(({ name }) => name);
    if (files.length > 5) first.push(`${count(files.length - 5)} more`);
    text = `${names(files)}, ${contents(together(files))}: ${list(first)}`;
  }
  byId("batch").replaceChildren(make("span", { className: "name", textContent: "Batch:" }), ` ${text}`);
  explain();
}

async function readFiles(files) {
  const choice = ++choices;
  await attempt(null, async () => {
    const { good, bad } = await forEach([...files], async (file) => {
      return { name: file.name, file, ...await call("read", [file]) };
    });
    if (choice !== choices) return;
    if (good.length > 0) setBatch(good);
    if (bad.length === 0) return;
    if (batch.length > 0) bad.push(`The batch is ${good.length > 0 ? "" : "still "}${names(batch)}.`);
    alert.textContent = bad.join("\n");
  });
}

async function generate() {
  const choice = ++choices;
  const file = await call("generate", [byId("type").value, Number(byId("elements").value)]);
  const generated = { name: "generated", isGenerated: true, file, ...await call("read", [file]) };
  if (choice === choices || batch.length === 0) setBatch([generated]);
}

async function apply() {
  const files = batch;
  const { alpha, beta } = await settled();
  const onGpu = byId("webgpu").checked;
  let started = 0;
  const { good, bad } = await forEach(files, async (one) => {
    started += 1;
    status.textContent = files.length > 1 ? `Running ${started} of ${files.length}…` : "Running…";
    return { ...one, ...await call("apply", [one.file, alpha, beta, onGpu]) };
  });
  status.textContent = "";
  // What was said meanwhile of files that were chosen stays.
  if (bad.length > 0) alert.textContent = bad.join("\n");
  if (good.length === 0) {
    if (shown) alert.textContent += `\nThe result is still the earlier one, of ${names(shown.files)}.`;
    return;
  }
  show({ files: good, alpha, beta, batch: files });
  remember();
  status.textContent = `Done in ${time(sum(good, "milliseconds"))}.`;
  byId("numbers").scrollIntoView({ block: "nearest" });
}

const sum = (files, name) => files.reduce((all, file) => all + file[name], 0);
const distinct = (values) => [...new Set(values)];

/** Several files as one. */
const together = (files) => ({
  types: distinct(files.flatMap(({ types }) => types)), elements: sum(files, "elements"),
});

const rate = ({ bytes, milliseconds }) =>
  (milliseconds > 0 ? `${short(bytes / milliseconds / 1e6)} GB/s` : `${count(bytes)} bytes`);

function show(result) {
  shown = result;
  const { files, alpha, beta } = result;
  const isOne = files.length === 1;
  const elements = sum(files, "elements");
  const milliseconds = sum(files, "milliseconds");
  const text = {
    "r-batch": names(files),
    "r-elements": contents(isOne ? files[0] : together(files)),
    "r-function": formula(alpha, beta),
    "r-where": list(distinct(files.map(({ executedOn }) => executedOn)))
      + (files.some(({ withF64OnCpu }) => withF64OnCpu) ? ", with float64 on the CPU path" : ""),
    "r-time": time(milliseconds),
    "r-rate": rate({ milliseconds, bytes: sum(files, "bytes") }),
    "r-zero": share(sum(files, "zero"), elements),
    "r-inside": share(sum(files, "inside"), elements),
    "r-one": share(sum(files, "one"), elements),
    "r-nan": share(sum(files, "nan"), elements),
  };
  for (const [id, value] of Object.entries(text)) byId(id).textContent = value;
  byId("result").hidden = false;
  byId("histograms").hidden = !isOne;
  byId("download").hidden = !isOne || !files[0].result;
  byId("saved").textContent = "";
  byId("files").replaceChildren(...(isOne ? [] : files.map(row)));
  if (isOne) {
    before.set(files[0].before, files[0].from, files[0].to);
    after.set(files[0].after, 0, 1);
  }
  explain();
}

/** One file of several. */
function row(file) {
  const { elements, zero, inside, one, nan } = file;
  const counts = `0: ${share(zero, elements)}, between: ${share(inside, elements)}, `
    + `1: ${share(one, elements)}, NaN: ${share(nan, elements)}`;
  const item = make("li", {});
  item.append(make("b", { textContent: file.name }));
  if (file.result) {
    const button = make("button", { type: "button", textContent: "Download", ariaLabel: `Download ${savedAs(file)}` });
    button.addEventListener("click", () => download(file));
    item.append(button);
  }
  item.append(make("p", { textContent: `${contents(file)}, ${time(file.milliseconds)}, ${rate(file)}` }));
  item.append(make("p", { textContent: counts }));
  return item;
}

/** Says of a result that is not that of the batch what it is. */
function explain() {
  if (!shown) return;
  const { files } = shown;
  let text = "";
  if (!files[0].result) {
    const again = files[0].isGenerated ? "generate the batch" : `choose ${names(files)}`;
    text = `These numbers are from before the page was reloaded. The result itself is gone: ${again} again, and press `
      + "Apply.";
  } else if (shown.batch !== batch) {
    text = `This is the result of the earlier batch, ${names(files)}. Press Apply for that of ${names(batch)}.`;
  }
  byId("result-note").textContent = text;
}

/** Keeps the numbers for when the page is reloaded. The files themselves are too large. */
function remember() {
  const { files, alpha, beta } = shown;
  const numbers = files.map(({ file, result, ...rest }) => rest);
  try {
    sessionStorage.setItem("hard-sigmoid result", JSON.stringify({ files: numbers, alpha, beta }));
  } catch {
    // The browser keeps nothing, or has no room. Then there is no result after a reload.
  }
}

function recall() {
  try {
    const kept = sessionStorage.getItem("hard-sigmoid result");
    if (kept) show(JSON.parse(kept));
  } catch {
    // As above, or it is one of an older page.
    shown = undefined;
    byId("result").hidden = byId("histograms").hidden = true;
  }
}

function savedAs({ name, extension }) {
  const end = `.${extension}`;
  const stem = name.toLowerCase().endsWith(end) ? name.slice(0, -end.length) : name;
  return `${stem}_hard_sigmoid${end}`;
}

function download(file) {
  const url = URL.createObjectURL(file.result);
  make("a", { href: url, download: savedAs(file) }).click();
  // The browser has taken the data by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  byId("saved").textContent = `Saved as ${savedAs(file)}.`;
}

function dropZone() {
  const zone = byId("drop");
  const over = (event) => {
    event.preventDefault();
    zone.classList.toggle("over", zone.contains(event.target));
  };
  // A file that misses the zone does not replace the page.
  addEventListener("dragover", over);
  addEventListener("dragleave", over);
  addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    const { files } = event.dataTransfer;
    if (zone.contains(event.target) && files.length > 0) readFiles(files);
  });
}

/** Lets the controls work, and generates a first batch. */
export async function start({ hasGpu }) {
  byId("webgpu").disabled = !hasGpu;
  byId(hasGpu ? "webgpu" : "cpu").checked = true;
  dropZone();
  byId("file").addEventListener("change", async ({ target }) => {
    if (target.files.length === 0) return;
    await readFiles(target.files);
    // The same file can be chosen again.
    target.value = "";
  });
  for (const [id, action] of Object.entries({ generate, apply })) {
    byId(id).addEventListener("click", ({ currentTarget }) => attempt(currentTarget, action));
  }
  byId("download").addEventListener("click", () => download(shown.files[0]));
  await attempt(byId("generate"), generate);
  byId("apply").disabled = false;
}

for (let power = 16; power <= 24; power++) {
  byId("elements").append(new Option(count(2 ** power), 2 ** power, power === 20, power === 20));
}
recall();
