/** table and data_table blocks, and a readable text twin for charts. */

import { h } from "../dom.js";
import { richText } from "./rich_text.js";

function cellNodes(cell) {
  if (!cell) return [];
  if (typeof cell !== "object") return [String(cell)];
  if (cell.type === "rich_text") return [richText(cell)];
  return [String(cell.text ?? cell.value ?? "")];
}

function cell(tag, value, column, settings, scope) {
  const setting = (settings || [])[column] || {};
  const align = setting.align || (value && value.type === "raw_number" ? "right" : "left");
  return h(tag, { class: `align-${align}${setting.is_wrapped ? " wrapped" : ""}`, scope }, cellNodes(value));
}

/** rows[0] is the head; data_table may name one column as row heads and carries a caption. */
export function table(block) {
  const [head = [], ...rows] = block.rows || [];
  const rowHead = block.row_header_column_index;
  const caption = typeof block.caption === "object" ? block.caption?.text : block.caption;
  const body = rows.map((row) => h("tr", {}, row.map((value, n) => (n === rowHead
    ? cell("th", value, n, block.column_settings, "row") : cell("td", value, n, block.column_settings)))));
  const grid = h("table", {}, caption ? h("caption", {}, caption) : null,
    h("thead", {}, h("tr", {}, head.map((value, n) => cell("th", value, n, block.column_settings, "col")))), h("tbody", {}, body));
  return h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": caption || "Table" }, grid);
}

/** A chart as the table of its numbers: readable by everyone, drawn by Slack itself in life. */
export function dataVisualization(block) {
  const title = typeof block.title === "object" ? block.title?.text : block.title;
  return h("details", { class: "block-container" }, h("summary", {}, `Chart: ${title || block.chart_type || "data"}`),
    h("pre", { tabindex: "0" }, h("code", {}, JSON.stringify(block, null, 1))));
}
