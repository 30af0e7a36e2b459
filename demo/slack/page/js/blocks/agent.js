/** Blocks an agent uses to show its work: task_card, plan and context_actions. */

import { h, link } from "../dom.js";
import { icon } from "../icons.js";
import { textOf } from "../mrkdwn.js";
import { visibleTo } from "./elements.js";
import { richText } from "./rich_text.js";

const WORDS = { pending: "Pending", in_progress: "In progress", complete: "Done", error: "Failed" };

function statusMark(status) {
  const glyph = { complete: icon("check", 14), error: icon("close", 14) }[status];
  return h("span", { class: `task-mark is-${status}`, "aria-hidden": "true" }, glyph || null);
}

function sources(list) {
  if (!list || !list.length) return null;
  return h("div", { class: "task-sources" }, list.map((source) => h("span", { class: "source-chip" }, link(source.url, source.text || source.url))));
}

const rich = (value) => (value && typeof value === "object" ? richText(value) : value ? h("div", {}, String(value)) : null);

/** One task; with details or output it can be folded. */
export function taskCard(block) {
  const status = WORDS[block.status] ? block.status : "pending";
  const line = [statusMark(status), h("span", { class: "task-title" }, block.title), h("span", { class: "task-status" }, WORDS[status])];
  const body = [rich(block.details), block.output ? h("div", { class: "task-output" }, rich(block.output)) : null, sources(block.sources)].filter(Boolean);
  const props = { class: `task is-${status}`, data: { taskId: block.task_id || "" } };
  if (!body.length) return h("div", props, h("div", { class: "task-line" }, line));
  return h("details", { ...props, open: status === "in_progress" || status === "error" },
    h("summary", { class: "task-line" }, line), h("div", { class: "task-body" }, body));
}

/** A titled list of tasks with a progress count. */
export function plan(block) {
  const tasks = block.tasks || [];
  const done = tasks.filter((task) => task.status === "complete").length;
  const title = typeof block.title === "object" ? textOf(block.title) : block.title || "Plan";
  return h("div", { class: "plan" }, h("div", { class: "plan-title" }, h("span", {}, title),
    h("span", { class: "plan-count" }, `${done} of ${tasks.length} done`)), tasks.map(taskCard));
}

function feedback(element, block, ctx) {
  const one = (part, glyph, fallback) => {
    const label = textOf(part.text) || fallback;
    const button = h("button", { type: "button", class: "icon-button", data: { actionId: element.action_id },
      "aria-label": part.accessibility_label || label, title: label }, icon(glyph, 16));
    button.addEventListener("click", () => ctx.perform({ element: { ...element, confirm: null }, block, control: button, extra: { value: part.value } }));
    return button;
  };
  return [one(element.positive_button || {}, "up", "Good answer"), one(element.negative_button || {}, "downvote", "Bad answer")];
}

function iconButton(element, block, ctx) {
  const label = textOf(element.text) || element.icon;
  const button = h("button", { type: "button", class: "icon-button", data: { actionId: element.action_id },
    "aria-label": element.accessibility_label || label, title: label }, icon(element.icon, 16));
  button.addEventListener("click", () => ctx.perform({ element, block, control: button, extra: { value: element.value } }));
  return button;
}

export function contextActions(block, ctx) {
  const visible = (block.elements || []).filter((element) => visibleTo(element, ctx.me()));
  return h("div", { class: "context-actions" }, visible.map((element) => (
    element.type === "feedback_buttons" ? feedback(element, block, ctx) : iconButton(element, block, ctx))));
}
