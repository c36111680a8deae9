// Runs the crate, so that the page never freezes. See link.js for the other end.

import init, { curve, gradient, sigmoid, sigmoid_gradient, Batch, Runner } from "./pkg/hard_sigmoid_web.js";

let runner;
let batch;
let outcome;

const ready = (async () => {
  await init();
  runner = await Runner.open();
})();

/** A new value takes the place of the old one only once it is there, so a call that fails loses nothing. */
function setBatch(next) {
  batch?.free();
  batch = next;
  return { type: batch.type, elements: batch.elements, shape: batch.shape };
}

// Answered as they come, also while one of `jobs` waits for the GPU.
const lookups = {
  open: () => ({
    described: runner.described, why: runner.why, isSoftware: runner.is_software, hasGpu: runner.has_gpu,
  }),
  curve: (alpha, beta, from, to, n) => [curve(alpha, beta, from, to, n), gradient(alpha, beta, from, to, n)],
  logistic: (from, to, n) => [sigmoid(from, to, n), sigmoid_gradient(from, to, n)],
};

// Run one after the other.
const jobs = {
  async read(_, file) {
    try {
      return setBatch(Batch.read(new Uint8Array(await file.arrayBuffer())));
    } catch (error) {
      // The crate's message goes on from the name. The browser's own is a sentence, such as about a file that is gone.
      throw new Error(`${file.name} ${error instanceof DOMException ? `cannot be read: ${text(error)}` : text(error)}`);
    }
  },

  generate: (_, type, elements) => setBatch(Batch.generate(type, elements)),

  async apply(_, alpha, beta, onGpu) {
    if (!batch) throw new Error("There is no batch yet. Choose a file, or generate a batch.");
    const next = await runner.apply(batch, alpha, beta, onGpu);
    outcome?.free();
    outcome = next;
    const { milliseconds, bytes, executed_on, zero, one, inside, nan, before, from, to, after } = outcome;
    return {
      milliseconds, bytes, executedOn: executed_on, zero, one, inside, nan, before, from, to, after,
      type: batch.type, elements: batch.elements, shape: batch.shape,
    };
  },

  file() {
    if (!outcome) throw new Error("There is no result yet. Apply the function to a batch first.");
    return outcome.file();
  },

  check: (progress) => runner.check((done, all, what) => progress([done, all, what])),
};

const text = (error) => error?.message ?? String(error);

async function answer(id, work) {
  try {
    await ready;
    postMessage({ id, value: await work() });
  } catch (error) {
    postMessage({ id, error: text(error) });
  }
}

let queue = Promise.resolve();

onmessage = ({ data: { id, name, args } }) => {
  if (name in lookups) {
    answer(id, () => lookups[name](...args));
  } else {
    const progress = (report) => postMessage({ id, progress: report });
    queue = queue.then(() => answer(id, () => jobs[name](progress, ...args)));
  }
};
