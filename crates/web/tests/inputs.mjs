// Writes files of every format and type that the page reads: all bit patterns of the 16-bit types, and many of the
// others; and such as are long, or have parts that are copied.
//
//     node inputs.mjs OUT_DIR

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";

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

const numbers = (size, ...values) => {
  const bytes = Buffer.alloc(size * values.length);
  values.forEach((value, i) => bytes.writeUIntLE(value, i * size, size));
  return bytes;
};

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** A zip archive, as NumPy writes it: 4.3 of APPNOTE.TXT. */
function zip(members, isDeflated) {
  const files = [];
  const directory = [];
  let at = 0;
  for (const [name, bytes] of Object.entries(members)) {
    const data = isDeflated ? deflateRawSync(bytes) : bytes;
    // The version, flags, method, and the date 1980-01-01.
    const about = Buffer.concat([
      numbers(2, 20, 0, isDeflated ? 8 : 0, 0, 33), numbers(4, crc32(bytes), data.length, bytes.length),
      numbers(2, name.length, 0),
    ]);
    directory.push(Buffer.from("PK\x01\x02\x14\x03", "latin1"), about, numbers(2, 0, 0, 0), numbers(4, 0, at),
      Buffer.from(name));
    files.push(Buffer.from("PK\x03\x04"), about, Buffer.from(name), data);
    at += 4 + about.length + name.length + data.length;
  }
  const entries = Buffer.concat(directory);
  const many = files.length / 4;
  return Buffer.concat([
    ...files, entries, Buffer.from("PK\x05\x06"), numbers(2, 0, 0, many, many), numbers(4, entries.length, at),
    numbers(2, 0),
  ]);
}

function safetensors(tensors) {
  const header = { __metadata__: { made_by: "inputs.mjs" } };
  let end = 0;
  for (const [name, [dtype, shape, data]] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  const text = Buffer.from(JSON.stringify(header));
  const data = Object.values(tensors).map(([, , data]) => Buffer.from(data.buffer));
  return Buffer.concat([numbers(4, text.length, 0), text, ...data]);
}

const patterns = Uint16Array.from({ length: 65536 }, (_, i) => i);
const words = Uint32Array.from({ length: 300_003 }, (_, i) => Math.imul(i + 1, 0x9e3779b1));
const near = Float32Array.from({ length: 65_537 }, (_, i) => i / 8192 - 4);
const integers = Int32Array.from({ length: 1000 }, (_, i) => i - 500);
// More than is computed or written at once.
const long = Uint16Array.from({ length: 5_000_001 }, (_, i) => i);
const mixed = {
  "a.npy": npy("<f4", [3, 100_001], words),
  "counts.npy": npy("<i4", [1000], integers),
  "big_endian.npy": npy(">f8", [150_001], words.subarray(0, 300_002).slice()),
  "bfloat16.npy": npy("<V2", [65536], patterns),
  "notes.txt": Buffer.from("This is copied.\n"),
  "half.npy": npy("<f2", [256, 256], patterns),
};
await mkdir(out, { recursive: true });
for (const [name, descr, shape, data] of [
  ["all_the_same", "<f4", [1000], new Float32Array(1000).fill(-3.4e38)],
  ["nearly_the_same", "<f8", [1000], Float64Array.from({ length: 1000 }, (_, i) => 3e15 + (i % 2))],
  ["float16", "<f2", [256, 256], patterns],
  ["bfloat16", "|V2", [65536], patterns],
  ["float32", "<f4", [3, 100_001], words],
  ["float32_near_0", "<f4", [65_537], near],
  ["float32_big_endian", ">f4", [300_003], words],
  ["float64", "<f8", [150_001], words.subarray(0, 300_002).slice()],
]) {
  await writeFile(join(out, `${name}.npy`), npy(descr, shape, data));
}
for (const [name, bytes] of [
  ["stored_with_bfloat16.npz", zip(mixed, false)],
  ["deflated_with_bfloat16.npz", zip(mixed, true)],
  ["long.npz", zip({ "first.npy": npy("<f2", [5_000_001], long), "last.npy": npy("<f4", [65_537], near) }, false)],
  ["mixed.safetensors", safetensors({
    bias: ["BF16", [65536], patterns],
    steps: ["I32", [1000], integers],
    weight: ["F32", [3, 100_001], words],
    half: ["F16", [256, 256], patterns],
    double: ["F64", [32_768], near.slice(0, 65_536)],
  })],
  ["long.safetensors", safetensors({ weight: ["BF16", [5_000_001], long] })],
]) {
  await writeFile(join(out, name), bytes);
}
