// The third section: the check of this device, its verdict, and the report.

import { call } from "./link.js";
import { markdown, verdict } from "./report.js";
import { count, sentence } from "./text.js";

const byId = (id) => document.getElementById(id);
const button = byId("check");
const status = byId("check-status");
const alert = byId("check-alert");
const what = byId("check-what");
const progress = byId("progress");
const text = byId("markdown");

/** Under which the report outlives a reload. */
const key = "hard-sigmoid report";
let report;

async function check() {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  alert.textContent = "";
  status.textContent = "The check runs.";
  progress.value = 0;
  what.textContent = "starting";
  try {
    const found = await call("check", [], (done, all, part) => {
      progress.max = all;
      progress.value = done;
      if (part) what.textContent = part;
    });
    progress.value = progress.max;
    what.textContent = "finished";
    status.textContent = "";
    show({ ...found, browser: navigator.userAgent, at: new Date().toISOString() });
    keep();
  } catch (error) {
    what.textContent = "failed";
    status.textContent = report ? "The report below is of an earlier check." : "";
    alert.textContent = `${sentence(error.message)} Check again. If it fails again, reload the page.`;
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

function show(next) {
  report = next;
  const { passed, text: said } = verdict(report);
  byId("verdict").className = passed ? "" : "failed";
  byId("verdict").textContent = said;
  byId("checked-on").textContent = `${report.adapter}, ${new Date(report.at).toLocaleString("en-GB")}`;
  byId("checks").replaceChildren(...report.rows.map((row) => {
    const made = document.createElement("tr");
    made.className = row.passed ? "" : "failed";
    const name = Object.assign(document.createElement("th"), { scope: "row" });
    name.textContent = `${row.passed ? "" : "failed: "}${row.element} ${row.preset} ${row.pass}`;
    const cells = [row.checked, row.mismatches, row.flushed, row.miscounted, row.outOfBound, row.maxUlp];
    made.append(name, ...cells.map((n) => Object.assign(document.createElement("td"), { textContent: count(n) })));
    return made;
  }));
  text.hidden = true;
  byId("check-result").hidden = false;
  byId("copy").disabled = false;
}

function keep() {
  try {
    sessionStorage.setItem(key, JSON.stringify(report));
  } catch {
    status.textContent = "The browser does not let the page keep the report: a reload loses it. Copy it first.";
  }
}

/** The report from before a reload. */
function recall() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(key));
    if (!kept) return;
    show(kept);
    progress.value = progress.max;
    what.textContent = "finished, before this page was loaded";
  } catch {
    // There is none, or one of an older page.
    report = undefined;
    byId("verdict").textContent = "";
    byId("check-result").hidden = true;
  }
}

async function copy() {
  try {
    await navigator.clipboard.writeText(markdown(report));
    status.textContent = "The report is copied, as Markdown.";
  } catch {
    // Without permission, or without HTTPS: one key is left to press.
    text.value = markdown(report);
    text.hidden = false;
    text.select();
    status.textContent = "The browser does not let the page copy. The report is selected: press Ctrl+C or ⌘C.";
  }
}

export function start() {
  recall();
  button.disabled = false;
  button.addEventListener("click", check);
  byId("copy").addEventListener("click", copy);
}
