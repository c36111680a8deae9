// Writes what onnxruntime-web's HardSigmoid gives in headless Chromium, on WebGPU by SwiftShader, for the f32 of a .npy
// file, to be judged by `hard-sigmoid validate --results`:
//
//     npm install --no-save onnxruntime-web puppeteer-core
//     node onnxruntime_web.mjs MODEL.onnx X.npy Y.npy
//
// The model has one HardSigmoid, from x to y: `onnx_model` in judge.py makes it.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import puppeteer from "puppeteer-core";

const [model, from, to] = process.argv.slice(2);
const bytes = readFileSync(from);
// Behind the header of version 1.0 of the format.
const start = 10 + bytes.readUInt16LE(8);
const results = [];
const server = createServer((request, response) => {
  if (request.method === "POST") {
    request.on("data", (part) => results.push(part)).on("end", () => response.end());
    return;
  }
  const files = { "/": "", "/x": bytes.subarray(start), "/model": readFileSync(model) };
  const path = new URL(request.url, "http://localhost").pathname;
  const types = { mjs: "text/javascript", wasm: "application/wasm" };
  response.setHeader("content-type", types[path.split(".").pop()] ?? "text/html");
  const file = `node_modules/onnxruntime-web/dist${path}`;
  // A browser asks for an icon, too.
  response.end(files[path] ?? (existsSync(file) ? readFileSync(file) : ""));
}).listen(0, "127.0.0.1");
await new Promise((resolve) => server.once("listening", resolve));

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless=new", "--no-sandbox", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"],
  protocolTimeout: 600_000,
});
const page = await browser.newPage();
await page.goto(`http://127.0.0.1:${server.address().port}/`);
const version = await page.evaluate(async () => {
  const ort = await import("/ort.webgpu.min.mjs");
  ort.env.wasm.numThreads = 1;
  const get = async (path) => (await fetch(path)).arrayBuffer();
  const session = await ort.InferenceSession.create(await get("/model"), { executionProviders: ["webgpu"] });
  const x = new Float32Array(await get("/x"));
  const most = 1 << 22;
  for (let first = 0; first < x.length; first += most) {
    const part = x.slice(first, first + most);
    const { y } = await session.run({ x: new ort.Tensor("float32", part, [part.length]) });
    await fetch("/y", { method: "POST", body: new Float32Array(await y.getData()) });
  }
  return ort.env.versions.web;
});
await browser.close();
server.close();
writeFileSync(to, Buffer.concat([bytes.subarray(0, start), ...results]));
console.log(`onnxruntime-web ${version}: ${to}`);
