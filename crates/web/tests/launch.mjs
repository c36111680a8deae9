// The browsers of the tests, with WebGPU on a software driver.

import puppeteer from "puppeteer-core";

const limit = 180_000;
const common = { headless: true, timeout: limit, protocolTimeout: limit };

/** Does `work` in each browser. If it fails in one, it still runs in the other. */
export async function inEachBrowser(what, work) {
  for (const name of ["Chromium", "Firefox"]) {
    const browser = await launch(name);
    try {
      await work(browser, name);
    } catch (error) {
      console.error(`FAILED: ${what} in ${name}: ${error.message}`);
      process.exitCode = 1;
    } finally {
      await browser.close();
    }
  }
}

function launch(name) {
  if (name === "Firefox") {
    return puppeteer.launch({
      ...common,
      browser: "firefox",
      executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
      extraPrefsFirefox: { "dom.webgpu.enabled": true, "gfx.webgpu.ignore-blocklist": true },
    });
  }
  return puppeteer.launch({
    ...common,
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--headless=new", "--no-sandbox", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"],
  });
}
