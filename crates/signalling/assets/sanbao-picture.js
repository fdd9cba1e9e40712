// A picture's share of the line: less the more people it goes to, for a mesh encodes and sends it once for each; and
// less, down to nothing, while the line cannot carry it beside the sound. The rule is pure. Part of `sanbao-signal.js`.

/**
 * By how many others there are at most; `height` is that of the picture as it lies, in pixels.
 * @typedef {{others: number, maxBitrate: number, height: number, maxFramerate: number}} Share
 */
export const SHARES = /** @type {Share[]} */ ([
  { others: 1, maxBitrate: 1_500_000, height: 720, maxFramerate: 24 },
  { others: 2, maxBitrate: 700_000, height: 480, maxFramerate: 20 },
  { others: 3, maxBitrate: 350_000, height: 360, maxFramerate: 15 },
  { others: Infinity, maxBitrate: 200_000, height: 240, maxFramerate: 12 },
]);

/** What each of one's pictures may take in a room with so many others.
 * @param {number} others @returns {Share} */
export const shareOf = (others) => /** @type {Share} */ (SHARES.find((s) => others <= s.others));

/** What the line may carry, from the best to nothing. */
export const RUNGS = /** @type {const} */ ([
  { name: "full", maxBitrate: 1_500_000, height: 720, active: true },
  { name: "reduced", maxBitrate: 300_000, height: 360, active: true },
  { name: "small", maxBitrate: 100_000, height: 180, active: true },
  { name: "paused", maxBitrate: 100_000, height: 180, active: false },
]);

const AUDIO_LOSS = 0.05;
const AUDIO_RTT_MS = 1000;
/** Bad looks in a row before a rung down, good ones before a rung up. */
const DOWN_AFTER = 2;
const UP_AFTER = 6;
/** Good looks before a picture that had to stop is tried again; twice as many each time that it must stop again. */
const TRY_AFTER = 3;
const TRY_AFTER_MAX = 48;

/** @typedef {import("./sanbao-quality.js").Sample} Sample */

/** Whether own sound arrives badly.
 * @param {Sample[]} samples */
export const suffers = (samples) =>
  samples.some((s) => s.direction === "out" && s.kind === "audio" && ((s.loss || 0) > AUDIO_LOSS || (s.rtt_ms || 0) > AUDIO_RTT_MS));

/** Whether own sound suffers while own picture takes its share of the line.
 * @param {Sample[]} samples */
export const starves = (samples) =>
  suffers(samples) && samples.some((s) => s.direction === "out" && s.kind !== "audio" && (s.bitrate_bps || 0) > 30_000);

/** Sound first: the picture gives way step by step, and is tried again, small at first, when the sound was well for a while. */
export class Picture {
  constructor() {
    this.rung = 0;
    this.bad = 0;
    this.good = 0;
    this.tryAfter = TRY_AFTER;
    /** Whether the relay advises that there be none. */
    this.told = false;
  }

  /** @returns {typeof RUNGS[number]} */
  get now() {
    return RUNGS[this.rung];
  }

  /** Whether it gave way altogether. */
  get paused() {
    return !this.now.active;
  }

  /** After each look at the line.
   * @param {Sample[]} samples @returns {boolean} whether the rung changed */
  judge(samples) {
    const before = this.rung;
    const bad = this.paused ? suffers(samples) : starves(samples);
    this.bad = bad ? this.bad + 1 : 0;
    this.good = bad ? 0 : this.good + 1;
    if (this.paused) {
      if (this.good >= this.tryAfter && !this.told) this.back();
    } else if (this.bad >= DOWN_AFTER) {
      this.down(this.rung + 1);
    } else if (this.good >= UP_AFTER && this.rung > 0) {
      this.rung -= 1;
      this.good = 0;
    } else if (this.good >= TRY_AFTER_MAX) this.tryAfter = TRY_AFTER;
    return this.rung !== before;
  }

  /** The relay's advice: the picture goes at once, and comes back when the advice is taken back.
   * @param {boolean} no */
  advise(no) {
    if (no && !this.paused) this.down(RUNGS.length - 1);
    if (!no && this.told) this.back();
    this.told = no;
  }

  /** @param {number} rung */
  down(rung) {
    this.rung = rung;
    this.bad = this.good = 0;
  }

  /** The picture comes back, by itself or because a person wants it: small first. */
  back() {
    if (!this.paused) return;
    this.down(RUNGS.length - 2);
    this.tryAfter = Math.min(this.tryAfter * 2, TRY_AFTER_MAX);
  }

  /** Lets a sender take what line and room allow.
   * @param {string} kind @param {RTCRtpSender} sender @param {number} others */
  async tune(kind, sender, others) {
    if (kind === "audio" || !sender.track) return;
    const parameters = sender.getParameters();
    if (!parameters.encodings?.length) return;
    const share = shareOf(others);
    const { width = 0, height = 0 } = sender.track.getSettings();
    const limits = {
      active: this.now.active,
      maxBitrate: Math.min(this.now.maxBitrate, share.maxBitrate),
      maxFramerate: share.maxFramerate,
      // A screen keeps its size: it is there to be read.
      ...(kind === "video" ? { scaleResolutionDownBy: Math.max(1, Math.min(width, height) / Math.min(this.now.height, share.height)) } : {}),
    };
    for (const encoding of parameters.encodings) Object.assign(encoding, limits);
    await sender.setParameters(parameters).catch(() => {}); // between two descriptions there is nothing to set; the next time sets it
  }
}
