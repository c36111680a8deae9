// How numbers and errors are written.

const minus = (text) => text.replaceAll("-", "−");
const counts = new Intl.NumberFormat("en");
const percents = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 2 });

export const count = (n) => counts.format(n);

/** A number in full, with 1/6 as people write it. An empty input is NaN. */
export function exact(x) {
  if (Number.isNaN(x)) return "?";
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

export const shape = (batch) => (batch.shape.length ? `shape ${[...batch.shape].join(" × ")}` : "a single number");

export const batch = (batch) =>
  `${batch.type}, ${count(batch.elements)} ${batch.elements === 1 ? "element" : "elements"}, ${shape(batch)}`;

/** The crate's messages as sentences: the first word gets a capital, unless it is the name of a file. */
export function sentence(message) {
  const text = message.replace(/^[a-z]+(?=[ ,:])/, (word) => word.charAt(0).toUpperCase() + word.slice(1));
  return /[.!?)]$/.test(text) ? text : `${text}.`;
}
