type IfPresent = typeof globalThis extends { Float16Array: { prototype: infer T } } ? T : never;

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
 * @throws Error if the device fails, with what to do.
 */
export function hardSigmoid<T extends Numbers>(x: T, options: Options<T>): Promise<T>;

/** Where a call on a backend for so many elements runs, for people to read. */
export function executedOn(backend?: Backend, elements?: number): Promise<string>;

/** α and β by the name of a preset. */
export const presets: Readonly<Record<Preset, Readonly<{ alpha: number; beta: number }>>>;
