// The function over buffers of the page's own device. What to dispatch comes from the crate; the WebGPU calls are here.

import { parameters as block, Planner } from "./pkg/hard_sigmoid_web.js";
import { load, parameters } from "./load.js";

export async function bind(device, options = {}) {
  const { type, source, target = source } = options;
  const { alpha, beta } = parameters(options);
  const from = range(source, type, "source");
  const to = range(target, type, "target");
  if (from.length !== to.length) {
    throw new RangeError(`source has ${from.length} elements and target ${to.length}: give ranges of one length`);
  }
  await load();
  const dispatches = plan(device, type, from, to);
  const pipelines = await Promise.all(dispatches.map((dispatch) => pipeline(device, dispatch)));
  const buffers = { source: from.buffer, target: to.buffer };
  return checked(device, () => new Binding(device, block(alpha, beta), dispatches, pipelines, buffers));
}

/** What was bound, ready to be recorded any number of times. */
class Binding {
  #dispatches;

  constructor(device, parameters, dispatches, pipelines, buffers) {
    const stride = device.limits.minUniformBufferOffsetAlignment;
    const blocks = uniforms(device, [parameters, ...dispatches.map(({ block }) => block)], stride);
    this.#dispatches = dispatches.map(({ bindings, block, workgroups }, i) => {
      const entries = bindings.map(({ binding, buffer, offset, size }) => {
        const resource =
          buffer === "parameters"
            ? { buffer: blocks, offset: 0, size: parameters.byteLength }
            : buffer === "block"
              ? { buffer: blocks, offset: stride * (i + 1), size: block.byteLength }
              : { buffer: buffers[buffer], offset, size };
        return { binding, resource };
      });
      const group = device.createBindGroup({ layout: pipelines[i].getBindGroupLayout(0), entries });
      return { pipeline: pipelines[i], group, workgroups };
    });
  }

  record(encoder) {
    const pass = encoder.beginComputePass({ label: "hard_sigmoid" });
    this.recordPass(pass);
    pass.end();
  }

  recordPass(pass) {
    for (const { pipeline, group, workgroups } of this.#dispatches) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(workgroups);
    }
  }
}

/** Bytes of an element. */
const sizes = { float32: 4, float16: 2, bfloat16: 2 };

/** A range of elements, from a buffer or `{ buffer, first, length }`. */
function range(of, type, role) {
  if (!Object.hasOwn(sizes, type)) {
    throw new TypeError('give type: "float32", "float16" or "bfloat16"; WebGPU computes no others');
  }
  const size = sizes[type];
  const isBuffer = (it) => typeof GPUBuffer === "function" && it instanceof GPUBuffer;
  const { buffer, first = 0, length } = isBuffer(of) ? { buffer: of } : (of ?? {});
  if (!isBuffer(buffer)) {
    throw new TypeError(`${role} must be a GPUBuffer, or an object with a buffer and, as wanted, first and length`);
  }
  if (!(buffer.usage & GPUBufferUsage.STORAGE)) {
    throw new TypeError(`the ${role} buffer is no storage buffer: create it with GPUBufferUsage.STORAGE as well`);
  }
  const elements = length ?? Math.max(Math.floor(buffer.size / size) - first, 0);
  if (![first, elements].every((number) => Number.isSafeInteger(number) && number >= 0)) {
    throw new RangeError(`first and length of ${role} count elements: give integers from 0 on`);
  }
  return { buffer, first, length: elements };
}

function plan(device, type, from, to) {
  const planner = new Planner(
    device.limits.maxStorageBufferBindingSize,
    device.limits.minStorageBufferOffsetAlignment,
    device.limits.maxComputeWorkgroupsPerDimension,
    device.adapterInfo?.isFallbackAdapter ?? false,
  );
  try {
    const [source, target] = [from, to].map(({ buffer, first }) => [first, buffer.size]);
    return planner.dispatches(type, from.length, source, target, from.buffer === to.buffer);
  } finally {
    planner.free();
  }
}

/** The pipelines of each device. */
const compiled = new WeakMap();

function pipeline(device, dispatch) {
  if (!compiled.has(device)) compiled.set(device, new Map());
  const pipelines = compiled.get(device);
  const { wgsl, entryPoint, constants } = dispatch;
  const key = JSON.stringify([entryPoint, constants, wgsl]);
  if (!pipelines.has(key)) {
    const made = compile(device, dispatch);
    // A failure is not kept, so that a later call may succeed.
    made.catch(() => pipelines.delete(key));
    pipelines.set(key, made);
  }
  return pipelines.get(key);
}

function compile(device, { wgsl, entryPoint, constants }) {
  return checked(device, () => {
    const module = device.createShaderModule({ label: "hard_sigmoid", code: wgsl });
    const compute = { module, entryPoint, constants };
    const pipeline = device.createComputePipelineAsync({ label: "hard_sigmoid", layout: "auto", compute });
    // If the module is refused, nobody waits for the pipeline.
    pipeline.catch(() => {});
    return pipeline;
  });
}

/** An immutable buffer of blocks, `stride` bytes apart. */
function uniforms(device, blocks, stride) {
  const buffer = device.createBuffer({
    label: "hard_sigmoid parameters",
    size: stride * blocks.length,
    usage: GPUBufferUsage.UNIFORM,
    mappedAtCreation: true,
  });
  const bytes = new Uint8Array(buffer.getMappedRange());
  blocks.forEach((block, i) => bytes.set(block, stride * i));
  buffer.unmap();
  return buffer;
}

/** What `make` returns, if the device does not refuse it. The page's error scopes and handlers do not notice. */
async function checked(device, make) {
  device.pushErrorScope("out-of-memory");
  device.pushErrorScope("validation");
  let made;
  let thrown;
  try {
    made = make();
  } catch (error) {
    thrown = error;
  }
  // The innermost scope first.
  const [validation, memory] = await Promise.all([device.popErrorScope(), device.popErrorScope()]);
  // An object for which there is no memory is invalid, too.
  const refused = memory ?? validation;
  if (refused) throw new Error(`the device refused: ${refused.message}`);
  if (thrown) throw thrown;
  return made;
}
