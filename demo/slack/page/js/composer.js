/** Where a person writes: grows with the text, completes names, sends on Enter, keeps a draft per conversation. */

import { api } from "./api.js";
import { Autocomplete } from "./autocomplete.js";
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { store } from "./store.js";
import { sentence } from "./toast.js";

const drafts = new Map();

function wrapSelection(area, mark) {
  const { selectionStart: from, selectionEnd: to, value } = area;
  const inner = value.slice(from, to) || "";
  area.setRangeText(`${mark}${inner}${mark}`, from, to, "end");
  if (!inner) area.selectionStart = area.selectionEnd = from + mark.length;
  area.focus();
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

export class Composer {
  /** options: {label, testid, inThread, onSent({channel, ts, thread_ts})} */
  constructor(host, options) {
    this.options = options;
    this.area = h("textarea", { class: "composer-text", rows: "1", data: { testid: options.testid }, spellcheck: "true", enterkeyhint: "send" });
    this.sendButton = h("button", { type: "submit", class: "send-button", "aria-label": "Send message", title: "Send (Enter)", disabled: true }, icon("send", 17));
    this.form = h("form", { class: "composer" }, this.area, h("div", { class: "composer-bar" }, this.tools(), this.sendButton));
    this.error = h("div", { class: "composer-error", role: "alert" });
    this.chips = h("div", { class: "chips", role: "group", "aria-label": "Suggested prompts" });
    host.append(this.chips, this.form, this.error);
    this.complete = new Autocomplete(this.area, this.form, { commands: !options.inThread });
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.send(); });
    this.area.addEventListener("input", () => this.onInput());
    this.area.addEventListener("keydown", (event) => this.onKey(event));
  }

  tools() {
    const tool = (glyph, label, run) => {
      const button = h("button", { type: "button", class: "icon-button", "aria-label": label, title: label }, glyph);
      button.addEventListener("click", run);
      return button;
    };
    const type = (text) => () => {
      const before = this.area.value.slice(0, this.area.selectionStart);
      this.area.setRangeText((before && !/\s$/.test(before) && text !== "/" ? " " : "") + text, this.area.selectionStart, this.area.selectionEnd, "end");
      this.area.focus();
      this.area.dispatchEvent(new Event("input", { bubbles: true }));
    };
    return h("div", { class: "composer-tools", role: "toolbar", "aria-label": "Formatting" },
      tool(h("b", {}, "B"), "Bold", () => wrapSelection(this.area, "*")), tool(h("i", {}, "I"), "Italic", () => wrapSelection(this.area, "_")),
      tool(h("span", { class: "code-glyph" }, "</>"), "Code", () => wrapSelection(this.area, "`")), h("span", { class: "tool-gap" }),
      tool(icon("at", 17), "Mention someone", type("@")),
      this.options.inThread ? null : tool(icon("slash", 17), "Run a command", () => { if (!this.area.value) type("/")(); else this.area.focus(); }));
  }

  /** Points at another conversation: {channel, thread_ts?, placeholder}. */
  target(place) {
    if (this.place) drafts.set(this.draftKey(), this.area.value);
    this.place = place;
    this.area.placeholder = place.placeholder;
    this.area.setAttribute("aria-label", place.placeholder);
    this.area.value = drafts.get(this.draftKey()) || "";
    this.error.textContent = "";
    this.onInput({ quiet: true });
    this.complete.close();
  }

  draftKey() {
    return `${store.me}:${this.place.channel}:${this.place.thread_ts || ""}`;
  }

  onInput({ quiet = false } = {}) {
    this.sendButton.disabled = !this.area.value.trim();
    this.area.style.height = "auto";
    this.area.style.height = `${Math.min(this.area.scrollHeight, window.innerHeight * 0.35)}px`;
    if (!quiet) this.error.textContent = "";
  }

  onKey(event) {
    if (event.isComposing || this.complete.onKey(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.send();
    }
  }

  async send() {
    const text = this.area.value.trim();
    if (!text || this.form.getAttribute("aria-busy") === "true") return;
    const { channel, thread_ts: threadTs } = this.place;
    this.form.setAttribute("aria-busy", "true");
    this.error.textContent = "";
    try {
      const sent = await this.deliver(text, channel, threadTs);
      // The text goes only now: a failed send must leave it where it was.
      if (this.place.channel === channel && this.place.thread_ts === threadTs) this.area.value = "";
      drafts.delete(`${store.me}:${channel}:${threadTs || ""}`);
      this.onInput({ quiet: true });
      if (sent) this.options.onSent?.({ channel, thread_ts: threadTs, ts: sent.ts });
    } catch (error) {
      this.error.textContent = `Not sent. ${sentence(error)}`;
    } finally {
      this.form.removeAttribute("aria-busy");
    }
  }

  async deliver(text, channel, threadTs) {
    const command = /^(\/[a-z0-9_-]+)(?:\s+([^]*))?$/i.exec(text);
    if (!command) return api.post({ as: store.me, channel, text, ...(threadTs ? { thread_ts: threadTs } : {}) });
    if (threadTs) throw new Error("Slash commands do not work in threads. Mention @watchkeeper instead.");
    await api.slash({ as: store.me, channel, command: command[1], text: command[2] || "" });
    return null;
  }

  /** Offers an agent's suggested prompts above the box; a click sends one. */
  suggest(prompts) {
    fill(this.chips, (prompts || []).map((prompt) => {
      const chip = h("button", { type: "button", class: "chip" }, prompt.title);
      chip.addEventListener("click", () => { this.area.value = prompt.message; this.send(); });
      return chip;
    }));
  }

  focus() {
    this.area.focus();
  }
}
