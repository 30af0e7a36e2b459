/** The bar on top: who I am acting as, the live connection, the theme and the drawer. */

import { userAvatar } from "./avatar.js";
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { go } from "./router.js";
import { on, store } from "./store.js";
import { nextTheme, themeLabel } from "./theme.js";

const WORDS = { open: "Live", connecting: "Connecting…", lost: "Reconnecting…" };

function personButton(user) {
  const mine = user.id === store.me;
  const button = h("button", { type: "button", class: "person", "aria-pressed": mine ? "true" : "false", "aria-label": user.real_name || user.name, data: { as: user.id },
    title: `${user.real_name} – ${user.title || user.name}${user.is_restricted ? ", guest" : ""}` }, userAvatar(user, "tiny"),
  h("span", { class: "person-name" }, (user.real_name || user.name).split(" ")[0]));
  button.addEventListener("click", () => { if (!mine) go({ as: user.id }); });
  return button;
}

function iconToggle(glyph, label, testid, run) {
  const button = h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, data: { testid } }, icon(glyph));
  button.addEventListener("click", run);
  return button;
}

export function startTopbar(host, { onDrawer }) {
  const menu = iconToggle("menu", "Channels", "nav-toggle", () => {
    const open = document.body.classList.toggle("nav-open");
    menu.setAttribute("aria-expanded", String(open));
  });
  menu.classList.add("nav-toggle");
  const people = h("div", { class: "people", role: "group", "aria-label": "Act as" });
  const state = h("span", { class: "live-state", role: "status", data: { testid: "live-state" } });
  const theme = iconToggle("auto", "Theme", "theme-toggle", () => { nextTheme(); draw(); });
  const drawer = iconToggle("pulse", "Patient panel", "drawer-toggle", onDrawer);
  fill(host, menu, h("span", { class: "act-label", "aria-hidden": "true" }, "Act as"), people, h("span", { class: "spacer" }), state, theme, drawer);
  const draw = () => {
    const focused = people.contains(document.activeElement) ? document.activeElement.dataset.as : null;
    fill(people, [...store.users.values()].filter((user) => !user.is_bot).map(personButton));
    if (focused) people.querySelector(`[data-as="${focused}"]`)?.focus();
    fill(state, h("span", { class: `live-dot ${store.connection}`, "aria-hidden": "true" }), h("span", { class: "live-word" }, WORDS[store.connection]));
    const { glyph, label } = themeLabel();
    fill(theme, icon(glyph));
    theme.setAttribute("aria-label", label);
    theme.title = label;
  };
  for (const name of ["directory", "connection"]) on(name, draw);
  draw();
}
