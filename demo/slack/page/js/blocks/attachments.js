/** Legacy attachments, as alerting bots still send them: colour bar, title, fields, footer. */

import { h, imageUrl, link } from "../dom.js";
import { mrkdwn, plainText } from "../mrkdwn.js";
import { zoomable } from "../lightbox.js";
import { fullTime } from "../time.js";

// Slack stores the three names as these values.
const WORDS = { good: "good", "2eb886": "good", "2eb67d": "good", "36a64f": "good", warning: "warning", daa038: "warning", danger: "danger", a30200: "danger" };
const BARS = { good: "var(--good)", warning: "var(--warn-bar)", danger: "var(--bad)" };

const wordOf = (color) => WORDS[String(color || "").replace("#", "").toLowerCase()];
const barColor = (color) => BARS[wordOf(color)] || (/^#?[0-9a-f]{3}([0-9a-f]{3})?$/i.test(color || "") ? `#${color.replace("#", "")}` : "var(--line-strong)");

function formatted(attachment, field, text) {
  const marks = attachment.mrkdwn_in;
  return !marks || marks.includes(field) ? mrkdwn(text) : plainText(text);
}

function fieldNode(attachment, field) {
  return h("div", { class: field.short ? "att-field short" : "att-field" }, h("strong", {}, plainText(field.title)),
    h("div", {}, formatted(attachment, "fields", field.value)));
}

function legacyButton(action) {
  return action.url ? h("span", { class: "button as-link" }, link(action.url, plainText(action.text))) : h("span", { class: "button", "aria-disabled": "true" }, action.text);
}

/** One attachment; its blocks, when it has any, replace the legacy fields. */
export function attachment(item, ctx, renderBlocks) {
  const image = imageUrl(item.image_url || "");
  const thumb = imageUrl(item.thumb_url || "");
  const title = item.title && h("div", { class: "att-title" }, item.title_link ? link(item.title_link, plainText(item.title)) : plainText(item.title));
  const footer = (item.footer || item.ts) && h("div", { class: "att-footer muted" }, plainText(item.footer || ""),
    item.ts ? h("span", {}, `${item.footer ? " | " : ""}${fullTime(String(item.ts))}`) : null);
  const author = item.author_name && h("div", { class: "att-author" }, item.author_link ? link(item.author_link, item.author_name) : item.author_name);
  const body = item.blocks ? renderBlocks(item.blocks, ctx) : [author, title,
    item.text ? h("div", { class: "att-text" }, formatted(item, "text", item.text)) : null,
    item.fields?.length ? h("div", { class: "att-fields" }, item.fields.map((field) => fieldNode(item, field))) : null,
    image ? zoomable(image, item.fallback || item.title || "attached image") : null,
    item.actions?.length ? h("div", { class: "block-actions" }, item.actions.map(legacyButton)) : null, footer];
  const word = wordOf(item.color);
  const isEmpty = !item.blocks && !author && !title && !item.text && !item.fields?.length && !image;
  return h("div", { class: "attachment-wrap" }, item.pretext ? h("div", { class: "att-pretext" }, formatted(item, "pretext", item.pretext)) : null,
    h("div", { class: "attachment", style: { "--bar": barColor(item.color) } }, word ? h("span", { class: "sr-only" }, `(${word}) `) : null,
      h("div", { class: "att-body" }, body, isEmpty && item.fallback ? mrkdwn(item.fallback) : null),
      thumb ? h("img", { class: "thumb", src: thumb, alt: "", loading: "lazy" }) : null));
}
