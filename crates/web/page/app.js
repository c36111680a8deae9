// Starts the worker and then the three sections of the page.

import * as batches from "./batches.js";
import * as check from "./check.js";
import * as curves from "./curves.js";
import { call } from "./link.js";
import { keepOffline } from "./offline.js";
import { sentence } from "./text.js";

const device = document.getElementById("device");

function notice(kind, ...sentences) {
  device.className = `notice ${kind}`;
  device.replaceChildren(...sentences.map((text) => Object.assign(document.createElement("p"), { textContent: text })));
}

try {
  const [opened] = await Promise.all([call("open"), curves.start()]);
  if (opened.why) {
    notice("warning", sentence(opened.why), "Everything on this page runs on the CPU path, which gives the same bits.");
  } else {
    const remark = "It computes in software: the results are those of a GPU, but the times say nothing about one.";
    notice("", `This device: ${opened.described}`, ...(opened.isSoftware ? [remark] : []));
  }
  check.start();
  await batches.start(opened);
} catch (error) {
  notice("alert", `This page could not start: ${error.message}`);
}
device.setAttribute("aria-busy", "false");
keepOffline();
