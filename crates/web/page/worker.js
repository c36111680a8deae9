// Runs the crate, so that the page never freezes. See link.js for the other end.

import init, {
  curve, generate, gradient, parameter, sigmoid, sigmoid_gradient, version, Batch, Runner,
} from "./pkg/hard_sigmoid_web.js";
import { adapterName } from "./adapter.js";

let runner;

const ready = (async () => {
  const wasm = init({ module_or_path: new URL("pkg/hard_sigmoid_web_bg.wasm", import.meta.url) });
  const [name] = await Promise.all([adapterName(), wasm]);
  runner = await Runner.open(name);
})();

/** What α and β are as they are typed, or what is wrong with which. */
function read(texts) {
  const values = {};
  const wrong = {};
  for (const [name, typed] of Object.entries(texts)) {
    try {
      values[name] = parameter(typed);
    } catch (error) {
      wrong[name] = text(error);
    }
  }
  if (Object.keys(wrong).length) return { wrong };
  try {
    curve(values.alpha, values.beta, 0, 0, 0);
    return { values, wrong };
  } catch (error) {
    // Two finite numbers may be wrong together.
    const infinite = Object.keys(values).filter((name) => !Number.isFinite(values[name]));
    for (const name of infinite.length ? infinite : Object.keys(values)) wrong[name] = text(error);
    return { wrong };
  }
}

// Answered as they come, also while one of `jobs` waits for the GPU.
const lookups = {
  open: () => ({
    described: runner.described, why: runner.why, isSoftware: runner.is_software, hasGpu: runner.has_gpu,
  }),
  // Nothing is said of "1/" and "1e" while the reader is typing: with another digit, they are numbers.
  parameters(texts, editing) {
    const found = read(texts);
    if (!(editing in found.wrong)) return found;
    const { wrong } = read({ ...texts, [editing]: `${texts[editing]}1` });
    return editing in wrong ? found : { wrong };
  },
  lines(functions, from, to, n) {
    const each = Object.entries(functions).map(([name, [alpha, beta]]) => {
      return [name, [curve(alpha, beta, from, to, n), gradient(alpha, beta, from, to, n)]];
    });
    return { logistic: [sigmoid(from, to, n), sigmoid_gradient(from, to, n)], ...Object.fromEntries(each) };
  },
};

// Run one after the other.
const jobs = {
  read: (_, file) => working(file, (batch) => {
    const { shape, ...contents } = batch.contents().toJSON();
    return { ...contents, shape: shape && [...shape] };
  }),

  generate: (_, type, elements) => new File([generate(type, elements)], "generated.npy"),

  async apply(_, file, alpha, beta, onGpu) {
    const result = new Result(file.name);
    const outcome = await result.kept(() => {
      return working(file, (batch) => runner.apply(batch, alpha, beta, onGpu, result.write));
    });
    const { executed_on: executedOn, with_f64_on_cpu: withF64OnCpu, before, after, ...numbers } = outcome.toJSON();
    outcome.free();
    return {
      ...numbers, executedOn, withF64OnCpu, before: [...before], after: [...after], result: result.file(),
    };
  },

  async check(progress) {
    const found = await runner.check((done, all, what) => progress([done, all, what]));
    const rows = found.map((row) => {
      const { element, preset, pass, checked, mismatches, flushed, miscounted, out_of_bound, max_ulp } = row;
      const { passed, first } = row;
      row.free();
      return {
        element, preset, pass, checked, mismatches, flushed, miscounted, outOfBound: out_of_bound, maxUlp: max_ulp,
        passed, first,
      };
    });
    return { adapter: runner.described, hasGpu: runner.has_gpu, version: version(), rows };
  },
};

const reader = new FileReaderSync();

/** Has the crate work on a file, which it reads as it needs it. */
async function working(file, work) {
  let isGone = false;
  const read = (from, to) => {
    try {
      return new Uint8Array(reader.readAsArrayBuffer(file.slice(from, to)));
    } catch (error) {
      isGone = true;
      throw error;
    }
  };
  try {
    return await work(new Batch(file.name, file.size, read));
  } catch (error) {
    if (!isGone) throw error;
    throw new Error(`${file.name} cannot be read: it is a folder, or it has changed or gone. Choose it again.`);
  }
}

/** A file that the crate writes, mostly at its end. The browser keeps it, on disk if it is large. */
class Result {
  #parts = [];
  #size = 0;
  #isFull = false;

  constructor(name) {
    this.name = name;
  }

  write = (bytes, at) => {
    try {
      if (at === this.#size) {
        this.#parts.push(new Blob([bytes]));
      } else {
        const all = this.file();
        this.#parts = [all.slice(0, at), new Blob([bytes]), all.slice(at + bytes.length)];
      }
      this.#size = Math.max(this.#size, at + bytes.length);
    } catch (error) {
      this.#isFull = true;
      throw error;
    }
  };

  file() {
    return new Blob(this.#parts, { type: "application/octet-stream" });
  }

  /** Does what writes the file, and checks that the browser has it. It may say so only when the file is read. */
  async kept(action) {
    try {
      const done = await action();
      this.#isFull = true;
      await this.file().slice(-1).arrayBuffer();
      return done;
    } catch (error) {
      if (!this.#isFull) throw error;
      throw new Error(`The browser has no room for the result of ${this.name}. Close other tabs, or use the command `
        + "`hard-sigmoid apply`.");
    }
  }
}

const text = (error) => {
  // Such as when there is no memory left. Nothing can be relied on then.
  if (error instanceof WebAssembly.RuntimeError) return `The page has failed (${error.message}). Reload it.`;
  return error?.message ?? String(error);
};

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
