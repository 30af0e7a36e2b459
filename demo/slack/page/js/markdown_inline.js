/** Inline standard Markdown (as in Slack's markdown block) -> DOM nodes. Raw HTML stays text. */

import { h, link } from "./dom.js";
import { controlNode, decode, emojiNode } from "./entities.js";

const PUNCTUATION = /[!-/:-@[-`{-~]/;
const BARE_URL = /^https?:\/\/[^\s<>"`*]*[^\s<>"`*.,;:!?)\]}'_~]/;
const isWord = (char) => char !== undefined && /[\p{L}\p{N}]/u.test(char);

function codeAt(text, i) {
  const ticks = /^`+/.exec(text.slice(i))[0];
  let end = text.indexOf(ticks, i + ticks.length);
  while (end >= 0 && (text[end + ticks.length] === "`" || text[end - 1] === "`")) end = text.indexOf(ticks, end + 1);
  if (end < 0) return [document.createTextNode(ticks), i + ticks.length];
  const body = text.slice(i + ticks.length, end).replace(/\n/g, " ");
  return [h("code", {}, /^ .*[^ ].* $/.test(body) ? body.slice(1, -1) : body), end + ticks.length];
}

/** Index of the bracket that closes the one at `i`, or -1. */
function matching(text, i, open, close) {
  let depth = 0;
  for (let at = i; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === open) depth += 1;
    else if (text[at] === close && (depth -= 1) === 0) return at;
  }
  return -1;
}

function linkAt(text, i) {
  const start = text[i] === "!" ? i + 1 : i;
  const labelEnd = matching(text, start, "[", "]");
  if (labelEnd < 0 || text[labelEnd + 1] !== "(") return null;
  const end = matching(text, labelEnd + 1, "(", ")");
  if (end < 0) return null;
  const target = text.slice(labelEnd + 2, end).trim().replace(/\s+["'(][^]*$/, "").replace(/^<|>$/g, "");
  const label = text.slice(start + 1, labelEnd);
  return [link(decode(target), ...markdownInline(label || target)), end + 1];
}

function emphasisAt(text, i) {
  const mark = text[i];
  const run = new RegExp(`^\\${mark}+`).exec(text.slice(i))[0].length;
  const width = mark === "~" ? (run >= 2 ? 2 : 0) : Math.min(run, 3);
  const after = text[i + run];
  if (!width || after === undefined || /\s/.test(after) || (mark === "_" && isWord(text[i - 1]))) return null;
  const token = mark.repeat(width);
  for (let end = text.indexOf(token, i + width); end >= 0; end = text.indexOf(token, end + 1)) {
    if (/\s/.test(text[end - 1]) || text[end - 1] === "\\") continue;
    if (mark === "_" && isWord(text[end + width])) continue;
    if (text[end + width] === mark || (width === 1 && text[end - 1] === mark)) continue;
    const inner = markdownInline(text.slice(i + width, end));
    const tags = mark === "~" ? ["s"] : [["em"], ["strong"], ["strong", "em"]][width - 1];
    return [tags.reduceRight((content, tag) => [h(tag, {}, content)], inner)[0], end + width];
  }
  return null;
}

function angleAt(text, i) {
  const match = /^<([^<>\n]+)>/.exec(text.slice(i));
  if (!match) return null;
  if (/^(https?:|mailto:|@[UW]|#C|!date\^|!subteam\^)/.test(match[1])) return [controlNode(match[1]), i + match[0].length];
  return [/^br ?\/?$/i.test(match[1]) ? h("br") : document.createTextNode(match[0]), i + match[0].length];
}

function atomAt(text, i) {
  const char = text[i];
  const rest = text.slice(i);
  if (char === "\\" && text[i + 1] === "\n") return [h("br"), i + 2];
  if (char === "\\" && PUNCTUATION.test(text[i + 1] || "")) return [document.createTextNode(text[i + 1]), i + 2];
  if (char === "`") return codeAt(text, i);
  if (char === "[" || (char === "!" && text[i + 1] === "[")) return linkAt(text, i);
  if (char === "*" || char === "_" || char === "~") return emphasisAt(text, i);
  if (char === "<") return angleAt(text, i);
  if (char === ":") {
    const match = /^:([a-z0-9_+'-]+):/.exec(rest);
    return match ? [emojiNode(match[1]), i + match[0].length] : null;
  }
  if (char === "h" && !isWord(text[i - 1])) {
    const match = BARE_URL.exec(rest);
    return match ? [link(match[0], match[0]), i + match[0].length] : null;
  }
  return char === "\n" ? [h("br"), i + 1] : null;
}

/** One paragraph's text -> array of nodes. */
export function markdownInline(text) {
  const nodes = [];
  let plain = "";
  const flush = () => { if (plain) nodes.push(document.createTextNode(decode(plain))); plain = ""; };
  for (let i = 0; i < text.length;) {
    const atom = atomAt(text, i);
    if (!atom) { plain += text[i]; i += 1; continue; }
    flush();
    nodes.push(atom[0]);
    i = atom[1];
  }
  flush();
  return nodes;
}
