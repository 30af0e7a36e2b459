/** Puts the page together and keeps address, store and screen in step. */

import { api } from "./api.js";
import { markFailure } from "./actions.js";
import { Conversation } from "./conversation.js";
import { Drawer } from "./drawer.js";
import { applyFrame, loadChannel, loadState, loadThread, loadViews } from "./frames.js";
import { showHints } from "./hints.js";
import { AppPage } from "./home.js";
import { LiveConnection } from "./live.js";
import { spokenText } from "./message.js";
import { go, openChannel, readRoute, route } from "./router.js";
import { startSidebar } from "./sidebar.js";
import { channelName, directChannel, emit, isReply, on, store, takeState } from "./store.js";
import { applyTheme } from "./theme.js";
import { Thread } from "./thread.js";
import { announce, sentence, toast } from "./toast.js";
import { startTopbar } from "./topbar.js";
import { recountUnread } from "./unread.js";
import { startViews } from "./views.js";

const FIRST_PERSON = "U0ALICE";
const byId = (id) => document.getElementById(id);

const conversation = new Conversation(byId("conversation"));
const appPage = new AppPage(byId("app-page"));
const thread = new Thread(byId("thread"));
const drawer = new Drawer(byId("drawer"), { makeRoom: () => go({ thread: null }) });
const live = new LiveConnection({
  onFrame: applyFrame,
  onStatus: (status) => { store.connection = status; emit("connection"); },
  onOpen: (again) => { refetch(again).catch((error) => toast(sentence(error), { kind: "error" })); },
});

/** Fetches everything on screen anew: nothing said while the line was down, or before it first stood, may be missing. */
async function refetch(withState = true) {
  if (withState) {
    await loadState(store.me);
    recountUnread();
  }
  const channel = conversation.id || appPage.conversation.id;
  await Promise.all([channel && store.channels.has(channel) ? loadChannel(channel) : null,
    thread.isOpen ? loadThread(thread.channel, thread.ts) : null, loadViews()]);
}

function forgetPerson() {
  for (const map of [store.messages, store.threads, store.statuses, store.sessions, store.homes, store.unread]) map.clear();
  store.views = [];
  emit("views");
}

async function become(as) {
  live.stop();
  forgetPerson();
  const body = await api.state(as);
  // Someone who switches again while the answer travels must not end up as the person before.
  if (route.as && route.as !== as) return;
  takeState(body);
  if (!route.as) go({ as: store.me }, { replace: true });
  recountUnread();
  live.start(store.me);
  await loadViews();
}

function firstChannel() {
  const rooms = [...store.channels.values()].filter((channel) => !channel.is_im && channel.member !== false);
  return (rooms.find((channel) => channel.id === "C0INCIDENTS") || rooms[0])?.id;
}

function canSee(channel) {
  const known = store.channels.get(channel);
  return known ? known.member !== false : store.users.has(channel);
}

function placeOf() {
  if (route.app && store.apps.has(route.app)) return "app";
  if (route.channel && !canSee(route.channel)) {
    toast(`${store.users.get(store.me)?.real_name || store.me} is not a member of that conversation.`);
    go({ channel: firstChannel(), thread: null }, { replace: true });
    return null;
  }
  if (!route.channel) {
    go({ channel: firstChannel(), app: null, tab: null }, { replace: true });
    return null;
  }
  return "channel";
}

/** Brings the panes to where the address says. */
function showPlace(changedPerson, changedThread) {
  const place = placeOf();
  if (!place) return;
  byId("conversation").hidden = place === "app";
  byId("app-page").hidden = place !== "app";
  const title = place === "app" ? store.apps.get(route.app).name : channelName(route.channel);
  document.title = `${title} – Watchkeeper demo workspace`;
  if (place === "app") {
    conversation.leave();
    appPage.show(route.app, route.tab || "home");
  } else {
    appPage.leave();
    if (conversation.id !== route.channel || changedPerson) conversation.show(route.channel);
  }
  const threadChannel = place === "app" ? route.channel || directChannel(store.apps.get(route.app).bot_user_id)?.id : route.channel;
  const wanted = threadChannel ? route.thread : null;
  if (thread.ts !== wanted || thread.channel !== threadChannel || changedPerson) thread.show(threadChannel, wanted, { focus: changedThread && Boolean(wanted) });
}

on("route", async ({ before }) => {
  const changedPerson = Boolean(store.me) && route.as !== store.me;
  try {
    if (changedPerson) await become(route.as);
    showPlace(changedPerson, before.thread !== route.thread);
    if (before.thread && !route.thread) document.querySelector(`.message[data-ts="${CSS.escape(before.thread)}"]`)?.focus({ preventScroll: true });
  } catch (error) {
    toast(sentence(error), { kind: "error" });
  }
});

let knownNames = "";
on("directory", () => {
  // Rows are redrawn only when a name changed; a bot that reconnects must not disturb what someone is filling in.
  const names = JSON.stringify([store.me, [...store.users.values()].map((user) => [user.id, user.real_name]), [...store.channels.values()].map((c) => [c.id, c.name])]);
  if (names !== knownNames) emit("names");
  knownNames = names;
  const direct = route.channel && store.users.has(route.channel) && directChannel(route.channel);
  if (direct) go({ channel: direct.id }, { replace: true });
});

on("message-live", ({ channel, message }) => {
  const shown = channel === conversation.id || channel === appPage.conversation.id;
  if (message.user === store.me) return;
  const unseen = message.is_ephemeral && isReply(message) && thread.ts !== message.thread_ts;
  if (unseen) toast(spokenText(message));
  else if (shown) announce(spokenText(message));
});

on("interaction-failed", ({ channel, ts, action_id: actionId, error }) => {
  const row = ts ? `.message[data-ts="${CSS.escape(ts)}"] ` : "";
  for (const control of document.querySelectorAll(`${row}[data-action-id="${CSS.escape(actionId || "")}"]`)) markFailure(control, sentence({ code: error, message: error }));
  if (channel && !ts) toast(sentence({ code: error, message: error }), { kind: "error" });
});

document.addEventListener("click", (event) => {
  const channel = event.target.closest?.("[data-open-channel]")?.dataset.openChannel;
  if (channel) openChannel(channel);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && document.body.classList.contains("nav-open")) document.querySelector("[data-testid=nav-toggle]").click();
});

let hiddenAt = 0;
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") hiddenAt = Date.now();
  else if (hiddenAt && Date.now() - hiddenAt > 60000 && store.me) refetch().catch(() => live.drop());
});

async function startPanels() {
  const body = await api.panels().catch(() => ({ panels: [] }));
  drawer.start(body.panels, document.querySelector("[data-testid=drawer-toggle]"));
  conversation.header.after(byId("hints"));
  showHints(byId("hints"), body.hints || body.panels.flatMap((panel) => panel.hints || []));
  on("hints", ({ hints }) => showHints(byId("hints"), hints));
}

async function start() {
  applyTheme();
  readRoute();
  startTopbar(byId("topbar"), { onDrawer: () => drawer.flip() });
  startViews();
  await become(route.as || FIRST_PERSON);
  startSidebar(byId("sidebar"));
  await startPanels();
  showPlace(true, false);
  document.body.dataset.ready = "true";
}

// For tests and the curious: the live line can be cut by hand.
window.watchkeeperDemo = { store, live };
start().catch((error) => toast(sentence(error), { kind: "error" }));
