// How numbers and errors are written.

const minus = (text) => text.replaceAll("-", "−");
const counts = new Intl.NumberFormat("en");
const percents = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 2 });

export const count = (n) => counts.format(n);

/** The presets: α and β. */
export const presets = { onnx: [0.2, 0.5], pytorch: [1 / 6, 0.5] };

/** The lines of the plots, as the legend calls them. */
export const labels = { chosen: "chosen", onnx: "ONNX", pytorch: "PyTorch", logistic: "logistic" };

/** A number in full, with 1/6 as people write it. */
export function exact(x) {
  return x === 1 / 6 ? "1/6" : minus(String(x));
}

/** A number to `digits` significant digits. */
export const short = (x, digits = 3) => minus(String(Number(x.toPrecision(digits))));

/** A count and what share of `all` it is. A share is never rounded to nothing or to everything. */
export function share(n, all) {
  if (all === 0) return count(n);
  let part = percents.format(n / all);
  if (n > 0 && n / all < 0.00005) part = "< 0.01%";
  if (n < all && n / all > 0.99995) part = "> 99.99%";
  return `${part} (${count(n)})`;
}

export function time(ms) {
  // As fine as a browser's clock is.
  if (ms < 0.1) return "less than 0.1 ms";
  return ms < 1000 ? `${short(ms)} ms` : `${short(ms / 1000)} s`;
}

export function formula(alpha, beta) {
  const sum = beta < 0 ? `− ${exact(-beta)}` : `+ ${exact(beta)}`;
  return `y = clamp(${exact(alpha)}·x ${sum}, 0, 1)`;
}

const lists = new Intl.ListFormat("en");

export const list = (texts) => lists.format(texts);

/** What a file holds, or several files together, of which nothing says what they are divided into. */
export function contents({ types, elements, shape, computed, sections, extension }) {
  const numbers = `${list(types)}, ${count(elements)} ${elements === 1 ? "element" : "elements"}`;
  if (shape) return `${numbers}, ${shape.length ? `shape ${shape.join(" × ")}` : "a single number"}`;
  if (!extension) return numbers;
  const parts = `${extension === "npz" ? "array" : "tensor"}${sections === 1 ? "" : "s"}`;
  return `${computed < sections ? `${count(computed)} of ` : ""}${count(sections)} ${parts}: ${numbers}`;
}

/** The crate's messages as sentences: the first word gets a capital, unless it is the name of the file. */
export function sentence(message, file) {
  const capital = (word) => word.charAt(0).toUpperCase() + word.slice(1);
  const text = message.startsWith(`${file} `) ? message : message.replace(/^[a-z]+(?=[ ,:])/, capital);
  return /[.!?)]$/.test(text) ? text : `${text}.`;
}
