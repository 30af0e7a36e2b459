/** The first-run card: what to do next, until someone closes it. */

import { fill, h } from "./dom.js";
import { icon, lighthouse } from "./icons.js";
import { keep, recall } from "./memory.js";
import { mrkdwn } from "./mrkdwn.js";

const MOST = 3;

/** hints: strings in mrkdwn, or steps {text, done}, of which the last is what is said when all others are done. */
export function showHints(host, hints) {
  const all = (hints || []).map((hint) => (typeof hint === "string" ? { text: hint } : hint)).filter(({ text }) => text);
  const isStory = all.some(({ done }) => done !== undefined);
  const mark = isStory ? `story:${all.length}` : all.map(({ text }) => text).join("|");
  host.hidden = !all.length || recall("hints") === mark;
  if (host.hidden) return;
  const close = h("button", { type: "button", class: "icon-button", "aria-label": "Close this card", data: { testid: "hints-close" } }, icon("close", 16));
  close.addEventListener("click", () => { host.hidden = true; keep("hints", mark); });
  const list = h("ol", {}, all.slice(0, MOST).map(({ text }) => h("li", {}, mrkdwn(text))));
  fill(host, h("span", { class: "brand-mark" }, lighthouse(22)), isStory ? step(all) : list, close);
}

/** The step that is due, with how far the story has come. */
function step(all) {
  const at = all.findIndex(({ done }) => !done);
  const count = all.length - 1;
  const dots = all.slice(0, count).map(({ done }, number) => h("span", { class: `story-dot${done ? " done" : number === at ? " due" : ""}` }));
  const where = at < count ? `Step ${at + 1} of ${count}` : "Done";
  return h("div", { class: "story", role: "status", data: { testid: "story" } },
    h("p", { class: "story-where" }, h("b", {}, where), h("span", { class: "story-dots", "aria-hidden": "true" }, dots)),
    h("p", {}, mrkdwn(all[at].text)));
}
