// Run by scripts/web in Node, beside the installed package.
import assert from "node:assert/strict";
import { test } from "node:test";
import { backward, hardSigmoid, init, presets, saturation, validate } from "hard-sigmoid";

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
});

test("several pieces, and calls at once", async () => {
  const x = Float32Array.from({ length: 7_000_001 }, (_, i) => (i % 1000) * 0.01 - 5);
  const all = await Promise.all(["onnx", "pytorch", "onnx"].map((preset) => hardSigmoid(x, { preset })));
  assert.deepEqual(all[0], all[2]);
  for (let i = 0; i < x.length; i += 997) {
    assert.ok(Math.abs(all[1][i] - Math.min(Math.max(x[i] / 6 + 0.5, 0), 1)) < 2e-7, `element ${i}`);
  }
});

// Whole numbers, so that JavaScript's arithmetic is exact: results are 0 up to -2, 1 from 2 on, and slopes are 1/4.
const quarter = { alpha: 0.25, beta: 0.5 };
const whole = Float32Array.from({ length: 100_003 }, (_, i) => (i % 101 === 100 ? NaN : (i % 9) - 4));
const up = Float32Array.from(whole, (_, i) => (i % 7) - 3);
const y = Float32Array.from(whole, (x) => Math.min(Math.max(0.25 * x + 0.5, 0), 1));
const down = Float32Array.from(whole, (x, i) => (x > -2 && x < 2 ? 0.25 : 0) * up[i] + 0);
const plain = (array) => Array.from(array, (x) => x + 0);

test("the backward pass, from what was read and from what was written, and in place", async () => {
  for (const [from, saved] of [["input", whole], ["output", y]]) {
    assert.deepEqual(plain(await backward(saved, up, { ...quarter, from })), plain(down), from);
    for (const out of ["saved", "gradY"]) {
      const arrays = { saved: saved.slice(), gradY: up.slice() };
      const found = await backward(arrays.saved, arrays.gradY, { ...quarter, from, out: arrays[out] });
      assert.equal(found, arrays[out]);
      assert.deepEqual(plain(found), plain(down), `${from}, ${out}`);
    }
  }
});

test("counts", async () => {
  const is = (condition) => y.filter(condition).length;
  const [zero, one, nan] = [is((y) => y === 0), is((y) => y === 1), is(Number.isNaN)];
  const expected = { zero, one, inside: y.length - zero - one - nan, nan };
  assert.deepEqual(await saturation(whole, quarter), expected);
  assert.deepEqual(await saturation(new Float64Array(whole), quarter), expected);
  assert.deepEqual(await saturation(new Float32Array(0), quarter), { zero: 0, one: 0, inside: 0, nan: 0 });
});

test("ranges and rows, with padding that stays as it is", async () => {
  for (const [width, rows, pitch, to] of [[3, 5, 4, 3], [1000, 99, 1001, 1007], [70_001, 2, 70_001, 70_003]]) {
    const x = Float32Array.from({ length: 7 + rows * pitch }, (_, i) => whole[i % whole.length]);
    const out = new Float32Array(2 + rows * to).fill(9);
    const expected = out.slice();
    for (let row = 0; row < rows; row++) {
      for (let i = 0; i < width; i++) {
        expected[1 + row * to + i] = Math.min(Math.max(0.25 * x[7 + row * pitch + i] + 0.5, 0), 1);
      }
    }
    const source = { array: x, first: 7, length: width, rows, pitch };
    await hardSigmoid(source, { ...quarter, out: { array: out, first: 1, length: width, rows, pitch: to } });
    // Not the bits of NaN.
    assert.deepEqual(Array.from(out), Array.from(expected), `${rows} rows of ${width}`);
    // Without padding.
    const tight = await hardSigmoid(source, quarter);
    assert.equal(tight.length, rows * width);
    assert.equal(tight[width], expected[1 + to]);
    const sum = Object.values(await saturation(source, quarter)).reduce((a, b) => a + b);
    assert.equal(sum, rows * width);
    assert.equal(await hardSigmoid(source, { ...quarter, out: tight.fill(0) }), tight);
    assert.equal(tight[width], expected[1 + to]);
  }
  // Two halves of one array.
  const both = new Float32Array([-4, 0, 4, 7, 7, 7, 7]);
  await hardSigmoid(both.subarray(0, 3), { ...quarter, out: both.subarray(3, 6) });
  assert.deepEqual([...both], [-4, 0, 4, 0, 0.5, 1, 7]);
});

test("rows of a few elements, and of none", async () => {
  const x = Float32Array.from({ length: 300_000 }, (_, i) => whole[i % whole.length]);
  const found = await hardSigmoid({ array: x, length: 1, rows: 100_000, pitch: 3 }, quarter);
  assert.deepEqual(Array.from(found), Array.from({ length: 100_000 }, (_, i) => y[(3 * i) % whole.length]));
  assert.equal((await hardSigmoid({ array: x, length: 0, rows: 2 ** 33 }, quarter)).length, 0);
});

test("the judge", async () => {
  const onnx = (x) => x.map((x) => Math.min(Math.max(0.2 * x + 0.5, 0), 1));
  const wrong = await validate(onnx, { preset: "pytorch" });
  assert.equal(wrong.ok, false);
  assert.match(wrong.causes.join(), /this is the other function: onnx/);
  assert.ok(wrong.checked > 1e7 && wrong.maxUlp > 1 && wrong.findings.some(({ kind }) => kind === "accuracy"));
  for (const type of ["float32", "float16", "bfloat16"]) {
    const own = { preset: "pytorch", type: type.endsWith("16") ? type : undefined };
    const common = { preset: "pytorch", type, bits: true };
    const right = await validate((x) => hardSigmoid(x, own), common);
    assert.ok(right.ok, right.text);
    for (const from of type === "float32" ? [] : ["input", "output"]) {
      const right = await validate((x, gradY) => backward(x, gradY, { ...own, from }), { ...common, from });
      assert.ok(right.ok, right.text);
    }
  }
  const half = { preset: "onnx", type: "float16" };
  const off = async (x) => (await hardSigmoid(x, half)).map((bits) => (bits === 0x3800 ? bits + 1 : bits));
  for (const [tolerance, ok] of [[{ ulp: 0 }, false], [{}, true], [{ ulp: 1 }, true], [{ bits: true }, false],
    [{ atol: 1e-3 }, true], [{ atol: 1e-4 }, false]]) {
    const found = await validate(off, { ...half, ...tolerance });
    assert.equal(found.ok, ok, `${JSON.stringify(tolerance)}: ${found.text}`);
  }
  assert.equal((await validate((x) => x.slice(1), half)).findings[0].kind, "length");
});

test("an array that is transferred before the computation is an error", async () => {
  for (const which of ["x", "out"]) {
    const arrays = { x: new Float32Array(1001), out: new Float32Array(1001) };
    const call = hardSigmoid(arrays.x, { preset: "onnx", out: arrays.out });
    structuredClone(arrays[which].buffer, { transfer: [arrays[which].buffer] });
    await assert.rejects(call, /transferred/, which);
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
  await refused(x, { alpha: "0.2", beta: 0.5 }, /must be numbers, not string and number: convert/);
  await refused(x, { alpha: Infinity, beta: 0 }, /finite/);
  await refused(x, { alpha: Infinity, beta: 0, backend: "gpu" }, /finite/);
  await refused([1, 2], { preset: "onnx" }, /must be a Float32Array/);
  await refused(new Uint16Array(1), { preset: "onnx" }, /type: "float16" or "bfloat16"/);
  await refused(new Uint16Array(1), { preset: "onnx", type: "f16" }, /"float16" or "bfloat16", and not "f16"/);
  await refused(x, { preset: "onnx", type: "f32" }, /holds float32, and not "f32": omit type/);
  await refused(x, { preset: "onnx", out: new Float32Array(7) }, /x has 8 elements and out 7/);
  await refused(x, { preset: "onnx", out: new Float64Array(8) }, /out must be a Float32Array/);
  await refused(x, { preset: "onnx", out: new Uint16Array(8) }, /out must be a Float32Array/);
  await refused(x, { preset: "onnx", out: [1] }, /out must be a Float32Array/);
  await refused(x.subarray(0, 4), { preset: "onnx", out: x.subarray(2, 6) }, /overlap in one buffer/);
  await refused({ array: x, first: 9 }, { preset: "onnx" }, /begins at element 9, past the end/);
  await refused({ array: x, first: 3, length: 6 }, { preset: "onnx" }, /6 elements from element 3 on do not fit/);
  await refused({ array: x, length: 2 ** 40 }, { preset: "onnx" }, /1099511627776 elements from element 0 on do not/);
  const gone = new Float32Array(8);
  structuredClone(gone.buffer, { transfer: [gone.buffer] });
  await refused(gone, { preset: "onnx" }, /transferred or resized/);
  await assert.rejects(saturation(gone, { preset: "onnx" }), /transferred or resized/);
  const resizable = new ArrayBuffer(32, { maxByteLength: 32 });
  const beyond = new Float32Array(resizable, 0, 8);
  resizable.resize(16);
  await refused(beyond, { preset: "onnx" }, /transferred or resized/);
  await assert.rejects(init("elsewhere.wasm"), /call init before all else/);
  await refused({ array: x, first: 1.5 }, { preset: "onnx" }, /integers from 0 on/);
  await refused({ array: x, rows: 2 }, { preset: "onnx" }, /rows of x take length, rows and, for padding, pitch/);
  await refused({ array: x, length: 4, rows: 2, pitch: 3 }, { preset: "onnx" }, /make the pitch the width or more/);
  await refused({ array: x, length: 3, rows: 3, pitch: 4 }, { preset: "onnx" }, /row 2 of the source does not fit/);
  await refused(x, { preset: "onnx", backend: "tpu" }, /unknown backend "tpu": use "cpu" or "gpu"/);
  await refused(x, { preset: "onnx", backend: "gpu" }, /no WebGPU adapter here: omit backend/);
  await refused(x, null, /options must be an object with any of preset, alpha/);
  await refused(x, { preset: "onnx", output: x }, /no "output" in options: use preset, .*backend, out/);
  await refused({ array: x, offset: 1 }, { preset: "onnx" }, /no "offset" in x: use first, length, rows/);
  await assert.rejects(saturation(x, { preset: "onnx", out: x }), /no "out" in options/);
  await assert.rejects(backward(x, x, { preset: "onnx" }), /from: "input" or "output"/);
  const input = { preset: "onnx", from: "input" };
  await assert.rejects(backward(x, new Float64Array(8), input), /gradY must be a Float32Array, as saved is: convert/);
  await assert.rejects(backward(x, input), /gradY must be a Float32Array/);
  await assert.rejects(backward(x, new Uint16Array(8), input), /gradY must be a Float32Array/);
  await assert.rejects(backward(x, x.slice(1), input), /saved has 8 elements and gradY 7/);
  await assert.rejects(saturation(x, {}), /no default function/);
  const judged = (f, options, message) => assert.rejects(validate(f, { preset: "onnx", ...options }), message);
  await judged(undefined, {}, /the function to judge/);
  await judged((x) => x, { type: "f32" }, /unknown type "f32": use one of "float32"/);
  await judged((x) => x, { ulp: 1, bits: true }, /one of ulp, atol and bits/);
  await judged((x) => x, { atol: -1 }, /atol is no distance/);
  await judged((x) => x, { atol: null }, /atol is no distance/);
  await judged((x) => x, { ulp: 0.5 }, /ulp is no distance/);
  const half = { type: "float16" };
  await judged(() => [1, 2], half, /returned no Uint16Array or Float16Array/);
  await judged((x) => new Int16Array(x.length), half, /returned no Uint16Array or Float16Array/);
  await judged((x) => x, { from: "x" }, /from: "input" or "output"/);
});
