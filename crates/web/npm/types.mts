// Compiled by scripts/web beside the installed package, to check its types. Nothing here runs.
/// <reference types="@webgpu/types" />
import {
  backward, bind, bindBackward, bindSaturation, bindWithSaturation, hardSigmoid, init, presets, saturation, validate,
} from "hard-sigmoid";
import type { Binding, Judgement } from "hard-sigmoid";
import wasm from "hard-sigmoid/hard_sigmoid_bg.wasm";
import judge from "hard-sigmoid/judge_bg.wasm";

const x = new Float32Array(8);
const y: Float32Array = await hardSigmoid(x, { preset: "onnx" });
const f = presets.pytorch;
const bits: Uint16Array = await hardSigmoid(new Uint16Array(8), { ...f, type: "bfloat16", backend: "cpu" });
const rows: Float32Array = await hardSigmoid({ array: x, length: 3, rows: 2, pitch: 4 }, { preset: "onnx" });
await backward(x, x, { preset: "onnx", from: "input", out: { array: x, first: 0 } });
const { zero } = await saturation(x, { preset: "onnx", backend: "gpu" });
const judgement: Judgement = await validate((x: Float32Array) => hardSigmoid(x, f), { ...f, ulp: 0 });
await validate(async (x: Uint16Array, gradY: Uint16Array) => gradY, { ...f, type: "float16", from: "output" });
await init(new URL(wasm, import.meta.url));
await validate((x: Float32Array) => x, { ...f, wasm: new URL(judge, import.meta.url) });
await hardSigmoid(x, { alpha: 0.25, beta: 0.5, out: x });
console.log(y, bits, rows, zero, judgement.ok);

declare const device: GPUDevice;
declare const buffer: GPUBuffer;
declare const encoder: GPUCommandEncoder;
const binding: Binding = await bind(device, { preset: "onnx", type: "float16", source: buffer });
binding.record(encoder);
await bind(device, { ...f, type: "float32", source: { buffer, first: 3, length: 7 }, target: buffer });
const halves = { ...f, type: "float16" } as const;
await bindBackward(device, { ...halves, from: "output", saved: buffer, gradY: { buffer, first: 8 } });
await bindSaturation(device, { ...halves, source: buffer, counters: { buffer, offset: 256 } });
await bindWithSaturation(device, { ...halves, source: buffer, counters: buffer });
// @ts-expect-error: it is not said what was saved
await bindBackward(device, { ...halves, saved: buffer, gradY: buffer });
// @ts-expect-error: nowhere to count
await bindSaturation(device, { ...halves, source: buffer });
// @ts-expect-error: the type of the elements is missing
await bind(device, { preset: "onnx", source: buffer });
// @ts-expect-error: an array is no buffer
await bind(device, { preset: "onnx", type: "float32", source: x });

// @ts-expect-error: there is no default function
await hardSigmoid(x, {});
// @ts-expect-error: α without β
await hardSigmoid(x, { alpha: 0.2 });
// @ts-expect-error: a preset has its own α
await hardSigmoid(x, { preset: "onnx", alpha: 0.2, beta: 0.5 });
// @ts-expect-error: an array of another type
await hardSigmoid(x, { preset: "onnx", out: new Float64Array(8) });
// @ts-expect-error: no such preset
await hardSigmoid(x, { preset: "tanh" });
// @ts-expect-error: it is not said what was saved
await backward(x, x, { preset: "onnx" });
// @ts-expect-error: rows without a length
await hardSigmoid({ array: x, rows: 2 }, { preset: "onnx" });
