/** Where the page stands, kept in the address so that it can be shared, reloaded and tested. */

import { emit } from "./store.js";

const KEYS = ["as", "channel", "thread", "app", "tab"];

export const route = { as: null, channel: null, thread: null, app: null, tab: null };

export function readRoute() {
  const params = new URLSearchParams(location.search);
  for (const key of KEYS) route[key] = params.get(key);
}

function addressOf(next) {
  const params = new URLSearchParams();
  for (const key of KEYS) if (next[key]) params.set(key, next[key]);
  return `${location.pathname}?${params}`;
}

/** Changes some parts; `replace` leaves no trace in the history. */
export function go(changes, { replace = false } = {}) {
  const before = { ...route };
  Object.assign(route, changes);
  const address = addressOf(route);
  if (replace) history.replaceState(null, "", address);
  else if (address !== location.pathname + location.search) history.pushState(null, "", address);
  emit("route", { before });
}

export const openChannel = (channel) => go({ channel, thread: null, app: null, tab: null });
export const openThread = (channel, thread) => go(route.app ? { channel, thread } : { channel, thread, app: null, tab: null });
export const closeThread = () => go({ thread: null });
export const openApp = (app, tab = "home") => go({ app, tab, channel: null, thread: null });

export const linkTo = (channel, thread) => location.origin + addressOf({ ...route, channel, thread, app: null, tab: null });

window.addEventListener("popstate", () => {
  const before = { ...route };
  readRoute();
  emit("route", { before });
});
