// Drives the page without its server, and through a new build of it.

import { createHash } from "node:crypto";
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { until, Visit } from "./browser.mjs";
import { serve } from "./serve.mjs";
import { expect, step } from "./steps.mjs";

const title = ({ page }) => page.$eval("h1", (heading) => heading.textContent);
const sha256 = (text) => createHash("sha256").update(text).digest("hex");

/** Replaces text in a file of the page, and its hash in the service worker, unless the build is not finished. */
async function rebuild(site, name, from, to, isFinished = true) {
  const [path, worker] = [join(site, name), join(site, "sw.js")];
  const old = await readFile(path, "utf8");
  const next = old.replace(from, to);
  if (next === old) throw new Error(`${name} has no ${from}`);
  await writeFile(path, next);
  const hash = isFinished ? sha256(next) : sha256("what is going to be written");
  const listed = (await readFile(worker, "utf8")).replace(new RegExp(`("${name}": )"\\w+"`), `$1"${hash}"`);
  await writeFile(worker, listed);
}

/** Reloads until the page has a heading, twice at most. */
async function updated(visit, heading) {
  for (let i = 0; i < 2; i++) {
    await visit.reload();
    if ((await title(visit)) === heading) return true;
    // The browser looks for a new build after a load.
    await visit.page.evaluate(async () => {
      const registration = await navigator.serviceWorker.getRegistration();
      if (!registration) return;
      // It finds none where another page is.
      await registration.update().catch(() => {});
      const next = registration.installing;
      if (next) await new Promise((done) => next.addEventListener("statechange", done, { once: true }));
    });
  }
  await visit.reload();
  return (await title(visit)) === heading;
}

export async function offline(browser, folder, out, complain) {
  const site = join(out, `site-${browser}`);
  await rm(site, { recursive: true, force: true });
  await cp(folder, site, { recursive: true });
  let server = await serve(site);
  const { url, port } = server;
  // What the browsers say of a server that is gone, or of a build that is not finished.
  const allowed = [/sw\.js/, /ERR_CONNECTION_REFUSED|NS_ERROR_CONNECTION_REFUSED/, /status of 404/];
  const visit = await Visit.start({ browser, url, out, complain, allowed });
  try {
    await step(`${browser}: without a network, once the page has been loaded`, async () => {
      await visit.page.evaluate(() => navigator.serviceWorker.ready);
      server.close();
      await visit.reload();
      await visit.type("α, the slope", "1/7");
      await until("drawing", async () => (await visit.text("formula")) === `y = clamp(${1 / 7}·x + 0.5, 0, 1)`);
      const { alert, elements } = await visit.apply();
      expect(alert === "" && elements.startsWith("float32, 1,048,576"), `offline: ${elements}, ${alert}`);
    });
    await step(`${browser}: a new build replaces the old one, whole`, async () => {
      await rebuild(site, "index.html", "<h1>hard-sigmoid", "<h1>second", false);
      server = await serve(site, port);
      expect(!(await updated(visit, "second in the browser")), "the page mixes two builds");
      await rebuild(site, "index.html", "<h1>second", "<h1>third");
      expect(await updated(visit, "third in the browser"), `the page is still ${await title(visit)}`);
      expect((await visit.page.evaluate(() => caches.keys())).length === 1, "the old build is kept");
    });
    await step(`${browser}: another page takes the address`, async () => {
      await rebuild(site, "index.html", "<h1>third", "<h1>another");
      await rm(join(site, "sw.js"));
      expect(await updated(visit, "another in the browser"), `the page is still ${await title(visit)}`);
    });
  } finally {
    await visit.browser.close();
    server.close();
  }
}
