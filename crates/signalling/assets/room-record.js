// Recording and transcription: everybody's consent first, and an unmistakable sign while it is on.
import { $, ask, failed, names, notify, say } from "./room-words.js";

/** @typedef {"recording"|"transcription"} What */
const WHAT = /** @type {What[]} */ (["recording", "transcription"]);

/** Consent and recording of a call. */
export class Recording {
  /** @param {import("./sanbao-signal.js").Call} call */
  constructor(call) {
    this.call = call;
    /** @type {Set<What>} What staff asked for and waits for somebody's consent. */ this.asked = new Set();
    /** @type {Set<What>} Questions to this person. */ this.questions = new Set();
    /** @type {Record<What, Set<string>>} People who said no to the last question. */ this.refused = { recording: new Set(), transcription: new Set() };
    call.on("own", (message) => this.own(message));
    for (const what of WHAT) {
      call.on(what, (m) => this.changed(what, m));
      $(`consent-${what}`).onchange = () => this.consent({ [what]: $(`consent-${what}`).checked });
      $(`start-${what}`).onclick = () => this.toggle(what);
    }
  }

  /** What one side's page says to another's about consent.
   * @param {any} message */
  own({ from, data }) {
    if (data.sanbao === "consent-please") this.wasAsked(from, data);
    if (data.sanbao === "consent-refused") this.wasRefused(from, data);
  }

  /** @param {Partial<Record<What, boolean>>} change */
  consent(change) {
    const consent = { recording: false, transcription: false, ...this.call.room.self?.consent, ...change };
    return this.call.consent(consent).catch((error) => {
      failed(error);
      this.show();
    });
  }

  /** Staff: on, off, or no longer waiting.
   * @param {What} what */
  async toggle(what) {
    const { call } = this;
    const order = (/** @type {boolean} */ on) => (what === "recording" ? call.record(on) : call.transcribe(on));
    if (call.room[what]) return order(false).catch(failed);
    if (this.asked.delete(what)) return this.show();
    if (!call.room.self?.consent?.[what]) {
      if (!(await this.question(what, say(`${what}-ask-self`)))) return;
      await this.consent({ [what]: true });
    }
    const missing = call.room.withoutConsent(what).filter((p) => p.peer !== call.room.me);
    if (missing.length === 0) return order(true).catch(failed);
    this.asked.add(what);
    this.refused[what].clear();
    this.show();
    await Promise.all(missing.map((p) => call.message({ sanbao: "consent-please", what }, p.peer))).catch(failed);
  }

  /** @param {What} what @param {string} text */
  async question(what, text) {
    const answers = [
      { key: "consent-yes", words: say("consent-yes"), kind: "primary" },
      { key: "consent-no", words: say("consent-no") },
    ];
    return (await ask({ title: say(`${what}-ask-title`), text, answers })) === "consent-yes";
  }

  /** @param {string} from @param {{what: What}} data */
  async wasAsked(from, { what }) {
    const person = this.call.people.get(from);
    if (!WHAT.includes(what) || !person || this.questions.has(what) || this.call.room.self?.consent?.[what]) return;
    this.questions.add(what);
    const yes = await this.question(what, say(`${what}-ask-text`, { name: person.name }));
    this.questions.delete(what);
    if (yes) this.consent({ [what]: true });
    else if (this.call.inside) this.call.message({ sanbao: "consent-refused", what }, from).catch(() => {});
  }

  /** One no is enough: nothing is waited for any more.
   * @param {string} from @param {{what: What}} data */
  wasRefused(from, { what }) {
    const person = this.call.people.get(from);
    if (!WHAT.includes(what) || !person) return;
    this.asked.delete(what);
    this.refused[what].add(from);
    notify(say(`${what}-refused`, { name: person.name }), "info");
    this.show();
  }

  /** What the asker is told of the others.
   * @param {What} what @param {import("./sanbao-room.js").PeerView[]} missing */
  answers(what, missing) {
    const no = missing.filter((p) => this.refused[what].has(p.peer));
    if (no.length) return say(`${what}-refused`, { name: names(no) });
    return this.asked.has(what) && missing.length ? say("consent-missing", { names: names(missing) }) : "";
  }

  /** @param {What} what @param {{on: boolean, because?: string}} m */
  changed(what, { on, because }) {
    this.asked.delete(what);
    if (!on && because === "consent_withdrawn") notify(say(`${what}-withdrawn`), "info");
    if (!on && because === "somebody_joined") notify(say(`${what}-joined`), "info");
    this.show();
  }

  /** Brings buttons and signs up to what is known, and starts what everybody has agreed to meanwhile. */
  show() {
    const { room } = this.call;
    const control = room.may("control");
    for (const what of WHAT) {
      const missing = room.withoutConsent(what);
      $(`consent-${what}`).checked = Boolean(room.self?.consent?.[what]);
      $(`rec-${what}`).hidden = !room[what];
      const start = $(`start-${what}`);
      start.hidden = !control;
      start.setAttribute("aria-pressed", String(room[what]));
      start.querySelector("span").textContent = say(room[what] ? `${what}-stop` : this.asked.has(what) ? "cancel" : `${what}-start`);
      $(`missing-${what}`).textContent = this.answers(what, missing);
      if (this.asked.has(what) && missing.length === 0 && !room[what]) {
        this.asked.delete(what);
        (what === "recording" ? this.call.record(true) : this.call.transcribe(true)).catch(failed);
      }
    }
    document.body.classList.toggle("recording", room.recording || room.transcription);
  }
}
