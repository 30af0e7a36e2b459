/** The live connection: reconnects for ever, and says so each time, so that the page can fetch what it missed. */

const FIRST_DELAY_MS = 400;
const LONGEST_DELAY_MS = 8000;

export class LiveConnection {
  /** onFrame(frame), onStatus("connecting"|"open"|"lost"), onOpen(isReconnect) */
  constructor({ onFrame, onStatus, onOpen }) {
    this.handlers = { onFrame, onStatus, onOpen };
    this.generation = 0;
    this.delay = FIRST_DELAY_MS;
  }

  /** Starts (or restarts, for another person) the connection. */
  start(as) {
    this.stop();
    this.as = as;
    this.opened = false;
    this.connect(this.generation);
  }

  stop() {
    this.generation += 1;
    clearTimeout(this.timer);
    if (this.socket) this.socket.close();
    this.socket = null;
  }

  connect(generation) {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/control/live?as=${encodeURIComponent(this.as)}`);
    this.socket = socket;
    this.handlers.onStatus("connecting");
    socket.addEventListener("open", () => {
      if (generation !== this.generation) return;
      this.delay = FIRST_DELAY_MS;
      this.handlers.onStatus("open");
      this.handlers.onOpen(this.opened);
      this.opened = true;
    });
    socket.addEventListener("message", (event) => {
      if (generation === this.generation) this.handlers.onFrame(JSON.parse(event.data));
    });
    socket.addEventListener("close", () => {
      if (generation !== this.generation) return;
      this.handlers.onStatus("lost");
      this.timer = setTimeout(() => this.connect(generation), this.delay);
      this.delay = Math.min(this.delay * 2, LONGEST_DELAY_MS);
    });
  }

  /** Drops the socket as a network fault would; used by tests and by the wake-up check. */
  drop() {
    if (this.socket) this.socket.close();
  }
}
