// People here, people who wait outside, people sent out; and what staff can do.
import { $, ask, button, clock, failed, fill, known, make, named, say } from "./room-words.js";
import { summary } from "./room-check.js";

/**
 * @typedef {import("./sanbao-room.js").PeerView} PeerView
 * @typedef {import("./sanbao-room.js").Permission} Permission
 * @typedef {import("./sanbao-room.js").Waiting} Waiting
 */

/** What staff can give and take; `control` only by another ticket here, so that it is never lost by a slip. */
const GRANTABLE = /** @type {Permission[]} */ (["audio", "video", "screen", "chat"]);
const REDRAW_MS = 15000;

/** How somebody's line is, and what they can do.
 * @param {{verdict: string, cause?: string|null, advice?: string[]}} line */
function lineWords({ verdict, cause, advice = [] }) {
  const keys = [`quality-${verdict}`, cause && verdict !== "good" ? `quality-cause-${cause}` : "", advice[0] ? `quality-advice-${advice[0]}` : ""];
  return verdict === "no_data" ? [] : keys.map((k) => k.replaceAll("_", "-")).filter(known).map((k) => say(k));
}

/** The list of people and the rings above the picture. */
export class People {
  /** @param {import("./sanbao-signal.js").Call} call @param {import("./room-ring.js").Ring|null} ring */
  constructor(call, ring) {
    this.call = call;
    this.ring = ring;
    this.timer = setInterval(() => (call.ended ? clearInterval(this.timer) : this.showRings()), REDRAW_MS);
  }

  show() {
    const { room } = this.call;
    const control = room.may("control");
    const all = [...room.people.values()].sort((a, b) => Number(b.peer === room.me) - Number(a.peer === room.me));
    fill($("people"), all, (p) => p.peer, (p) => [p, control, room.lines.get(p.peer), room.checks.get(p.peer)], (p) => this.person(p, control));
    $("people-count").textContent = String(all.length);
    $("removed").hidden = !control || room.removed.length === 0;
    fill($("removed-list"), room.removed, (r) => String(r.removal), (r) => r, (r) =>
      make("li", {}, make("span", { textContent: `${r.name} · ${clock(r.at)}` }), button("lift", say("lift"), () => this.call.lift(r.removal).catch(failed))),
    );
    this.showRings();
  }

  /** @param {PeerView} person @param {boolean} control */
  person(person, control) {
    const mine = person.peer === this.call.room.me;
    const states = [
      person.away && say("away"),
      person.hand && say("hand-up"),
      !person.audio && say("muted"),
      !person.video && say("camera-off"),
      person.screen && say("sharing"),
      person.consent?.recording && say("consents"),
    ].filter(Boolean);
    const line = this.call.room.lines.get(person.peer);
    if (control && line) states.push(...lineWords(line));
    const item = make("li", {}, make("p", { className: "strong", textContent: named(person) + (mine ? ` · ${say("own")}` : "") }));
    if (states.length) item.append(make("p", { className: "states", textContent: states.join(" · ") }));
    const check = this.call.room.checks.get(person.peer);
    if (check) item.append(make("p", { className: "states", textContent: summary(check) }));
    if (control && !mine) item.append(this.actions(person));
    return item;
  }

  /** @param {PeerView} person */
  actions(person) {
    const { call } = this;
    const row = make("div", { className: "actions" });
    if (person.audio) row.append(button("mute", say("mute"), () => call.mute(person.peer).catch(failed)));
    if (!person.permissions.includes("control")) row.append(button("put-back", say("put-back"), () => call.putBack(person.peer).catch(failed)));
    row.append(button("kick", say("kick"), () => this.kick(person), "danger"));
    const rights = make("details", {}, make("summary", { textContent: say("permissions") }));
    for (const permission of GRANTABLE) rights.append(this.right(person, permission));
    return make("div", {}, row, rights);
  }

  /** @param {PeerView} person @param {Permission} permission */
  right(person, permission) {
    const box = make("input", { type: "checkbox", checked: person.permissions.includes(permission), data: { action: `permit-${permission}` } });
    box.onchange = () => {
      const rest = person.permissions.filter((p) => p !== permission);
      this.call.permit(person.peer, box.checked ? [...rest, permission] : rest).catch((error) => {
        box.checked = !box.checked;
        failed(error);
      });
    };
    return make("label", { className: "choice" }, box, say(`permission-${permission}`));
  }

  /** @param {PeerView} person */
  async kick(person) {
    const answers = [
      { key: "kick-yes", words: say("kick"), kind: "danger" },
      { key: "kick-no", words: say("cancel") },
    ];
    const answer = await ask({ title: say("kick-title", { name: person.name }), text: say("kick-text"), answers });
    if (answer === "kick-yes") this.call.kick(person.peer).catch(failed);
  }

  showRings() {
    const waiting = [...this.call.room.waiting.values()];
    const minutes = (/** @type {Waiting} */ w) => Math.max(0, Math.floor((Date.now() - Date.parse(w.since)) / 60000));
    fill($("rings"), waiting, (w) => w.peer, (w) => [w, minutes(w)], (w) => this.waiting(w, minutes(w)));
    this.ring?.set(waiting.length > 0, say("ring-title"));
  }

  /** @param {Waiting} person @param {number} minutes */
  waiting(person, minutes) {
    const more = [
      minutes > 0 && say("waited", { minutes }),
      (person.times || 1) > 1 && say("ring-times", { times: person.times || 1 }),
      person.escalated && say("escalated"),
    ].filter(Boolean);
    const words = make("p", { textContent: say("rings", { name: named(person) }) });
    if (more.length) words.append(make("span", { className: "more", textContent: more.join(" · ") }));
    const check = this.call.room.checks.get(person.peer);
    if (check) words.append(make("span", { className: "more", textContent: summary(check) }));
    return make(
      "div",
      { className: "ring" },
      words,
      button("admit", say("admit"), () => this.call.admit(person.peer).catch(failed), "primary"),
      button("refuse", say("refuse"), () => this.call.refuse(person.peer).catch(failed)),
    );
  }
}
