// Plots as SVG, in the pixels of the page, so that text keeps its size on every screen.

import { count, short } from "./text.js";

const space = { left: 56, right: 12, top: 10, bottom: 40 };

function element(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Round numbers within [low, high], about `wanted` of them. */
function ticks(low, high, wanted) {
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough * 0.999) ?? 10 * power;
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9 && found.length < 30; i++) {
    found.push(i * step);
  }
  return found;
}

class Plot {
  constructor(svg) {
    this.svg = svg;
    new ResizeObserver(() => this.draw()).observe(svg);
  }

  /** Draws the axes over [from, to] × [low, high], and returns what maps a value to a place. */
  axes({ from, to, low, high, margin = 0, xName, yName, yText = short }) {
    const { width, height } = this.svg.getBoundingClientRect();
    const right = width - space.right;
    const bottom = height - space.bottom;
    const extra = (high - low) * margin;
    const [least, most] = [low - extra, high + (extra || (high - low) * 0.04)];
    const x = (value) => space.left + ((value - from) / (to - from)) * (right - space.left);
    const y = (value) => bottom - ((value - least) / (most - least)) * (bottom - space.top);
    const parts = [];
    for (const value of ticks(low, high, 4)) {
      parts.push(element("path", { class: value === 0 ? "axis" : "grid", d: `M${space.left} ${y(value)}H${right}` }));
      parts.push(element("text", { x: space.left - 6, y: y(value) + 4, "text-anchor": "end" }, yText(value)));
    }
    for (const value of ticks(from, to, width < 420 ? 4 : 6)) {
      parts.push(element("path", { class: "grid", d: `M${x(value)} ${space.top}V${bottom}` }));
      parts.push(element("text", { x: x(value), y: bottom + 16, "text-anchor": "middle" }, short(value)));
    }
    parts.push(element("text", { x: (space.left + right) / 2, y: bottom + 34, "text-anchor": "middle" }, xName));
    const turned = `translate(11 ${(space.top + bottom) / 2}) rotate(-90)`;
    parts.push(element("text", { transform: turned, "text-anchor": "middle" }, yName));
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.replaceChildren(...parts);
    return { x, y };
  }
}

/** Lines over one range of x. The range of y grows as the lines need it. */
export class LinePlot extends Plot {
  // In the order in which they are drawn: the thick line of the chosen function lies below the thin ones.
  lines = { chosen: null, onnx: null, pytorch: null, logistic: null };

  constructor(svg, range) {
    super(svg);
    this.range = range;
  }

  set(name, values) {
    this.lines[name] = values;
    this.draw();
  }

  draw() {
    if (!this.range) return;
    let { low, high } = this.range;
    for (const value of this.lines.chosen ?? []) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    const { from, to, margin, name } = this.range;
    const { x, y } = this.axes({ from, to, low, high, margin, xName: "x", yName: name });
    for (const [line, values] of Object.entries(this.lines)) {
      if (!values) continue;
      const step = (to - from) / (values.length - 1);
      const points = Array.from(values, (value, i) => `${x(from + i * step).toFixed(1)} ${y(value).toFixed(2)}`);
      this.svg.append(element("path", { class: line, d: `M${points.join("L")}` }));
    }
  }
}

export class Histogram extends Plot {
  constructor(svg, { name, from, to }) {
    super(svg);
    this.name = name;
    this.data = { bins: [], from, to };
  }

  set(bins, from, to) {
    this.data = { bins, from, to };
    this.draw();
    this.svg.setAttribute("aria-label", this.described());
  }

  draw() {
    if (!this.data) return;
    const { bins } = this.data;
    let { from, to } = this.data;
    // All inputs may be the same.
    if (!(to > from)) [from, to] = [from - 0.5, from + 0.5];
    const high = Math.max(1, ...bins);
    const { x, y } = this.axes({ from, to, low: 0, high, xName: this.name, yName: "elements", yText: brief });
    const wide = (to - from) / bins.length;
    let d = "";
    bins.forEach((n, i) => {
      if (n === 0) return;
      // A bin with a single element is still seen.
      const top = Math.min(y(n), y(0) - 1.5).toFixed(1);
      const left = (x(from + i * wide) + 0.5).toFixed(1);
      const right = (x(from + (i + 1) * wide) - 0.5).toFixed(1);
      d += `M${left} ${y(0)}V${top}H${right}V${y(0)}Z`;
    });
    this.svg.append(element("path", { class: "bars", d }));
  }

  described() {
    const { bins, from, to } = this.data;
    const all = bins.reduce((sum, n) => sum + n, 0);
    if (all === 0) return `Histogram of ${this.name}. It is empty.`;
    const wide = (to - from) / bins.length;
    const place = (i) => `${short(from + i * wide)} to ${short(from + (i + 1) * wide)}`;
    const most = bins.indexOf(Math.max(...bins));
    let half = 0;
    let middle = 0;
    while ((half += bins[middle]) * 2 < all) middle++;
    return `Histogram of ${this.name}: ${count(all)} finite numbers `
      + `from ${short(from)} to ${short(to)}. `
      + `The fullest of ${bins.length} bins, ${place(most)}, has ${count(bins[most])}. `
      + `The median is in ${place(middle)}.`;
  }
}

const brief = (n) => (n < 1000 ? short(n) : n < 1e6 ? `${short(n / 1e3)}k` : `${short(n / 1e6)}M`);
