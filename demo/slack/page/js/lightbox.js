/** Images: sized to the column, opened large by click or Enter, replaced by their words when they do not load. */

import { showDialog } from "./dialogs.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";

function openLarge(source, alt) {
  const close = h("button", { type: "button", class: "icon-button lightbox-close", "aria-label": "Close image" }, icon("close", 22));
  const dialog = h("dialog", { class: "lightbox", "aria-label": alt }, close,
    h("figure", {}, h("img", { src: source, alt }), h("figcaption", {}, alt)));
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  showDialog(dialog);
}

/** A picture that opens large; `source` null gives the alternative text. */
export function zoomable(source, alt) {
  if (!source) return h("span", { class: "image-missing" }, `[image: ${alt}]`);
  const img = h("img", { src: source, alt, loading: "lazy" });
  const button = h("button", { type: "button", class: "image-button", "aria-label": `Enlarge image: ${alt}` }, img);
  img.addEventListener("error", () => button.replaceWith(h("span", { class: "image-missing" }, `[image: ${alt}]`)));
  button.addEventListener("click", () => openLarge(source, alt));
  return button;
}
