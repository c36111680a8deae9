// The second section: a batch from a file or generated, the result and its histograms.

import { chosen } from "./curves.js";
import { call } from "./link.js";
import { Histogram } from "./plot.js";
import { batch, count, formula, sentence, shape, share, short, time } from "./text.js";

const byId = (id) => document.getElementById(id);
const alert = byId("batch-alert");
const status = byId("apply-status");
const before = new Histogram(byId("before"), { name: "inputs", from: -8, to: 8 });
const after = new Histogram(byId("after"), { name: "results", from: 0, to: 1 });

/** The name of the batch in the worker, and of the one that the result came from. */
let source = "";
let resultOf = "";

/** Runs one action of the user's. What it says goes wrong is shown, and what was there before stays. */
async function attempt(button, action) {
  if (button?.getAttribute("aria-disabled") === "true") return;
  alert.textContent = "";
  button?.setAttribute("aria-disabled", "true");
  try {
    await action();
  } catch (error) {
    status.textContent = "";
    alert.textContent = sentence(error.message);
  } finally {
    button?.removeAttribute("aria-disabled");
  }
}

function describe(name, read) {
  source = name;
  const label = Object.assign(document.createElement("span"), { className: "name", textContent: "Batch:" });
  byId("batch").replaceChildren(label, ` ${name}, ${batch(read)}`);
}

async function readFiles(files) {
  await attempt(null, async () => {
    if (files.length !== 1) throw new Error("Choose one file at a time.");
    const [file] = files;
    describe(file.name, await call("read", [file]));
  });
}

async function generate() {
  const type = byId("type").value;
  describe("generated", await call("generate", [type, Number(byId("elements").value)]));
}

async function apply() {
  status.textContent = "Running…";
  const { alpha, beta } = chosen;
  const name = source;
  const result = await call("apply", [alpha, beta, byId("webgpu").checked]);
  const { elements, milliseconds, bytes } = result;
  const shown = {
    "r-batch": name,
    "r-elements": `${count(elements)} ${result.type}, ${shape(result)}`,
    "r-function": formula(alpha, beta),
    "r-where": result.executedOn,
    "r-time": time(milliseconds),
    "r-rate": milliseconds > 0 ? `${short(bytes / milliseconds / 1e6)} GB/s` : `${count(bytes)} bytes`,
    "r-zero": share(result.zero, elements),
    "r-one": share(result.one, elements),
    "r-inside": share(result.inside, elements),
    "r-nan": share(result.nan, elements),
  };
  for (const [id, text] of Object.entries(shown)) byId(id).textContent = text;
  before.set(result.before, result.from, result.to);
  after.set(result.after, 0, 1);
  resultOf = name;
  byId("download").disabled = false;
  status.textContent = `Done in ${time(milliseconds)}.`;
}

async function download() {
  const name = `${resultOf.replace(/\.npy$/i, "")}_hard_sigmoid.npy`;
  const url = URL.createObjectURL(new Blob([await call("file")], { type: "application/octet-stream" }));
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  // The browser has taken the data by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  status.textContent = `Saved as ${name}.`;
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
    if (zone.contains(event.target)) readFiles(event.dataTransfer.files);
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
  for (const [id, action] of Object.entries({ generate, apply, download })) {
    byId(id).addEventListener("click", ({ currentTarget }) => attempt(currentTarget, action));
  }
  await attempt(byId("generate"), generate);
  byId("apply").disabled = false;
}

for (let power = 16; power <= 24; power++) {
  byId("elements").append(new Option(count(2 ** power), 2 ** power, power === 20, power === 20));
}
