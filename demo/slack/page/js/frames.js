/** Applies live frames to the store, and merges them with history answers so that nothing is lost in between. */

import { api } from "./api.js";
import { emit, findMessage, isReply, store, takeState, threadKey } from "./store.js";

const loading = new Map(); // "channel" or "channel:thread_ts" -> frames that arrived while history was on its way

const inRoots = (message) => !isReply(message) || message.subtype === "thread_broadcast";

function remember(key, frame) {
  if (loading.has(key)) loading.get(key).push(frame);
}

/** Inserts or replaces whole, so that what a change took away is gone; true when it was not known before. */
function upsert(map, message) {
  if (!map) return false;
  const fresh = !map.has(message.ts);
  map.set(message.ts, message);
  return fresh;
}

function countReply(channel, message) {
  const roots = store.messages.get(channel);
  const root = roots?.get(message.thread_ts);
  if (!root || message.is_ephemeral || (root.latest_reply && root.latest_reply >= message.ts)) return;
  const reply_users = [...new Set([...(root.reply_users || []), message.user].filter(Boolean))];
  roots.set(root.ts, { ...root, latest_reply: message.ts, reply_count: (root.reply_count || 0) + 1, reply_users });
  emit("message-changed", { channel, message: roots.get(root.ts) });
}

function putMessage(frame, { isNew }) {
  const { channel } = frame;
  const message = { ...frame.message };
  if (frame.type.startsWith("ephemeral")) message.is_ephemeral = true;
  const key = threadKey(channel, message.thread_ts || message.ts);
  remember(channel, frame);
  remember(key, frame);
  let fresh = false;
  const wasStreaming = Boolean(findMessage(channel, message.ts)?.streaming);
  if (inRoots(message)) fresh = upsert(store.messages.get(channel), message) || fresh;
  const thread = store.threads.get(key);
  if (thread && (isReply(message) || message.ts === message.thread_ts || thread.has(message.ts))) fresh = upsert(thread, message) || fresh;
  if (isReply(message) && isNew) countReply(channel, message);
  emit(fresh ? "message-added" : "message-changed", { channel, message });
  // A streamed answer is announced once, when it is complete.
  if (message.streaming ? false : isNew || wasStreaming) emit("message-live", { channel, message });
}

function dropMessage(frame) {
  const { channel } = frame;
  const ts = frame.ts || frame.message?.ts;
  remember(channel, frame);
  store.messages.get(channel)?.delete(ts);
  for (const [key, messages] of store.threads) {
    if (!key.startsWith(`${channel}:`)) continue;
    remember(key, frame);
    messages.delete(ts);
  }
  emit("message-removed", { channel, ts });
}

function putThreadFact(map, frame, value) {
  const key = threadKey(frame.channel, frame.thread_ts);
  if (value) map.set(key, value);
  else map.delete(key);
  emit("thread-state", { channel: frame.channel, thread_ts: frame.thread_ts });
}

function putView(frame) {
  const place = store.views.findIndex((view) => view.id === frame.view.id);
  if (place >= 0) store.views[place] = frame.view;
  else store.views.push(frame.view);
  emit("views");
}

const handlers = {
  message: (frame) => putMessage(frame, { isNew: true }),
  ephemeral: (frame) => putMessage(frame, { isNew: true }),
  message_changed: (frame) => putMessage(frame, { isNew: false }),
  ephemeral_changed: (frame) => putMessage(frame, { isNew: false }),
  reaction: (frame) => putMessage(frame, { isNew: false }),
  stream: (frame) => putMessage(frame, { isNew: false }),
  message_deleted: dropMessage,
  ephemeral_deleted: dropMessage,
  status: (frame) => putThreadFact(store.statuses, frame, frame.status ? { status: frame.status, app_id: frame.app_id } : null),
  session: (frame) => putThreadFact(store.sessions, frame, { status: frame.status, title: frame.title }),
  view_open: putView,
  view_update: putView,
  view_close: (frame) => {
    store.views = store.views.filter((view) => view.id !== frame.view_id);
    emit("views");
  },
  home: (frame) => { store.homes.set(frame.app_id, frame.view); emit("home", { app_id: frame.app_id }); },
  app: (frame) => { store.apps.set(frame.app.id, { ...store.apps.get(frame.app.id), ...frame.app }); emit("directory"); },
  // The frame names the channel only; what I may know of it is in the state.
  channel: () => { loadState(store.me).catch(() => {}); },
  hints: (frame) => emit("hints", frame),
  interaction_failed: (frame) => emit("interaction-failed", frame),
  prompts: (frame) => {
    const key = threadKey(frame.channel, frame.thread_ts || "");
    store.prompts.set(key, frame.prompts);
    emit("thread-state", { channel: frame.channel, thread_ts: frame.thread_ts || "" });
  },
};

export function applyFrame(frame) {
  const handler = handlers[frame.type];
  if (handler) handler(frame);
}

async function load(key, fetchMessages, target) {
  const late = [];
  loading.set(key, late);
  try {
    const body = await fetchMessages();
    // A later load of the same place has taken over, with an answer that is newer than this one.
    if (loading.get(key) !== late) return;
    const map = new Map(body.messages.map((message) => [message.ts, message]));
    target.set(key, map);
    for (const frame of late) {
      // A frame that came while the answer travelled is newer than the answer.
      if (frame.type.endsWith("_deleted")) map.delete(frame.ts || frame.message?.ts);
      else if (target === store.threads || inRoots(frame.message)) upsert(map, frame.message);
    }
  } finally {
    if (loading.get(key) === late) loading.delete(key);
  }
}

/** Fetches a channel's root messages and announces "history". */
export async function loadChannel(channel) {
  await load(channel, () => api.history(store.me, channel), store.messages);
  emit("history", { channel });
}

/** Fetches one thread, root included, and announces "thread-history". */
export async function loadThread(channel, threadTs) {
  await load(threadKey(channel, threadTs), () => api.history(store.me, channel, threadTs), store.threads);
  emit("thread-history", { channel, thread_ts: threadTs });
}

export async function loadState(as) {
  takeState(await api.state(as));
}

export async function loadViews() {
  const body = await api.views(store.me);
  store.views = body.views || [];
  store.homes = new Map(Object.entries(body.homes || {}));
  emit("views");
  for (const app_id of store.homes.keys()) emit("home", { app_id });
}
