// The verdict on the line in words, reports to the relay, and sound before picture when the line is thin.
import { Sampler, report } from "./sanbao-quality.js";
import { $, known, names, say } from "./room-words.js";
import { verdict } from "./room-verdict.js";

const LOOK_EVERY_MS = 2500;

/** The line of a call. */
export class Line {
  /** @param {import("./sanbao-signal.js").Call} call @param {() => string} phone @param {boolean} always the picture never gives way */
  constructor(call, phone, always) {
    this.call = call;
    this.phone = phone;
    this.looking = new Sampler(call);
    this.aloneSince = 0;
    /** @type {{verdict?: string, advice?: string[], audio_first?: boolean}} What the relay said of the own line. */ this.told = {};
    call.on("quality_line", (m) => {
      this.told = m;
      if (!always) call.picture.advise(m.audio_first === true);
      this.tune();
    });
    this.timer = setInterval(() => this.look(), LOOK_EVERY_MS);
    report(call, (samples) => !always && call.picture.judge(samples) && this.tune());
    $("picture-back").onclick = () => {
      call.picture.back();
      this.tune();
    };
  }

  async look() {
    const { call } = this;
    if (call.ended) return clearInterval(this.timer);
    if (!call.inside || call.peers.size === 0) return;
    const samples = await this.looking.look();
    if (!call.ended) this.show(samples);
  }

  /** @param {import("./sanbao-quality.js").Sample[]} samples */
  show(samples) {
    const peers = [...this.call.peers.values()];
    const connected = peers.some((p) => p.pc.connectionState === "connected");
    this.aloneSince = connected ? 0 : this.aloneSince || performance.now();
    const waitedS = this.aloneSince ? (performance.now() - this.aloneSince) / 1000 : 0;
    let { key, tone } = verdict({ samples, connected, waitedS });
    // Only the relay knows what the others receive.
    const holds = (/** @type {string} */ a) => a !== "audio_first" || this.call.picture.paused; // not with `picture=always`
    const advice = (this.told.advice || []).filter(holds).map((a) => `quality-advice-${a.replaceAll("_", "-")}`).filter(known);
    if (tone === "ok" && advice.length) [key, tone] = [advice[0], "warn"];
    // A person who cannot be reached has no statistics.
    const without = peers.filter((p) => p.pc.connectionState !== "connected").flatMap((p) => this.call.people.get(p.id) || []);
    if (connected && without.length) [key, tone] = ["verdict-without", "warn"];
    const phone = this.phone();
    const text = say(key === "verdict-phone" && !phone ? "verdict-waiting" : key, { phone, names: names(without) });
    const line = $("verdict");
    line.hidden = this.call.room.others.length === 0;
    line.className = `badge ${tone}`;
    if (line.textContent !== text) line.textContent = text;
  }

  tune() {
    const { picture } = this.call;
    this.call.retune();
    $("audio-first").hidden = !picture.paused;
    document.body.dataset.picture = picture.now.name;
  }
}
