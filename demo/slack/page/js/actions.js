/** What happens when someone uses an interactive element: confirm, send, wait, and show how it went. */

import { api } from "./api.js";
import { askConfirm } from "./dialogs.js";
import { h } from "./dom.js";
import { loadChannel, loadThread, loadViews } from "./frames.js";
import { icon } from "./icons.js";
import { store } from "./store.js";
import { sentence, toast } from "./toast.js";

function setBusy(control, busy) {
  if (busy) control.setAttribute("aria-busy", "true");
  else control.removeAttribute("aria-busy");
}

/** Puts (or clears) the warning mark beside an element. */
export function markFailure(control, text) {
  const host = control.closest(".choices") || control;
  if (host.nextElementSibling?.classList.contains("failed-mark")) host.nextElementSibling.remove();
  if (text) host.after(h("span", { class: "failed-mark", role: "alert", title: text }, icon("warn", 15), h("span", {}, text)));
}

async function send(body) {
  try {
    return await api.click(body);
  } catch (error) {
    if (error.code !== "confirm_required") throw error;
    if (!(await askConfirm(error.body.confirm || {}))) return null;
    return api.click({ ...body, confirmed: true });
  }
}

async function refresh(place) {
  if (place.view_id) return loadViews();
  const { channel, ts, thread_ts: threadTs } = place;
  await loadChannel(channel);
  if (threadTs || store.threads.has(`${channel}:${ts}`)) await loadThread(channel, threadTs || ts);
  return null;
}

async function perform(place, state, { element, block, control, extra }) {
  if (control.getAttribute("aria-busy") === "true") return;
  if (element.confirm && !(await askConfirm(element.confirm))) return;
  setBusy(control, true);
  markFailure(control, null);
  const where = place.view_id ? { view_id: place.view_id } : { channel: place.channel, ts: place.ts };
  try {
    await send({ as: store.me, ...where, block_id: block.block_id, action_id: element.action_id, ...extra,
      confirmed: Boolean(element.confirm), state: { values: state() } });
  } catch (error) {
    if (error.code === "element_not_found") await refresh(place).catch(() => {});
    if (error.code === "operation_timeout" && document.contains(control)) markFailure(control, sentence(error));
    else toast(sentence(error), { kind: "error" });
  } finally {
    setBusy(control, false);
  }
}

/** The context blocks are rendered with. place = {channel, ts, thread_ts?} or {view_id}; kept = earlier values by block and action. */
export function blockContext(place, { kept = {} } = {}) {
  const readers = new Map();
  const values = () => {
    const result = {};
    for (const { blockId, actionId, read } of readers.values()) (result[blockId] ||= {})[actionId] = read();
    return result;
  };
  return {
    place, values, me: () => store.me,
    kept: (block, element) => kept[block.block_id]?.[element.action_id],
    register: (block, element, read) => readers.set(`${block.block_id}/${element.action_id}`,
      { blockId: block.block_id, actionId: element.action_id, read }),
    perform: (use) => perform(place, values, use),
    changed(use) {
      // Inside an input block only dispatch_action reports every change; the rest waits for the submit.
      if (use.block.type === "input" && !use.block.dispatch_action) return;
      if (use.isText && use.block.type !== "input" && use.block.type !== "actions") return;
      perform(place, values, use);
    },
  };
}
