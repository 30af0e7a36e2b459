/** Input blocks and the fields inside them: text, number, address, e-mail, date and time. */

import { h, uniqueId } from "../dom.js";
import { icon } from "../icons.js";
import { textNodes, textOf } from "../mrkdwn.js";

/** Wires a field to its label, hint and error inside an input block. */
export function fieldFor(node, element, ctx) {
  if (ctx.field) {
    node.id = ctx.field.id;
    node.setAttribute("aria-describedby", ctx.field.describedBy);
    if (ctx.field.required) node.setAttribute("aria-required", "true");
  }
  if (element.focus_on_load) node.dataset.focusOnLoad = "true";
  return node;
}

function textField(tag, props, element, block, ctx) {
  const kept = ctx.kept(block, element);
  const node = h(tag, { class: "text-input", placeholder: textOf(element.placeholder) || null, maxlength: element.max_length,
    "aria-label": ctx.field ? null : textOf(element.placeholder) || "Text", data: { actionId: element.action_id || "" }, ...props });
  node.value = (kept ? kept.value : element.initial_value) ?? "";
  const read = () => ({ type: element.type, value: node.value === "" ? null : node.value });
  ctx.register(block, element, read);
  const send = () => ctx.changed({ element, block, control: node, extra: read(), isText: true });
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || tag === "textarea") return;
    if (block.dispatch_action) { event.preventDefault(); send(); }
  });
  if ((element.dispatch_action_config?.trigger_actions_on || []).includes("on_character_entered")) node.addEventListener("input", send);
  return fieldFor(node, element, ctx);
}

function dateField(type, key, element, block, ctx) {
  const kept = ctx.kept(block, element);
  const initial = kept ? kept[key] : element[key.replace("selected", "initial")];
  const node = h("input", { type, class: "text-input short", "aria-label": ctx.field ? null : textOf(element.placeholder) || "Date",
    data: { actionId: element.action_id || "" } });
  node.value = type === "datetime-local" && initial ? localIso(initial) : initial || "";
  const read = () => ({ type: element.type, [key]: node.value === "" ? null : type === "datetime-local" ? Math.floor(new Date(node.value) / 1000) : node.value });
  ctx.register(block, element, read);
  node.addEventListener("change", () => ctx.changed({ element, block, control: node, extra: read() }));
  return fieldFor(node, element, ctx);
}

function localIso(epoch) {
  const date = new Date(epoch * 1000 - new Date().getTimezoneOffset() * 60000);
  return date.toISOString().slice(0, 16);
}

export const fieldKinds = {
  plain_text_input: (element, block, ctx) => (element.multiline
    ? textField("textarea", { rows: "4" }, element, block, ctx) : textField("input", { type: "text", autocomplete: "off" }, element, block, ctx)),
  rich_text_input: (element, block, ctx) => textField("textarea", { rows: "4" }, element, block, ctx),
  url_text_input: (element, block, ctx) => textField("input", { type: "url", autocomplete: "off" }, element, block, ctx),
  email_text_input: (element, block, ctx) => textField("input", { type: "email", autocomplete: "off" }, element, block, ctx),
  number_input: (element, block, ctx) => textField("input", { type: "number", step: element.is_decimal_allowed ? "any" : "1",
    min: element.min_value, max: element.max_value }, element, block, ctx),
  datepicker: (element, block, ctx) => dateField("date", "selected_date", element, block, ctx),
  timepicker: (element, block, ctx) => dateField("time", "selected_time", element, block, ctx),
  datetimepicker: (element, block, ctx) => dateField("datetime-local", "selected_date_time", element, block, ctx),
  file_input: () => h("span", { class: "unknown" }, "Files cannot be chosen in this workspace."),
};

const GROUPS = new Set(["radio_buttons", "checkboxes"]);

/** An input block: label, field, hint and, after a refused submit, its error. */
export function inputBlock(block, ctx, renderElement) {
  const element = block.element || {};
  const ids = { field: uniqueId("field"), hint: uniqueId("hint"), error: uniqueId("error") };
  const label = textOf(block.label);
  const inner = { ...ctx, labelled: label, dispatches: Boolean(block.dispatch_action),
    field: { id: ids.field, describedBy: `${ids.hint} ${ids.error}`, required: !block.optional } };
  const words = [textNodes(block.label), block.optional ? h("span", { class: "muted" }, " (optional)") : null];
  return h("div", { class: "block-input", data: { blockId: block.block_id || "" } },
    GROUPS.has(element.type) ? h("span", { class: "input-label" }, words) : h("label", { class: "input-label", for: ids.field }, words),
    renderElement(element, block, inner),
    h("div", { class: "input-hint muted", id: ids.hint }, textNodes(block.hint)),
    h("div", { class: "input-error", id: ids.error, "aria-live": "assertive" }));
}

/** Shows or clears a block's error; returns the field. */
export function showInputError(root, blockId, message) {
  const block = root.querySelector(`.block-input[data-block-id="${CSS.escape(blockId)}"]`);
  if (!block) return null;
  const field = block.querySelector("input, textarea, select");
  const place = block.querySelector(".input-error");
  block.classList.toggle("has-error", Boolean(message));
  place.replaceChildren(...(message ? [icon("warn", 14), message] : []));
  if (field) field.setAttribute("aria-invalid", message ? "true" : "false");
  return field;
}
