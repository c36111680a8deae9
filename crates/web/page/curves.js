// The first section: α and β, and the plots of the function and of its derivative.

import { call } from "./link.js";
import { LinePlot } from "./plot.js";
import { exact, formula, sentence, short } from "./text.js";

const byId = (id) => document.getElementById(id);
const presets = { onnx: [0.2, 0.5], pytorch: [1 / 6, 0.5] };
// The kinks of both presets, at ±2.5 and ±3, are among the points.
const range = [-6, 6, 481];

const inputs = { alpha: byId("alpha"), beta: byId("beta") };
const sliders = { alpha: byId("alpha-slider"), beta: byId("beta-slider") };
const alert = byId("curve-alert");
const [from, to] = range;
const values = new LinePlot(byId("values"), { from, to, low: 0, high: 1, margin: 0.08, name: "y" });
const slopes = new LinePlot(byId("slopes"), { from, to, low: 0, high: 0.25, margin: 0.12, name: "dy/dx" });

/** What is in use. An input shows it in full; a slider shows the nearest step. */
export const chosen = { alpha: 0.2, beta: 0.5 };

function show(except) {
  for (const name of ["alpha", "beta"]) {
    const value = chosen[name];
    if (inputs[name] !== except) inputs[name].value = String(value);
    if (Number.isNaN(value)) continue;
    sliders[name].value = String(value);
    sliders[name].setAttribute("aria-valuetext", exact(value));
  }
  for (const [id, [alpha, beta]] of Object.entries(presets)) {
    byId(id).setAttribute("aria-pressed", String(chosen.alpha === alpha && chosen.beta === beta));
  }
  byId("formula").textContent = formula(chosen.alpha, chosen.beta);
  redraw();
}

let running = false;
let again = false;

/** Asks for the curve. While an answer is under way, changes are collected, so the newest is never far behind. */
async function redraw() {
  again = true;
  if (running) return;
  running = true;
  while (again) {
    again = false;
    const { alpha, beta } = chosen;
    try {
      const [y, slope] = await call("curve", [alpha, beta, ...range]);
      complain("");
      values.set("chosen", y);
      slopes.set("chosen", slope);
      describe(alpha, beta, y, slope);
    } catch (error) {
      // An error about values that have changed since is of no use.
      if (!again) complain(sentence(error.message));
    }
  }
  running = false;
}

function complain(message) {
  if (alert.textContent !== message) alert.textContent = message;
  // Two finite numbers may be wrong together.
  const finite = Number.isFinite(chosen.alpha) && Number.isFinite(chosen.beta);
  for (const [name, input] of Object.entries(inputs)) {
    input.setAttribute("aria-invalid", String(message !== "" && (finite || !Number.isFinite(chosen[name]))));
  }
}

function describe(alpha, beta, y, slope) {
  const ends = `from ${short(y[0])} at x = ${short(from)} to ${short(y.at(-1))} at x = ${short(to)}`;
  byId("values").setAttribute("aria-label", `Plot of ${formula(alpha, beta)}, ${ends}, `
    + "beside both presets, which reach 0 and 1 at x = ±2.5 (ONNX) and ±3 (PyTorch), and the logistic sigmoid.");
  const steep = slope.find((value) => value !== 0) ?? 0;
  byId("slopes").setAttribute("aria-label", `Plot of the derivative, ${short(steep)} between the kinks and 0 outside, `
    + "beside those of the presets, 0.2 and 0.167, and of the logistic sigmoid, which is 0.25 at x = 0 and falls to "
    + "both sides.");
}

/** Draws the lines that stay, and lets the inputs work. */
export async function start() {
  for (const name of ["alpha", "beta"]) {
    inputs[name].addEventListener("input", () => {
      chosen[name] = inputs[name].valueAsNumber;
      show(inputs[name]);
    });
    sliders[name].addEventListener("input", () => {
      chosen[name] = sliders[name].valueAsNumber;
      show();
    });
  }
  for (const [id, [alpha, beta]] of Object.entries(presets)) {
    byId(id).addEventListener("click", () => {
      Object.assign(chosen, { alpha, beta });
      show();
    });
  }
  show();
  const lines = {
    onnx: ["curve", [...presets.onnx, ...range]],
    pytorch: ["curve", [...presets.pytorch, ...range]],
    logistic: ["logistic", range],
  };
  await Promise.all(Object.entries(lines).map(async ([name, [ask, args]]) => {
    const [y, slope] = await call(ask, args);
    values.set(name, y);
    slopes.set(name, slope);
  }));
}
