// The function over buffers of the page's own device. What to dispatch comes from the crate; the WebGPU calls are here.

import { parameters as block, Planner } from "./pkg/hard_sigmoid_web.js";
import { load, parameters } from "./load.js";

export async function bind(device, options) {
  const { type, source, target = source } = options;
  const { alpha, beta } = parameters(options);
  await load();
  const from = range(source, type, "source");
  const to = range(target, type, "target");
  if (from.length !== to.length) {
    throw new RangeError(`source has ${from.length} elements and target ${to.length}: give ranges of one length`);
  }
  const dispatches = plan(device, type, from, to);
  const pipelines = await Promise.all(dispatches.map((dispatch) => pipeline(device, dispatch)));
  const buffers = { source: from.buffer, target: to.buffer };
  return checked(device, () => new Binding(device, block(alpha, beta), dispatches, pipelines, buffers));
}

/** What was bound, ready to be recorded any number of times. */
class Binding {
  #dispatches;

  constructor(device, parameters, dispatches, pipelines, buffers) {
    const stride = Math.max(device.limits.minUniformBufferOffsetAlignment, 32);
    const blocks = uniforms(device, [parameters, ...dispatches.map(({ block }) => block)], stride);
    this.#dispatches = dispatches.map(({ bindings, workgroups }, i) => {
      const entries = bindings.map(({ binding, buffer, offset, size }) => {
        if (buffer === "parameters") return { binding, resource: { buffer: blocks, offset: 0, size: 16 } };
        if (buffer === "block") return { binding, resource: { buffer: blocks, offset: stride * (i + 1), size: 32 } };
        return { binding, resource: { buffer: buffers[buffer], offset, size } };
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
  const size = sizes[type];
  if (size === undefined) {
    throw new TypeError('give type: "float32", "float16" or "bfloat16"; WebGPU computes no others');
  }
  const { buffer, first = 0, length } = of instanceof GPUBuffer ? { buffer: of } : (of ?? {});
  if (!(buffer instanceof GPUBuffer)) {
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

function pipeline(device, { wgsl, entryPoint, constants }) {
  if (!compiled.has(device)) compiled.set(device, new Map());
  const pipelines = compiled.get(device);
  const key = JSON.stringify([entryPoint, constants, wgsl]);
  if (!pipelines.has(key)) {
    const module = device.createShaderModule({ label: "hard_sigmoid", code: wgsl });
    const made = device.createComputePipelineAsync({
      label: "hard_sigmoid",
      layout: "auto",
      compute: { module, entryPoint, constants },
    });
    // A failure is not kept, so that a later call may succeed.
    made.catch(() => pipelines.delete(key));
    pipelines.set(key, made);
  }
  return pipelines.get(key);
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
  const scopes = ["out-of-memory", "validation"];
  scopes.forEach((scope) => device.pushErrorScope(scope));
  let value;
  let found;
  try {
    value = make();
  } finally {
    found = scopes.map(() => device.popErrorScope());
  }
  // Validation was popped first. What memory could not be had for is invalid, too.
  const [validation, memory] = await Promise.all(found);
  if (memory ?? validation) throw new Error(`the device refused: ${(memory ?? validation).message}`);
  return value;
}
