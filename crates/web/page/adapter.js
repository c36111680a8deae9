// What the browser tells of the adapter that wgpu opens.

const vendors = { amd: "AMD", arm: "Arm", nvidia: "NVIDIA" };
const capital = (word) => word.charAt(0).toUpperCase() + word.slice(1);

/** A name for people to read. Empty if there is no adapter. */
export async function adapterName() {
  // As wgpu asks for it.
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  if (!adapter) return "";
  const { vendor = "", architecture = "", description = "" } = adapter.info ?? {};
  if (description) return `${description} (WebGPU)`;
  if (!vendor) return "unnamed WebGPU adapter";
  return `WebGPU adapter of ${[vendors[vendor] ?? capital(vendor), architecture].filter(Boolean).join(", ")}`;
}
