// How good the line is, in words that say what to do. Pure, so that it can be tried without a line.

/** Lost share above which a picture stutters, and above which words are lost. */
const VIDEO_LOSS = 0.05;
const AUDIO_LOSS = 0.08;
const RTT_MS = 400;
const FRAMES_PER_S = 8;
/** How many seconds without a connection before the telephone is the better way. */
const PATIENCE_S = 20;

/** @typedef {"ok"|"info"|"warn"|"bad"} Tone */

/**
 * The verdict on the worst line: a key of the page's words, and how it is shown.
 * @param {{samples: import("./sanbao-quality.js").Sample[], connected: boolean, waitedS: number}} seen
 * @returns {{key: string, tone: Tone}}
 */
export function verdict({ samples, connected, waitedS }) {
  if (!connected) return waitedS > PATIENCE_S ? { key: "verdict-phone", tone: "bad" } : { key: "verdict-waiting", tone: "info" };
  /** @type {{key: string, tone: Tone}} */ let worst = { key: "verdict-good", tone: "ok" };
  for (const s of samples.filter((s) => s.direction === "in")) {
    if (s.kind === "audio" && (s.loss || 0) > AUDIO_LOSS) return { key: "verdict-audio", tone: "bad" };
    const still = s.kind === "video" && (s.frames_per_s || 0) === 0;
    const stutters = s.kind === "video" && ((s.loss || 0) > VIDEO_LOSS || (s.frames_per_s || 0) < FRAMES_PER_S);
    if (still) worst = { key: "verdict-lost", tone: "bad" };
    else if (worst.tone !== "bad" && stutters) worst = { key: "verdict-video", tone: "warn" };
    else if (worst.tone === "ok" && (s.rtt_ms || 0) > RTT_MS) worst = { key: "verdict-slow", tone: "warn" };
  }
  return worst;
}
