/** Light, dark or as the system says; the CSS does the rest through color-scheme. */

import { keep, recall } from "./memory.js";

const ORDER = ["auto", "light", "dark"];
const LOOKS = {
  auto: { glyph: "auto", label: "Theme: as the system. Switch to light" },
  light: { glyph: "sun", label: "Theme: light. Switch to dark" },
  dark: { glyph: "moon", label: "Theme: dark. Switch to the system's" },
};

const current = () => (ORDER.includes(recall("theme")) ? recall("theme") : "auto");

export function applyTheme() {
  document.documentElement.dataset.theme = current();
}

export function nextTheme() {
  keep("theme", ORDER[(ORDER.indexOf(current()) + 1) % ORDER.length]);
  applyTheme();
}

export const themeLabel = () => LOOKS[current()];
