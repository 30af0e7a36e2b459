/** A person's or app's picture: initials on a colour, the lighthouse for Watchkeeper. */

import { h } from "./dom.js";
import { lighthouse } from "./icons.js";
import { authorOf, colorOf, initials } from "./store.js";

/** Decorative: the name always stands beside it. */
export function avatarOf(message, size = "") {
  const author = authorOf(message);
  if (author.isWatchkeeper) return h("span", { class: `avatar watch ${size}`, "aria-hidden": "true" }, lighthouse(size ? 14 : 24));
  return h("span", { class: `avatar swatch-${author.color} ${author.isBot ? "bot" : ""} ${size}`, "aria-hidden": "true" }, author.initials);
}

export function userAvatar(user, size = "") {
  if (user.id === "U0WATCH") return h("span", { class: `avatar watch ${size}`, "aria-hidden": "true" }, lighthouse(size ? 14 : 24));
  return h("span", { class: `avatar swatch-${colorOf(user)} ${size}`, "aria-hidden": "true" }, initials(user.real_name || user.name));
}
