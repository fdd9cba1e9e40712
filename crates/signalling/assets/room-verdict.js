// How good the line is, in words that say what to do. Pure, so that it can be tried without a line.

/**
 * @typedef {{peer: string, framesDecoded: number, packetsReceived: number, packetsLost: number, audioPackets: number, audioLost: number, rttMs: number}} Sample
 */

/** Lost share above which a picture stutters, and above which words are lost. */
const VIDEO_LOSS = 0.05;
const AUDIO_LOSS = 0.08;
const RTT_MS = 400;
const FRAMES_PER_S = 8;
/** How many seconds without a connection before the telephone is the better way. */
const PATIENCE_S = 20;

/** @param {number} lost @param {number} received */
const share = (lost, received) => (lost > 0 ? lost / (lost + Math.max(received, 0)) : 0);

/**
 * The verdict on the worst line: a key of the page's words, and how it is shown.
 * @param {{before: Sample[], now: Sample[], seconds: number, picture: (peer: string) => boolean, connected: boolean, waitedS: number}} seen
 * @returns {{key: string, tone: "ok"|"info"|"warn"|"bad"}}
 */
export function verdict({ before, now, seconds, picture, connected, waitedS }) {
  if (!connected) return waitedS > PATIENCE_S ? { key: "verdict-phone", tone: "bad" } : { key: "verdict-waiting", tone: "info" };
  /** @type {{key: string, tone: "ok"|"info"|"warn"|"bad"}} */ let worst = { key: "verdict-good", tone: "ok" };
  for (const sample of now) {
    const old = before.find((b) => b.peer === sample.peer);
    if (!old) continue;
    const audio = share(sample.audioLost - old.audioLost, sample.audioPackets - old.audioPackets);
    const video = share(sample.packetsLost - old.packetsLost, sample.packetsReceived - old.packetsReceived);
    const frames = (sample.framesDecoded - old.framesDecoded) / seconds;
    if (audio > AUDIO_LOSS) return { key: "verdict-audio", tone: "bad" };
    if (picture(sample.peer) && frames === 0) worst = { key: "verdict-lost", tone: "bad" };
    else if (worst.tone !== "bad" && picture(sample.peer) && (video > VIDEO_LOSS || frames < FRAMES_PER_S)) worst = { key: "verdict-video", tone: "warn" };
    else if (worst.tone === "ok" && sample.rttMs > RTT_MS) worst = { key: "verdict-slow", tone: "warn" };
  }
  return worst;
}
