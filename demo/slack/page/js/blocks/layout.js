/** Blocks that show something: section, header, context, divider, image, markdown, alert, container, card. */

import { h, imageUrl } from "../dom.js";
import { markdown } from "../markdown.js";
import { textNodes, textOf } from "../mrkdwn.js";
import { zoomable } from "../lightbox.js";
import { richText } from "./rich_text.js";

export function header(block) {
  return h("h3", { class: "block-header" }, textNodes(block.text));
}

export function divider() {
  return h("hr", { class: "block-divider" });
}

/** Image source of an image block or element: image_url, or slack_file by address or id. */
function sourceOf(block) {
  const file = block.slack_file || {};
  return imageUrl(block.image_url || file.url || (file.id ? `/files/${encodeURIComponent(file.id)}/image` : ""));
}

export function image(block) {
  const caption = textOf(block.title);
  return h("figure", { class: "block-image" }, caption ? h("figcaption", {}, caption) : null,
    zoomable(sourceOf(block), block.alt_text || caption || "image"));
}

function thumbnail(element) {
  const source = sourceOf(element);
  return source ? h("img", { class: "thumb", src: source, alt: element.alt_text || "", loading: "lazy" }) : h("span", {}, element.alt_text || "");
}

export function section(block, ctx, renderElement) {
  const fields = block.fields && h("div", { class: "fields" }, block.fields.map((field) => h("div", { class: "field" }, textNodes(field))));
  const body = h("div", { class: "section-body" }, block.text ? h("div", { class: "section-text" }, textNodes(block.text)) : null, fields);
  if (!block.accessory) return h("div", { class: "block-section" }, body);
  const accessory = block.accessory.type === "image" ? thumbnail(block.accessory) : renderElement(block.accessory, block, ctx);
  return h("div", { class: "block-section has-accessory" }, body, h("div", { class: "accessory" }, accessory));
}

export function context(block) {
  return h("div", { class: "block-context" }, (block.elements || []).map((element) => (
    element.type === "image" ? thumbnail(element) : h("span", { class: "context-text" }, textNodes(element)))));
}

export function markdownBlock(block) {
  return h("div", { class: "markdown" }, markdown(block.text));
}

const LEVEL_WORDS = { info: "Info", warning: "Warning", error: "Error", success: "Success" };

export function alertBlock(block) {
  const level = LEVEL_WORDS[block.level] ? block.level : "default";
  const word = LEVEL_WORDS[level];
  return h("div", { class: `block-alert level-${level}`, role: level === "error" || level === "warning" ? "alert" : "note" },
    word ? h("strong", {}, `${word}: `) : null, textNodes(block.text));
}

export function container(block, ctx, renderBlocks) {
  const title = block.rich_text_title ? richText(block.rich_text_title) : textNodes(block.title);
  const body = h("div", { class: "container-body" }, renderBlocks(block.child_blocks || [], ctx));
  const subtitle = block.subtitle ? h("span", { class: "muted" }, textNodes(block.subtitle)) : null;
  if (block.is_collapsible) {
    return h("details", { class: "block-container", open: !block.default_collapsed }, h("summary", {}, title, subtitle), body);
  }
  return h("div", { class: "block-container" }, h("div", { class: "container-title" }, title, subtitle), body);
}

export function card(block, ctx, renderElement) {
  const hero = block.hero_image && sourceOf(block.hero_image);
  return h("article", { class: "block-card" }, hero ? zoomable(hero, block.hero_image.alt_text || "") : null,
    h("strong", {}, textNodes(block.title)), block.subtitle ? h("div", { class: "muted" }, textNodes(block.subtitle)) : null,
    block.body ? h("div", {}, textNodes(block.body)) : null,
    h("div", { class: "block-actions" }, (block.actions || []).map((element) => renderElement(element, block, ctx))));
}

export function carousel(block, ctx, renderElement) {
  return h("div", { class: "block-carousel", tabindex: "0", role: "group", "aria-label": "Cards" },
    (block.elements || []).map((element) => card(element, ctx, renderElement)));
}
