// How the page looks: screenshots, axe, the keyboard, and what moves.

import { join } from "node:path";
import axe from "axe-core";
import { expect, fail } from "./steps.mjs";

/** Every place that Tab reaches has to show that it is there. */
export async function keyboard({ page }) {
  // From the first place on: Firefox shows no focus that comes back from outside the page.
  await page.$eval("nav a", (link) => link.focus());
  await page.keyboard.press("Tab");
  await page.keyboard.down("Shift");
  await page.keyboard.press("Tab");
  await page.keyboard.up("Shift");
  const reached = new Set();
  for (let i = 0; i < 80; i++, await page.keyboard.press("Tab")) {
    const at = await page.evaluate(() => {
      const element = document.activeElement;
      const shown = element.closest(".drop") ?? element;
      const outlined = getComputedStyle(shown).outlineStyle !== "none";
      return element === document.body ? null : { id: element.id || element.href, outlined };
    });
    // After the last place, Tab leaves the page, or comes back to the first.
    if (at === null || reached.has(at.id)) break;
    reached.add(at.id);
    expect(at.outlined, `the focus on #${at.id} cannot be seen`);
  }
  const first = "https://docs.rs/hard-sigmoid alpha alpha-slider beta beta-slider onnx pytorch cursor zoom-in zoom-out";
  const rest = "move-left move-right zoom-reset file type elements generate apply download check copy report";
  for (const id of `${first} ${rest}`.split(" ")) expect(reached.has(id), `Tab does not reach #${id}`);
}

/** A phone, a desktop at 200 %, a desktop, and a wide one. */
const screens = [
  { width: 360, height: 740 },
  { width: 640, height: 450, deviceScaleFactor: 2 },
  { width: 1280, height: 900 },
  { width: 1920, height: 1080 },
];

/** At the other widths, the page has the same elements and colours. */
const isForAxe = ({ width }) => width === 360 || width === 1280;

export async function looks(visit, state, out) {
  const { page } = visit;
  await page.evaluate(axe.source);
  for (const scheme of visit.isChromium ? ["light", "dark"] : [visit.scheme]) {
    await visit.show(scheme);
    // Both browsers lay out alike, and Firefox takes longer: there, a phone and a desktop.
    for (const screen of screens.filter((_, i) => visit.isChromium || i % 2 === 0)) {
      const { width } = screen;
      await page.setViewport(screen);
      // Until plots have their new size and what fades has faded.
      await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn, 150))));
      const path = join(out, `${visit.name}-${state}-${scheme}-${width}.png`);
      await page.screenshot({ path, fullPage: true });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide <= width, `${state}: the page is ${wide} wide on a screen of ${width}`);
      if (!isForAxe(screen)) continue;
      const { violations } = await page.evaluate(() => window.axe.run());
      for (const { id, help, nodes } of violations) {
        const where = nodes.map((node) => node.target.join(" ")).join(", ");
        fail(`axe, ${state}, ${scheme}, ${width}: ${id}: ${help}: ${where}`);
      }
    }
  }
  await page.setViewport({ width: 1280, height: 900 });
}

export async function still({ page }) {
  const shifted = await page.evaluate(() => window.shifted);
  expect(shifted < 0.01, `the layout shifts by ${shifted.toFixed(3)}`);
}
