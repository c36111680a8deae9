// Serves the page of one build, also without a network. `scripts/web build` puts `files` in front of this: the files of
// the page, each with its SHA-256. Another build is another script, which the browser installs beside this one.

// Another copy of the page, in another folder, has the same caches.
const mine = `hard-sigmoid ${registration.scope} `;
const name = mine + JSON.stringify(files);

/** Fetches one file. One of another build, which may be written right now, is refused. */
async function load(path, expected) {
  const response = await fetch(path, { cache: "no-cache" });
  const hash = await crypto.subtle.digest("SHA-256", await response.clone().arrayBuffer());
  const found = Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (!response.ok || found !== expected) throw new Error(`${path} is not of this build: reload the page later`);
  return response;
}

async function install() {
  const loaded = await Promise.all(Object.entries(files).map(async ([path, hash]) => [path, await load(path, hash)]));
  const cache = await caches.open(name);
  // A server may have redirected index.html, and a browser takes no redirected response for a page.
  await Promise.all(loaded.map(([path, it]) => cache.put(path, new Response(it.body, it))));
}

async function clean() {
  const old = (await caches.keys()).filter((other) => other.startsWith(mine) && other !== name);
  await Promise.all(old.map((other) => caches.delete(other)));
}

addEventListener("install", (event) => event.waitUntil(install()));
addEventListener("activate", (event) => event.waitUntil(clean()));
addEventListener("message", () => skipWaiting());

/** Loads the page again when the build that waits has taken over, or shows this one if that takes long. */
const takeOver = `<!doctype html><link rel="icon" href="data:,"><script type="module">
  const { serviceWorker } = navigator;
  const reload = () => location.reload();
  serviceWorker.addEventListener("controllerchange", reload);
  const { waiting } = await serviceWorker.getRegistration();
  if (waiting) waiting.postMessage("take over");
  setTimeout(reload, waiting ? 3000 : 0);
</script>`;
let isTried = false;

async function answer(request, path) {
  // Another tab may still be loading files of this build. What waits may also be another page's, and never take over.
  const isNext = request.mode === "navigate" && registration.waiting && !isTried;
  if (isNext && (await clients.matchAll()).length < 2) {
    isTried = true;
    return new Response(takeOver, { headers: { "content-type": "text/html" } });
  }
  return (await (await caches.open(name)).match(path)) ?? fetch(request);
}

addEventListener("fetch", (event) => {
  const { origin, pathname } = new URL(event.request.url);
  const { pathname: root } = new URL(registration.scope);
  const path = pathname.slice(root.length) || "index.html";
  if (origin === location.origin && Object.hasOwn(files, path)) event.respondWith(answer(event.request, path));
});
