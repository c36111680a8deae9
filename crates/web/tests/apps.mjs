// Opens an app that uses the package: as a plain page with an import map, from a development server of vite, and as
// vite and esbuild build it.
//
//     node apps.mjs APP_DIR

import { readdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";
import { build, createServer } from "vite";
import { inEachBrowser } from "./launch.mjs";
import { serve } from "./serve.mjs";

const [folder] = process.argv.slice(2).map((path) => resolve(path));
if (!folder) {
  console.error("usage: node apps.mjs APP_DIR");
  process.exit(2);
}

/** README.md says what a page downloads, in kB: of each file, and of what gzip makes of it. */
async function sizes() {
  const readme = await readFile(join(folder, "node_modules/hard-sigmoid/README.md"), "utf8");
  const [, passage] = /\*\*What a page downloads:\*\*(.*?)\n\n/s.exec(readme);
  const said = Array.from(passage.matchAll(/(\d+) kB/g), ([, kilobytes]) => Number(kilobytes));
  const assets = join(folder, "dist/assets");
  const names = await readdir(assets);
  const inOrder = ["hard_sigmoid_bg-", "index-", "judge_bg-"].map((start) => names.find((it) => it.startsWith(start)));
  const files = await Promise.all(inOrder.map((name) => readFile(join(assets, name))));
  const found = files.flatMap((bytes) => [bytes.length, gzipSync(bytes, { level: 9 }).length]);
  // Compilers differ a little.
  const isSaid = (size, i) => Math.abs(said[i] - size / 1000) <= Math.max(1, 0.03 * said[i]);
  if (names.length !== inOrder.length || said.length !== found.length || !found.every(isSaid)) {
    throw new Error(`vite makes ${names.join(", ")}, of ${found.join(", ")} bytes, and README.md says ${said} kB`);
  }
}

const right = "0,0,0.5,0.75,1,2,1,2,0,0,0,0.5,0.75,1,2,1,2,0 true";
const plain = await serve(folder);
const development = await createServer({ root: folder, logLevel: "warn", server: { host: "127.0.0.1" } });
await development.listen();
await build({ root: folder, logLevel: "warn" });
await sizes();
const built = await serve(join(folder, "dist"));

const outdir = join(folder, "bundled");
const entryPoints = [join(folder, "bundled.js")];
await esbuild.build({ entryPoints, outdir, bundle: true, format: "esm", loader: { ".wasm": "file" } });
const page = (await readFile(join(folder, "index.html"), "utf8")).replace("main.js", "bundled.js");
await writeFile(join(outdir, "index.html"), page);
const bundled = await serve(outdir);

const urls = {
  "a plain page": plain.url,
  "vite, developing": development.resolvedUrls.local[0],
  "vite, built": built.url,
  esbuild: bundled.url,
};
await inEachBrowser("the package", async (browser, name) => {
  for (const [how, url] of Object.entries(urls)) {
    const page = await browser.newPage();
    await page.goto(url);
    await page.waitForFunction(() => document.title !== "running");
    const title = await page.title();
    if (title !== right) throw new Error(`${how}: ${title}`);
    console.log(`ok: the package in ${how}, ${name}`);
  }
});
plain.close();
built.close();
bundled.close();
await development.close();
