/** Files of a message: images open large, everything else is a named download. */

import { h, link } from "../dom.js";
import { icon } from "../icons.js";
import { zoomable } from "../lightbox.js";

function sizeLabel(bytes) {
  if (!bytes) return "";
  return bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} kB` : `${(bytes / 1048576).toFixed(1)} MB`;
}

const addressOf = (file) => `/files/${encodeURIComponent(file.id)}/${encodeURIComponent(file.name || "file")}`;

function document(file) {
  return h("div", { class: "file-chip" }, h("span", { class: "file-icon" }, icon("file", 22)),
    h("div", {}, h("div", { class: "file-name" }, link(addressOf(file), file.title || file.name)),
      h("div", { class: "muted" }, [file.filetype || file.mimetype, sizeLabel(file.size)].filter(Boolean).join(" · "))));
}

function picture(file) {
  return h("figure", { class: "block-image" }, h("figcaption", {}, file.title || file.name),
    zoomable(addressOf(file), file.alt_txt || file.title || file.name || "image"));
}

export function files(list) {
  const shown = (list || []).filter((file) => file && file.id && file.mode !== "tombstone");
  if (!shown.length) return null;
  return h("div", { class: "files" }, shown.map((file) => ((file.mimetype || "").startsWith("image/") ? picture(file) : document(file))));
}
