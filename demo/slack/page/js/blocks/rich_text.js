/** rich_text blocks: sections, lists, quotes, preformatted text and every inline element. */

import { h, link } from "../dom.js";
import { broadcastMention, channelMention, dateNode, emojiNode, groupMention, userMention } from "../entities.js";

const TAGS = [["bold", "strong"], ["italic", "em"], ["strike", "s"], ["underline", "u"], ["code", "code"]];

function styled(nodes, style = {}) {
  return TAGS.reduce((content, [name, tag]) => (style[name] ? [h(tag, {}, content)] : content), nodes);
}

function lines(text) {
  return String(text ?? "").split("\n").flatMap((line, n) => (n ? [h("br"), line] : [line]));
}

const inlineKinds = {
  text: (part) => lines(part.text),
  link: (part) => [link(part.url, part.text || part.url)],
  user: (part) => [userMention(part.user_id)],
  usergroup: (part) => [groupMention(part.usergroup_id)],
  channel: (part) => [channelMention(part.channel_id)],
  broadcast: (part) => [broadcastMention(part.range)],
  date: (part) => [dateNode(part.timestamp, part.format || "{date_short_pretty} {time}", part.url, part.fallback)],
  color: (part) => [h("span", { class: "color-chip" }, h("span", { class: "color-dot", "aria-hidden": "true", style: { background: hex(part.value) } }),
    part.value)],
  emoji: (part) => [part.unicode && !emojiNode(part.name).tagName
    ? h("span", { class: "emoji", role: "img", "aria-label": part.name },
      String.fromCodePoint(...part.unicode.split("-").map((code) => parseInt(code, 16))))
    : emojiNode(part.name)],
};

const hex = (value) => (/^#[0-9a-f]{3,8}$/i.test(value || "") ? value : "transparent");

function inlineNodes(parts) {
  return (parts || []).flatMap((part) => {
    const build = inlineKinds[part.type];
    return build ? styled(build(part), part.style) : [part.text || ""];
  });
}

const plainOf = (parts) => (parts || []).map((part) => part.text || part.url || part.name || "").join("");

function listNode(element) {
  const ordered = element.style === "ordered";
  const props = { class: `rt-list indent-${Math.min(element.indent || 0, 8)}`, start: ordered && element.offset ? element.offset + 1 : null };
  return h(ordered ? "ol" : "ul", props, (element.elements || []).map((item) => h("li", {}, inlineNodes(item.elements))));
}

function elementNode(element) {
  switch (element.type) {
    case "rich_text_list": return listNode(element);
    case "rich_text_quote": return h("blockquote", {}, inlineNodes(element.elements));
    case "rich_text_preformatted": return h("pre", { tabindex: "0" }, h("code", {}, plainOf(element.elements)));
    default: return h("div", { class: "rt-section" }, inlineNodes(element.elements));
  }
}

/** A rich_text block -> element. */
export function richText(block) {
  return h("div", { class: "rich-text" }, (block.elements || []).map(elementNode));
}
