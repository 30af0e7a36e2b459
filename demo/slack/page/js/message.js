/** One message as a list row: author, body, attachments, files, reactions, thread summary, toolbar. */

import { blockContext, markFailure } from "./actions.js";
import { avatarOf, userAvatar } from "./avatar.js";
import { attachment } from "./blocks/attachments.js";
import { files } from "./blocks/files.js";
import { renderBlocks } from "./blocks/render.js";
import { h } from "./dom.js";
import { emojiNode } from "./entities.js";
import { icon } from "./icons.js";
import { react, toolbar } from "./message_tools.js";
import { markdown } from "./markdown.js";
import { mrkdwn } from "./mrkdwn.js";
import { openThread } from "./router.js";
import { authorOf, isReply, store, threadKey, userName } from "./store.js";
import { sentence } from "./toast.js";
import { agoLabel, clockTime, fullTime } from "./time.js";

const BLOCKLESS_STREAM = (message) => message.streaming && !message.blocks?.length;

function body(message, ctx) {
  if (message.blocks?.length) return renderBlocks(message.blocks, ctx);
  if (!message.text) return [];
  return BLOCKLESS_STREAM(message) ? h("div", { class: "markdown" }, markdown(message.text)) : h("div", { class: "text" }, mrkdwn(message.text));
}

function reactionRow(channel, message) {
  if (!message.reactions?.length) return null;
  return h("div", { class: "reactions" }, message.reactions.map((reaction) => {
    const mine = (reaction.users || []).includes(store.me);
    const who = (reaction.users || []).map(userName).join(", ");
    const button = h("button", { type: "button", class: "reaction", "aria-pressed": mine ? "true" : "false", data: { reaction: reaction.name },
      "aria-label": `${reaction.name.replace(/_/g, " ")}, ${reaction.count}: ${who}`, title: who }, emojiNode(reaction.name),
    h("span", {}, String(reaction.count)));
    button.addEventListener("click", () => react(channel, message, reaction.name, mine));
    return button;
  }));
}

function threadSummary(channel, message) {
  if (!message.reply_count) return null;
  const users = (message.reply_users || []).slice(0, 4).map((id) => userAvatar(store.users.get(id) || { id, name: id }, "tiny"));
  const count = `${message.reply_count} ${message.reply_count === 1 ? "reply" : "replies"}`;
  const button = h("button", { type: "button", class: "thread-summary", data: { testid: "open-thread" } }, users,
    h("span", { class: "thread-count" }, count), h("span", { class: "muted" }, message.latest_reply ? `Last reply ${agoLabel(message.latest_reply)}` : ""));
  button.addEventListener("click", () => openThread(channel, message.ts));
  return button;
}

/** "Watchkeeper is thinking…" under the thread's root or inside the thread. */
export function statusLine(channel, threadTs) {
  const status = store.statuses.get(threadKey(channel, threadTs));
  if (!status || !status.status) return null;
  const app = store.apps.get(status.app_id);
  return h("div", { class: "status-line", role: "status", data: { testid: "agent-status" } },
    h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")), `${app ? app.name : "The app"} ${status.status}`);
}

const edited = () => h("span", { class: "edited" }, "(edited)");

function head(message, author, grouped) {
  const time = h("time", { class: "when", datetime: new Date(Number(message.ts) * 1000).toISOString(), title: fullTime(message.ts) }, clockTime(message.ts));
  if (grouped) return { gutter: time, line: null };
  const line = h("div", { class: "message-head" }, h("span", { class: "author" }, author.name),
    author.isBot ? h("span", { class: "app-tag" }, "APP") : null, time, message.edited ? edited() : null);
  return { gutter: avatarOf(message), line };
}

function showFailure(row, message) {
  const failure = message.interaction_error;
  const control = failure && row.querySelector(`[data-action-id="${CSS.escape(failure.action_id)}"]`);
  if (control) markFailure(control, sentence({ code: failure.error }));
}

const contexts = new WeakMap();

/** What a person has chosen in a row's elements so far. */
export const valuesIn = (row) => contexts.get(row)?.values() || {};

/** A list item. options: {grouped, inThread, kept}. */
export function messageRow(channel, message, { grouped = false, inThread = false, kept = {} } = {}) {
  const author = authorOf(message);
  const ctx = blockContext({ channel, ts: message.ts, thread_ts: message.thread_ts }, { kept });
  const { gutter, line } = head(message, author, grouped);
  const kind = [grouped ? "grouped" : "", message.is_ephemeral ? "ephemeral" : "", message.streaming ? "streaming" : ""].filter(Boolean).join(" ");
  const content = h("div", { class: "message-content" },
    message.is_ephemeral ? h("div", { class: "only-you" }, icon("eye", 14), "Only visible to you") : null,
    line, isReply(message) && !inThread ? h("div", { class: "broadcast-note" }, "replied to a thread") : null,
    h("div", { class: "message-body" }, body(message, ctx),
      (message.attachments || []).map((item) => attachment(item, ctx, renderBlocks)), files(message.files),
      message.edited && grouped ? edited() : null),
    reactionRow(channel, message), inThread ? null : threadSummary(channel, message),
    inThread ? null : h("div", { class: "status-slot" }, statusLine(channel, message.ts)));
  const row = h("li", { class: `message ${kind}`, tabindex: "-1", data: { ts: message.ts, author: author.name },
    "aria-label": `${author.name}, ${clockTime(message.ts)}${message.is_ephemeral ? ", only visible to you" : ""}`, "aria-busy": message.streaming ? "true" : null },
  h("div", { class: "gutter" }, gutter), content, toolbar(channel, message, { inThread }));
  contexts.set(row, ctx);
  showFailure(row, message);
  return row;
}

/** A message's words, for the live announcement. */
export function spokenText(message) {
  const text = message.text || (message.attachments || []).map((item) => item.fallback || item.title || "").join(". ");
  return `${authorOf(message).name}: ${h("span", {}, mrkdwn(text)).textContent.slice(0, 300)}`;
}
