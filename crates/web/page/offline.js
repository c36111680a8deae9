// Keeps the page in the browser, so that it needs no network again. See sw.js.

export async function keepOffline() {
  const workers = navigator.serviceWorker;
  // A private window may have none, and then the page needs the network at each load.
  if (!workers) return;
  try {
    const response = await fetch("sw.js", { cache: "no-store" });
    await response.text();
    // Another page has this address now, as happens on a port of one's own machine: the next load shows it.
    const isScript = response.headers.get("content-type")?.includes("javascript");
    if (response.status === 404 || (response.ok && !isScript)) await (await workers.getRegistration())?.unregister();
    else await workers.register("sw.js");
  } catch {
    // Without a network, the page is here because it was kept before.
  }
}
