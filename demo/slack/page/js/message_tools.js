/** The toolbar of a message: react, reply, shortcuts, copy a link. */

import { api } from "./api.js";
import { h } from "./dom.js";
import { REACTION_CHOICES } from "./emoji.js";
import { emojiNode } from "./entities.js";
import { icon } from "./icons.js";
import { openMenu } from "./menu.js";
import { linkTo, openThread } from "./router.js";
import { store } from "./store.js";
import { sentence, toast } from "./toast.js";

/** Adds or removes my reaction. */
export async function react(channel, message, name, remove) {
  try {
    await api.reaction({ as: store.me, channel, ts: message.ts, name, remove: Boolean(remove) });
  } catch (error) {
    toast(sentence(error), { kind: "error" });
  }
}

function tool(glyph, label, testid, run) {
  const button = h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, data: { testid } }, icon(glyph, 17));
  button.addEventListener("click", () => run(button));
  return button;
}

async function runShortcut(channel, message, app, shortcut) {
  try {
    await api.shortcut({ as: store.me, callback_id: shortcut.callback_id, channel, ts: message.ts, app_id: app.id });
  } catch (error) {
    toast(sentence(error), { kind: "error" });
  }
}

async function copyLink(channel, message) {
  try {
    await navigator.clipboard.writeText(linkTo(channel, message.thread_ts || message.ts));
    toast("Link copied.");
  } catch {
    toast("This browser does not allow copying here.", { kind: "error" });
  }
}

function shortcutsOf(channel, message) {
  return [...store.apps.values()].flatMap((app) => (app.shortcuts || []).filter((shortcut) => shortcut.type === "message").map((shortcut) => ({
    label: shortcut.name, hint: app.name, run: () => runShortcut(channel, message, app, shortcut) })));
}

/** Shown on hover and whenever focus is inside the row. */
export function toolbar(channel, message, { inThread }) {
  if (message.is_ephemeral) return null;
  const emoji = (anchor) => openMenu(anchor, REACTION_CHOICES.map((name) => ({
    label: name.replace(/_/g, " "), glyph: emojiNode(name), run: () => react(channel, message, name, false) })), { grid: true, label: "React" });
  const more = (anchor) => openMenu(anchor, [...shortcutsOf(channel, message), { label: "Copy link to thread", run: () => copyLink(channel, message) }],
    { label: "Message actions" });
  const menuButton = tool("dots", "More actions", "message-menu", more);
  menuButton.setAttribute("aria-haspopup", "menu");
  return h("div", { class: "message-tools", role: "toolbar", "aria-label": "Message actions" },
    tool("smile", "Add reaction", "add-reaction", emoji),
    inThread ? null : tool("reply", "Reply in thread", "reply-in-thread", () => openThread(channel, message.ts)), menuButton);
}
