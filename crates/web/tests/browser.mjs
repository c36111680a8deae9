// A browser, and what a person does with the page.

import { mkdir, readFile, readdir, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import puppeteer from "puppeteer-core";

const limit = 60_000;

/** Waits until `condition` returns something other than false, null or undefined. */
export async function until(what, condition) {
  const end = Date.now() + limit;
  for (;;) {
    const found = await condition();
    if (found !== false && found !== null && found !== undefined) return found;
    if (Date.now() > end) throw new Error(`${what} took more than ${limit / 1000} s`);
    await new Promise((next) => setTimeout(next, 50));
  }
}

const webgpu = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

/** How each browser is started, with or without WebGPU, and what cannot be driven in it. */
const browsers = {
  Chromium: ({ gpu }) => ({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--headless=new", "--no-sandbox", ...(gpu ? webgpu : [])],
  }),
  // Its WebGPU is wgpu's own, on any Vulkan driver of this machine.
  Firefox: ({ gpu, dark, downloads }) => ({
    browser: "firefox",
    executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
    extraPrefsFirefox: {
      "dom.webgpu.enabled": gpu,
      "gfx.webgpu.ignore-blocklist": true,
      "browser.download.dir": downloads,
      "browser.download.folderList": 2,
      // It would take the focus from the page.
      "browser.download.alwaysOpenPanel": false,
      "browser.download.always_ask_before_handling_new_types": false,
      "dom.events.testing.asyncClipboard": true,
      "layout.css.prefers-color-scheme.content-override": dark ? 0 : 1,
    },
  }),
};

/** What is not driven in Firefox, and why. */
export const omitted = [
  "layout shifts, which Firefox does not measure",
  "what a browser logs in workers, which WebDriver BiDi does not report",
  "dropping a file by mouse, which WebDriver BiDi does not offer: the page gets the events from a script",
];

export class Visit {
  /** Opens the page. `complain` is called with every message that the browser would show in its console. */
  static async start({ browser = "Chromium", gpu = true, dark = false, url, out, complain, allowed = [] }) {
    const visit = new Visit();
    visit.name = browser;
    visit.isChromium = browser === "Chromium";
    visit.scheme = dark ? "dark" : "light";
    visit.downloads = join(out, `downloads-${browser}`);
    await rm(visit.downloads, { recursive: true, force: true });
    await mkdir(visit.downloads, { recursive: true });
    visit.browser = await puppeteer.launch({
      ...browsers[browser]({ gpu, dark, downloads: visit.downloads }),
      headless: true,
      timeout: limit,
      protocolTimeout: limit,
    });
    try {
      await visit.#open(url, (text) => allowed.some((pattern) => pattern.test(text)) || complain(text));
    } catch (error) {
      await visit.browser.close();
      throw error;
    }
    return visit;
  }

  async #open(url, complain) {
    // The page that Firefox starts with never has the focus.
    const page = await this.browser.newPage();
    this.page = page;
    page.setDefaultTimeout(limit);
    page.on("console", (message) => {
      if (["warn", "error", "assert"].includes(message.type())) complain(`console: ${message.text()}`);
    });
    page.on("pageerror", (error) => complain(`error on the page: ${error.message}`));
    page.on("error", (error) => complain(`the page crashed: ${error.message}`));
    page.on("requestfailed", (request) => {
      complain(`request failed: ${request.url()} ${request.failure()?.errorText}`);
    });
    page.on("response", (response) => {
      if (response.status() >= 400) complain(`status ${response.status()}: ${response.url()}`);
    });
    if (this.isChromium) await this.#openChromium(url, complain);
    await page.setViewport({ width: 1280, height: 900 });
    await page.goto(url);
    await this.started();
  }

  async #openChromium(url, complain) {
    const { page } = this;
    page.on("workercreated", (worker) => this.#listen(worker, complain));
    this.session = await page.createCDPSession();
    await this.session.send("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: this.downloads });
    const context = this.browser.defaultBrowserContext();
    await context.overridePermissions(new URL(url).origin, ["clipboard-read", "clipboard-sanitized-write"]);
    await page.evaluateOnNewDocument(() => {
      window.shifted = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
      }).observe({ type: "layout-shift", buffered: true });
    });
  }

  async started() {
    const isReady = () => this.page.$eval("#device", (device) => device.ariaBusy === "false");
    // A new build loads the page twice.
    await until("starting", () => isReady().catch(() => null));
  }

  async reload() {
    await this.page.reload();
    await this.started();
  }

  /** Shows the page light or dark. Firefox does that only from its start. */
  async show(scheme) {
    if (this.isChromium) await this.page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    else if (scheme !== this.scheme) throw new Error(`this Firefox is ${this.scheme}`);
  }

  /** What the browser itself logs in a worker, such as about WebGPU. Puppeteer passes on only what scripts log. */
  async #listen(worker, complain) {
    worker.client.on("Log.entryAdded", ({ entry }) => {
      if (["warning", "error"].includes(entry.level)) complain(`log: ${entry.text}`);
    });
    await worker.client.send("Log.enable").catch(() => {});
  }

  /** An element by its role and its accessible name, as a screen reader finds it. */
  find(role, name) {
    return this.page.waitForSelector(`::-p-aria([name="${name}"][role="${role}"])`);
  }

  async press(role, name) {
    const element = await this.find(role, name);
    await element.click();
  }

  text(id) {
    return this.page.$eval(`#${id}`, (element) => element.textContent.trim());
  }

  /** Replaces the text of an input, as by typing. */
  async type(name, text) {
    const input = await this.find("textbox", name);
    await input.click({ count: 3 });
    await this.page.keyboard.press("Backspace");
    await this.page.keyboard.type(text);
  }

  async drop(path) {
    if (!this.isChromium) return this.dropByScript([path]);
    const zone = await this.page.$("#drop");
    await zone.scrollIntoView();
    const { x, y, width, height } = await zone.boundingBox();
    const data = { items: [], files: [path], dragOperationsMask: 1 };
    for (const type of ["dragEnter", "dragOver", "drop"]) {
      await this.session.send("Input.dispatchDragEvent", { type, x: x + width / 2, y: y + height / 2, data });
    }
  }

  /** Drops files that the page gets as a browser would give them. */
  async dropByScript(paths) {
    const files = await Promise.all(paths.map(async (path) => [basename(path), await readFile(path, "base64")]));
    await this.page.$eval("#drop label", (label, files) => {
      const dataTransfer = new DataTransfer();
      for (const [name, base64] of files) {
        dataTransfer.items.add(new File([Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))], name));
      }
      for (const type of ["dragenter", "dragover", "drop"]) {
        label.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
      }
    }, files);
  }

  async choose(path) {
    const [chooser] = await Promise.all([this.page.waitForFileChooser(), this.page.click("#drop label")]);
    await chooser.accept([path]);
  }

  /** Presses Apply and returns the new result, or what the alert says. */
  async apply() {
    await this.page.$eval("#apply-status", (status) => (status.textContent = ""));
    await this.press("button", "Apply");
    await until("applying", async () => {
      return /^Done/.test(await this.text("apply-status")) || (await this.text("batch-alert")) !== "";
    });
    const rows = await this.page.$$eval("#numbers tr", (rows) => {
      return rows.map((row) => [row.cells[0].textContent, row.cells[1].textContent]);
    });
    return { ...Object.fromEntries(rows), alert: await this.text("batch-alert") };
  }

  async download(name, button = "Download the result") {
    const path = join(this.downloads, name);
    await rm(path, { force: true });
    let size = -1;
    await this.press("button", button);
    await until(`downloading ${name}`, async () => {
      const found = await stat(path).catch(() => null);
      // Firefox makes an empty file first, and fills another one beside it.
      const isWriting = (await readdir(this.downloads)).some((name) => name.endsWith(".part"));
      const complete = found !== null && !isWriting && found.size > 0 && found.size === size;
      size = found?.size ?? -1;
      return complete;
    });
    return readFile(path);
  }
}
