/** Block-level standard Markdown -> DOM nodes: headings, lists, tables, quotes, code, rules. */

import { h } from "./dom.js";
import { markdownInline } from "./markdown_inline.js";

const FENCE = /^ {0,3}(```+|~~~+)\s*(\S*)/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const TABLE_RULE = /^ {0,3}\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;

function fence(lines, i) {
  const [, marker, language] = FENCE.exec(lines[i]);
  let end = i + 1;
  while (end < lines.length && !lines[end].trim().startsWith(marker)) end += 1;
  const code = h("code", language ? { data: { language } } : {}, lines.slice(i + 1, end).join("\n"));
  return [h("pre", { tabindex: "0" }, code), end + 1];
}

function quote(lines, i) {
  let end = i;
  while (end < lines.length && QUOTE.test(lines[end])) end += 1;
  return [h("blockquote", {}, markdownBlocks(lines.slice(i, end).map((line) => line.replace(QUOTE, "")))), end];
}

const cellsOf = (line) => line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim().replace(/\\\|/g, "|"));

function alignOf(mark) {
  if (/^:-+:$/.test(mark)) return "center";
  return /-:$/.test(mark) ? "right" : "left";
}

function table(lines, i) {
  const aligns = cellsOf(lines[i + 1]).map(alignOf);
  const row = (line, tag) => h("tr", {}, cellsOf(line).map((cell, n) => h(tag, {
    class: `align-${aligns[n] || "left"}`, scope: tag === "th" ? "col" : null }, markdownInline(cell))));
  let end = i + 2;
  while (end < lines.length && lines[end].includes("|") && lines[end].trim()) end += 1;
  const body = lines.slice(i + 2, end).map((line) => row(line, "td"));
  const grid = h("table", {}, h("thead", {}, row(lines[i], "th")), h("tbody", {}, body));
  return [h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Table" }, grid), end];
}

function itemContent(text, rest) {
  const task = /^\[([ xX])\]\s+(.*)$/.exec(text);
  const box = task ? h("span", { class: "task-box", role: "img", "aria-label": task[1] === " " ? "to do" : "done" }, task[1] === " " ? "☐" : "☑") : null;
  return h("li", { class: task ? "task-item" : null }, box, markdownInline(task ? task[2] : text), rest.length ? markdownBlocks(rest) : null);
}

function list(lines, i) {
  const [, indent, marker] = ITEM.exec(lines[i]);
  const ordered = /\d/.test(marker);
  const items = [];
  let at = i;
  while (at < lines.length) {
    const match = ITEM.exec(lines[at]);
    if (!match || match[1].length > indent.length + 1 || /\d/.test(match[2]) !== ordered || match[1].length < indent.length) break;
    const width = match[0].length - match[3].length;
    let end = at + 1;
    const belongs = (line) => line.trim() === "" ? /^\s{2,}\S/.test(lines[end + 1] || "") : /^\s/.test(line) && line.search(/\S/) > indent.length;
    while (end < lines.length && belongs(lines[end])) end += 1;
    const rest = lines.slice(at + 1, end).map((line) => line.slice(Math.min(line.search(/\S|$/), width)));
    const lead = rest.findIndex((line) => ITEM.test(line) || FENCE.test(line) || !line.trim());
    const flow = lead < 0 ? rest.splice(0) : rest.splice(0, lead);
    items.push(itemContent([match[3], ...flow].join("\n"), rest));
    at = end;
    while (at < lines.length && !lines[at].trim() && ITEM.test(lines[at + 1] || "")) at += 1;
  }
  return [h(ordered ? "ol" : "ul", ordered ? { start: parseInt(marker, 10) } : {}, items), at];
}

const startsBlock = (lines, i) => FENCE.test(lines[i]) || HEADING.test(lines[i]) || RULE.test(lines[i]) || QUOTE.test(lines[i])
  || ITEM.test(lines[i]) || isTable(lines, i);
const isTable = (lines, i) => lines[i].includes("|") && i + 1 < lines.length && lines[i + 1].includes("-") && TABLE_RULE.test(lines[i + 1]);

function paragraph(lines, i) {
  let end = i + 1;
  while (end < lines.length && lines[end].trim() && !startsBlock(lines, end)) end += 1;
  const text = lines.slice(i, end).map((line) => line.replace(/^\s+/, "").replace(/ {2,}$/, "")).join("\n");
  return [h("p", {}, markdownInline(text)), end];
}

function blockAt(lines, i) {
  if (FENCE.test(lines[i])) return fence(lines, i);
  const heading = HEADING.exec(lines[i]);
  // The page's own headings are h1 and h2, so a message's start at h3.
  if (heading) return [h(`h${Math.min(6, heading[1].length + 2)}`, { class: `md-h${heading[1].length}` }, markdownInline(heading[2])), i + 1];
  if (RULE.test(lines[i])) return [h("hr"), i + 1];
  if (QUOTE.test(lines[i])) return quote(lines, i);
  if (isTable(lines, i)) return table(lines, i);
  if (ITEM.test(lines[i])) return list(lines, i);
  return paragraph(lines, i);
}

function markdownBlocks(lines) {
  const nodes = [];
  for (let i = 0; i < lines.length;) {
    if (!lines[i].trim()) { i += 1; continue; }
    const [node, next] = blockAt(lines, i);
    nodes.push(node);
    i = Math.max(next, i + 1);
  }
  return nodes;
}

/** Whole Markdown text -> array of nodes. */
export function markdown(text) {
  return markdownBlocks(String(text ?? "").replace(/\r\n?/g, "\n").replace(/\t/g, "    ").split("\n"));
}
