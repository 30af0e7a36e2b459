/** The right-hand drawer: what the demo shows beside the chat (the patient), as framed pages. */

import { fill, h, safeUrl } from "./dom.js";
import { icon } from "./icons.js";
import { keep, recall } from "./memory.js";

const WIDE = "(min-width: 1360px)";
// Between these widths a thread takes the drawer's place (css/layout.css).
const CROWDED = "(min-width: 1121px) and (max-width: 1399px)";

export class Drawer {
  /** makeRoom() closes the thread where both do not fit. */
  constructor(host, { makeRoom }) {
    this.host = host;
    this.makeRoom = makeRoom;
    this.panels = [];
    this.at = 0;
    this.choice = recall("drawer");
  }

  /** panels: [{title, url}]; none hides the drawer and its toggle. */
  start(panels, toggle) {
    this.panels = (panels || []).filter((panel) => safeUrl(panel.url));
    this.toggle = toggle;
    this.draw();
    window.matchMedia(WIDE).addEventListener("change", () => this.draw());
  }

  get isOpen() {
    if (!this.panels.length) return false;
    return this.choice ?? window.matchMedia(WIDE).matches;
  }

  flip() {
    const covered = document.body.classList.contains("thread-open") && window.matchMedia(CROWDED).matches;
    if (covered) this.makeRoom();
    this.choice = covered || !this.isOpen;
    keep("drawer", this.choice);
    this.draw();
    if (this.choice) this.host.querySelector("button")?.focus();
  }

  draw() {
    const { isOpen } = this;
    this.host.hidden = !isOpen;
    document.body.classList.toggle("drawer-open", isOpen);
    if (this.toggle) {
      this.toggle.hidden = !this.panels.length;
      this.toggle.setAttribute("aria-expanded", String(isOpen));
    }
    if (!isOpen || this.drawn) return;
    this.drawn = true;
    const close = h("button", { type: "button", class: "icon-button", "aria-label": "Close patient panel", data: { testid: "drawer-close" } }, icon("close"));
    close.addEventListener("click", () => { this.flip(); this.toggle?.focus(); });
    this.tabs = h("div", { class: "tabs", role: "tablist", "aria-label": "Panels" });
    this.frames = h("div", { class: "frames" });
    fill(this.host, h("header", { class: "pane-header" }, h("h2", { class: "pane-title" }, icon("pulse"), "Patient"), h("span", { class: "spacer" }), close),
      this.panels.length > 1 ? this.tabs : null, this.frames);
    this.select(0);
  }

  select(at) {
    this.at = at;
    fill(this.tabs, this.panels.map((panel, n) => {
      const tab = h("button", { type: "button", role: "tab", "aria-selected": String(n === at) }, panel.title);
      tab.addEventListener("click", () => { this.select(n); this.tabs.children[n].focus(); });
      return tab;
    }));
    this.frames.querySelectorAll("iframe").forEach((frame) => { frame.hidden = true; });
    const panel = this.panels[at];
    let frame = this.frames.querySelector(`iframe[data-at="${at}"]`);
    if (!frame) {
      frame = h("iframe", { src: safeUrl(panel.url), title: panel.title, data: { at: String(at) }, referrerpolicy: "no-referrer" });
      this.frames.append(frame);
    }
    frame.hidden = false;
  }
}
