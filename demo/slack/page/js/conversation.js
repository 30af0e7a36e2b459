/** The main column for a channel or direct message. */

import { userAvatar } from "./avatar.js";
import { Composer } from "./composer.js";
import { fill, h } from "./dom.js";
import { loadChannel } from "./frames.js";
import { icon } from "./icons.js";
import { MessageList } from "./message_list.js";
import { openThread } from "./router.js";
import { channelName, on, rootsOf, store, threadKey } from "./store.js";
import { sentence, toast } from "./toast.js";
import { markRead, readUpTo } from "./unread.js";

const topicOf = (channel) => (channel?.topic && typeof channel.topic === "object" ? channel.topic.value : channel?.topic) || "";
const partnerOf = (id) => store.users.get(store.channels.get(id)?.im_user || id);
const isDirect = (id) => Boolean(store.channels.get(id)?.is_im) || store.users.has(id);
const titleOf = (id) => (isDirect(id) ? partnerOf(id)?.real_name || partnerOf(id)?.name || channelName(id) : channelName(id));
/** "#ops", or the other person's name. */
export const placeName = (id) => (isDirect(id) ? titleOf(id) : `#${titleOf(id)}`);

function emptyState(id) {
  const direct = isDirect(id);
  return h("div", { class: "empty", data: { testid: "empty" } }, h("span", { class: "empty-mark", "aria-hidden": "true" },
    direct && partnerOf(id) ? userAvatar(partnerOf(id)) : icon("hash", 30)),
  h("h2", {}, placeName(id)), h("p", { class: "muted" }, direct
    ? "This is the start of your conversation." : topicOf(store.channels.get(id)) || "Nothing was said here yet."));
}

export class Conversation {
  /** headless: another page draws the header; onSent(): after each message of mine. */
  constructor(host, { headless = false, onSent = () => {} } = {}) {
    this.onSent = onSent;
    this.header = h("header", { class: "pane-header", hidden: headless });
    this.listHost = h("div", { class: "list-host" });
    this.foot = h("div", { class: "pane-foot" });
    fill(host, this.header, this.listHost, this.foot);
    this.list = new MessageList(this.listHost, { label: "Messages", empty: () => emptyState(this.id), onOpen: (message) => openThread(this.id, message.thread_ts || message.ts) });
    this.composer = new Composer(this.foot, { testid: headless ? "app-composer" : "composer", onSent: (sent) => this.afterSend(sent) });
    const touch = ({ channel }) => { if (channel === this.id) this.list.schedule(); };
    for (const name of ["message-added", "message-changed", "message-removed", "thread-state"]) on(name, touch);
    on("thread-state", ({ channel }) => { if (channel === this.id) this.suggest(); });
    on("history", ({ channel }) => { if (channel === this.id) this.list.schedule(); });
    on("names", () => { if (this.id) { this.drawHeader(); this.list.refreshAll(); } });
    document.addEventListener("visibilitychange", () => { if (this.id && document.visibilityState === "visible") markRead(this.id); });
  }

  drawHeader() {
    const direct = isDirect(this.id);
    const partner = direct && partnerOf(this.id);
    fill(this.header, h("h1", { class: "pane-title" }, partner ? userAvatar(partner, "small") : icon("hash", 19), titleOf(this.id)),
      h("span", { class: "pane-topic muted" }, direct ? partner?.title || "" : topicOf(store.channels.get(this.id))));
  }

  suggest() {
    this.composer.suggest(store.prompts.get(threadKey(this.id, "")));
  }

  /** Shows a channel id, or a user id whose DM does not exist yet. */
  async show(id) {
    this.id = id;
    const since = store.unread.has(id) ? readUpTo(id) : "";
    this.drawHeader();
    const title = placeName(id);
    this.composer.target({ channel: id, placeholder: `Message ${title}` });
    this.suggest();
    this.list.show(id, () => rootsOf(id), { newSince: since, label: `Messages in ${title}` });
    if (store.channels.has(id)) await this.load(id);
    if (this.id === id) { this.list.toBottom(); markRead(id); }
  }

  async load(id) {
    try {
      await loadChannel(id);
    } catch (error) {
      toast(sentence(error), { kind: "error" });
    }
  }

  async afterSend({ channel, ts }) {
    this.list.toBottom();
    // A dropped socket must not hide one's own message.
    if (channel === this.id && store.channels.has(channel) && (store.connection !== "open" || !store.messages.get(channel)?.has(ts))) await this.load(channel);
    this.onSent();
  }

  leave() {
    this.id = null;
  }
}
