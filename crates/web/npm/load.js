// The module, and the choice of a function.

import init from "./pkg/hard_sigmoid_web.js";

/** α and β by the name of a preset. */
export const presets = Object.freeze({
  onnx: Object.freeze({ alpha: 0.2, beta: 0.5 }),
  pytorch: Object.freeze({ alpha: 1 / 6, beta: 0.5 }),
});

export function parameters({ preset, alpha, beta }) {
  const names = Object.keys(presets).map((name) => JSON.stringify(name)).join(" or ");
  const choices = `give preset (${names}), or both alpha and beta`;
  if (preset !== undefined) {
    if (alpha !== undefined || beta !== undefined) {
      throw new TypeError(`preset comes with its own alpha and beta: ${choices}`);
    }
    if (!Object.hasOwn(presets, preset)) throw new TypeError(`unknown preset ${JSON.stringify(preset)}: ${choices}`);
    return presets[preset];
  }
  if (typeof alpha !== "number" || typeof beta !== "number") {
    throw new TypeError(`there is no default function: ${choices}`);
  }
  return { alpha, beta };
}

let loaded;

export function load() {
  loaded ??= source().then((module_or_path) => init({ module_or_path })).catch((error) => {
    loaded = undefined;
    throw error;
  });
  return loaded;
}

/** Node's fetch does not read files. */
async function source() {
  const url = new URL("./pkg/hard_sigmoid_web_bg.wasm", import.meta.url);
  if (url.protocol !== "file:" || typeof process === "undefined") return url;
  const { readFile } = await import("node:fs/promises");
  return readFile(url);
}
