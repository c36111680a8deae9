// Checks the device in Firefox, whose WebGPU is wgpu's own, on any Vulkan driver of this machine.
//
//     node firefox.mjs PAGE_DIR OUT_DIR

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import puppeteer from "puppeteer-core";
import { serve } from "./serve.mjs";

const [folder, out] = process.argv.slice(2);
if (!out) {
  console.error("usage: node firefox.mjs PAGE_DIR OUT_DIR");
  process.exit(2);
}

const limit = 180_000;
const server = await serve(folder);
const browser = await puppeteer.launch({
  browser: "firefox",
  executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
  headless: true,
  timeout: limit,
  protocolTimeout: limit,
  extraPrefsFirefox: { "dom.webgpu.enabled": true, "gfx.webgpu.ignore-blocklist": true },
});
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(limit);
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto(server.url);
  await page.waitForSelector("#device[aria-busy=false]");
  if (!(await page.evaluate(async () => Boolean(await navigator.gpu?.requestAdapter())))) {
    throw new Error("Firefox has no WebGPU adapter");
  }
  await page.click("#check");
  await page.waitForFunction(() => /mismatches$/im.test(document.querySelector("pre").textContent.trim()));
  const report = await page.$eval("pre", (block) => block.textContent);
  await writeFile(join(out, "firefox.md"), report);
  if (!report.trimEnd().endsWith("\nno mismatches")) throw new Error(`there are mismatches:\n${report}`);
  if (!report.startsWith("## unnamed adapter (webgpu")) throw new Error(`it ran elsewhere:\n${report}`);
  if (errors.length) throw new Error(`the page has errors: ${errors.join("; ")}`);
  console.log("ok: the check of this device in Firefox");
} catch (error) {
  console.error(`FAILED: Firefox: ${error.message}`);
  process.exitCode = 1;
} finally {
  await browser.close();
  server.close();
}
