// What README.md advises where a bundler does not find the WebAssembly.
import { init } from "hard-sigmoid";
import wasm from "hard-sigmoid/hard_sigmoid_bg.wasm";
import judge from "hard-sigmoid/judge_bg.wasm";

await init(new URL(wasm, import.meta.url));
globalThis.judge = new URL(judge, import.meta.url);
await import("./main.js");
