/** Suggestions while typing: people and groups after @, channels after #, commands after /, emoji after ":". */

import { userAvatar } from "./avatar.js";
import { fill, h, uniqueId } from "./dom.js";
import { emojiFor, emojiNames } from "./emoji.js";
import { icon } from "./icons.js";
import { store } from "./store.js";

const MOST = 8;

const starts = (word, ...names) => names.some((name) => String(name || "").toLowerCase().split(/[\s.-]+/).concat(String(name || "").toLowerCase())
  .some((part) => part.startsWith(word.toLowerCase())));

function people(word) {
  const users = [...store.users.values()].filter((user) => user.id !== store.me && !/^U0X/.test(user.id) && starts(word, user.name, user.real_name));
  users.sort((a, b) => Number(Boolean(b.is_bot)) - Number(Boolean(a.is_bot)));
  const groups = [...store.usergroups.values()].filter((group) => starts(word, group.handle, group.name));
  return [...users.map((user) => ({ insert: `@${user.name} `, label: user.real_name || user.name, hint: user.is_bot ? "app" : user.title || `@${user.name}`,
    mark: userAvatar(user, "tiny") })),
  ...groups.map((group) => ({ insert: `@${group.handle} `, label: `@${group.handle}`, hint: group.name, mark: icon("at", 16) }))];
}

const channels = (word) => [...store.channels.values()].filter((channel) => !channel.is_im && starts(word, channel.name))
  .map((channel) => ({ insert: `#${channel.name} `, label: channel.name, hint: channel.topic?.value || channel.topic || "", mark: icon("hash", 16) }));

const allCommands = () => [...store.apps.values()].flatMap((app) => (app.commands || []).map((command) => ({ ...command, app: app.name })));

const commands = (word) => allCommands().filter((command) => command.command.startsWith(`/${word}`))
  .map((command) => ({ insert: `${command.command} `, label: command.command, hint: command.usage_hint || command.description, mark: icon("slash", 16) }));

function verbs(name, word) {
  const command = allCommands().find((one) => one.command === name);
  return (command?.usage_hint || "").split("|").map((verb) => verb.trim()).filter((verb) => verb && verb.startsWith(word))
    .map((verb) => ({ insert: `${verb.replace(/[<[].*$/, "").trim()} `, label: `${name} ${verb}`, hint: "", mark: icon("slash", 16) }));
}

const emojis = (word) => emojiNames().filter((name) => name.startsWith(word)).map((name) => ({ insert: `:${name}: `, label: `:${name}:`, hint: "",
  mark: h("span", { class: "emoji" }, emojiFor(name)) }));

/** {from, options} for the text before the caret, or null. */
function suggestionsFor(before, allowCommands) {
  const rules = [[/^\/([a-z0-9_-]*)$/i, commands, allowCommands], [/(?:^|\s)@([\w.-]*)$/, people, true], [/(?:^|\s)#([\w-]*)$/, channels, true],
    [/(?:^|\s):([a-z0-9_+-]{2,})$/, emojis, true]];
  for (const [pattern, find, allowed] of rules) {
    const match = allowed && pattern.exec(before);
    if (match) return { from: before.length - match[1].length - 1, options: find(match[1]).slice(0, MOST) };
  }
  const verb = allowCommands && /^(\/[a-z0-9_-]+) ([a-z-]*)$/i.exec(before);
  return verb ? { from: before.length - verb[2].length, options: verbs(verb[1], verb[2]).slice(0, MOST), isHint: verb[2] === "" } : null;
}

export class Autocomplete {
  /** Wires a <textarea>; the list is placed in `host`. */
  constructor(textarea, host, { commands: allowCommands }) {
    this.textarea = textarea;
    this.allowCommands = allowCommands;
    this.list = h("ul", { class: "suggestions", role: "listbox", id: uniqueId("suggestions"), "aria-label": "Suggestions", hidden: true });
    host.append(this.list);
    const wiring = { role: "combobox", "aria-autocomplete": "list", "aria-haspopup": "listbox", "aria-controls": this.list.id, "aria-expanded": "false" };
    for (const [name, value] of Object.entries(wiring)) textarea.setAttribute(name, value);
    textarea.addEventListener("input", () => this.update());
    textarea.addEventListener("blur", () => setTimeout(() => this.close(), 150));
  }

  get isOpen() {
    return !this.list.hidden;
  }

  update() {
    const found = suggestionsFor(this.textarea.value.slice(0, this.textarea.selectionStart), this.allowCommands);
    if (!found || !found.options.length) { this.close(); return; }
    this.found = found;
    // Right after "/ops " Enter must still send, so nothing is preselected there.
    this.select(found.isHint ? -1 : 0);
  }

  select(at) {
    this.at = at;
    fill(this.list, this.found.options.map((option, n) => {
      const item = h("li", { role: "option", id: `${this.list.id}-${n}`, "aria-selected": n === at ? "true" : "false" },
        h("span", { class: "suggestion-mark" }, option.mark), h("span", { class: "suggestion-label" }, option.label), h("span", { class: "muted" }, option.hint));
      item.addEventListener("pointerdown", (event) => { event.preventDefault(); this.accept(n); });
      return item;
    }));
    this.list.hidden = false;
    this.textarea.setAttribute("aria-expanded", "true");
    if (at >= 0) this.textarea.setAttribute("aria-activedescendant", `${this.list.id}-${at}`);
    else this.textarea.removeAttribute("aria-activedescendant");
  }

  close() {
    this.list.hidden = true;
    this.textarea.setAttribute("aria-expanded", "false");
    this.textarea.removeAttribute("aria-activedescendant");
  }

  accept(n) {
    const { from, options } = this.found;
    const { value, selectionStart } = this.textarea;
    this.textarea.value = value.slice(0, from) + options[n].insert + value.slice(selectionStart);
    this.textarea.selectionStart = this.textarea.selectionEnd = from + options[n].insert.length;
    this.close();
    this.textarea.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** True when the key was used here. */
  onKey(event) {
    if (!this.isOpen) return false;
    const count = this.found.options.length;
    if (event.key === "ArrowDown") this.select((this.at + 1) % count);
    else if (event.key === "ArrowUp") this.select((Math.max(this.at, 0) - 1 + count) % count);
    else if ((event.key === "Enter" || event.key === "Tab") && this.at >= 0) this.accept(this.at);
    else if (event.key === "Tab") this.accept(0);
    else if (event.key === "Escape") this.close();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }
}
