/** The first-run card: a few lines that say what to do, until someone closes it. */

import { fill, h } from "./dom.js";
import { icon, lighthouse } from "./icons.js";
import { keep, recall } from "./memory.js";
import { mrkdwn } from "./mrkdwn.js";

const MOST = 3;

/** hints: strings in mrkdwn, or {text}. */
export function showHints(host, hints) {
  const lines = (hints || []).map((hint) => (typeof hint === "string" ? hint : hint.text)).filter(Boolean).slice(0, MOST);
  const mark = lines.join("|");
  host.hidden = !lines.length || recall("hints") === mark;
  if (host.hidden) return;
  const close = h("button", { type: "button", class: "icon-button", "aria-label": "Close this card", data: { testid: "hints-close" } }, icon("close", 16));
  close.addEventListener("click", () => { host.hidden = true; keep("hints", mark); });
  fill(host, h("span", { class: "brand-mark" }, lighthouse(22)), h("ol", {}, lines.map((line) => h("li", {}, mrkdwn(line)))), close);
}
