// The function over arrays: on the CPU path in WebAssembly or, as is asked for, on WebGPU.

import { check_arrays, parameters as block, Stage, Work } from "./wasm/hard_sigmoid.js";
import { openWindow } from "./window.js";
import { choice, fieldsOf, isFromOutput, load, parameters, quoted } from "./load.js";
import { alike, places, range } from "./ranges.js";

// What is given is looked at only when the module is there. From then on, a call on the CPU path has no pause, in which
// an array could be transferred or another call could use the same areas.

export async function hardSigmoid(x, options = {}) {
  const { memory } = await load();
  fieldsOf(options, "options", [...choice, "type", "backend", "out"]);
  const data = view(x, "x", options.type);
  check([data, data]);
  const target = targetOf(options.out, data);
  alike({ x: data, out: target });
  await compute({ operation: "forward", data, target }, options, memory);
  return target.array;
}

export async function backward(saved, gradY, options = {}) {
  const { memory } = await load();
  fieldsOf(options, "options", [...choice, "from", "type", "backend", "out"]);
  const values = view(saved, "saved", options.type);
  sameClass(values, gradY, "gradY", "saved");
  const isOutput = isFromOutput(options.from);
  const data = view(gradY, "gradY", options.type);
  check([values, values]);
  const target = targetOf(options.out, values);
  alike({ saved: values, gradY: data, out: target });
  await compute({ operation: "backward", isOutput, saved: values, data, target }, options, memory);
  return target.array;
}

export async function saturation(x, options = {}) {
  const { memory } = await load();
  fieldsOf(options, "options", [...choice, "type", "backend"]);
  const data = view(x, "x", options.type);
  const [zero, one, inside, nan] = await compute({ operation: "count", data }, options, memory);
  return { zero, one, inside, nan };
}

/** The type of the elements by the name of the array's class. */
const types = { Float16Array: "float16", Float32Array: "float32", Float64Array: "float64" };
const bits = ["float16", "bfloat16"];

function elementType(array, role, type) {
  const name = array?.constructor?.name;
  if (name === "Uint16Array") {
    if (bits.includes(type)) return type;
    const found = type === undefined ? "" : `, and not ${JSON.stringify(type)}`;
    throw new TypeError(`a Uint16Array holds bits: say of what, with type: ${quoted(bits)}${found}`);
  }
  if (!Object.hasOwn(types, name)) {
    const remedy = "convert it first, as with Float32Array.from";
    throw new TypeError(`${role} must be a Float32Array, Float64Array, Float16Array or Uint16Array: ${remedy}`);
  }
  const own = types[name];
  if (type !== undefined && type !== own) {
    throw new TypeError(`a ${name} holds ${own}, and not ${JSON.stringify(type)}: omit type`);
  }
  return own;
}

/** Elements of an array, from the array or from `{ array, first, length, rows, pitch }`. */
function view(of, role, type) {
  const { array, ...elements } = ArrayBuffer.isView(of) ? { array: of } : (of ?? {});
  const element = elementType(array, role, type);
  fieldsOf(elements, role, places);
  wordsOf({ array, size: array.BYTES_PER_ELEMENT }, 0);
  return { array, type: element, size: array.BYTES_PER_ELEMENT, ...range(elements, array.length, role) };
}

function targetOf(out, data) {
  const { array, type, width, rows } = data;
  const made = out ?? new array.constructor(width * rows);
  sameClass(data, made, "out", "the input");
  return view(made, "out", array.constructor.name === "Uint16Array" ? type : undefined);
}

/** Refuses an array, or a range of one, that is of another class than the first. */
function sameClass({ array }, of, role, first) {
  const wanted = array.constructor.name;
  const found = (ArrayBuffer.isView(of) ? of : of?.array)?.constructor?.name;
  if (found !== wanted) throw new TypeError(`${role} must be a ${wanted}, as ${first} is: convert one of them`);
}

/** Computes piece by piece. Returns the counts. */
async function compute({ operation, isOutput, saved, data, target }, options, memory) {
  const { alpha, beta } = parameters(options);
  // This refuses α and β that are out of range, whatever computes.
  block(alpha, beta);
  const { backend = "cpu" } = options;
  if (backend !== "cpu" && backend !== "gpu") {
    throw new TypeError(`unknown backend ${JSON.stringify(backend)}: use "cpu" or "gpu"`);
  }
  check([saved, data, target ?? data].filter(Boolean));
  const { type, size, width, rows } = data;
  const elements = width * rows;
  const job = { operation, isOutput, type, alpha, beta };
  // No GPU computes float64.
  const isOnGpu = backend === "gpu" && type !== "float64";
  const areas = isOnGpu ? await openWindow(job, elements * size) : new CpuAreas(job, memory);
  try {
    const most = areas.bytes / size;
    for (let from = 0; from < elements; from += most) {
      const count = Math.min(most, elements - from);
      if (saved) gather(saved, from, areas.saved(count * size));
      gather(data, from, areas.data(count * size));
      const running = areas.run(count * size);
      if (running) await running;
      if (target) scatter(areas.data(count * size), from, target);
    }
    return areas.counts;
  } finally {
    areas.close();
  }
}

/** Refuses ranges that leave their arrays, or that overlap in one ArrayBuffer without being the same. */
function check(ranges) {
  const numbers = ({ first, width, pitch, rows }, buffer, length, offset) => {
    return [buffer, length, offset + first, width, pitch, rows];
  };
  check_arrays(ranges.flatMap((range, i) => numbers(range, i, range.array.length, 0)));
  const buffers = ranges.map(({ array }) => array.buffer);
  const placed = ranges.flatMap((range, i) => {
    const { buffer, byteOffset } = range.array;
    return numbers(range, buffers.indexOf(buffer), Math.floor(buffer.byteLength / range.size), byteOffset / range.size);
  });
  if (new Set(buffers).size < buffers.length) check_arrays(placed);
}

/** An array as words of an element or of half of one, which has at least so many elements. */
function wordsOf({ array, size }, elements) {
  const Words = size === 2 ? Uint16Array : Uint32Array;
  const { buffer, byteOffset, byteLength } = array;
  try {
    // This throws where the array has no memory any more. Its length is then 0, as that of an empty one.
    array.keys();
    if (byteLength < elements * size) throw new TypeError("too short");
    return new Words(buffer, byteOffset, byteLength / Words.BYTES_PER_ELEMENT);
  } catch (cause) {
    throw new TypeError("an array was transferred or resized: pass a copy, or wait for the call to end", { cause });
  }
}

/** Copies the elements from the one numbered `from` on to an area. */
function gather(range, from, area) {
  eachRow(range, from, area, (words, at, staged, to, length) => {
    // Of a few words, a view takes longer than copying.
    if (length > 32) staged.set(words.subarray(at, at + length), to);
    else for (let i = 0; i < length; i++) staged[to + i] = words[at + i];
  });
}

/** Copies an area to the elements from the one numbered `from` on. */
function scatter(area, from, range) {
  eachRow(range, from, area, (words, at, staged, to, length) => {
    if (length > 32) words.set(staged.subarray(to, to + length), at);
    else for (let i = 0; i < length; i++) words[at + i] = staged[to + i];
  });
}

/** Calls `copy` with the words of each row, or of a part of one, and where they are in the area. */
function eachRow(range, from, area, copy) {
  const { size, first, width, pitch } = range;
  let [row, column] = [Math.floor(from / width), from % width];
  const elements = area.byteLength / size;
  const lastRow = Math.floor((from + elements - 1) / width);
  const words = wordsOf(range, first + lastRow * pitch + ((from + elements - 1) % width) + 1);
  const each = size / words.BYTES_PER_ELEMENT;
  const staged = new words.constructor(area.buffer, area.byteOffset, elements * each);
  for (let done = 0; done < elements; ) {
    const length = Math.min(width - column, elements - done);
    copy(words, (first + row * pitch + column) * each, staged, done * each, length * each);
    done += length;
    column = 0;
    row += 1;
  }
}

let stage;

/** Areas in the memory of WebAssembly. */
class CpuAreas {
  bytes = Stage.bytes();
  counts = [0, 0, 0, 0];
  #job;
  #memory;
  #work;

  constructor(job, memory) {
    this.#job = job;
    this.#memory = memory;
    this.#work = new Work(job.type, job.alpha, job.beta);
    stage ??= new Stage();
  }

  // A view is of no use after the memory has grown.
  saved(bytes) {
    return new Uint8Array(this.#memory.buffer, stage.saved(), bytes);
  }

  data(bytes) {
    return new Uint8Array(this.#memory.buffer, stage.data(), bytes);
  }

  run(bytes) {
    const { operation, isOutput } = this.#job;
    if (operation === "forward") this.#work.forward(stage, bytes);
    else if (operation === "backward") this.#work.backward(stage, bytes, isOutput);
    else this.#work.count(stage, bytes).forEach((count, i) => (this.counts[i] += count));
  }

  close() {
    this.#work.free();
  }
}
