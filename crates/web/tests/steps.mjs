// What the tests of the page have in common: steps that fail one by one.

let failures = 0;

export function fail(text) {
  failures += 1;
  console.error(`FAILED: ${text}`);
}

export const expect = (met, text) => met || fail(text);

/** Runs one part. If it fails, the others still run. */
export async function step(title, action) {
  const before = failures;
  try {
    await action();
  } catch (error) {
    fail(`${title}: ${error.message}`);
  }
  if (failures === before) console.log(`ok: ${title}`);
}

/** Says how it went. */
export function finish() {
  console.log(failures === 0 ? "all is well" : `${failures} failed`);
  process.exitCode = failures === 0 ? 0 : 1;
}
