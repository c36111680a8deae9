// The two plots: one range of x, the values at a place, and zoom.

import { call } from "./link.js";
import { LinePlot } from "./plot.js";
import { formula, labels, presets, short } from "./text.js";

const byId = (id) => document.getElementById(id);
const cursor = byId("cursor");

/** The points of a line. The kinks of both presets, at ±2.5 and ±3, are among those of the first view. */
const points = 481;
const home = Object.freeze({ from: -6, to: 6 });

/** The function that is drawn, and the range of x. */
let shown;
let range = home;
let changed;
/** The values at each point: `lines.onnx` is [y, dy/dx]. */
let lines;
/** The point whose values are shown. */
let place = null;

const plots = [
  new LinePlot(byId("values"), { low: 0, high: 1, margin: 0.08, name: "y" }),
  new LinePlot(byId("slopes"), { low: 0, high: 0.25, margin: 0.12, name: "dy/dx" }),
];

/** The range as text for the address. Nothing if it is the first one. */
export const fields = () => (range === home ? {} : { from: String(range.from), to: String(range.to) });

/** Whether a plot can show this range: beyond, its numbers run out of digits. */
function fits({ from, to }) {
  const most = Math.max(1, Math.abs(from), Math.abs(to));
  return to - from >= 1e-6 * most && most <= 1e30;
}

/** Takes the range from an address. Returns whether it is one. */
export function take({ from, to }) {
  range = home;
  if (from === undefined && to === undefined) return true;
  const wanted = { from: Number(from), to: Number(to) };
  if (!fits(wanted)) return false;
  range = wanted;
  return true;
}

function zoom(from, to) {
  if (!fits({ from, to })) return;
  range = from === home.from && to === home.to ? home : { from, to };
  changed();
}

/** Scales the range around the place whose values are shown, or else around its middle, and moves it by a share. */
function change(scale, move = 0) {
  const { from, to } = range;
  const wide = to - from;
  const fixed = place === null ? 0.5 : place / (points - 1);
  const start = from + wide * (fixed * (1 - scale) + move);
  zoom(start, start + wide * scale);
}

let running = false;
let again = false;

/** Draws the function. While an answer is under way, changes are collected, so the newest is never far behind. */
export async function draw(alpha, beta) {
  shown = [alpha, beta];
  again = true;
  if (running) return;
  running = true;
  try {
    while (again) {
      again = false;
      const [asked, drawn] = [shown, range];
      lines = await call("lines", [{ ...presets, chosen: asked }, drawn.from, drawn.to, points]);
      plots.forEach((plot, i) => plot.set(Object.entries(lines).map(([name, pair]) => [name, pair[i]]), drawn));
      describe(asked, drawn);
    }
  } finally {
    running = false;
  }
  byId("plots").classList.remove("waiting");
  byId("zoom-reset").setAttribute("aria-disabled", String(range === home));
}

function describe([alpha, beta], { from, to }) {
  const [y, slope] = lines.chosen;
  const ends = `from ${short(y[0])} at x = ${short(from)} to ${short(y.at(-1))} at x = ${short(to)}`;
  plots[0].describe(`Plot of ${formula(alpha, beta)}, ${ends}, `
    + "beside both presets, which reach 0 and 1 at x = ±2.5 (ONNX) and ±3 (PyTorch), and the logistic sigmoid.");
  const steep = slope.find((value) => value !== 0) ?? 0;
  plots[1].describe(`Plot of the derivative, ${short(steep)} between the kinks and 0 outside, `
    + "beside those of the presets, 0.2 and 0.167, and of the logistic sigmoid, which is 0.25 at x = 0 and falls to "
    + "both sides.");
  cursor.setAttribute("aria-valuetext", told());
}

/** The values at a point, for who cannot see them. */
function told() {
  const at = Number(cursor.value);
  const x = short(range.from + ((range.to - range.from) * at) / (points - 1), 4);
  const each = Object.entries(lines).map(([name, [y, slope]]) => {
    return `${labels[name]}: y ${short(y[at], 4)}, dy/dx ${short(slope[at], 4)}`;
  });
  return `x = ${x}; ${each.reverse().join("; ")}`;
}

/** Shows the values at a point of both plots, or of none. */
function show(at) {
  place = at;
  for (const plot of plots) plot.mark(at);
  if (at === null || !lines) return;
  cursor.value = String(at);
  cursor.setAttribute("aria-valuetext", told());
}

/** What a mouse, a finger or a pen does in one plot. */
function follow(plot) {
  const { svg } = plot;
  let start = null;
  const at = (event) => Math.round(plot.share(event) * (points - 1));
  const x = (share) => range.from + share * (range.to - range.from);
  svg.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button === 0) {
      svg.setPointerCapture(event.pointerId);
      start = plot.share(event);
    }
    show(at(event));
  });
  svg.addEventListener("pointermove", (event) => {
    show(at(event));
    if (start !== null) for (const each of plots) each.select(start, plot.share(event));
  });
  svg.addEventListener("pointerup", (event) => {
    if (start === null) return;
    const [low, high] = [start, plot.share(event)].sort((a, b) => a - b);
    end();
    // A click with a shaky hand is no drag.
    if (high - low > 0.015) zoom(x(low), x(high));
  });
  const end = () => {
    start = null;
    for (const each of plots) each.select(0, 0);
  };
  svg.addEventListener("pointercancel", end);
  svg.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && show(null));
  svg.addEventListener("dblclick", () => zoom(home.from, home.to));
}

/** Lets the plots and their buttons work. `onChange` is called when the range has changed. */
export function start(onChange) {
  changed = onChange;
  cursor.max = points - 1;
  cursor.value = (points - 1) / 2;
  cursor.addEventListener("input", () => show(Number(cursor.value)));
  cursor.addEventListener("focus", () => show(Number(cursor.value)));
  cursor.addEventListener("blur", () => show(null));
  plots.forEach(follow);
  const buttons = {
    "zoom-in": () => change(0.5), "zoom-out": () => change(2),
    "move-left": () => change(1, -0.25), "move-right": () => change(1, 0.25),
    "zoom-reset": () => zoom(home.from, home.to),
  };
  for (const [id, action] of Object.entries(buttons)) byId(id).addEventListener("click", action);
}
