/** A small popup menu: arrows move, Enter chooses, Esc or a click elsewhere closes. */

import { h } from "./dom.js";

let current = null;

function closeMenu({ refocus = false } = {}) {
  if (!current) return;
  const { menu, anchor } = current;
  current = null;
  menu.remove();
  anchor.setAttribute("aria-expanded", "false");
  if (refocus) anchor.focus();
}

function place(menu, anchor) {
  const box = anchor.getBoundingClientRect();
  const left = Math.max(8, Math.min(box.right - menu.offsetWidth, window.innerWidth - menu.offsetWidth - 8));
  const below = box.bottom + 4 + menu.offsetHeight < window.innerHeight;
  menu.style.left = `${left}px`;
  menu.style.top = `${below ? box.bottom + 4 : Math.max(8, box.top - menu.offsetHeight - 4)}px`;
}

function onKey(event, items) {
  const at = items.indexOf(document.activeElement);
  const steps = { ArrowDown: at + 1, ArrowUp: at - 1, ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: items.length - 1 };
  if (event.key in steps) {
    event.preventDefault();
    items[(steps[event.key] + items.length) % items.length].focus();
  } else if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    event.stopPropagation();
    closeMenu({ refocus: true });
  }
}

/** entries: [{label, hint?, glyph?, run}]; `grid` lays them out in a row (emoji). */
export function openMenu(anchor, entries, { grid = false, label = "Actions" } = {}) {
  const wasOpen = current && current.anchor === anchor;
  closeMenu();
  if (wasOpen) return;
  const items = entries.map((entry) => {
    const item = h("button", { type: "button", role: "menuitem", tabindex: "-1", "aria-label": grid ? entry.label : null, title: grid ? entry.label : null },
      entry.glyph || null, grid ? null : h("span", {}, entry.label), entry.hint ? h("span", { class: "muted" }, entry.hint) : null);
    item.addEventListener("click", () => { closeMenu({ refocus: true }); entry.run(); });
    return item;
  });
  const menu = h("div", { class: grid ? "menu grid" : "menu", role: "menu", "aria-label": label }, items);
  menu.addEventListener("keydown", (event) => onKey(event, items));
  // Inside an open dialog everything outside is inert, so the menu must live in it.
  (anchor.closest("dialog") || document.body).append(menu);
  anchor.setAttribute("aria-expanded", "true");
  current = { menu, anchor };
  place(menu, anchor);
  items[0]?.focus();
}

document.addEventListener("pointerdown", (event) => {
  if (current && !current.menu.contains(event.target) && !current.anchor.contains(event.target)) closeMenu();
});
window.addEventListener("resize", () => closeMenu());
