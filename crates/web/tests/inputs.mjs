// Writes .npy files of every type that the page reads: all bit patterns of the 16-bit types, and many of the others.
//
//     node inputs.mjs OUT_DIR

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

const out = process.argv[2];
if (!out) {
  console.error("usage: node inputs.mjs OUT_DIR");
  process.exit(2);
}

function npy(descr, shape, data) {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`.padEnd(117) + "\n";
  const header = Buffer.from(`\x93NUMPY\x01\x00\x76\x00${text}`, "latin1");
  return Buffer.concat([header, Buffer.from(data.buffer)]);
}

const patterns = Uint16Array.from({ length: 65536 }, (_, i) => i);
const words = Uint32Array.from({ length: 300_003 }, (_, i) => Math.imul(i + 1, 0x9e3779b1));
const near = Float32Array.from({ length: 65_537 }, (_, i) => i / 8192 - 4);
await mkdir(out, { recursive: true });
for (const [name, descr, shape, data] of [
  ["float16", "<f2", [256, 256], patterns],
  ["bfloat16", "|V2", [65536], patterns],
  ["float32", "<f4", [3, 100_001], words],
  ["float32_near_0", "<f4", [65_537], near],
  ["float32_big_endian", ">f4", [300_003], words],
  ["float64", "<f8", [150_001], words.subarray(0, 300_002).slice()],
]) {
  await writeFile(join(out, `${name}.npy`), npy(descr, shape, data));
}
