// A page with the package: arrays on both backends, and a judge. The title says what came of it.
import { hardSigmoid, saturation, validate } from "hard-sigmoid";

try {
  const x = new Float32Array([-7, -2.5, 0, 1.25, 22]);
  const found = [];
  for (const backend of ["cpu", "gpu"]) {
    found.push(...(await hardSigmoid(x, { preset: "onnx", backend })));
    found.push(...Object.values(await saturation(x, { preset: "onnx", backend })));
  }
  const half = { preset: "pytorch", type: "float16" };
  const { ok } = await validate((x) => hardSigmoid(x, half), { ...half, wasm: globalThis.judge });
  document.title = `${found.join()} ${ok}`;
} catch (error) {
  document.title = `failed: ${error.message}`;
}
