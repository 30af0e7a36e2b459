/** An app's page in the main column: its Home tab and its Messages tab. */

import { blockContext } from "./actions.js";
import { api } from "./api.js";
import { userAvatar } from "./avatar.js";
import { renderBlocks } from "./blocks/render.js";
import { Conversation } from "./conversation.js";
import { fill, h } from "./dom.js";
import { openApp, route } from "./router.js";
import { directChannel, on, store } from "./store.js";
import { sentence, toast } from "./toast.js";

const TABS = [["home", "Home"], ["messages", "Messages"]];

export class AppPage {
  constructor(host) {
    this.header = h("header", { class: "pane-header" });
    this.tabs = h("div", { class: "tabs", role: "tablist" });
    this.home = h("div", { class: "home-scroll", id: "tab-home", role: "tabpanel", tabindex: "0", "aria-label": "Home" });
    this.messages = h("div", { class: "home-messages", id: "tab-messages", role: "tabpanel", "aria-label": "Messages" });
    fill(host, this.header, this.tabs, this.home, this.messages);
    this.conversation = new Conversation(this.messages, { headless: true, onSent: () => this.followDirect() });
    on("home", ({ app_id: appId }) => { if (appId === this.appId) this.drawHome(); });
    on("directory", () => { if (this.appId) { this.drawHeader(); this.followDirect(); } });
    this.tabs.addEventListener("keydown", (event) => {
      if (event.key === "ArrowLeft" || event.key === "ArrowRight") this.open(this.tab === "home" ? "messages" : "home", true);
    });
  }

  app() {
    return store.apps.get(this.appId) || { id: this.appId, name: this.appId };
  }

  drawHeader() {
    const app = this.app();
    const bot = store.users.get(app.bot_user_id) || { id: app.bot_user_id, name: app.name };
    fill(this.header, h("h1", { class: "pane-title" }, userAvatar(bot, "small"), app.name),
      h("span", { class: "pane-topic muted" }, app.connected ? "connected" : "not connected"));
    fill(this.tabs, TABS.map(([id, label]) => {
      const tab = h("button", { type: "button", role: "tab", "aria-selected": String(this.tab === id), "aria-controls": `tab-${id}`,
        tabindex: this.tab === id ? "0" : "-1", data: { tab: id } }, label);
      tab.addEventListener("click", () => this.open(id));
      return tab;
    }));
  }

  open(tab, focus = false) {
    openApp(this.appId, tab);
    if (focus) this.tabs.querySelector("[aria-selected=true]")?.focus();
  }

  drawHome() {
    const view = store.homes.get(this.appId);
    const kept = this.ctx ? this.ctx.values() : {};
    if (!view) {
      fill(this.home, h("div", { class: "empty" }, h("h2", {}, this.app().name), h("p", { class: "muted" }, "This app has not published a Home tab for you yet.")));
      return;
    }
    this.ctx = blockContext({ view_id: view.id }, { kept });
    fill(this.home, h("div", { class: "home-view", data: { viewId: view.id } }, renderBlocks(view.blocks, this.ctx)));
  }

  /** Once the DM exists, the Messages tab follows it. */
  followDirect() {
    const id = directChannel(this.app().bot_user_id)?.id;
    if (this.tab === "messages" && id && this.conversation.id !== id) this.conversation.show(id);
  }

  async show(appId, tab) {
    const fresh = this.appId !== appId || this.tab !== tab || this.as !== store.me;
    Object.assign(this, { appId, tab, as: store.me });
    this.drawHeader();
    this.home.hidden = tab !== "home";
    this.messages.hidden = tab === "home";
    if (tab === "messages") {
      const bot = this.app().bot_user_id;
      const id = directChannel(bot)?.id || bot;
      if (fresh || this.conversation.id !== id) this.conversation.show(id);
    } else {
      this.conversation.leave();
      this.ctx = null;
      this.drawHome();
    }
    if (fresh) await this.tell();
  }

  async tell() {
    try {
      const body = await api.homeOpen({ as: store.me, app_id: this.appId, tab: this.tab });
      if (body.view) store.homes.set(this.appId, body.view);
      if (this.tab === "home" && route.app === this.appId) this.drawHome();
    } catch (error) {
      toast(sentence(error), { kind: "error" });
    }
  }

  leave() {
    this.appId = null;
    this.tab = null;
    this.conversation.leave();
  }
}
