import { ArrayEngine } from "./pkg/hard_sigmoid_web.js";
import { load, parameters, presets } from "./load.js";

export { bind, bindBackward, bindSaturation, bindWithSaturation } from "./buffers.js";
export { presets };

/** The type of the elements by the name of the array's class. */
const types = { Float16Array: "float16", Float32Array: "float32", Float64Array: "float64" };

export async function hardSigmoid(x, options = {}) {
  const { alpha, beta } = parameters(options);
  const type = elementType(x, options.type);
  const { out = new x.constructor(x.length), backend = "auto" } = options;
  checkOut(x, out);
  const size = x.byteLength;
  const queue = await open(backend);
  try {
    await queue.run(async (engine) => {
      await engine.choose(x.length);
      for (let from = 0; from < size; from += PART) {
        const part = Math.min(PART, size - from);
        await engine.apply(type, alpha, beta, part, bytes(x, from, part), bytes(out, from, part));
      }
    });
  } catch (error) {
    // Its device may be lost: the next call opens another.
    forget(queue);
    throw error;
  }
  return out;
}

/** Bytes of a call into WebAssembly, which counts them with 32 bits. */
const PART = 2 ** 30;

export async function executedOn(backend = "auto", elements = 0) {
  return (await open(backend)).run(async (engine) => {
    await engine.choose(elements);
    return engine.executed_on();
  });
}

function elementType(x, type) {
  const name = x?.constructor?.name;
  if (name === "Uint16Array") {
    if (type === "float16" || type === "bfloat16") return type;
    throw new TypeError('a Uint16Array holds bits: say of what, with type: "float16" or "bfloat16"');
  }
  if (!Object.hasOwn(types, name)) {
    throw new TypeError("x must be a Float32Array, Float64Array, Float16Array or Uint16Array: convert it first");
  }
  if (type !== undefined && type !== types[name]) throw new TypeError(`a ${name} holds ${types[name]}: omit type`);
  return types[name];
}

function checkOut(x, out) {
  if (out?.constructor !== x.constructor || out.length !== x.length) {
    throw new TypeError(`out must be a ${x.constructor.name} of ${x.length} elements, as x is`);
  }
  const from = out.byteOffset - x.byteOffset;
  if (out.buffer === x.buffer && from !== 0 && Math.abs(from) < x.byteLength) {
    throw new RangeError("out overlaps x: pass x itself, or an array apart from it");
  }
}

/** A part of an array. */
function bytes(array, from, size) {
  if (array.byteLength < from + size) throw new TypeError("an array was transferred or resized during the call");
  return new Uint8Array(array.buffer, array.byteOffset + from, size);
}

/** Runs one call after the other. */
class Queue {
  #last = Promise.resolve();

  constructor(engine) {
    this.engine = engine;
  }

  run(call) {
    const result = this.#last.then(() => call(this.engine));
    this.#last = result.catch(() => {});
    return result;
  }
}

const queues = new Map();

async function open(backend) {
  await load();
  // A failure is not kept, so that a later call may succeed.
  if (!queues.has(backend)) {
    queues.set(
      backend,
      ArrayEngine.open(backend).then((engine) => new Queue(engine)).catch((error) => {
        queues.delete(backend);
        throw error;
      }),
    );
  }
  return queues.get(backend);
}

function forget(queue) {
  for (const [backend, opened] of queues) {
    opened.then((it) => it === queue && queues.get(backend) === opened && queues.delete(backend), () => {});
  }
}
