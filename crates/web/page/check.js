// The third section: the check of this device.

import { call } from "./link.js";
import { sentence } from "./text.js";

const byId = (id) => document.getElementById(id);
const button = byId("check");
const status = byId("check-status");
const alert = byId("check-alert");
const what = byId("check-what");
const progress = byId("progress");
const report = byId("report");

async function check() {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  alert.textContent = "";
  status.textContent = "The check runs.";
  progress.value = 0;
  what.textContent = "starting";
  try {
    report.textContent = await call("check", [], (done, all, part) => {
      progress.max = all;
      progress.value = done;
      if (part) what.textContent = part;
    });
    progress.value = progress.max;
    what.textContent = "finished";
    status.textContent = "The check is finished. Its report is below.";
    byId("copy").disabled = false;
  } catch (error) {
    what.textContent = "failed";
    status.textContent = "";
    alert.textContent = sentence(error.message);
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

async function copy() {
  try {
    await navigator.clipboard.writeText(report.textContent);
    status.textContent = "The report is copied.";
  } catch {
    // Without permission, or without HTTPS: one key is left to press.
    getSelection().selectAllChildren(report);
    status.textContent = "The browser does not let the page copy. The report is selected: press Ctrl+C or ⌘C.";
  }
}

export function start() {
  button.disabled = false;
  button.addEventListener("click", check);
  byId("copy").addEventListener("click", copy);
}
