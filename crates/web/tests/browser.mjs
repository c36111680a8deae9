// A browser, and what a person does with the page.

import { readFile, mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
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

export class Visit {
  /** Opens the page. `complain` is called with every message that the browser would show in its console. */
  static async start({ url, args, out, complain, allowed = [] }) {
    const visit = new Visit();
    visit.downloads = join(out, "downloads");
    await rm(visit.downloads, { recursive: true, force: true });
    await mkdir(visit.downloads, { recursive: true });
    visit.browser = await puppeteer.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: ["--headless=new", "--no-sandbox", ...args],
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
    const [page] = await this.browser.pages();
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
    await page.setViewport({ width: 1280, height: 900 });
    await page.goto(url);
    await until("starting", () => page.$eval("#device", (device) => device.ariaBusy === "false"));
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

  async drop(path) {
    const zone = await this.page.$("#drop");
    await zone.scrollIntoView();
    const { x, y, width, height } = await zone.boundingBox();
    const data = { items: [], files: [path], dragOperationsMask: 1 };
    for (const type of ["dragEnter", "dragOver", "drop"]) {
      await this.session.send("Input.dispatchDragEvent", { type, x: x + width / 2, y: y + height / 2, data });
    }
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
    const rows = await this.page.$$eval("table tr", (rows) => {
      return rows.map((row) => [row.cells[0].textContent, row.cells[1].textContent]);
    });
    return { ...Object.fromEntries(rows), alert: await this.text("batch-alert") };
  }

  async download(name) {
    const path = join(this.downloads, name);
    await rm(path, { force: true });
    let size = -1;
    await this.press("button", "Download the result");
    await until(`downloading ${name}`, async () => {
      const found = await stat(path).catch(() => null);
      const complete = found !== null && found.size === size;
      size = found?.size ?? -1;
      return complete;
    });
    return readFile(path);
  }
}
