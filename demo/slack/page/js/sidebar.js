/** The left column: channels, direct messages and apps, with what is unread. */

import { userAvatar } from "./avatar.js";
import { fill, h } from "./dom.js";
import { icon, lighthouse } from "./icons.js";
import { openApp, openChannel, route } from "./router.js";
import { directChannel, homeApps, me, on, store } from "./store.js";

function row({ active, unread, mark, label, note, data, run }) {
  const badge = unread ? (unread.mention && unread.count ? h("span", { class: "badge" }, String(unread.count)) : h("span", { class: "badge-dot", "aria-hidden": "true" })) : null;
  const button = h("button", { type: "button", class: `side-row${active ? " active" : ""}${unread ? " unread" : ""}`, data,
    "aria-current": active ? "page" : null }, h("span", { class: "side-mark" }, mark), h("span", { class: "side-label" }, label),
  note ? h("span", { class: "side-note" }, note) : null, badge, unread ? h("span", { class: "sr-only" }, "unread") : null);
  button.addEventListener("click", () => { run(); document.body.classList.remove("nav-open"); });
  return h("li", {}, button);
}

function section(title, rows) {
  const id = `side-${title.toLowerCase().replace(/\W+/g, "-")}`;
  return h("section", { class: "side-section", "aria-labelledby": id }, h("h2", { id }, title), h("ul", { role: "list" }, rows));
}

function channelRows() {
  return [...store.channels.values()].filter((channel) => !channel.is_im && channel.member !== false).map((channel) => row({
    active: route.channel === channel.id, unread: store.unread.get(channel.id), mark: icon("hash", 16), label: channel.name,
    data: { channel: channel.id }, run: () => openChannel(channel.id) }));
}

function directRows() {
  const people = [...store.users.values()].filter((user) => !user.is_bot && user.id !== store.me);
  return people.map((user) => {
    const channel = directChannel(user.id);
    const id = channel ? channel.id : user.id;
    return row({ active: route.channel === id || route.channel === user.id, unread: channel && store.unread.get(channel.id), mark: userAvatar(user, "tiny"),
      label: user.real_name || user.name, note: user.is_restricted ? "guest" : null, data: { channel: id, user: user.id }, run: () => openChannel(id) });
  });
}

function appRows() {
  return homeApps().map((app) => {
    const channel = directChannel(app.bot_user_id);
    const state = h("span", { class: `presence ${app.connected ? "on" : "off"}`, role: "img", "aria-label": app.connected ? "connected" : "not connected",
      title: app.connected ? "connected" : "not connected" });
    return row({ active: route.app === app.id, unread: channel && store.unread.get(channel.id),
      mark: userAvatar(store.users.get(app.bot_user_id) || { id: app.bot_user_id, name: app.name }, "tiny"), label: app.name, note: state,
      data: { app: app.id }, run: () => openApp(app.id) });
  });
}

export function startSidebar(host) {
  const draw = () => {
    if (!store.me) return;
    const focused = host.contains(document.activeElement) ? document.activeElement.dataset : null;
    fill(host, h("div", { class: "brand" }, h("span", { class: "brand-mark" }, lighthouse(22)),
      h("div", {}, h("div", { class: "brand-name" }, "Watchkeeper"), h("div", { class: "brand-sub" }, "demo workspace"))),
    h("div", { class: "side-scroll" }, section("Channels", channelRows()), section("Direct messages", directRows()), section("Apps", appRows())),
    h("div", { class: "side-foot" }, userAvatar(me(), "small"), h("div", {}, h("div", { class: "side-me" }, me().real_name || me().name),
      h("div", { class: "side-title" }, me().title || ""))));
    if (focused) host.querySelector(focused.channel ? `[data-channel="${focused.channel}"]` : `[data-app="${focused.app}"]`)?.focus();
  };
  for (const name of ["directory", "unread", "route"]) on(name, draw);
  draw();
}
