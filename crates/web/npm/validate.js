// The judge of other implementations, in a module of WebAssembly of its own.

import initModule, { Judge } from "./wasm/judge.js";
import { choice, fieldsOf, isFromOutput, parameters, start } from "./load.js";

const classes = { float32: Float32Array, float64: Float64Array, float16: Uint16Array, bfloat16: Uint16Array };

let loaded;

export async function validate(f, options = {}) {
  if (typeof f !== "function") throw new TypeError("give the function to judge: from an array to an array");
  fieldsOf(options, "options", [...choice, "type", "from", "ulp", "atol", "bits", "wasm"]);
  const { alpha, beta } = parameters(options);
  const { type = "float32", from, wasm = new URL("./wasm/judge_bg.wasm", import.meta.url) } = options;
  if (!Object.hasOwn(classes, type)) {
    const names = Object.keys(classes).map((name) => JSON.stringify(name)).join(", ");
    throw new TypeError(`unknown type ${JSON.stringify(type)}: use one of ${names}`);
  }
  if (from !== undefined) isFromOutput(from);
  const { ulp, atol } = tolerance(options);
  loaded ??= start(initModule, wasm).catch((error) => {
    loaded = undefined;
    throw error;
  });
  await loaded;
  const judge = new Judge(type, alpha, beta, from, ulp, atol);
  try {
    const inputs = from === undefined ? [judge.x()] : [judge.x(), judge.grad_y()];
    const y = await f(...inputs.map((bytes) => new classes[type](bytes.buffer)));
    const accepted = [classes[type].name, ...(type === "float16" ? ["Float16Array"] : [])];
    if (!accepted.includes(y?.constructor?.name)) {
      const wanted = accepted.join(" or ");
      throw new TypeError(`the function returned no ${wanted} for ${type}: return one of as many elements`);
    }
    return judge.judge(new Uint8Array(y.buffer, y.byteOffset, y.byteLength));
  } finally {
    judge.free();
  }
}

/** The tolerance: one ULP unless something else is asked for. */
function tolerance({ ulp, atol, bits }) {
  if ([ulp, atol, bits || undefined].filter((it) => it !== undefined).length > 1) {
    throw new TypeError("give one of ulp, atol and bits: true, not several");
  }
  if (bits) return {};
  if (atol !== undefined) {
    if (!(typeof atol === "number" && atol >= 0)) throw new RangeError("atol is no distance: use 0 or more");
    return { atol };
  }
  if (!(Number.isInteger(ulp ?? 1) && (ulp ?? 1) >= 0 && (ulp ?? 1) < 2 ** 32)) {
    throw new RangeError("ulp is no distance in ULP: use 0 to 2^32 - 1");
  }
  return { ulp: ulp ?? 1 };
}
