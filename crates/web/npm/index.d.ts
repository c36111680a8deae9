// Only what is marked with `export` is exported.
export {};

type IfPresent = typeof globalThis extends { Float16Array: { prototype: infer T } } ? T : never;

// WebGPU's types are those of the program: of its TypeScript, or of @webgpu/types.
type Device = typeof globalThis extends { GPUDevice: { prototype: infer T } } ? T : any;
type Buffer = typeof globalThis extends { GPUBuffer: { prototype: infer T } } ? T : any;
type Encoder = typeof globalThis extends { GPUCommandEncoder: { prototype: infer T } } ? T : any;
type Pass = typeof globalThis extends { GPUComputePassEncoder: { prototype: infer T } } ? T : any;

// Without the types of a browser, as in Node, there is no such type.
type Module = typeof globalThis extends { WebAssembly: { Module: { prototype: infer T } } } ? T : never;

/** Arrays of floating-point numbers. A `Uint16Array` holds the bits of float16 or bfloat16. */
export type Numbers = Float32Array | Float64Array | Uint16Array | IfPresent;

/**
 * Where to run, with the same bits, except that a GPU may take a subnormal number for 0. For arrays in memory, copying
 * to a GPU and back may take longer than the CPU path.
 */
export type Backend =
  /** The CPU path, in WebAssembly. */
  | "cpu"
  /** WebGPU, or else an error. float64, which no GPU computes, stays on the CPU path. */
  | "gpu";

export type Preset =
  /** α = 0.2, β = 0.5: ONNX, Keras 1 and 2, TensorFlow.js, WebNN. */
  | "onnx"
  /** α = 1/6, β = 0.5: PyTorch, Keras 3, JAX. */
  | "pytorch";

/** The function: a preset, or α and β. There is no default. */
export type Choice =
  | { preset: Preset; alpha?: never; beta?: never }
  | { preset?: never; alpha: number; beta: number };

/**
 * Elements of an array: all of them, or `length` from the `first` on; or as many `rows` of `length` elements, each of
 * which begins `pitch` elements after the one before (`length` if omitted). Beside rows, one range of as many elements
 * stands for rows without padding.
 */
export type ArrayRange<T> =
  | T
  | { array: T; first?: number; length?: number; rows?: never; pitch?: never }
  | { array: T; first?: number; length: number; rows: number; pitch?: number };

export type CountOptions = Choice & {
  /** `"cpu"` if omitted. */
  backend?: Backend;
  /** What a `Uint16Array` holds. */
  type?: "float16" | "bfloat16";
};

export type Options<T> = CountOptions & {
  /**
   * Where the results go: as many elements as there are, in an array of the same class, or the input itself. A new
   * array without padding if omitted. That it overlaps the input is seen only in one `ArrayBuffer` or
   * `SharedArrayBuffer` object.
   */
  out?: ArrayRange<T>;
};

/** What the forward pass saved: what it read, or what it wrote. */
export type Saved = "input" | "output";

/**
 * Computes clamp(α·x + β, 0, 1) of each element. NaN stays NaN. Returns the array with the results.
 *
 * With a preset, results of float32 are within 1 ULP of the exact result, and those of float64 within 2, also close to
 * 0, since (x + β/α)·α is computed. 16-bit results are computed in float32 and rounded once.
 *
 * The CPU path computes without a pause: a call over many millions of elements belongs in a worker. After an error,
 * `out` may hold a part of the results.
 *
 * @throws TypeError if there is no function, or more than one, if α or β is not a number, if an option is not known, if
 * `x` is not an array of numbers, if `out` is of another class, or if an array is transferred before the call ends.
 * @throws RangeError if `first`, `length`, `rows` or `pitch` is not an integer from 0 on, or if `x` and `out` differ in
 * length.
 * @throws Error if α or β is out of range, if a range does not fit its array, if `x` and `out` overlap without being
 * the same, if the WebAssembly cannot be loaded, or if the device fails. It says what to do. Errors about ranges call
 * `x` the source and `out` the target, and arrays buffers.
 */
export function hardSigmoid<T extends Numbers>(x: ArrayRange<T>, options: Options<T>): Promise<T>;

/**
 * The backward pass: computes the gradient with respect to x, from what the forward pass saved and from the gradient
 * with respect to y. `out` may be the range of either. Returns the array with the results.
 *
 * @throws As `hardSigmoid`, and TypeError if `from` is missing, or if `gradY` is of another class than `saved`. Errors
 * about ranges call `saved` the source, `gradY` the gradient, and `out` the target.
 */
export function backward<T extends Numbers>(
  saved: ArrayRange<T>,
  gradY: ArrayRange<T>,
  options: Options<T> & { from: Saved },
): Promise<T>;

/** How many results are 0, 1, between them, and NaN. */
export interface Saturation {
  zero: number;
  one: number;
  inside: number;
  nan: number;
}

/**
 * Counts how many results for `x` are 0, 1, between them, and NaN, without writing them anywhere.
 *
 * @throws As `hardSigmoid`.
 */
export function saturation<T extends Numbers>(x: ArrayRange<T>, options: CountOptions): Promise<Saturation>;

/** What is wrong with some results. */
export interface Finding {
  /** In a word, such as `"NaN"` or `"edges"`. */
  kind: string;
  /** How many results are. */
  count: number;
  /** Whether they are outside of the tolerance. Otherwise it is only worth knowing. */
  fails: boolean;
  /** A sentence. */
  text: string;
  /** At most three results, with their inputs and what was expected. */
  examples: string[];
}

export interface Judgement {
  /** Whether all results are within the tolerance. */
  ok: boolean;
  /** Results that were judged. */
  checked: number;
  /** The largest distance in ULP between a result and the number nearest to the exact result. */
  maxUlp: number;
  maxAbsError: number;
  findings: Finding[];
  /** What explains the wrong results, such as that this is the other function. */
  causes: string[];
  /** All of this as Markdown. */
  text: string;
}

/** The function that is to be computed, of which type, and how well: to one ULP, unless something else is given. */
export type JudgeOptions = Choice & {
  /** `"float32"` if omitted. The 16-bit types are bits in a `Uint16Array`. */
  type?: "float32" | "float64" | "float16" | "bfloat16";
  /** Judges a backward pass, which is given what the forward pass saved and the gradients with respect to y. */
  from?: Saved;
  /** Whole ULP. */
  ulp?: number;
  /** An absolute error. */
  atol?: number;
  /** The bits of the CPU path, NaN included. */
  bits?: boolean;
  /** Where a bundler or a server has put `judge_bg.wasm`. Beside the package if omitted. */
  wasm?: WebAssemblySource;
};

/**
 * Judges any implementation over all kinds of numbers: 17 million of float32 and float64, or all of a 16-bit type, in a
 * few seconds and up to 1.5 GB of memory. `f` returns an array with a result for each input; it may be async, and may
 * use a GPU.
 *
 * @throws TypeError if `f` is no function, or returns no array of the type; if there is no function to compare with, or
 * more than one tolerance.
 * @throws RangeError if `ulp` or `atol` is no distance.
 * @throws What `f` throws.
 */
export function validate<T extends Float32Array | Float64Array | Uint16Array>(
  f: (x: T, gradY: T) => ArrayBufferView | Promise<ArrayBufferView>,
  options: JudgeOptions,
): Promise<Judgement>;

/**
 * Loads the WebAssembly before the first call, which would do it otherwise: from beside the package, or from `source`,
 * where a bundler or a server has put `hard_sigmoid_bg.wasm`.
 */
export function init(source?: WebAssemblySource): Promise<void>;

export type WebAssemblySource = string | URL | Request | Response | ArrayBuffer | ArrayBufferView | Module;

/**
 * Elements in a storage buffer: all of them, or `length` from the `first` on; or as many `rows` of `length` elements,
 * each of which begins `pitch` elements after the one before (`length` if omitted). Beside rows, one range of as many
 * elements stands for rows without padding.
 */
export type BufferRange =
  | Buffer
  | { buffer: Buffer; first?: number; length?: number; rows?: never; pitch?: never }
  | { buffer: Buffer; first?: number; length: number; rows: number; pitch?: number };

/** What the buffers hold. */
export type BufferType = "float32" | "float16" | "bfloat16";

/** What all bindings may have. */
export type BindingOptions = Choice & {
  type: BufferType;
  /**
   * A length that only the GPU knows: a u32 in a storage buffer of its own, at a multiple of 4 bytes. The first
   * elements are computed, as many as it says when the binding runs, and at most as many as there are. It takes another
   * storage buffer in the shader. Rows with padding cannot have one.
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
  from: Saved;
  /** What the forward pass saved. */
  saved: BufferRange;
  /** The gradient with respect to the output of the forward pass. */
  gradY: BufferRange;
  /** Where the gradient with respect to the input goes. It replaces `gradY` if omitted. */
  gradX?: BufferRange;
};

/** The function and the buffers that it reads and writes, ready to be recorded any number of times. */
export interface Binding {
  /** Records into an encoder of the device, in a compute pass of its own. @throws TypeError if it is no encoder. */
  record(encoder: Encoder): void;
  /**
   * Records into an open compute pass. Afterwards the pass has another pipeline and bind group 0 set.
   *
   * @throws TypeError if it is no compute pass.
   */
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

/** α and β by the name of a preset. */
export const presets: Readonly<Record<Preset, Readonly<{ alpha: number; beta: number }>>>;
