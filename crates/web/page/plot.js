// Plots as SVG, in the pixels of the page, so that text keeps its size on every screen.

import { count, labels, short } from "./text.js";

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
    const marks = ticks(from, to, width < 420 ? 4 : 6);
    // As many digits as tell neighbours apart.
    const apart = Math.ceil(Math.log10(Math.max(Math.abs(from), Math.abs(to)) / (marks[1] - marks[0]))) + 1;
    const digits = Math.min(17, apart);
    for (const value of marks) {
      parts.push(element("path", { class: "grid", d: `M${x(value)} ${space.top}V${bottom}` }));
      const text = short(value, Math.max(3, digits));
      parts.push(element("text", { x: x(value), y: bottom + 16, "text-anchor": "middle" }, text));
    }
    parts.push(element("text", { x: (space.left + right) / 2, y: bottom + 34, "text-anchor": "middle" }, xName));
    const turned = `translate(11 ${(space.top + bottom) / 2}) rotate(-90)`;
    parts.push(element("text", { transform: turned, "text-anchor": "middle" }, yName));
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.replaceChildren(...parts);
    return { x, y };
  }
}

/** Lines over one range of x, and the values at one place. The range of y grows as the chosen line needs it. */
export class LinePlot extends Plot {
  lines = [];
  place = null;

  constructor(svg, range) {
    super(svg);
    this.range = range;
    this.overlay = element("g", {});
  }

  /** Shows `lines`, pairs of a name and values that are equally far apart from `from` to `to`. */
  set(lines, { from, to }) {
    this.lines = lines;
    this.reach = { from, to };
    this.draw();
  }

  describe(text) {
    this.svg.setAttribute("aria-label", text);
  }

  draw() {
    if (!this.lines.length) return;
    let { low, high } = this.range;
    for (const value of this.lines.find(([name]) => name === "chosen")[1]) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    const { margin, name } = this.range;
    this.scale = this.axes({ ...this.reach, low, high, margin, xName: "x", yName: name });
    const { x, y } = this.scale;
    for (const [line, values] of this.lines) {
      const points = Array.from(values, (value, i) => `${x(this.at(i)).toFixed(1)} ${y(value).toFixed(2)}`);
      this.svg.append(element("path", { class: line, d: `M${points.join("L")}` }));
    }
    this.svg.append(this.overlay);
    this.mark(this.place);
  }

  /** x at a point. */
  at(i) {
    const { from, to } = this.reach;
    return from + ((to - from) * i) / (this.lines[0][1].length - 1);
  }

  /** Where a pointer is, from 0 at the left end of the axis to 1 at the right. */
  share({ clientX }) {
    const { left, width } = this.svg.getBoundingClientRect();
    const share = (clientX - left - space.left) / (width - space.left - space.right);
    return Math.min(1, Math.max(0, share));
  }

  /** Shows the values at a point, or none. */
  mark(place) {
    this.place = place;
    this.overlay.replaceChildren();
    if (place === null || !this.scale) return;
    const { width, height } = this.svg.getBoundingClientRect();
    const x = this.scale.x(this.at(place));
    const ends = `V${height - space.bottom}`;
    this.overlay.append(element("path", { class: "crosshair", d: `M${x} ${space.top}${ends}` }));
    // The chosen line is the last one, and the first to be read.
    const shown = this.lines.toReversed().map(([line, values]) => [line, values[place]]);
    for (const [line, value] of shown) {
      this.overlay.append(element("circle", { class: line, cx: x, cy: this.scale.y(value), r: 4 }));
    }
    const [wide, high] = [150, 24 + 18 * shown.length];
    const left = x + 10 + wide <= width ? x + 10 : Math.max(1, x - 10 - wide);
    const box = element("g", { class: "values", transform: `translate(${left} ${space.top + 4})` });
    box.append(element("rect", { width: wide, height: high, rx: 4 }));
    box.append(element("text", { class: "x", x: 10, y: 18 }, `x = ${short(this.at(place), 4)}`));
    shown.forEach(([line, value], i) => {
      const y = 36 + 18 * i;
      box.append(element("path", { class: line, d: `M10 ${y - 4}h20` }));
      box.append(element("text", { x: 38, y }, labels[line]));
      box.append(element("text", { x: wide - 10, y, "text-anchor": "end" }, short(value, 4)));
    });
    this.overlay.append(box);
  }

  /** Shows which part of the axis is going to be enlarged. */
  select(from, to) {
    this.overlay.querySelector(".selection")?.remove();
    if (from === to) return;
    const { width, height } = this.svg.getBoundingClientRect();
    const [left, right] = [from, to].map((share) => space.left + share * (width - space.left - space.right));
    const place = { x: Math.min(left, right), y: space.top, width: Math.abs(right - left) };
    this.overlay.prepend(element("rect", { class: "selection", ...place, height: height - space.top - space.bottom }));
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
    const { bins, from: first, to: last } = this.data;
    let [from, to] = [first, last];
    // All inputs may be the same, or as good as.
    const most = Math.max(Math.abs(from), Math.abs(to)) || 5;
    if (!(to - from >= 1e-6 * most)) [from, to] = [from - 0.1 * most, to + 0.1 * most];
    const high = Math.max(1, ...bins);
    const { x, y } = this.axes({ from, to, low: 0, high, xName: this.name, yName: "elements", yText: brief });
    const wide = (last - first) / bins.length;
    let d = "";
    bins.forEach((n, i) => {
      if (n === 0) return;
      // A bin with a single element is still seen.
      const top = Math.min(y(n), y(0) - 1.5).toFixed(1);
      const left = x(first + i * wide) + 0.5;
      const right = Math.max(x(first + (i + 1) * wide) - 0.5, left + 1);
      d += `M${left.toFixed(1)} ${y(0)}V${top}H${right.toFixed(1)}V${y(0)}Z`;
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
