// Areas for arrays on WebGPU, on a device of the package's own.

import { bind, bindBackward, bindSaturation, checked } from "./buffers.js";

/** The most bytes of an area. */
const MOST = 2 ** 26;

/** Four u64. */
const COUNTER_BYTES = 32;

/** Opens the areas of a call over so many bytes. */
export async function openWindow(job, bytes) {
  const device = await open();
  // Whole words, and room for the counters. Every device allows buffers of the most bytes.
  const size = Math.max(Math.min(MOST, Math.ceil(bytes / 4) * 4), COUNTER_BYTES);
  const buffers = {};
  const make = (name, usage, bytes = size) => {
    buffers[name] = device.createBuffer({ label: `hard_sigmoid ${name}`, size: bytes, usage });
  };
  const { STORAGE, COPY_DST, COPY_SRC, MAP_READ } = GPUBufferUsage;
  try {
    await checked(device, () => {
      make("data", STORAGE | COPY_DST | COPY_SRC);
      make("readback", MAP_READ | COPY_DST);
      if (job.operation === "backward") make("saved", STORAGE | COPY_DST);
      if (job.operation === "count") make("counters", STORAGE | COPY_DST | COPY_SRC, COUNTER_BYTES);
    });
    return new GpuAreas(device, job, buffers, size);
  } catch (cause) {
    destroy(buffers);
    throw failure(cause);
  }
}

const failure = (cause) => new Error(`${cause.message}; call again, or omit backend`, { cause });

function destroy(buffers) {
  for (const buffer of Object.values(buffers)) buffer.destroy();
}

class GpuAreas {
  counts = [0, 0, 0, 0];
  #device;
  #job;
  #buffers;
  #areas;
  /** What is bound, and for how many elements. */
  #bound = {};

  constructor(device, job, buffers, bytes) {
    this.bytes = bytes;
    this.#device = device;
    this.#job = job;
    this.#buffers = buffers;
    this.#areas = { data: new Uint8Array(bytes), saved: buffers.saved && new Uint8Array(bytes) };
  }

  saved(bytes) {
    return this.#areas.saved.subarray(0, bytes);
  }

  data(bytes) {
    return this.#areas.data.subarray(0, bytes);
  }

  async run(bytes) {
    const { queue } = this.#device;
    const { data, saved, counters, readback } = this.#buffers;
    const words = Math.ceil(bytes / 4) * 4;
    const size = counters ? COUNTER_BYTES : words;
    try {
      const binding = await this.#bind(bytes);
      await checked(this.#device, () => {
        if (saved) queue.writeBuffer(saved, 0, this.#areas.saved, 0, words);
        queue.writeBuffer(data, 0, this.#areas.data, 0, words);
        const encoder = this.#device.createCommandEncoder({ label: "hard_sigmoid" });
        if (counters) encoder.clearBuffer(counters);
        binding.record(encoder);
        encoder.copyBufferToBuffer(counters ?? data, 0, readback, 0, size);
        queue.submit([encoder.finish()]);
      });
      await readback.mapAsync(GPUMapMode.READ, 0, size);
    } catch (cause) {
      throw failure(cause);
    }
    const mapped = readback.getMappedRange(0, size);
    if (counters) new BigUint64Array(mapped).forEach((count, i) => (this.counts[i] += Number(count)));
    else this.#areas.data.set(new Uint8Array(mapped, 0, bytes));
    readback.unmap();
  }

  async #bind(bytes) {
    const { operation, isOutput, ...job } = this.#job;
    const length = bytes / (job.type === "float32" ? 4 : 2);
    if (this.#bound.length === length) return this.#bound.binding;
    const range = (buffer) => ({ buffer, length });
    const { data, saved, counters } = this.#buffers;
    const source = range(data);
    const bound = {
      forward: () => bind(this.#device, { ...job, source }),
      count: () => bindSaturation(this.#device, { ...job, source, counters }),
      backward: () => {
        const from = isOutput ? "output" : "input";
        return bindBackward(this.#device, { ...job, from, saved: range(saved), gradY: source });
      },
    };
    this.#bound = { length, binding: await bound[operation]() };
    return this.#bound.binding;
  }

  close() {
    destroy(this.#buffers);
  }
}

let opened;

/** The device of all calls. After a failure or a loss, the next call opens another. */
function open() {
  if (!opened) {
    const opening = request();
    const forget = () => {
      if (opened === opening) opened = undefined;
    };
    opened = opening;
    opening.then((device) => device.lost.then(forget), forget);
  }
  return opened;
}

async function request() {
  const adapter = await globalThis.navigator?.gpu?.requestAdapter();
  if (!adapter) throw new Error('there is no WebGPU adapter here: omit backend, or give "cpu", with the same bits');
  return adapter.requestDevice({ label: "hard_sigmoid" });
}
