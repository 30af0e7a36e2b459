/** What the page knows about the workspace as seen by one person; changes are announced as events on `bus`. */

const bus = new EventTarget();
export const emit = (name, detail = {}) => bus.dispatchEvent(new CustomEvent(name, { detail }));
export const on = (name, handler) => bus.addEventListener(name, (event) => handler(event.detail));

export const store = {
  me: null, team: null, connection: "connecting",
  users: new Map(), channels: new Map(), usergroups: new Map(), apps: new Map(),
  messages: new Map(),   // channel -> Map(ts -> root message)
  threads: new Map(),    // "channel:thread_ts" -> Map(ts -> message, root included)
  statuses: new Map(),   // "channel:thread_ts" -> {status, app_id}
  sessions: new Map(),   // "channel:thread_ts" -> {status, title}
  prompts: new Map(),    // "channel:thread_ts" -> suggested prompts
  views: [], homes: new Map(),
  unread: new Map(),     // channel -> {count, mention, since}
};

export const threadKey = (channel, threadTs) => `${channel}:${threadTs}`;
const byId = (list) => new Map((list || []).map((item) => [item.id, item]));

/** Takes a /control/state answer as the new truth about people, channels and apps. */
export function takeState(body) {
  store.team = body.team;
  store.me = typeof body.me === "string" ? body.me : body.me.id;
  store.users = byId(body.users);
  store.channels = byId(body.channels);
  store.usergroups = byId(body.usergroups);
  store.apps = byId(body.apps);
  store.sessions = new Map();
  store.statuses = new Map();
  for (const session of body.sessions || []) {
    const key = threadKey(session.channel, session.thread_ts);
    store.sessions.set(key, session);
    if (session.loading) store.statuses.set(key, { status: session.loading, app_id: session.app_id });
  }
  store.prompts = new Map((body.prompts || []).map((item) => [threadKey(item.channel, item.thread_ts || ""), item.prompts]));
  emit("directory");
}

export const me = () => store.users.get(store.me) || { id: store.me, name: store.me };
export const userName = (id) => {
  const user = store.users.get(id);
  return user ? user.real_name || user.name : id;
};
export const channelName = (id) => {
  const channel = store.channels.get(id);
  if (!channel) return id;
  return channel.is_im ? userName(channel.im_user) : channel.name;
};
export const groupName = (id) => {
  const group = store.usergroups.get(id);
  return group ? group.handle || group.name : id;
};
const appOfBot = (userId) => [...store.apps.values()].find((app) => app.bot_user_id === userId);
export const homeApps = () => [...store.apps.values()].filter((app) => app.home);

/** The DM channel with a user, or undefined while none was opened. */
export const directChannel = (userId) => [...store.channels.values()].find((c) => c.is_im && c.im_user === userId);

/** {name, color, initials, isBot, isWatchkeeper} of whoever wrote a message. */
export function authorOf(message) {
  const app = store.apps.get(message.app_id) || (message.user && appOfBot(message.user));
  const user = store.users.get(message.user) || (app && store.users.get(app.bot_user_id));
  const name = message.username || (user && (user.real_name || user.name)) || (app && app.name)
    || (message.bot_profile && message.bot_profile.name) || message.user || "bot";
  return { name, initials: initials(name), color: colorOf(user, name), isBot: Boolean(message.bot_id || message.app_id || (user && user.is_bot)),
    isWatchkeeper: Boolean(app && app.id === "A0WATCH" && !message.username), userId: user ? user.id : null };
}

export function initials(name) {
  const words = String(name).replace(/[^\p{L}\p{N} ]/gu, " ").trim().split(/\s+/).filter(Boolean);
  if (!words.length) return "?";
  return (words.length > 1 ? words[0][0] + words[words.length - 1][0] : words[0].slice(0, 2)).toUpperCase();
}

const SWATCHES = 8;

/** A palette index 0..7, stable per person; the CSS decides the colours so that contrast holds in both themes. */
export function colorOf(user, name) {
  const seed = user ? user.id : String(name);
  let sum = 0;
  for (const letter of seed) sum = (sum * 31 + letter.codePointAt(0)) % 9973;
  return sum % SWATCHES;
}

/** Root messages of a channel, oldest first. */
export const rootsOf = (channel) => sorted(store.messages.get(channel));
/** All messages of a thread, root first. */
export const repliesOf = (channel, threadTs) => sorted(store.threads.get(threadKey(channel, threadTs)));

function sorted(map) {
  return map ? [...map.values()].sort((a, b) => (a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : 0)) : [];
}

export const isReply = (message) => Boolean(message.thread_ts && message.thread_ts !== message.ts);

/** A message as last seen, wherever it is shown. */
export function findMessage(channel, ts) {
  const root = store.messages.get(channel)?.get(ts);
  if (root) return root;
  for (const [key, messages] of store.threads) {
    if (key.startsWith(`${channel}:`) && messages.has(ts)) return messages.get(ts);
  }
  return null;
}
