/** Slack's <…> control sequences and the three entities, turned into nodes. */

import { h, link, safeUrl } from "./dom.js";
import { emojiFor } from "./emoji.js";
import { channelName, groupName, store, userName } from "./store.js";
import { formatDateToken } from "./time.js";

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };

/** Decodes exactly one level of &amp; &lt; &gt;. */
export const decode = (text) => String(text).replace(/&(?:amp|lt|gt);/g, (entity) => ENTITIES[entity]);

export function userMention(id) {
  const isMe = id === store.me || false;
  return h("span", { class: isMe ? "mention mention-me" : "mention", data: { user: id } }, `@${userName(id)}`);
}

export function groupMention(id) {
  const group = store.usergroups.get(id);
  const isMine = Boolean(group && (group.users || []).includes(store.me));
  return h("span", { class: isMine ? "mention mention-me" : "mention" }, `@${groupName(id)}`);
}

export function channelMention(id) {
  return h("button", { type: "button", class: "mention mention-channel", data: { openChannel: id } }, `#${channelName(id)}`);
}

export const broadcastMention = (range) => h("span", { class: "mention mention-me" }, `@${range}`);

export function dateNode(epoch, pattern, url, fallback) {
  const text = formatDateToken(epoch, pattern) || fallback || "";
  const node = h("time", { title: fallback || null }, text);
  return url && safeUrl(url) ? link(url, node) : node;
}

/** ":eyes:" as an image with a name, or the literal text for a name we do not know. */
export function emojiNode(name) {
  const glyph = emojiFor(name);
  if (!glyph) return document.createTextNode(`:${name}:`);
  return h("span", { class: "emoji", role: "img", "aria-label": name.replace(/_/g, " "), title: `:${name}:` }, glyph);
}

function specialNode(body, label) {
  if (body.startsWith("subteam^")) return groupMention(body.slice(8));
  if (body.startsWith("date^")) {
    const [, epoch, pattern = "", url] = body.split("^");
    return dateNode(epoch, decode(pattern), url && decode(url), label);
  }
  if (["here", "channel", "everyone"].includes(body.split("^")[0])) return broadcastMention(body);
  return document.createTextNode(label || `<!${body}>`);
}

/** The inside of "<…>" -> node; anything that is no reference or safe link stays the literal text it was. */
export function controlNode(inside) {
  const cut = inside.indexOf("|");
  const body = cut < 0 ? inside : inside.slice(0, cut);
  const label = cut < 0 ? "" : decode(inside.slice(cut + 1));
  if (/^@[UWB][A-Z0-9]+$/.test(body)) return userMention(body.slice(1));
  if (/^#[CDG][A-Z0-9]+$/.test(body)) return channelMention(body.slice(1));
  if (body.startsWith("!")) return specialNode(body.slice(1), label);
  const url = decode(body);
  if (/^(https?:\/\/|mailto:|tel:)/i.test(url) && safeUrl(url)) return link(url, label || url.replace(/^mailto:/i, ""));
  return document.createTextNode(decode(`<${inside}>`));
}

/** The same, for places where only text may stand (code). */
export function controlText(inside) {
  const cut = inside.indexOf("|");
  if (/^[@#!]/.test(inside) || /^(https?:|mailto:)/i.test(inside)) {
    return cut >= 0 && !inside.startsWith("!date") ? decode(inside.slice(cut + 1)) : controlNode(inside).textContent;
  }
  return decode(`<${inside}>`);
}
