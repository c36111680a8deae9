// Writes weslBundle.js, in the form that wesl-packager gives it, into the folder named as argument. The packager itself
// takes the files of a folder and names the root module after its file.
import { readFile, writeFile } from "node:fs/promises";

const source = new URL("../src/hard_sigmoid.wgsl", import.meta.url);
const bundle = {
  name: "hard_sigmoid_wgsl",
  edition: "unstable_2025_1",
  // The root module of a package.
  modules: { "lib.wgsl": await readFile(source, "utf8") },
};
const script = `export const weslBundle = ${JSON.stringify(bundle, null, 2)};\n\nexport default weslBundle;\n`;
await writeFile(`${process.argv[2]}/weslBundle.js`, script);
