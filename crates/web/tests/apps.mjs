// Opens an app that uses the package: as a plain page with an import map, from a development server of vite, and as
// vite builds it.
//
//     node apps.mjs APP_DIR

import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { build, createServer } from "vite";
import { inEachBrowser } from "./launch.mjs";
import { serve } from "./serve.mjs";

const [folder] = process.argv.slice(2).map((path) => resolve(path));
if (!folder) {
  console.error("usage: node apps.mjs APP_DIR");
  process.exit(2);
}

/** README.md says what a page downloads, in kB. */
async function sizes() {
  const readme = await readFile(join(folder, "node_modules/hard-sigmoid/README.md"), "utf8");
  const said = [...readme.matchAll(/(\d+) kB/g)].map(([, kilobytes]) => Number(kilobytes));
  const assets = join(folder, "dist/assets");
  for (const name of await readdir(assets)) {
    const bytes = await readFile(join(assets, name));
    for (const size of [bytes.length, gzipSync(bytes, { level: 9 }).length]) {
      // Compilers differ a little.
      const isSaid = said.some((kilobytes) => Math.abs(kilobytes - size / 1000) <= Math.max(1, 0.03 * kilobytes));
      if (!isSaid) throw new Error(`README.md says nothing of the ${size} bytes of ${name}`);
    }
  }
}

const right = "0,0,0.5,0.75,1,2,1,2,0,0,0,0.5,0.75,1,2,1,2,0 true";
const plain = await serve(folder);
const development = await createServer({ root: folder, logLevel: "warn", server: { host: "127.0.0.1" } });
await development.listen();
await build({ root: folder, logLevel: "warn" });
await sizes();
const built = await serve(join(folder, "dist"));
const urls = {
  "a plain page": plain.url,
  "vite, developing": development.resolvedUrls.local[0],
  "vite, built": built.url,
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
await development.close();
