/** One dispatcher from a Block Kit block to an element; an unknown or broken block is shown as such, never swallowed. */

import { h } from "../dom.js";
import { contextActions, plan, taskCard } from "./agent.js";
import { addKinds, renderElement } from "./elements.js";
import { fieldKinds, inputBlock } from "./inputs.js";
import { alertBlock, card, carousel, container, context, divider, header, image, markdownBlock, section } from "./layout.js";
import { richText } from "./rich_text.js";
import { dataVisualization, table } from "./table.js";

addKinds(fieldKinds);

function actions(block, ctx) {
  return h("div", { class: "block-actions" }, (block.elements || []).map((element) => renderElement(element, block, ctx)));
}

const kinds = {
  actions, divider, header, image, section: (block, ctx) => section(block, ctx, renderElement),
  context, context_actions: contextActions, rich_text: richText, markdown: markdownBlock,
  input: (block, ctx) => inputBlock(block, ctx, renderElement), table, data_table: table, data_visualization: dataVisualization,
  task_card: taskCard, plan, alert: alertBlock,
  card: (block, ctx) => card(block, ctx, renderElement), carousel: (block, ctx) => carousel(block, ctx, renderElement),
  container: (block, ctx) => container(block, ctx, renderBlocks),
};

function unknown(block, reason) {
  return h("details", { class: "unknown-block" }, h("summary", {}, `${block.type || "Block"}: ${reason}`),
    h("pre", { tabindex: "0" }, h("code", {}, JSON.stringify(block, null, 1))));
}

function renderBlock(block, ctx) {
  const build = kinds[block.type];
  if (!build) return unknown(block, "not drawn here");
  try {
    const node = build(block, ctx);
    node.dataset.blockType = block.type;
    if (block.block_id) node.dataset.blockId = block.block_id;
    return node;
  } catch (error) {
    return unknown(block, `could not be drawn (${error.message})`);
  }
}

/** [blocks] -> [elements]; ctx comes from actions.js. */
export function renderBlocks(blocks, ctx) {
  return (blocks || []).map((block) => renderBlock(block, ctx));
}
