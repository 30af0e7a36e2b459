/** Modals: the top of the view stack in a native dialog, with validation errors and kept input. */

import { blockContext } from "./actions.js";
import { api } from "./api.js";
import { renderBlocks } from "./blocks/render.js";
import { showInputError } from "./blocks/inputs.js";
import { showDialog } from "./dialogs.js";
import { fill, h } from "./dom.js";
import { loadViews } from "./frames.js";
import { icon } from "./icons.js";
import { textNodes, textOf } from "./mrkdwn.js";
import { on, store } from "./store.js";
import { sentence, toast } from "./toast.js";

let open = null; // {dialog, form, view, ctx}
const kept = new Map(); // view id -> values, so that going back to a lower view finds its input

const firstField = (element) => element.querySelector("[data-focus-on-load]") || element.querySelector("input, textarea, select") || element;

async function closeView(view) {
  try {
    await api.viewClose({ as: store.me, view_id: view.id });
  } catch (error) {
    if (error.code === "network_error") toast(sentence(error), { kind: "error" });
  }
  store.views = store.views.filter((other) => other.id !== view.id);
  kept.delete(view.id);
  draw();
}

function missingInputs(view, values) {
  const isEmpty = (state) => !state || Object.entries(state).every(([key, value]) => key === "type" || value === null || value?.length === 0);
  return (view.blocks || []).filter((block) => block.type === "input" && !block.optional)
    .filter((block) => isEmpty(values[block.block_id]?.[block.element?.action_id])).map((block) => block.block_id);
}

function showErrors(form, errors) {
  for (const block of form.querySelectorAll(".block-input")) showInputError(form, block.dataset.blockId, null);
  const fields = Object.entries(errors).map(([blockId, message]) => showInputError(form, blockId, message));
  fields.find(Boolean)?.focus();
}

async function submit() {
  const { form, view, ctx, submitButton } = open;
  const values = ctx.values();
  const missing = missingInputs(view, values);
  showErrors(form, Object.fromEntries(missing.map((id) => [id, "Please complete this required field."])));
  if (missing.length || submitButton.getAttribute("aria-busy") === "true") return;
  submitButton.setAttribute("aria-busy", "true");
  try {
    const body = await api.viewSubmit({ as: store.me, view_id: view.id, values });
    if (body.errors && Object.keys(body.errors).length) showErrors(form, body.errors);
    else await loadViews();
  } catch (error) {
    if (error.body?.errors) showErrors(form, error.body.errors);
    else fill(form.querySelector(".dialog-error"), icon("warn", 15), sentence(error));
  } finally {
    submitButton.removeAttribute("aria-busy");
  }
}

function buildForm(view) {
  const ctx = blockContext({ view_id: view.id }, { kept: kept.get(view.id) || {} });
  const depth = store.views.length;
  const close = h("button", { type: "button", class: "icon-button", "aria-label": depth > 1 ? "Back" : "Close", data: { testid: "view-close" } },
    icon(depth > 1 ? "back" : "close"));
  const cancel = h("button", { type: "button", class: "button" }, textOf(view.close) || (view.submit ? "Cancel" : "Close"));
  const submitButton = view.submit ? h("button", { type: "submit", class: "button primary", data: { testid: "view-submit" } }, textOf(view.submit)) : null;
  for (const button of [close, cancel]) button.addEventListener("click", () => closeView(view));
  const form = h("form", { class: "view-form", novalidate: true },
    h("header", { class: "dialog-head" }, h("h2", { id: "view-title" }, textNodes(view.title)), close),
    h("div", { class: "dialog-body", tabindex: "-1" }, renderBlocks(view.blocks, ctx)),
    h("div", { class: "dialog-error", role: "alert" }), h("div", { class: "dialog-actions" }, cancel, submitButton));
  form.addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  return { form, ctx, submitButton };
}

function hide() {
  if (!open) return;
  const { dialog } = open;
  open = null;
  dialog.close();
}

function focusIn(form, actionId) {
  const again = actionId && form.querySelector(`[data-action-id="${CSS.escape(actionId)}"]`);
  (again || firstField(form.querySelector(".dialog-body"))).focus();
}

function draw() {
  const view = store.views[store.views.length - 1];
  if (!view) { hide(); kept.clear(); return; }
  if (open && open.view === view) return;
  if (open) kept.set(open.view.id, open.ctx.values());
  const active = open && open.view.id === view.id ? document.activeElement?.dataset?.actionId : null;
  const built = buildForm(view);
  if (open) {
    fill(open.dialog, built.form);
    Object.assign(open, { view, ...built });
  } else {
    const dialog = h("dialog", { class: "dialog view", "aria-labelledby": "view-title", data: { testid: "view" } }, built.form);
    dialog.addEventListener("cancel", (event) => { event.preventDefault(); if (open) closeView(open.view); });
    open = { dialog, view, ...built };
    showDialog(dialog);
  }
  open.dialog.dataset.viewId = view.id;
  focusIn(built.form, active);
}

export function startViews() {
  on("views", draw);
}
