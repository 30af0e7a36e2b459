/** What each person has not read yet: sidebar badges and the "New" line in a channel. */

import { keep, recall } from "./memory.js";
import { emit, on, store } from "./store.js";
import { route } from "./router.js";

const keyOf = (channel) => `read:${store.me}:${channel}`;

/** ts up to which I have read, "" when this channel was never looked at. */
export const readUpTo = (channel) => recall(keyOf(channel), "");

const newest = (channel) => {
  const stamps = [...(store.messages.get(channel)?.keys() || [])];
  return stamps.reduce((top, ts) => (ts > top ? ts : top), store.channels.get(channel)?.latest_ts || "");
};

export function markRead(channel) {
  const top = newest(channel);
  if (top && top > readUpTo(channel)) keep(keyOf(channel), top);
  if (store.unread.delete(channel)) emit("unread");
}

const isLookedAt = (channel) => route.channel === channel && document.visibilityState === "visible";

function mentionsMe(channel, message) {
  return Boolean(store.channels.get(channel)?.is_im) || String(message.text || "").includes(`<@${store.me}>`);
}

/** Compares every channel's newest message with what was read before; first visits start as read. */
export function recountUnread() {
  store.unread.clear();
  for (const channel of store.channels.values()) {
    const read = readUpTo(channel.id);
    if (!read) keep(keyOf(channel.id), channel.latest_ts || "0");
    else if (channel.latest_ts && channel.latest_ts > read) store.unread.set(channel.id, { count: 0, mention: false });
  }
  emit("unread");
}

on("message-live", ({ channel, message }) => {
  const known = store.channels.get(channel);
  if (known && !(known.latest_ts > message.ts)) known.latest_ts = message.ts;
  if (isLookedAt(channel) || message.user === store.me) {
    keep(keyOf(channel), newest(channel));
    return;
  }
  const seen = store.unread.get(channel) || { count: 0, mention: false };
  store.unread.set(channel, { count: seen.count + 1, mention: seen.mention || mentionsMe(channel, message) });
  emit("unread");
});
