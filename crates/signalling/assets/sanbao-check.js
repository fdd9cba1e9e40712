// The check before a call: each way through TURN tried for real against a peer on the server that echoes what it
// gets. Usable by itself with any list of ICE servers.
import { only } from "./sanbao-kept.js";

/**
 * @typedef {"udp"|"tcp"|"tls"} Transport
 * @typedef {{ok: boolean, connect_ms?: number, rtt_ms?: number, jitter_ms?: number, loss?: number}} Path
 */
export const TRANSPORTS = /** @type {Transport[]} */ (["udp", "tcp", "tls"]);

const GATHER_MS_MAX = 5000;
const OPEN_MS_MAX = 8000;
const ECHOES = 40;
const ECHO_EVERY_MS = 25;
/** How long the last echo may take. */
const ECHO_WAIT_MS = 1000;
const ECHO_BYTES = 160;

/** @template T @param {number} wait_ms @param {T} otherwise @param {(done: (value: T) => void) => void} begin @returns {Promise<T>} */
const within = (wait_ms, otherwise, begin) =>
  new Promise((resolve) => {
    const timer = setTimeout(() => resolve(otherwise), wait_ms);
    begin((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });

/**
 * Tries one way.
 * @param {RTCIceServer[]} servers @param {Transport} transport @param {(sdp: string) => Promise<string>} answer
 * gives the echoing peer's answer to an offer
 * @returns {Promise<Path|undefined>} undefined: there is no such server
 */
export async function path(servers, transport, answer) {
  const iceServers = only(servers, [transport]);
  if (iceServers.length === 0) return undefined;
  const begun = performance.now();
  const pc = new RTCPeerConnection({ iceServers, iceTransportPolicy: "relay" });
  try {
    const channel = pc.createDataChannel("check", { ordered: false, maxRetransmits: 0 });
    const opened = within(GATHER_MS_MAX + OPEN_MS_MAX, false, (done) => (channel.onopen = () => done(true)));
    const gathered = within(GATHER_MS_MAX, null, (done) => {
      pc.onicecandidate = ({ candidate }) => candidate || done(null);
    });
    await pc.setLocalDescription();
    await gathered;
    const sdp = pc.localDescription?.sdp || "";
    if (!/typ relay/.test(sdp)) return { ok: false };
    await pc.setRemoteDescription({ type: "answer", sdp: await answer(sdp) });
    if (!(await opened)) return { ok: false };
    return { ok: true, connect_ms: Math.round(performance.now() - begun), ...(await echo(channel)) };
  } finally {
    pc.close();
  }
}

/** Round trips and loss over a channel that echoes.
 * @param {RTCDataChannel} channel */
async function echo(channel) {
  /** @type {number[]} */ const rtts = [];
  const padding = "x".repeat(ECHO_BYTES);
  /** @type {Map<string, number>} */ const sent = new Map();
  await within(ECHOES * ECHO_EVERY_MS + ECHO_WAIT_MS, null, (done) => {
    channel.onmessage = ({ data }) => {
      const at = sent.get(String(data));
      if (at === undefined) return;
      sent.delete(String(data));
      rtts.push(performance.now() - at);
      if (rtts.length === ECHOES) done(null);
    };
    let n = 0;
    const timer = setInterval(() => {
      if (n === ECHOES || channel.readyState !== "open") return clearInterval(timer);
      const text = `${n++} ${padding}`;
      sent.set(text, performance.now());
      channel.send(text);
    }, ECHO_EVERY_MS);
  });
  return figures(rtts, ECHOES);
}

/** What round trips say.
 * @param {number[]} rtts in ms, in the order of their coming @param {number} sent how many were sent */
export function figures(rtts, sent) {
  const loss = Math.round((1 - rtts.length / sent) * 1000) / 1000;
  if (rtts.length === 0) return { loss };
  const sorted = [...rtts].sort((a, b) => a - b);
  const steps = rtts.slice(1).map((rtt, n) => Math.abs(rtt - rtts[n]));
  const tenth = (/** @type {number} */ ms) => Math.round(ms * 10) / 10;
  return {
    rtt_ms: tenth(sorted[Math.floor(sorted.length / 2)]),
    jitter_ms: tenth(steps.reduce((sum, s) => sum + s, 0) / Math.max(steps.length, 1)),
    loss,
  };
}

/** The echoing peer of a site.
 * @param {string} ticket @param {string} [base] its origin; by default this page's @returns {(sdp: string) => Promise<string>} */
export const server = (ticket, base = "") => async (sdp) => {
  const response = await fetch(`${base}/v1/prechecks`, {
    method: "POST",
    credentials: "omit",
    headers: { accept: "application/json", "content-type": "application/json" },
    body: JSON.stringify({ ticket, sdp }),
  });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return (await response.json()).sdp;
};

/**
 * All ways at once.
 * @param {RTCIceServer[]} servers @param {(sdp: string) => Promise<string>} answer
 * @returns {Promise<Partial<Record<Transport, Path>>>} a way that could not be tried is left out; when none could be tried
 * although there are servers, it throws what was in the way
 */
export async function paths(servers, answer) {
  const tried = await Promise.allSettled(TRANSPORTS.map((t) => path(servers, t, answer)));
  const found = TRANSPORTS.flatMap((t, n) => {
    const { status, value } = /** @type {any} */ (tried[n]);
    return status === "fulfilled" && value ? [[t, value]] : [];
  });
  const failed = /** @type {any} */ (tried.find((one) => one.status === "rejected"));
  if (found.length === 0 && failed) throw failed.reason;
  return Object.fromEntries(found);
}
