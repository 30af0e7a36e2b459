/** Interactive elements: buttons, menus and choices. Each tells `ctx.perform` what the person chose. */

import { h, link, safeUrl, uniqueId } from "../dom.js";
import { icon } from "../icons.js";
import { openMenu } from "../menu.js";
import { textNodes, textOf } from "../mrkdwn.js";
import { store, userName } from "../store.js";
import { fieldFor } from "./inputs.js";

export const visibleTo = (element, me) => !element.visible_to_user_ids?.length || element.visible_to_user_ids.includes(me);

function button(element, block, ctx) {
  const style = element.style === "primary" || element.style === "danger" ? ` ${element.style}` : "";
  const label = element.accessibility_label || null;
  const content = [h("span", { class: "button-label" }, textNodes(element.text)), element.url ? h("span", { class: "sr-only" }, " (opens a page)") : null];
  const node = h("button", { type: "button", class: `button${style}`, "aria-label": label, data: { actionId: element.action_id || "", value: element.value || "" } },
    content);
  node.addEventListener("click", () => {
    if (element.url && safeUrl(element.url)) window.open(safeUrl(element.url), "_blank", "noopener");
    ctx.perform({ element, block, control: node, extra: { value: element.value } });
  });
  return node;
}

function overflow(element, block, ctx) {
  const node = h("button", { type: "button", class: "icon-button bordered", "aria-label": element.accessibility_label || "More options",
    "aria-haspopup": "menu", data: { actionId: element.action_id || "" } }, icon("dots"));
  node.addEventListener("click", () => openMenu(node, (element.options || []).map((option) => ({
    label: textOf(option.text), hint: textOf(option.description),
    run: () => {
      if (option.url && safeUrl(option.url)) window.open(safeUrl(option.url), "_blank", "noopener");
      ctx.perform({ element, block, control: node, extra: { selected_option: option } });
    },
  }))));
  return node;
}

const bare = (option) => ({ text: option.text, value: option.value });
const people = () => [...store.users.values()].map((user) => ({ id: user.id, text: userName(user.id) }));
const rooms = () => [...store.channels.values()].filter((room) => !room.is_im).map((room) => ({ id: room.id, text: `#${room.name}` }));

/** [{key, text, result}] of any select; result is what Slack would send. */
function choicesOf(element) {
  if (/users_select$/.test(element.type)) return people().map(({ id, text }) => ({ key: id, text, result: id }));
  if (/channels_select$|conversations_select$/.test(element.type)) return rooms().map(({ id, text }) => ({ key: id, text, result: id }));
  const groups = element.option_groups || [{ label: null, options: element.options || [] }];
  return groups.flatMap((group) => (group.options || []).map((option) => ({
    key: option.value, text: textOf(option.text), result: bare(option), group: textOf(group.label) })));
}

const KEYS = { users_select: "selected_user", channels_select: "selected_channel", conversations_select: "selected_conversation",
  multi_users_select: "selected_users", multi_channels_select: "selected_channels", multi_conversations_select: "selected_conversations",
  static_select: "selected_option", external_select: "selected_option", multi_static_select: "selected_options", multi_external_select: "selected_options",
  radio_buttons: "selected_option", checkboxes: "selected_options" };

const keyOf = (result) => (result && typeof result === "object" ? result.value : result);

function initialKeys(element, ctx, block) {
  const kept = ctx.kept(block, element);
  const field = KEYS[element.type];
  const raw = kept ? kept[field] : element[field.replace("selected", "initial")];
  return new Set((Array.isArray(raw) ? raw : [raw]).filter(Boolean).map(keyOf));
}

function select(element, block, ctx) {
  const choices = choicesOf(element);
  const chosen = initialKeys(element, ctx, block);
  const field = KEYS[element.type];
  const placeholder = h("option", { value: "" }, textOf(element.placeholder) || "Choose…");
  const node = h("select", { class: "select", "aria-label": ctx.labelled ? null : textOf(element.placeholder) || textOf(block.text) || "Choose",
    data: { actionId: element.action_id || "" } }, placeholder);
  const groups = new Map();
  choices.forEach((choice, n) => {
    const option = h("option", { value: String(n), selected: chosen.has(choice.key) }, choice.text);
    if (choice.group && !groups.has(choice.group)) groups.set(choice.group, node.appendChild(h("optgroup", { label: choice.group })));
    (groups.get(choice.group) || node).append(option);
  });
  const read = () => ({ type: element.type, [field]: node.value === "" ? null : choices[Number(node.value)].result });
  ctx.register(block, element, read);
  node.addEventListener("change", () => ctx.changed({ element, block, control: node, extra: read() }));
  return fieldFor(node, element, ctx);
}

function choiceGroup(element, block, ctx, kind) {
  const choices = choicesOf(element);
  const chosen = initialKeys(element, ctx, block);
  const field = KEYS[element.type];
  const name = uniqueId("choice");
  const boxes = choices.map((choice) => h("input", { type: kind, name, checked: chosen.has(choice.key), data: { actionId: element.action_id || "" } }));
  const read = () => {
    const picked = choices.filter((_, n) => boxes[n].checked).map((choice) => choice.result);
    return { type: element.type, [field]: field.endsWith("s") ? picked : picked[0] || null };
  };
  ctx.register(block, element, read);
  const options = element.options || (element.option_groups || []).flatMap((group) => group.options);
  const rows = boxes.map((box, n) => {
    box.addEventListener("change", () => ctx.changed({ element, block, control: box, extra: read() }));
    const description = options[n]?.description && h("span", { class: "muted option-description" }, textNodes(options[n].description));
    return h("label", { class: "choice" }, box, h("span", {}, options[n] ? textNodes(options[n].text) : choices[n].text, description || null));
  });
  const label = ctx.labelled || textOf(block.text) || "Choices";
  return h("div", { class: "choices", role: kind === "radio" ? "radiogroup" : "group", "aria-label": label }, rows);
}

function multiSelect(element, block, ctx) {
  const group = choiceGroup({ ...element, options: element.options }, block, ctx, "checkbox");
  const summary = h("summary", { class: "select" }, textOf(element.placeholder) || "Choose…");
  const describe = () => {
    const names = [...group.querySelectorAll("input:checked")].map((box) => box.parentElement.textContent);
    summary.textContent = names.length ? names.join(", ") : textOf(element.placeholder) || "Choose…";
  };
  group.addEventListener("change", describe);
  describe();
  return h("details", { class: "multi-select" }, summary, group);
}

const kinds = {
  button, overflow, static_select: select, external_select: select, users_select: select, channels_select: select, conversations_select: select,
  workflow_button: button,
  radio_buttons: (element, block, ctx) => choiceGroup(element, block, ctx, "radio"),
  checkboxes: (element, block, ctx) => choiceGroup(element, block, ctx, "checkbox"),
  multi_static_select: multiSelect, multi_users_select: multiSelect, multi_channels_select: multiSelect,
  multi_conversations_select: multiSelect, multi_external_select: multiSelect,
  url: (element) => link(element.url, element.text || element.url),
};

/** Registers further element kinds (text and date inputs live in inputs.js). */
export function addKinds(more) {
  Object.assign(kinds, more);
}

export function renderElement(element, block, ctx) {
  if (!visibleTo(element, ctx.me())) return null;
  const build = kinds[element.type];
  return build ? build(element, block, ctx) : h("span", { class: "unknown" }, `[${element.type} cannot be used here]`);
}
