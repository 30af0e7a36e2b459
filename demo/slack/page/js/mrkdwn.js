/** Slack's mrkdwn dialect -> DOM nodes. */

import { h, link } from "./dom.js";
import { controlNode, controlText, decode, emojiNode } from "./entities.js";

const STYLES = { "*": "strong", _: "em", "~": "s" };
const FENCE = /```(?:\n)?([\s\S]*?)```/g;
const BARE_URL = /^https?:\/\/[^\s<>|*_~`"]*[^\s<>|*_~`".,;:!?)\]}']/;

const isWord = (char) => char !== undefined && /[\p{L}\p{N}]/u.test(char);
const codeText = (raw) => raw.replace(/<([^<>\n]+)>|&(?:amp|lt|gt);/g, (whole, inside) => (inside ? controlText(inside) : decode(whole)));

/** Index just after the construct that starts at `i` and must not be split, else i + 1. */
function skipAtom(text, i) {
  const closer = text[i] === "<" ? ">" : text[i] === "`" ? "`" : null;
  if (!closer) return i + 1;
  const end = text.indexOf(closer, i + 1);
  const newline = text.indexOf("\n", i);
  return end < 0 || (newline >= 0 && newline < end) ? i + 1 : end + 1;
}

/** Where the style opened at `start` closes, or -1: flanking rules as Slack applies them, never across lines. */
function closingIndex(text, start) {
  const mark = text[start];
  if (isWord(text[start - 1]) || /[\s]/.test(text[start + 1] || " ") || text[start + 1] === mark) return -1;
  for (let i = start + 1; i < text.length; i = skipAtom(text, i)) {
    if (text[i] === "\n") return -1;
    if (text[i] === mark && !/\s/.test(text[i - 1]) && !isWord(text[i + 1]) && i > start + 1) return i;
  }
  return -1;
}

function atomAt(text, i) {
  const rest = text.slice(i);
  if (text[i] === "`") {
    const end = skipAtom(text, i);
    return end > i + 2 ? [h("code", {}, codeText(text.slice(i + 1, end - 1))), end] : null;
  }
  if (text[i] === "<") {
    const match = /^<([^<>\n]+)>/.exec(rest);
    return match ? [controlNode(match[1]), i + match[0].length] : null;
  }
  if (STYLES[text[i]]) {
    const end = closingIndex(text, i);
    return end < 0 ? null : [h(STYLES[text[i]], {}, inline(text.slice(i + 1, end))), end + 1];
  }
  if (text[i] === ":") {
    const match = /^:([a-z0-9_+'-]+)(?:::skin-tone-\d)?:/.exec(rest);
    return match ? [emojiNode(match[1]), i + match[0].length] : null;
  }
  if (text[i] === "h" && !isWord(text[i - 1])) {
    const match = BARE_URL.exec(rest);
    return match ? [link(decode(match[0]), decode(match[0])), i + match[0].length] : null;
  }
  return text[i] === "\n" ? [h("br"), i + 1] : null;
}

/** One run of text without fences or quotes -> array of nodes. */
export function inline(text) {
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

const QUOTE = /^(?:&gt;|>) ?/;

function quotesAndLines(text) {
  const nodes = [];
  const lines = text.split("\n");
  for (let i = 0; i < lines.length;) {
    const quoted = QUOTE.test(lines[i]);
    const everything = /^(?:&gt;|>){3}/.test(lines[i]);
    let end = i + 1;
    while (end < lines.length && (everything || QUOTE.test(lines[end]) === quoted)) end += 1;
    const run = lines.slice(i, end);
    if (everything) nodes.push(h("blockquote", {}, inline(run.join("\n").replace(/^(?:&gt;|>){3} ?/, ""))));
    else if (quoted) nodes.push(h("blockquote", {}, inline(run.map((line) => line.replace(QUOTE, "")).join("\n"))));
    else nodes.push(...inline(run.join("\n")));
    i = end;
  }
  return nodes;
}

/** Whole mrkdwn text -> array of nodes. */
export function mrkdwn(text) {
  const source = String(text ?? "");
  const nodes = [];
  let from = 0;
  for (const match of source.matchAll(FENCE)) {
    const before = source.slice(from, match.index).replace(/\n$/, "");
    if (before) nodes.push(...quotesAndLines(before));
    nodes.push(h("pre", { tabindex: "0" }, h("code", {}, codeText(match[1].replace(/\n$/, "")))));
    from = match.index + match[0].length;
    if (source[from] === "\n") from += 1;
  }
  if (from < source.length) nodes.push(...quotesAndLines(source.slice(from)));
  return nodes;
}

/** plain_text: only emoji names are special. */
export function plainText(text, { emoji = true } = {}) {
  const nodes = [];
  for (const part of String(text ?? "").split(/(:[a-z0-9_+'-]+:|\n)/)) {
    if (part === "\n") nodes.push(h("br"));
    else if (emoji && /^:[a-z0-9_+'-]+:$/.test(part)) nodes.push(emojiNode(part.slice(1, -1)));
    else if (part) nodes.push(document.createTextNode(part));
  }
  return nodes;
}

/** A Block Kit text object (or bare string) -> nodes. */
export function textNodes(object) {
  if (!object) return [];
  if (typeof object === "string") return plainText(object);
  return object.type === "mrkdwn" ? mrkdwn(object.text) : plainText(object.text, { emoji: object.emoji !== false });
}

/** A text object's words only, for labels. */
export const textOf = (object) => (object ? h("span", {}, textNodes(object)).textContent : "");
