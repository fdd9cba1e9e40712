// How good the line is: statistics of the peer connections become samples for the relay. The arithmetic is pure. Part of
// `sanbao-signal.js`; needs nothing of it but `call`.

/**
 * @typedef {"audio"|"video"|"screen"} Kind
 * @typedef {object} Counters what a line has counted since it began; times in s
 * @property {"in"|"out"} direction
 * @property {Kind} kind
 * @property {number} packets
 * @property {number} lost
 * @property {number} bytes
 * @property {number} frames
 * @property {number} [frozen]
 * @property {number} [buffered]
 * @property {number} [emitted]
 * @property {number} [concealed]
 * @property {number} [samples]
 * @property {number} [jitter]
 * @property {number} [rtt]
 *
 * @typedef {object} Sample one direction of one kind, since the sample before
 * @property {string} peer
 * @property {"in"|"out"} direction
 * @property {Kind} kind
 * @property {number} [rtt_ms]
 * @property {number} [jitter_ms]
 * @property {number} [loss] share, 0 to 1
 * @property {number} [bitrate_bps]
 * @property {number} [frames_per_s]
 * @property {number} [freeze_ms]
 * @property {number} [buffer_ms]
 * @property {number} [concealed] share, 0 to 1
 */

export const REPORT_EVERY_MS = 5000;
/** Five others, both ways, sound and picture, and everybody's screen. */
const SAMPLES_MAX = 32;

/**
 * The counters of one peer connection.
 * @param {Map<string, any>|RTCStatsReport} report @param {(mid: string, kind: string) => Kind} kindOf @returns {Counters[]}
 */
export function counters(report, kindOf) {
  /** @type {Counters[]} */ const found = [];
  /** @type {any} */ let pair;
  report.forEach((/** @type {any} */ s) => {
    if (s.type === "transport" && s.selectedCandidatePairId) pair = report.get(s.selectedCandidatePairId);
  });
  const rtt = pair?.currentRoundTripTime;
  report.forEach((/** @type {any} */ s) => {
    if (s.type === "inbound-rtp") {
      found.push({
        direction: "in", kind: kindOf(s.mid, s.kind), packets: s.packetsReceived || 0, lost: s.packetsLost || 0, bytes: s.bytesReceived || 0,
        frames: s.framesDecoded || 0, frozen: s.totalFreezesDuration, buffered: s.jitterBufferDelay, emitted: s.jitterBufferEmittedCount,
        concealed: s.concealedSamples, samples: s.totalSamplesReceived, jitter: s.jitter, rtt,
      });
    } else if (s.type === "outbound-rtp") {
      // The other's receiver reports say what arrived there.
      const there = report.get(s.remoteId) || {};
      found.push({
        direction: "out", kind: kindOf(s.mid, s.kind), packets: (s.packetsSent || 0) - (there.packetsLost || 0), lost: there.packetsLost || 0,
        bytes: s.bytesSent || 0, frames: s.framesSent || 0, jitter: there.jitter, rtt: there.roundTripTime ?? rtt,
      });
    }
  });
  return found;
}

const ms = (/** @type {number|undefined} */ s, most = 60000) => (s === undefined || !Number.isFinite(s) ? undefined : Math.min(Math.max(Math.round(s * 10000) / 10, 0), most));
const share = (/** @type {number} */ part, /** @type {number} */ whole) => (whole > 0 ? Math.min(Math.max(Math.round((part / whole) * 1000) / 1000, 0), 1) : undefined);

/**
 * The figures between two looks at a line.
 * @param {string} peer @param {Counters|undefined} before @param {Counters} now @param {number} seconds @returns {Sample}
 */
export function sample(peer, before, now, seconds) {
  const old = before || { ...now, packets: 0, lost: 0, bytes: 0, frames: 0, frozen: 0, buffered: 0, emitted: 0, concealed: 0, samples: 0 };
  const lost = Math.max(now.lost - old.lost, 0);
  const emitted = (now.emitted || 0) - (old.emitted || 0);
  /** @type {Sample} */ const found = {
    peer,
    direction: now.direction,
    kind: now.kind,
    rtt_ms: ms(now.rtt),
    jitter_ms: ms(now.jitter, 10000),
    loss: share(lost, lost + Math.max(now.packets - old.packets, 0)),
    bitrate_bps: Math.min(Math.max(Math.round(((now.bytes - old.bytes) * 8) / seconds), 0), 1e9),
  };
  if (now.kind !== "audio") found.frames_per_s = Math.min(Math.max(Math.round(((now.frames - old.frames) / seconds) * 10) / 10, 0), 240);
  if (now.kind !== "audio" && now.frozen !== undefined) found.freeze_ms = ms(now.frozen - (old.frozen || 0));
  if (emitted > 0) found.buffer_ms = ms(((now.buffered || 0) - (old.buffered || 0)) / emitted, 10000);
  if (now.kind === "audio" && now.samples !== undefined) found.concealed = share((now.concealed || 0) - (old.concealed || 0), now.samples - (old.samples || 0));
  return found;
}

/** Looks at all lines of a call, again and again. */
export class Sampler {
  /** @param {import("./sanbao-signal.js").Call} call */
  constructor(call) {
    this.call = call;
    /** @type {Map<string, Counters>} */ this.before = new Map();
    this.at = 0;
  }

  /** The samples since the last call of this.
   * @returns {Promise<Sample[]>} */
  async look() {
    const { call } = this;
    const at = performance.now();
    const seconds = (at - this.at) / 1000;
    const first = this.at === 0;
    this.at = at;
    const looked = await Promise.all([...call.peers.values()].filter((p) => !p.closed).map(async (peer) => ({ peer, report: await peer.pc.getStats() })));
    /** @type {Map<string, Counters>} */ const now = new Map();
    /** @type {Sample[]} */ const samples = [];
    for (const { peer, report } of looked) {
      const person = call.people.get(peer.id);
      for (const line of counters(report, (mid, kind) => peer.kindOf(mid, kind))) {
        const key = `${peer.id} ${line.direction} ${line.kind}`;
        now.set(key, line);
        // Silence of what is off says nothing about the line; nor does somebody who is away, nor a picture that gave way.
        const wanted = line.direction === "in" ? person?.[line.kind] : call.tracks[line.kind]?.enabled;
        const gaveWay = line.kind !== "audio" && (line.direction === "in" ? person?.paused : call.picture.paused);
        const on = wanted && !gaveWay;
        if (!first && on && !person?.away && this.before.has(key)) samples.push(sample(peer.id, this.before.get(key), line, seconds));
      }
    }
    this.before = now;
    return samples.slice(0, SAMPLES_MAX);
  }
}

/**
 * Reports to the relay as long as the call lasts.
 * @param {import("./sanbao-signal.js").Call} call @param {(samples: Sample[]) => void} [seen] is shown each report
 * @returns {() => void} how to stop
 */
export function report(call, seen = () => {}) {
  const sampler = new Sampler(call);
  const timer = setInterval(async () => {
    if (call.ended) return clearInterval(timer);
    if (!call.inside || call.peers.size === 0) return;
    const samples = await sampler.look();
    if (samples.length) call.tell({ type: "quality", samples });
    seen(samples);
  }, REPORT_EVERY_MS);
  return () => clearInterval(timer);
}
