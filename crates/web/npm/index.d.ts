// Nothing but what says so is exported.
export {};

type IfPresent = typeof globalThis extends { Float16Array: { prototype: infer T } } ? T : never;

// WebGPU's types are those of the program: of its TypeScript, or of @webgpu/types.
type Device = typeof globalThis extends { GPUDevice: { prototype: infer T } } ? T : any;
type Buffer = typeof globalThis extends { GPUBuffer: { prototype: infer T } } ? T : any;
type Encoder = typeof globalThis extends { GPUCommandEncoder: { prototype: infer T } } ? T : any;
type Pass = typeof globalThis extends { GPUComputePassEncoder: { prototype: infer T } } ? T : any;

/** Arrays of floating-point numbers. A `Uint16Array` holds the bits of float16 or bfloat16. */
export type Numbers = Float32Array | Float64Array | Uint16Array | IfPresent;

/** Where to run. */
export type Backend =
  /** WebGPU if it is hardware, faster here, and the array has 2^26 elements or more; the CPU path otherwise. */
  | "auto"
  /** WebGPU, or else an error. */
  | "gpu"
  /** The CPU path, in WebAssembly. */
  | "cpu";

export type Preset =
  /** α = 0.2, β = 0.5: ONNX, Keras 1 and 2, TensorFlow.js, WebNN. */
  | "onnx"
  /** α = 1/6, β = 0.5: PyTorch, Keras 3, JAX. */
  | "pytorch";

/** The function: a preset, or α and β. There is no default. */
export type Choice =
  | { preset: Preset; alpha?: never; beta?: never }
  | { preset?: never; alpha: number; beta: number };

export type Options<T> = Choice & {
  /** Where the results go: an array like `x`, or `x` itself. A new array if omitted. */
  out?: T;
  /** `"auto"` if omitted. */
  backend?: Backend;
  /** What a `Uint16Array` holds. */
  type?: "float16" | "bfloat16";
};

/**
 * Computes clamp(α·x + β, 0, 1) of each element, rounded once to the element type. NaN stays NaN.
 *
 * Calls on one backend run one after the other. After an error, `out` may hold a part of the results.
 *
 * @throws TypeError if there is no function, or more than one, if `x` is not an array of numbers, or if `out` is not
 * like `x`.
 * @throws RangeError if `out` overlaps `x` without being `x`.
 * @throws Error if α or β is out of range, if an array is transferred during the call, or if the device fails. It says
 * what to do.
 */
export function hardSigmoid<T extends Numbers>(x: T, options: Options<T>): Promise<T>;

/**
 * Elements in a storage buffer: all of them, or `length` from the `first` on; or as many `rows` of `length` elements,
 * each of which begins `pitch` elements after the one before (`length` if omitted).
 */
export type BufferRange =
  | Buffer
  | { buffer: Buffer; first?: number; length?: number }
  | { buffer: Buffer; first?: number; length: number; rows: number; pitch?: number };

/** What the buffers hold. */
export type BufferType = "float32" | "float16" | "bfloat16";

/** What all bindings may have. */
export type BindingOptions = Choice & {
  type: BufferType;
  /**
   * A length that only the GPU knows: a u32 in a storage buffer of its own, at a multiple of 4 bytes. The first
   * elements are computed, as many as it says when the binding runs, and at most as many as there are. It takes another
   * storage buffer in the shader.
   */
  lengthFrom?: Buffer | { buffer: Buffer; offset?: number };
};

export type BufferOptions = BindingOptions & {
  /** The elements that the function is applied to. */
  source: BufferRange;
  /** Where the results go: as many elements, in another buffer or this one. In place if omitted. */
  target?: BufferRange;
};

/**
 * Where counts are added: 32 bytes of a storage buffer of its own, at a multiple of the device's
 * `minStorageBufferOffsetAlignment`. Four little-endian u64: how many results are 0, 1, between them, and NaN. Clear
 * them first, unless several bindings are to add up.
 */
export type Counters = Buffer | { buffer: Buffer; offset?: number };

export type BackwardOptions = BindingOptions & {
  /** What `saved` is: what the forward pass read, or what it wrote. */
  from: "input" | "output";
  /** What the forward pass saved. */
  saved: BufferRange;
  /** The gradient with respect to the output of the forward pass. */
  gradY: BufferRange;
  /** Where the gradient with respect to the input goes. It replaces `gradY` if omitted. */
  gradX?: BufferRange;
};

/** The function and the buffers that it reads and writes, ready to be recorded any number of times. */
export interface Binding {
  /** Records into an encoder of the device, in a compute pass of its own. */
  record(encoder: Encoder): void;
  /** Records into an open compute pass. Afterwards the pass has another pipeline and bind group 0 set. */
  recordPass(pass: Pass): void;
}

/**
 * Prepares the function for buffers of your own device. Nothing is submitted.
 *
 * Ranges may begin at any element. What lies outside of them is not touched.
 *
 * @throws TypeError if there is no function, or more than one, if there is no type, or if source or target is not a
 * storage buffer.
 * @throws RangeError if `first`, `length`, `rows`, `pitch` or the offset of a length is not an integer from 0 on, or if
 * source and target differ in length.
 * @throws Error if α or β is out of range, if a range does not fit its buffer, if source and target overlap without
 * being the same, or if the device refuses. Neither your error scopes nor your handlers notice.
 */
export function bind(device: Device, options: BufferOptions): Promise<Binding>;

/**
 * Prepares the backward pass, as `bind` does the function. `gradX` may be the range of `gradY` or of `saved`.
 *
 * @throws As `bind`, and TypeError if `from` is missing. Errors about ranges call `saved` the source, `gradY` the
 * gradient, and `gradX` the target.
 */
export function bindBackward(device: Device, options: BackwardOptions): Promise<Binding>;

/**
 * Prepares counting how many results are 0, 1, between them, and NaN, as `bind` does the function.
 *
 * @throws As `bind`; RangeError if the offset of the counters is not an integer from 0 on; Error if the counters do not
 * fit their buffer, are not at a multiple of the device's alignment, or are in a buffer with elements.
 */
export function bindSaturation(
  device: Device,
  options: Omit<BufferOptions, "target"> & Choice & { counters: Counters },
): Promise<Binding>;

/** Prepares what `bind` and `bindSaturation` do, in one pass over the source where a shader may have three buffers. */
export function bindWithSaturation(
  device: Device,
  options: BufferOptions & { counters: Counters },
): Promise<Binding>;

/** Where a call on a backend for so many elements runs, for people to read. */
export function executedOn(backend?: Backend, elements?: number): Promise<string>;

/** α and β by the name of a preset. */
export const presets: Readonly<Record<Preset, Readonly<{ alpha: number; beta: number }>>>;
