// Drives the first section: α and β as they are typed, the address, and the plots.

import { until } from "./browser.mjs";
import { expect } from "./steps.mjs";

const onnx = "ONNX, Keras 1–2, TensorFlow.js α = 0.2, β = 0.5";
const pytorch = "PyTorch, Keras 3, JAX α = 1/6, β = 0.5";
const path = ({ page }, id = "values") => page.$eval(`#${id} path.chosen`, (line) => line.getAttribute("d"));
const hash = ({ page }) => page.evaluate(() => location.hash);

const shows = (visit, formula) => until(`showing ${formula}`, async () => (await visit.text("formula")) === formula);
const alarm = (visit) => until("the alert", async () => (await visit.text("curve-alert")) || null);
const calm = (visit) => until("clearing the alert", async () => (await visit.text("curve-alert")) === "");
const addressed = (visit, wanted) => until(`the address ${wanted}`, async () => (await hash(visit)) === wanted);

/** The alerts that appear while `action` runs. */
async function alerts({ page }, action) {
  await page.evaluate(() => {
    const alert = document.getElementById("curve-alert");
    window.alerts = [];
    window.observer = new MutationObserver(() => window.alerts.push(alert.textContent));
    window.observer.observe(alert, { childList: true, characterData: true, subtree: true });
  });
  await action();
  return page.evaluate(() => {
    window.observer.disconnect();
    return window.alerts.filter(Boolean);
  });
}

export async function sliders(visit) {
  const { page } = visit;
  const lines = ".plot path:is(.chosen, .onnx, .pytorch, .logistic)";
  await until("drawing the lines", async () => (await page.$$(lines)).length === 8);
  const first = [await path(visit), await path(visit, "slopes")];
  await (await visit.find("slider", "α, slider")).focus();
  for (let i = 0; i < 5; i++) await page.keyboard.press("ArrowRight");
  await until("redrawing y", async () => (await path(visit)) !== first[0]);
  await until("redrawing dy/dx", async () => (await path(visit, "slopes")) !== first[1]);
  const value = await page.$eval("#alpha", (input) => input.value);
  expect(value === "0.25", `five steps of the slider make α ${value}, not 0.25`);
  await visit.press("button", pytorch);
  await shows(visit, "y = clamp(1/6·x + 0.5, 0, 1)");
  await visit.press("button", onnx);
  await until("redrawing for ONNX", async () => (await path(visit)) === first[0]);
}

/** α and β as the command takes them. */
export async function typing(visit) {
  const { page } = visit;
  const taken = { "1/6": "1/6", "−1/4": "−0.25", "2.5e-1": "0.25", " 3 / 8 ": "0.375", "1E+1": "10", "-.5": "−0.5" };
  for (const [text, number] of Object.entries(taken)) {
    const said = await alerts(visit, async () => {
      await visit.type("α, the slope", text);
      await shows(visit, `y = clamp(${number}·x + 0.5, 0, 1)`);
    });
    expect(said.length === 0, `typing ${text} for α alarms: ${said.join(" / ")}`);
  }
  // What can become a number is left alone until the reader leaves it, and what cannot is not.
  const said = await alerts(visit, async () => {
    await visit.type("α, the slope", "1/");
    await page.keyboard.press("Tab");
    await alarm(visit);
  });
  expect(said.length === 1 && /not a number.*1\/6.*keeps/.test(said[0]), `leaving 1/ says: ${said.join(" / ")}`);
  console.log(`    1/ for α: ${said[0]}`);
  expect(await page.$eval("#alpha", (input) => input.value === "1/"), "what was typed is gone");
  const marked = () => page.$$eval("#alpha, #beta", (inputs) => inputs.map((input) => input.ariaInvalid).join());
  expect((await marked()) === "true,false", `α is wrong, and marked are ${await marked()}`);
  await visit.type("α, the slope", "1/x");
  await until("the alert while typing", async () => (await visit.text("curve-alert")).includes('"1/x"'));
  await visit.type("α, the slope", "1e-300");
  await page.keyboard.press("Enter");
  await until("the alert about the range", async () => (await visit.text("curve-alert")).includes("32-bit"));
  const kept = await visit.text("formula");
  expect(kept === "y = clamp(0.2·x + 0.5, 0, 1)", `on the way to 1e-300, the page keeps ${kept}`);
  await visit.press("button", onnx);
  await calm(visit);
  expect((await marked()) === "false,false", "an input stays marked after a preset is chosen");
}

export async function addresses(visit, url) {
  const { page } = visit;
  // What is in use is in the address, before Enter as well.
  await visit.type("β, the value at 0", "3/4");
  await addressed(visit, "#alpha=0.2&beta=3/4");
  await visit.press("button", pytorch);
  await addressed(visit, "#preset=pytorch");
  const lengths = [await page.evaluate(() => history.length)];
  await visit.type("α, the slope", "1/3");
  await page.keyboard.press("Enter");
  await addressed(visit, "#alpha=1/3&beta=0.5");
  lengths.push(await page.evaluate(() => history.length));
  expect(lengths[1] === lengths[0] + 1, `typing 1/3 makes ${lengths[1] - lengths[0]} entries of the history`);
  await visit.reload();
  await shows(visit, `y = clamp(${1 / 3}·x + 0.5, 0, 1)`);
  expect(await page.$eval("#alpha", (input) => input.value === "1/3"), "a reload writes 1/3 in another way");
  const before = await page.evaluate(() => history.length);
  await (await visit.find("slider", "β, slider")).focus();
  for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowRight");
  await addressed(visit, "#alpha=1/3&beta=0.53");
  expect((await page.evaluate(() => history.length)) === before, "a slider adds to the history");
  await page.goBack();
  await shows(visit, "y = clamp(1/6·x + 0.5, 0, 1)");
  expect((await hash(visit)) === "#preset=pytorch", `Back leads to ${await hash(visit)}`);
  const slid = await page.$eval("#beta-slider", (slider) => slider.value);
  expect(slid === "0.5", `after Back, the slider of β is at ${slid}`);
  await page.goForward();
  await shows(visit, `y = clamp(${1 / 3}·x + 0.53, 0, 1)`);

  await page.goto(`${url}#alpha=-1e-1&beta=1e+0&from=-2&to=14`);
  await shows(visit, "y = clamp(−0.1·x + 1, 0, 1)");
  await until("the sent range", async () => (await page.$eval("#values", (svg) => svg.ariaLabel)).includes("x = 14"));
  for (const nonsense of ["preset=relu", "alpha=1", "alpha=1/0&beta=1", "from=3&to=1", "colour=red", "%"]) {
    await page.goto(`${url}#${nonsense}`);
    const alert = await alarm(visit);
    expect(alert.startsWith("This link"), `#${nonsense} says: ${alert}`);
    await shows(visit, "y = clamp(0.2·x + 0.5, 0, 1)");
    await visit.press("button", pytorch);
    await calm(visit);
  }
  await visit.press("button", onnx);
}

/** The values under the pointer, and zoom. */
export async function plots(visit) {
  const { page } = visit;
  const read = (id) => page.$eval(`#${id}`, (svg) => {
    return Array.from(svg.querySelectorAll(".values text"), (text) => text.textContent).join(" ");
  });
  const zoomed = () => until("the zoom", async () => (await hash(visit)).includes("from="));
  const reset = () => until("the reset", async () => !(await hash(visit)).includes("from="));
  await page.$eval("#values", (svg) => svg.scrollIntoView({ block: "center" }));
  const grid = await page.$eval("#values", (svg) => {
    const { left, top, width, height } = svg.getBoundingClientRect();
    return { left: left + 56, right: left + width - 12, middle: top + height / 2 };
  });
  const at = (x) => grid.left + ((x + 6) / 12) * (grid.right - grid.left);
  await page.mouse.move(at(1.25), grid.middle);
  const [y, slope] = [await read("values"), await read("slopes")];
  expect(y === "x = 1.25 chosen 0.75 PyTorch 0.7083 ONNX 0.75 logistic 0.7773", `under the pointer is ${y}`);
  expect(slope === "x = 1.25 chosen 0.2 PyTorch 0.1667 ONNX 0.2 logistic 0.1731", `the other plot has ${slope}`);

  await page.mouse.down();
  await page.mouse.move(at(3), grid.middle, { steps: 5 });
  await page.mouse.up();
  await zoomed();
  const [from, to] = (await hash(visit)).match(/-?[\d.]+/g).map(Number);
  expect(Math.abs(from - 1.25) < 0.05 && Math.abs(to - 3) < 0.05, `dragging from 1.25 to 3 shows ${from} to ${to}`);
  const label = await page.$eval("#slopes", (svg) => svg.textContent);
  expect(label.includes("2.5") && !label.includes("−4"), "the derivative keeps its range");
  await page.mouse.click(at(0), grid.middle, { count: 2 });
  await reset();

  const cursor = await visit.find("slider", "Values at x");
  await cursor.focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowRight");
  const told = await page.$eval("#cursor", (cursor) => cursor.getAttribute("aria-valuetext"));
  expect(told.startsWith("x = −5.975; chosen: y 0, dy/dx 0;"), `the keyboard hears ${told}`);
  expect((await read("values")).startsWith("x = −5.975 "), "the keyboard moves no crosshair");
  for (const name of ["Zoom in", "Move right", "Zoom out", "Move left"]) {
    const before = await hash(visit);
    await visit.press("button", name);
    await until(name, async () => (await hash(visit)) !== before);
  }
  await visit.press("button", "Reset");
  await reset();
  await cursor.focus();
  expect((await read("values")).startsWith("x = "), "the keyboard sees no values");
  await page.keyboard.press("Tab");
  expect((await read("values")) === "", "the crosshair stays when nobody points");

  // The chosen line and its preset's coincide, and both are seen.
  const wide = await page.$$eval("#values > path:is(.chosen, .onnx)", (lines) => {
    return lines.map((line) => [line.getAttribute("class"), parseFloat(getComputedStyle(line).strokeWidth)]);
  });
  const [[below, wider], [above, narrower]] = wide;
  expect(below === "onnx" && above === "chosen" && wider >= narrower + 4, `the lines hide each other: ${wide}`);

  // On a phone, the values fit beside the line, wherever it is.
  await page.setViewport({ width: 320, height: 740 });
  await cursor.focus();
  for (const key of ["Home", ...Array(11).fill("PageUp")]) {
    await page.keyboard.press(key);
    const outside = await page.$eval("#values", (svg) => {
      const [plot, box] = [svg, svg.querySelector(".values rect")].map((it) => it.getBoundingClientRect());
      return Math.max(plot.left - box.left, box.right - plot.right);
    });
    expect(outside <= 0, `the values are ${outside} pixels outside of the plot`);
  }
  await page.setViewport({ width: 1280, height: 900 });
}
