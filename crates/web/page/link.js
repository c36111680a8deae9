// The connection to the worker, where the whole crate runs. Every call has an id; the worker answers it once.

const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
const waiting = new Map();
let last = 0;
let broken;

worker.onmessage = ({ data }) => {
  const call = waiting.get(data.id);
  if (!call) return;
  if (data.progress) return call.progress?.(...data.progress);
  waiting.delete(data.id);
  if ("error" in data) call.reject(new Error(data.error));
  else call.resolve(data.value);
};

/** A worker that cannot start, or that ran out of memory, answers nothing more. */
function fail(message) {
  broken = new Error(message);
  for (const { reject } of waiting.values()) reject(broken);
  waiting.clear();
}

worker.onerror = (event) => {
  event.preventDefault();
  const why = event.message ? ` (${event.message})` : "";
  fail(`The page's worker stopped${why}. Reload the page, or use a newer browser.`);
};
worker.onmessageerror = () => fail("The page's worker sent something unreadable. Reload the page.");

/** Calls a function of worker.js. `progress` is called with what the function reports before it is done. */
export function call(name, args = [], progress = undefined) {
  if (broken) return Promise.reject(broken);
  const id = ++last;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject, progress });
    worker.postMessage({ id, name, args });
  });
}
