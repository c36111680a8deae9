// Runs the function in fragment shaders of WebGL2 in Chromium, and compares bits.
//
//     node webgl.mjs CASES.json
//
// tests/webgl.rs writes the cases.

import { readFile } from "node:fs/promises";
import puppeteer from "puppeteer-core";

const cases = JSON.parse(await readFile(process.argv[2], "utf8"));

/** On the page: draws 256 times 256 fragments, and returns how many differ. */
function differences({ glsl, params, expected }) {
  const side = 256;
  const gl = new OffscreenCanvas(side, side).getContext("webgl2");
  if (!gl) throw new Error("no WebGL2");
  const program = gl.createProgram();
  const vertex = `#version 300 es
    void main() { gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0, 0.0, 1.0); }`;
  for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, glsl]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
  gl.useProgram(program);

  gl.bindBufferBase(gl.UNIFORM_BUFFER, 0, gl.createBuffer());
  gl.bufferData(gl.UNIFORM_BUFFER, new Uint8Array(params), gl.STATIC_DRAW);
  gl.uniformBlockBinding(program, 0, 0);
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA32UI, side, side);
  gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
  gl.viewport(0, 0, side, side);
  gl.drawArrays(gl.TRIANGLES, 0, 3);

  const bits = new Uint32Array(4 * side * side);
  gl.readPixels(0, 0, side, side, gl.RGBA_INTEGER, gl.UNSIGNED_INT, bits);
  const error = gl.getError();
  if (error !== gl.NO_ERROR) throw new Error(`WebGL error ${error}`);
  return expected.filter((bits_of_y, i) => [0, 1, 2, 3].some((part) => bits[4 * i + part] !== bits_of_y)).length;
}

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless=new", "--no-sandbox", "--enable-unsafe-swiftshader"],
});
try {
  const page = await browser.newPage();
  for (const one of cases) {
    const wrong = await page.evaluate(differences, one);
    if (wrong) throw new Error(`${one.name}: ${wrong} of ${one.expected.length} results differ`);
    console.log(`ok: WebGL2, ${one.name}: ${one.expected.length} results`);
  }
  if (cases.length === 0) throw new Error("there are no cases");
} catch (error) {
  console.error(`FAILED: WebGL2: ${error.message}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
