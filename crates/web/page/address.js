// The address of the page after `#`: what a reload, the button Back and a sent link show again.

/** The fields of the address, as text. */
export function read() {
  // A plus sign is itself here, as in 1e+3, and no blank.
  return Object.fromEntries(new URLSearchParams(location.hash.slice(1).replaceAll("+", "%2B")));
}

let waiting;
let latest;

/** Keeps `fields`: as a new entry of the history, or in the place of the current one. */
export function write(fields, isNew) {
  const parts = Object.entries(fields).map(([name, value]) => {
    return `${name}=${encodeURIComponent(value.replaceAll("−", "-")).replaceAll("%2F", "/")}`;
  });
  latest = `#${parts.join("&")}`;
  clearTimeout(waiting);
  // A browser refuses hundreds of changes in a few seconds, as dragging makes them.
  if (isNew) flush("pushState");
  else waiting = setTimeout(flush, 200, "replaceState");
}

function flush(how) {
  if (location.hash !== latest) history[how](null, "", latest);
}

/** Calls `changed` when the reader goes back or forth, or edits the address. */
export function watch(changed) {
  addEventListener("popstate", () => {
    clearTimeout(waiting);
    changed();
  });
}
