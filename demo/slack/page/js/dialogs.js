/** Native modal dialogs: focus stays inside, Esc closes, focus returns to where it was. */

import { h } from "./dom.js";
import { textNodes, textOf } from "./mrkdwn.js";

/** Opens `dialog` and gives the focus back on close. */
export function showDialog(dialog) {
  const before = document.activeElement;
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (before && document.contains(before)) before.focus({ preventScroll: true });
  });
  dialog.showModal();
  return dialog;
}

/** Asks a Block Kit `confirm` object; resolves to true only on an explicit yes. */
export function askConfirm(confirm) {
  return new Promise((resolve) => {
    const danger = confirm.style === "danger";
    const no = h("button", { type: "button", class: "button", data: { testid: "confirm-deny" } }, textOf(confirm.deny) || "Cancel");
    const yes = h("button", { type: "button", class: `button ${danger ? "danger" : "primary"}`, data: { testid: "confirm-yes" } },
      textOf(confirm.confirm) || "Confirm");
    const dialog = h("dialog", { class: "dialog small", "aria-labelledby": "confirm-title", "aria-describedby": "confirm-text", role: "alertdialog",
      data: { testid: "confirm" } },
    h("h2", { id: "confirm-title" }, textOf(confirm.title) || "Are you sure?"),
    h("div", { id: "confirm-text", class: "dialog-body" }, textNodes(confirm.text)), h("div", { class: "dialog-actions" }, no, yes));
    let answer = false;
    no.addEventListener("click", () => dialog.close());
    yes.addEventListener("click", () => { answer = true; dialog.close(); });
    dialog.addEventListener("close", () => resolve(answer));
    showDialog(dialog);
    no.focus();
  });
}
