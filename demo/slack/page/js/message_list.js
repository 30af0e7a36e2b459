/** A scrolling list of messages that patches only the rows that changed, keeps its place, and is walked with arrow keys. */

import { fill, h, oncePerFrame } from "./dom.js";
import { icon } from "./icons.js";
import { messageRow, valuesIn } from "./message.js";
import { authorOf, store, threadKey } from "./store.js";
import { dateOf, dayLabel } from "./time.js";

const GROUP_SECONDS = 300;
const NEAR_BOTTOM_PX = 80;

function continues(previous, message) {
  if (!previous || previous.is_ephemeral || message.is_ephemeral || previous.reply_count || previous.subtype !== message.subtype) return false;
  // An app's cards stand each on their own, so that no card seems to belong to the one above.
  const author = authorOf(message);
  return !author.isBot && authorOf(previous).name === author.name && previous.user === message.user && Number(message.ts) - Number(previous.ts) < GROUP_SECONDS;
}

const dayOf = (ts) => dateOf(ts).toDateString();

export class MessageList {
  /** options: {label, inThread, empty() -> node, onOpen(message)} */
  constructor(host, options) {
    this.options = options;
    this.rows = new Map();
    this.stuck = true;
    this.version = 0;
    this.list = h("ol", { class: "messages", role: "list", "aria-label": options.label });
    this.jump = h("button", { type: "button", class: "jump", hidden: true, data: { testid: "jump-latest" } }, icon("down", 14), "New messages");
    this.scroller = h("div", { class: "scroller" }, this.list);
    fill(host, this.scroller, this.jump);
    this.schedule = oncePerFrame(() => this.sync());
    this.scroller.addEventListener("scroll", () => this.onScroll());
    this.list.addEventListener("keydown", (event) => this.onKey(event));
    this.list.addEventListener("focusin", (event) => this.rove(event.target.closest(".message")));
    this.jump.addEventListener("click", () => this.toBottom());
    const sizes = new ResizeObserver(() => { if (this.stuck) this.toBottom(); });
    sizes.observe(this.list);
    sizes.observe(this.scroller);
  }

  /** Shows another conversation. source() -> messages, oldest first; newSince: ts of the "New" line or "". */
  show(channel, source, { newSince = "", label } = {}) {
    Object.assign(this, { channel, source, newSince, stuck: true });
    this.rows.clear();
    this.list.replaceChildren();
    if (label) this.list.setAttribute("aria-label", label);
    this.sync();
    this.toBottom();
  }

  /** Redraws every row, for changed names or another reader. */
  refreshAll() {
    this.version += 1;
    this.schedule();
  }

  items() {
    const items = [];
    let previous = null;
    let marked = false;
    const messages = this.source ? this.source() : [];
    messages.forEach((message, n) => {
      if (!previous || dayOf(previous.ts) !== dayOf(message.ts)) {
        if (!this.options.inThread) items.push({ key: `day-${dayOf(message.ts)}`, build: () => this.divider("day", dayLabel(message.ts)) });
        previous = null;
      }
      if (this.newSince && !marked && message.ts > this.newSince && message.user !== store.me) {
        items.push({ key: "new", build: () => this.divider("new", "New") });
        marked = true;
        previous = null;
      }
      const grouped = continues(previous, message);
      items.push({ key: message.ts, message, grouped, status: store.statuses.get(threadKey(this.channel, message.ts)), version: this.version });
      if (this.options.inThread && n === 0 && messages.length > 1) {
        const replies = messages.length - 1;
        items.push({ key: `replies-${replies}`, build: () => this.divider("replies", `${replies} ${replies === 1 ? "reply" : "replies"}`) });
        previous = null;
      } else previous = message;
    });
    return items;
  }

  divider(kind, text) {
    return h("li", { class: `divider ${kind}`, role: "separator", "aria-label": text }, h("span", {}, text));
  }

  build(item, old) {
    if (item.build) return item.build();
    const kept = old ? valuesIn(old) : {};
    return messageRow(this.channel, item.message, { grouped: item.grouped, inThread: this.options.inThread, kept });
  }

  sync() {
    const items = this.items();
    const wanted = new Set(items.map((item) => item.key));
    for (const [key, entry] of this.rows) if (!wanted.has(key)) { entry.node.remove(); this.rows.delete(key); }
    let cursor = this.list.firstChild;
    for (const item of items) {
      const entry = this.rows.get(item.key);
      const same = entry && (item.build || (entry.item.message === item.message && entry.item.grouped === item.grouped
        && entry.item.status === item.status && entry.item.version === item.version));
      const node = same ? entry.node : this.build(item, entry?.node);
      if (entry && !same) {
        if (cursor === entry.node) cursor = node;
        this.swap(entry.node, node);
      }
      this.rows.set(item.key, { item, node });
      if (node === cursor) cursor = cursor.nextSibling;
      else this.list.insertBefore(node, cursor);
    }
    this.showEmpty(items.length === 0);
    this.ensureStop();
    if (this.stuck) this.toBottom();
    else if (items.length) this.jump.hidden = this.nearBottom();
  }

  showEmpty(isEmpty) {
    this.emptyNode?.remove();
    this.emptyNode = isEmpty && this.options.empty ? this.options.empty() : null;
    if (this.emptyNode) this.list.before(this.emptyNode);
  }

  /** Replaces a row without losing focus or what the reader had unfolded. */
  swap(old, node) {
    const active = old.contains(document.activeElement) ? document.activeElement : null;
    for (const task of old.querySelectorAll("details[data-task-id]")) {
      const twin = node.querySelector(`details[data-task-id="${CSS.escape(task.dataset.taskId)}"]`);
      if (twin && twin.className === task.className) twin.open = task.open;
    }
    node.tabIndex = old.tabIndex;
    old.replaceWith(node);
    if (!active) return;
    const { actionId, testid } = active.dataset;
    const twin = actionId ? node.querySelector(`[data-action-id="${CSS.escape(actionId)}"]`) : testid ? node.querySelector(`[data-testid="${CSS.escape(testid)}"]`) : null;
    (twin || node).focus({ preventScroll: true });
  }

  messageRows() {
    return [...this.list.querySelectorAll(":scope > .message")];
  }

  ensureStop() {
    const rows = this.messageRows();
    if (rows.length && !rows.some((row) => row.tabIndex === 0)) rows[rows.length - 1].tabIndex = 0;
  }

  rove(row) {
    if (!row || row.tabIndex === 0) return;
    for (const other of this.messageRows()) other.tabIndex = -1;
    row.tabIndex = 0;
  }

  onKey(event) {
    const row = event.target;
    if (!row.classList.contains("message")) {
      if (event.key === "Escape" && row.closest(".message") && !row.matches("input, textarea, select")) row.closest(".message").focus();
      return;
    }
    const rows = this.messageRows();
    const at = rows.indexOf(row);
    const target = { ArrowUp: rows[at - 1], ArrowDown: rows[at + 1], Home: rows[0], End: rows[rows.length - 1] }[event.key];
    if (target) {
      event.preventDefault();
      target.focus();
      target.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter") this.options.onOpen?.(this.rows.get(row.dataset.ts).item.message);
    else if (event.key === "." || event.key === "ContextMenu") row.querySelector("[data-testid=message-menu]")?.click();
    else return;
    event.preventDefault();
  }

  nearBottom() {
    return this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < NEAR_BOTTOM_PX;
  }

  onScroll() {
    this.stuck = this.nearBottom();
    if (this.stuck) this.jump.hidden = true;
  }

  toBottom() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.stuck = true;
    this.jump.hidden = true;
  }

  reveal(ts) {
    this.rows.get(ts)?.node.scrollIntoView({ block: "center" });
  }
}
