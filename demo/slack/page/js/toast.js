/** Words for everybody: short notices on screen, and polite announcements for screen readers. */

import { h } from "./dom.js";
import { icon } from "./icons.js";

const SHOWN_MS = 7000;

/** A notice at the bottom of the page; errors stay until closed. */
export function toast(text, { kind = "info" } = {}) {
  const place = document.getElementById("toasts");
  const close = h("button", { type: "button", class: "icon-button", "aria-label": "Close notice" }, icon("close", 14));
  const note = h("div", { class: `toast ${kind}`, role: kind === "error" ? "alert" : "status" },
    kind === "error" ? icon("warn", 16) : null, h("span", {}, text), close);
  close.addEventListener("click", () => note.remove());
  place.append(note);
  while (place.children.length > 3) place.firstElementChild.remove();
  if (kind !== "error") setTimeout(() => note.remove(), SHOWN_MS);
  return note;
}

/** Says something through the polite live region. */
export function announce(text) {
  const log = document.getElementById("announcer");
  log.append(h("p", {}, text));
  while (log.children.length > 6) log.firstElementChild.remove();
}

const SENTENCES = {
  operation_timeout: "The app did not answer within 3 seconds. Try again.",
  element_not_found: "This card has changed meanwhile; here is its current state.",
  dispatch_failed: "No app is connected that could answer this.",
  app_not_connected: "The app is not connected at the moment.",
};

/** The sentence to show for an ApiError. */
export const sentence = (error) => SENTENCES[error.code] || error.message || "That did not work.";
