// Compiled by scripts/web beside the installed package, to check its types. Nothing here runs.
import { executedOn, hardSigmoid, presets } from "hard-sigmoid";

const x = new Float32Array(8);
const y: Float32Array = await hardSigmoid(x, { preset: "onnx" });
const f = presets.pytorch;
const bits: Uint16Array = await hardSigmoid(new Uint16Array(8), { ...f, type: "bfloat16", backend: "cpu" });
const where: string = await executedOn("gpu");
await hardSigmoid(x, { alpha: 0.25, beta: 0.5, out: x });
console.log(y, bits, where);

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
