/** The right column: one thread, its reply box, the agent's status and its stop button. */

import { api } from "./api.js";
import { Composer } from "./composer.js";
import { placeName } from "./conversation.js";
import { fill, h } from "./dom.js";
import { loadThread } from "./frames.js";
import { icon } from "./icons.js";
import { statusLine } from "./message.js";
import { MessageList } from "./message_list.js";
import { closeThread } from "./router.js";
import { on, repliesOf, store, threadKey } from "./store.js";
import { sentence, toast } from "./toast.js";

const SESSION_WORDS = { processing: "Working", suspended: "Waiting for a decision", active: "Ready", closed: "Closed" };

export class Thread {
  constructor(host) {
    this.host = host;
    const close = h("button", { type: "button", class: "icon-button", "aria-label": "Close thread", title: "Close (Esc)", data: { testid: "close-thread" } }, icon("close"));
    close.addEventListener("click", () => closeThread());
    this.where = h("span", { class: "muted pane-topic" });
    this.session = h("div", { class: "session-bar", data: { testid: "session" }, hidden: true });
    this.listHost = h("div", { class: "list-host" });
    this.status = h("div", { class: "status-slot in-thread" });
    this.foot = h("div", { class: "pane-foot" });
    fill(host, h("header", { class: "pane-header" }, h("h2", { class: "pane-title" }, "Thread"), this.where, h("span", { class: "spacer" }), close),
      this.session, this.listHost, this.status, this.foot);
    this.list = new MessageList(this.listHost, { label: "Thread", inThread: true });
    this.composer = new Composer(this.foot, { testid: "thread-composer", inThread: true, onSent: (sent) => this.afterSend(sent) });
    const touch = ({ channel }) => { if (channel === this.channel) this.list.schedule(); };
    for (const name of ["message-added", "message-changed", "message-removed", "thread-history"]) on(name, touch);
    on("thread-state", (detail) => { if (detail.channel === this.channel && detail.thread_ts === this.ts) this.drawState(); });
    on("names", () => this.list.refreshAll());
    host.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented) closeThread();
    });
  }

  get isOpen() {
    return Boolean(this.ts);
  }

  drawState() {
    fill(this.status, statusLine(this.channel, this.ts));
    this.composer.suggest(store.prompts.get(threadKey(this.channel, this.ts)));
    const session = store.sessions.get(threadKey(this.channel, this.ts));
    const word = session && SESSION_WORDS[session.status];
    this.session.hidden = !word || session.status === "active";
    if (this.session.hidden) return;
    const stop = h("button", { type: "button", class: "button danger slim", data: { testid: "stop" } }, icon("stop", 14), "Stop");
    stop.addEventListener("click", () => this.stop(stop));
    fill(this.session, h("span", { class: `session-dot is-${session.status}`, "aria-hidden": "true" }), h("span", { class: "session-word" }, word),
      session.title ? h("span", { class: "muted session-title" }, session.title) : null, session.status === "processing" ? stop : null);
  }

  async stop(button) {
    button.setAttribute("aria-busy", "true");
    try {
      await api.stop({ as: store.me, channel: this.channel, thread_ts: this.ts });
    } catch (error) {
      toast(sentence(error), { kind: "error" });
    } finally {
      button.removeAttribute("aria-busy");
    }
  }

  /** Opens (or, with ts null, closes) the pane. */
  async show(channel, ts, { focus = false } = {}) {
    this.channel = channel;
    this.ts = ts;
    this.host.hidden = !ts;
    document.body.classList.toggle("thread-open", Boolean(ts));
    if (!ts) return;
    const title = placeName(channel);
    this.where.textContent = `in ${title}`;
    this.composer.target({ channel, thread_ts: ts, placeholder: "Reply…" });
    this.list.show(channel, () => repliesOf(channel, ts), { label: `Thread in ${title}` });
    this.drawState();
    if (focus) this.composer.focus();
    await this.load();
    this.list.toBottom();
  }

  async load() {
    const { channel, ts } = this;
    if (!ts) return;
    try {
      await loadThread(channel, ts);
    } catch (error) {
      toast(sentence(error), { kind: "error" });
    }
  }

  async afterSend({ channel, thread_ts: threadTs, ts }) {
    this.list.toBottom();
    if (store.connection !== "open" || !store.threads.get(threadKey(channel, threadTs))?.has(ts)) await this.load();
  }
}
