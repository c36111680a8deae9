// The first section: α and β, as they are typed and as they are in use, and in the address.

import * as address from "./address.js";
import { call } from "./link.js";
import { exact, formula, presets, sentence } from "./text.js";
import * as view from "./view.js";

const byId = (id) => document.getElementById(id);
const names = ["alpha", "beta"];
const inputs = { alpha: byId("alpha"), beta: byId("beta") };
const sliders = { alpha: byId("alpha-slider"), beta: byId("beta-slider") };
const alert = byId("curve-alert");

/** What is in use. A slider shows the nearest step. */
const chosen = {};
/** What was in use before the reader began to type, and how that is written: 1/6 has no short decimal. */
let settledOn;
let written;
/** What is wrong with the address. It is said until something is chosen. */
let complaint = "";

const presetOf = ({ alpha, beta }) => Object.keys(presets).find((id) => {
  return presets[id][0] === alpha && presets[id][1] === beta;
});

/** α and β of a preset, as text. */
const textsOf = (id) => Object.fromEntries(names.map((name, i) => [name, exact(presets[id][i])]));

function fill(texts) {
  for (const name of names) inputs[name].value = texts[name];
}

function settle(values, texts) {
  settledOn = values;
  written = texts;
}

function use(values) {
  Object.assign(chosen, values);
  for (const name of names) {
    // A slider stays where the hand is, also while the other number is wrong.
    if (sliders[name] !== document.activeElement) slide(name);
    sliders[name].setAttribute("aria-valuetext", exact(chosen[name]));
  }
  for (const id of Object.keys(presets)) byId(id).setAttribute("aria-pressed", String(id === presetOf(chosen)));
  byId("formula").textContent = formula(chosen.alpha, chosen.beta);
  draw();
}

function slide(name) {
  sliders[name].value = String(chosen[name]);
}

function draw() {
  view.draw(chosen.alpha, chosen.beta).catch(fail);
}

/** The worker has stopped. */
function fail(error) {
  alert.textContent = sentence(error.message);
}

/** Whether the address has what the reader has begun to type. */
let isTyped = false;

function save(isNew, values = settledOn, texts = written) {
  const preset = presetOf(values);
  address.write({ ...(preset ? { preset } : texts), ...view.fields() }, isNew);
}

let asked = 0;
let answer = Promise.resolve();

/** Waits for what is being read, and returns what is in use. */
export async function settled() {
  await answer;
  return chosen;
}

/** Takes what the inputs say. `editing` names the input in which the reader is typing. */
function take(editing, isNew) {
  complaint = "";
  answer = read(editing, isNew).catch(fail);
  return answer;
}

async function read(editing, isNew) {
  const turn = ++asked;
  const texts = { alpha: inputs.alpha.value, beta: inputs.beta.value };
  const { values, wrong } = await call("parameters", [texts, editing]);
  // What has changed since then is under way.
  if (turn !== asked) return;
  if (values && editing === null) settle(values, texts);
  // "1e9" was a number on the way to "1e999", and not meant.
  if (values || Object.keys(wrong).length) use(values ?? settledOn);
  // One entry of the history for all that is typed.
  if (values) save(editing === null ? isNew : !isTyped, values, texts);
  else if (isTyped && Object.keys(wrong).length) save(false);
  if (values) isTyped = editing !== null;
  complain(wrong);
}

/** Says what is wrong with which inputs, and what is in use meanwhile. */
function complain(wrong) {
  const messages = [...new Set(Object.values(wrong))].map((message) => sentence(message));
  if (messages.length) messages.push(`The page keeps ${formula(chosen.alpha, chosen.beta)}.`);
  const text = [complaint, ...messages].filter(Boolean).join(" ");
  if (alert.textContent !== text) alert.textContent = text;
  for (const name of names) inputs[name].setAttribute("aria-invalid", String(name in wrong));
}

/** Shows what the address asks for, or says why not. */
async function open() {
  const turn = ++asked;
  isTyped = false;
  const { preset, alpha, beta, from, to, ...rest } = address.read();
  const problems = Object.keys(rest).map((name) => `“${name}” is not known`);
  if (!view.take({ from, to })) problems.push(`x from “${from ?? ""}” to “${to ?? ""}” is no range`);
  let texts = textsOf("onnx");
  if (preset !== undefined) {
    if (alpha !== undefined || beta !== undefined) problems.push("a preset has its own α and β");
    else if (!Object.hasOwn(presets, preset)) problems.push(`there is no preset “${preset}”`);
    else texts = textsOf(preset);
  } else if (alpha !== undefined && beta !== undefined) {
    const { values, wrong } = await call("parameters", [{ alpha, beta }, null]);
    if (values) texts = { alpha, beta };
    else problems.push(...new Set(Object.values(wrong)));
  } else if (alpha !== undefined || beta !== undefined) {
    problems.push("α and β belong together");
  }
  const { values } = await call("parameters", [texts, null]);
  if (turn !== asked) return;
  complaint = "";
  if (problems.length) {
    complaint = `This link cannot be shown as it is: ${problems.join("; ")}. For these parts, the page uses its `
      + "defaults. Ask for the link again, or choose a preset.";
  }
  fill(texts);
  settle(values, texts);
  use(values);
  names.forEach(slide);
  complain({});
}

/** Shows what the address asks for, and lets the inputs work. */
export async function start() {
  view.start(() => {
    draw();
    save(false);
  });
  await open();
  for (const name of names) {
    inputs[name].addEventListener("input", () => take(name, false));
    inputs[name].addEventListener("change", () => take(null, !isTyped));
    sliders[name].addEventListener("input", () => {
      inputs[name].value = exact(sliders[name].valueAsNumber);
      take(null, false);
    });
  }
  for (const id of Object.keys(presets)) {
    byId(id).addEventListener("click", () => {
      fill(textsOf(id));
      take(null, true);
    });
  }
  address.watch(() => {
    answer = open().catch(fail);
  });
}
