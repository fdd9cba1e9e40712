// The chat: what was written stays over a reload, and what is on its way says so.
import { $, button, clock, fill, make, say } from "./room-words.js";

/** @typedef {{key: string, text: string, failed: boolean}} Pending */

let made = 0;

/** The chat of a call. */
export class Chat {
  /** @param {import("./sanbao-signal.js").Call} call */
  constructor(call) {
    this.call = call;
    /** @type {Pending[]} */ this.pending = [];
    this.seen = 0;
    call.on("chat", () => this.show());
    $("chat-form").onsubmit = (/** @type {Event} */ event) => {
      event.preventDefault();
      const text = $("chat-text").value.trim();
      if (!text) return;
      $("chat-text").value = "";
      this.say(text);
    };
    $("chat-text").onkeydown = (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      $("chat-form").requestSubmit();
    };
  }

  /** @param {string} text @param {Pending} [line] */
  async say(text, line = { key: `p${made++}`, text, failed: false }) {
    line.failed = false;
    if (!this.pending.includes(line)) this.pending.push(line);
    this.show();
    const sent = await this.call.chat(text).then(() => true, (error) => error.code === "outcome-unknown" || error.code === "session-lost");
    if (sent) this.pending.splice(this.pending.indexOf(line), 1);
    else line.failed = true;
    this.show();
  }

  show() {
    const { room } = this.call;
    const list = $("chat-lines");
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
    const lines = [...room.chat.map((line) => ({ key: `n${line.n}`, line })), ...this.pending.map((p) => ({ key: p.key, pending: p }))];
    fill(list, /** @type {any[]} */ (lines), (l) => l.key, (l) => l.line || l.pending, (l) => (l.line ? this.line(l.line) : this.waiting(l.pending)));
    if (atEnd) list.scrollTop = list.scrollHeight;
    $("chat-none").hidden = lines.length > 0;
    $("chat-form").hidden = !room.may("chat");
    this.showUnread();
  }

  /** @param {import("./sanbao-room.js").ChatLine} line */
  line(line) {
    const mine = line.from === this.call.room.me;
    const head = make("p", { className: "head", textContent: `${mine ? say("own") : line.name} ` }, make("time", { dateTime: line.at, textContent: clock(line.at) }));
    return make("li", { className: mine ? "mine" : "" }, head, make("p", { className: "text", textContent: line.text }));
  }

  /** @param {Pending} line */
  waiting(line) {
    const item = make("li", { className: "mine pending" }, make("p", { className: "text", textContent: line.text }), make("p", { className: "head", textContent: say(line.failed ? "chat-failed" : "chat-sending") }));
    if (line.failed) item.append(button("chat-again", say("chat-again"), () => this.say(line.text, line)));
    return item;
  }

  /** How many were written since the chat was last looked at. */
  showUnread() {
    const { chat } = this.call.room;
    if (!$("panel-chat").hidden) this.seen = chat.at(-1)?.n || 0;
    const unread = chat.filter((l) => l.n > this.seen && l.from !== this.call.room.me).length;
    $("chat-unread").textContent = unread ? String(unread) : "";
  }
}
