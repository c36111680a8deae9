// The modules of WebAssembly, and the choice of a function.

import initModule from "./wasm/hard_sigmoid.js";

/** α and β by the name of a preset. */
export const presets = Object.freeze({
  onnx: Object.freeze({ alpha: 0.2, beta: 0.5 }),
  pytorch: Object.freeze({ alpha: 1 / 6, beta: 0.5 }),
});

/** Refuses an object with other fields: what is misspelled would be ignored. */
export function fieldsOf(object, role, names) {
  if (typeof object !== "object" || object === null) {
    throw new TypeError(`${role} must be an object with any of ${names.join(", ")}`);
  }
  const unknown = Object.keys(object).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new TypeError(`there is no ${JSON.stringify(unknown)} in ${role}: use ${names.join(", ")}`);
  }
  return object;
}

/** The options that select the function. */
export const choice = ["preset", "alpha", "beta"];

export const quoted = (names) => names.map((name) => JSON.stringify(name)).join(" or ");

export function parameters({ preset, alpha, beta }) {
  const choices = `give preset (${quoted(Object.keys(presets))}), or both alpha and beta`;
  if (preset !== undefined) {
    if (alpha !== undefined || beta !== undefined) {
      throw new TypeError(`preset comes with its own alpha and beta: ${choices}`);
    }
    if (!Object.hasOwn(presets, preset)) throw new TypeError(`unknown preset ${JSON.stringify(preset)}: ${choices}`);
    return presets[preset];
  }
  if (alpha === undefined || beta === undefined) throw new TypeError(`there is no default function: ${choices}`);
  if (typeof alpha !== "number" || typeof beta !== "number") {
    throw new TypeError(`alpha and beta must be numbers, not ${typeof alpha} and ${typeof beta}: convert them`);
  }
  return { alpha, beta };
}

/** Whether a backward pass has the output of the forward pass, and not its input. */
export function isFromOutput(from) {
  if (from !== "input" && from !== "output") {
    throw new TypeError('say what the forward pass saved, with from: "input" or "output"');
  }
  return from === "output";
}

let loaded;

/** Loads the module once, from beside this file or from what is given, and returns its exports. */
export async function load(source) {
  if (loaded && source !== undefined) throw new Error("the WebAssembly is loaded already: call init before all else");
  loaded ??= start(initModule, source ?? new URL("./wasm/hard_sigmoid_bg.wasm", import.meta.url)).catch((error) => {
    // A failure is not kept, so that a later call may succeed.
    loaded = undefined;
    throw error;
  });
  return loaded;
}

export async function init(source) {
  await load(source);
}

/** Starts a module of WebAssembly. */
export async function start(initialize, source) {
  try {
    // Node's fetch does not read files.
    const isFile = source instanceof URL && source.protocol === "file:";
    const files = isFile && globalThis.process?.getBuiltinModule?.("node:fs/promises");
    const module_or_path = files ? await files.readFile(source) : source;
    return await initialize({ module_or_path });
  } catch (cause) {
    const from = source instanceof URL ? ` from ${source}` : "";
    throw new Error(`cannot load WebAssembly${from}: ${cause.message}; see "Bundlers" in README.md`, { cause });
  }
}
