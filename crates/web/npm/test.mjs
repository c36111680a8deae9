// Run by scripts/web in Node, beside the installed package.
import assert from "node:assert/strict";
import { test } from "node:test";
import { executedOn, hardSigmoid, presets } from "hard-sigmoid";

test("presets, in place, and types", async () => {
  const x = new Float32Array([-7, -2.5, 0, 1.25, 22, NaN]);
  const y = await hardSigmoid(x, { preset: "onnx" });
  assert.deepEqual([...y], [0, 0, 0.5, 0.75, 1, NaN]);
  assert.equal(await hardSigmoid(x, { ...presets.pytorch, out: x }), x);
  assert.equal([...x.subarray(0, 5)].map((y) => y.toFixed(6)).join(), "0.000000,0.083333,0.500000,0.708333,1.000000");
  assert.deepEqual([...(await hardSigmoid(new Float64Array([1]), { alpha: 0.25, beta: 0.5 }))], [0.75]);
  // 0 is 0.5: 0x3800 in float16, 0x3f00 in bfloat16.
  assert.equal((await hardSigmoid(new Uint16Array(1), { preset: "onnx", type: "float16" }))[0], 0x3800);
  assert.equal((await hardSigmoid(new Uint16Array(1), { preset: "onnx", type: "bfloat16" }))[0], 0x3f00);
  assert.equal((await hardSigmoid(new Float32Array(0), { preset: "onnx" })).length, 0);
  assert.match(await executedOn(), /^cpu/);
});

test("several pieces, and calls at once", async () => {
  const x = Float32Array.from({ length: 7_000_001 }, (_, i) => (i % 1000) * 0.01 - 5);
  const all = await Promise.all(["onnx", "pytorch", "onnx"].map((preset) => hardSigmoid(x, { preset })));
  assert.deepEqual(all[0], all[2]);
  for (let i = 0; i < x.length; i += 997) {
    assert.ok(Math.abs(all[1][i] - Math.min(Math.max(x[i] / 6 + 0.5, 0), 1)) < 2e-7, `element ${i}`);
  }
});

test("an array that is transferred meanwhile is an error", async () => {
  for (const which of ["x", "out"]) {
    const arrays = { x: new Float32Array(7_000_001), out: new Float32Array(7_000_001) };
    const call = hardSigmoid(arrays.x, { preset: "onnx", out: arrays.out });
    structuredClone(arrays[which].buffer, { transfer: [arrays[which].buffer] });
    await assert.rejects(call, /transferred/, which);
    // Other calls still run.
    assert.equal((await hardSigmoid(new Float32Array(1), { preset: "onnx" }))[0], 0.5);
  }
});

test("an array that is transferred at any moment is an error, or is computed", async () => {
  for (let turns = 0; turns < 24; turns++) {
    for (const inPlace of [true, false]) {
      const x = new Float32Array(8);
      const out = inPlace ? x : new Float32Array(8);
      let copy = x;
      const transfer = () => {
        copy = structuredClone(x, { transfer: [x.buffer] });
      };
      let soon = transfer;
      for (let i = 0; i < turns; i++) {
        const next = soon;
        soon = () => queueMicrotask(next);
      }
      const call = hardSigmoid(x, { preset: "onnx", out });
      soon();
      const found = await call.then(() => (inPlace ? copy : out)[7], (error) => error.message);
      assert.match(String(found), /^0.5$|transferred/, `after ${turns} turns`);
    }
  }
});

test("mistakes name the remedy", async () => {
  const x = new Float32Array(8);
  const refused = (array, options, message) => assert.rejects(hardSigmoid(array, options), message);
  await refused(x, {}, /no default function: give preset \("onnx" or "pytorch"\)/);
  await refused(x, { alpha: 1 }, /both alpha and beta/);
  await refused(x, { preset: "tanh" }, /unknown preset "tanh"/);
  await refused(x, { preset: "onnx", alpha: 1, beta: 0 }, /its own alpha and beta/);
  await refused(x, { alpha: Infinity, beta: 0 }, /finite/);
  await refused([1, 2], { preset: "onnx" }, /must be a Float32Array/);
  await refused(new Uint16Array(1), { preset: "onnx" }, /type: "float16" or "bfloat16"/);
  await refused(x, { preset: "onnx", out: new Float32Array(7) }, /Float32Array of 8 elements/);
  await refused(x.subarray(0, 4), { preset: "onnx", out: x.subarray(2, 6) }, /overlaps/);
  await refused(x, { preset: "onnx", backend: "tpu" }, /"tpu" is no backend: use auto, gpu or cpu/);
  await refused(x, { preset: "onnx", backend: "gpu" }, /CPU path/);
  await assert.rejects(executedOn("auto", -1), /whole number/);
});
