// The function over buffers of the page's own device. What to dispatch comes from the crate; the WebGPU calls are here.

import { backward_parameters, parameters as forward_parameters, Planner } from "./wasm/hard_sigmoid.js";
import { choice, fieldsOf, isFromOutput, load, parameters, quoted } from "./load.js";
import { alike, offsetOf, places, range } from "./ranges.js";

export async function bind(device, options = {}) {
  const { source, target = source } = options ?? {};
  return make(device, options, { source, target }, ({ planner, type, source, target, alpha, beta }) => {
    return [forward_parameters(alpha, beta), planner.forward(type, source, target)];
  });
}

export async function bindSaturation(device, options = {}) {
  const { source, counters } = options ?? {};
  return make(device, options, { source, counters }, ({ planner, type, source, counters, alpha, beta }) => {
    return [forward_parameters(alpha, beta), planner.count(type, source, counters)];
  });
}

export async function bindWithSaturation(device, options = {}) {
  const { source, target = source, counters } = options ?? {};
  const operands = { source, target, counters };
  return make(device, options, operands, ({ planner, type, source, target, counters, alpha, beta }) => {
    return [forward_parameters(alpha, beta), planner.forward_and_count(type, source, target, counters)];
  });
}

export async function bindBackward(device, options = {}) {
  const { saved, gradY, gradX = gradY, from } = options ?? {};
  const operands = { saved, gradY, gradX };
  return make(device, options, operands, ({ planner, type, saved, gradY, gradX, alpha, beta }) => {
    return [backward_parameters(alpha, beta, isFromOutput(from)), planner.backward(type, saved, gradY, gradX)];
  });
}

/** Binds an operation. `recipe` returns its parameters and its steps, from the operands as lists of numbers. */
async function make(device, options, operands, recipe) {
  if (typeof device?.createBindGroup !== "function") {
    throw new TypeError("the first argument must be a GPUDevice: await adapter.requestDevice()");
  }
  const named = "gradY" in operands ? ["from", ...Object.keys(operands)] : Object.keys(operands);
  fieldsOf(options, "options", [...choice, "type", "lengthFrom", ...named]);
  const { type, lengthFrom } = options;
  const { alpha, beta } = parameters(options);
  if (!Object.hasOwn(sizes, type)) {
    const found = type === undefined ? "" : `, and not ${JSON.stringify(type)}`;
    throw new TypeError(`give type: ${quoted(Object.keys(sizes))}${found}; WebGPU computes no others`);
  }
  const { counters, ...ranges } = operands;
  const buffers = [];
  const number = (buffer) => {
    if (!buffers.includes(buffer)) buffers.push(buffer);
    return buffers.indexOf(buffer);
  };
  const elements = Object.entries(ranges).map(([role, of]) => [role, elementsOf(of, sizes[type], role)]);
  alike(Object.fromEntries(elements));
  const numbers = {};
  for (const [role, { buffer, first, width, rows, pitch }] of elements) {
    numbers[role] = [number(buffer), buffer.size, first, width, ...(rows === 1 ? [] : [pitch, rows])];
  }
  const placed = (of, role) => {
    const { buffer, at } = place(of, role);
    return [number(buffer), ...at];
  };
  if ("counters" in operands) numbers.counters = placed(counters, "counters");
  const length = lengthFrom === undefined ? undefined : placed(lengthFrom, "lengthFrom");
  await load();
  const planner = plannerOf(device);
  let block;
  let steps;
  try {
    if (length) planner.set_length(length);
    [block, steps] = recipe({ planner, type, ...numbers, alpha, beta });
  } finally {
    planner.free();
  }
  const pipelines = await Promise.all(steps.map((step) => pipeline(device, step)));
  return checked(device, () => new Binding(device, block, steps, pipelines, buffers));
}

/** What was bound, ready to be recorded any number of times. */
class Binding {
  #dispatches;

  constructor(device, parameters, steps, pipelines, buffers) {
    const alignment = device.limits.minUniformBufferOffsetAlignment;
    const largest = Math.max(parameters.byteLength, ...steps.map(({ block }) => block.byteLength));
    const stride = Math.ceil(largest / alignment) * alignment;
    const blocks = uniforms(device, [parameters, ...steps.map(({ block }) => block)], stride);
    this.#dispatches = steps.map(({ bindings, block, workgroups }, i) => {
      const uniform = {
        parameters: { buffer: blocks, offset: 0, size: parameters.byteLength },
        block: { buffer: blocks, offset: stride * (i + 1), size: block.byteLength },
      };
      const entries = bindings.map(({ binding, uniform: name, buffer, offset, size }) => {
        return { binding, resource: name ? uniform[name] : { buffer: buffers[buffer], offset, size } };
      });
      const group = device.createBindGroup({ layout: pipelines[i].getBindGroupLayout(0), entries });
      return { pipeline: pipelines[i], group, workgroups };
    });
  }

  record(encoder) {
    if (typeof encoder?.beginComputePass !== "function") {
      throw new TypeError("record takes a GPUCommandEncoder: for a compute pass, call recordPass");
    }
    const pass = encoder.beginComputePass({ label: "hard_sigmoid" });
    this.recordPass(pass);
    pass.end();
  }

  recordPass(pass) {
    if (typeof pass?.dispatchWorkgroups !== "function") {
      throw new TypeError("recordPass takes a GPUComputePassEncoder: for a command encoder, call record");
    }
    for (const { pipeline, group, workgroups } of this.#dispatches) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(...workgroups);
    }
  }
}

/** Bytes of an element. */
const sizes = { float32: 4, float16: 2, bfloat16: 2 };

const isBuffer = (it) => typeof GPUBuffer === "function" && it instanceof GPUBuffer;

function storage(buffer, role, also) {
  if (!isBuffer(buffer)) {
    throw new TypeError(`${role} must be a GPUBuffer, or an object with a buffer and perhaps ${also}`);
  }
  if (!(buffer.usage & GPUBufferUsage.STORAGE)) {
    throw new TypeError(`the ${role} buffer is no storage buffer: create it with GPUBufferUsage.STORAGE as well`);
  }
}

/** Elements of a buffer, from the buffer or from `{ buffer, first, length, rows, pitch }`. */
function elementsOf(of, size, role) {
  const { buffer, ...elements } = isBuffer(of) ? { buffer: of } : (of ?? {});
  storage(buffer, role, "first and length");
  fieldsOf(elements, role, places);
  return { buffer, ...range(elements, Math.floor(buffer.size / size), role) };
}

/** Where counters or a length begin, from a buffer or `{ buffer, offset }`. */
function place(of, role) {
  const { buffer, ...rest } = isBuffer(of) ? { buffer: of } : (of ?? {});
  storage(buffer, role, "offset");
  const { offset = 0 } = fieldsOf(rest, role, ["offset"]);
  return { buffer, at: [buffer.size, offsetOf(offset, role)] };
}

function plannerOf({ limits, adapterInfo }) {
  return new Planner(
    limits.maxStorageBufferBindingSize,
    limits.minStorageBufferOffsetAlignment,
    limits.maxStorageBuffersPerShaderStage,
    limits.maxComputeWorkgroupsPerDimension,
    adapterInfo?.isFallbackAdapter ?? false,
  );
}

/** The pipelines of each device. */
const compiled = new WeakMap();

function pipeline(device, step) {
  if (!compiled.has(device)) compiled.set(device, new Map());
  const pipelines = compiled.get(device);
  const { wgsl, entryPoint, constants } = step;
  const key = JSON.stringify([entryPoint, constants, wgsl]);
  if (!pipelines.has(key)) {
    const made = compile(device, step);
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
export async function checked(device, make) {
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
