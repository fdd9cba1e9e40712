// The check before a call: which ways through the network are open, and how good the line to the server is.
// Part of `sanbao-signal.js`; usable by itself with any list of ICE servers.
import { only } from "/static/sanbao-signal.js";

/** @typedef {"udp"|"tcp"|"tls"} Transport */
export const TRANSPORTS = /** @type {Transport[]} */ (["udp", "tcp", "tls"]);

const GATHER_MS_MAX = 6000;

/**
 * Whether TURN can be reached over one transport, by gathering a relayed candidate.
 * @param {RTCIceServer[]} servers @param {Transport} transport
 * @returns {Promise<{result: "open"|"closed"|"absent", ms?: number}>} `absent`: there is no such server
 */
export async function reach(servers, transport) {
  const iceServers = only(servers, [transport]);
  if (iceServers.length === 0) return { result: "absent" };
  const begun = performance.now();
  const pc = new RTCPeerConnection({ iceServers, iceTransportPolicy: "relay" });
  try {
    const open = await new Promise((resolve) => {
      setTimeout(() => resolve(false), GATHER_MS_MAX);
      pc.onicecandidate = ({ candidate }) => resolve(candidate?.type === "relay" || /typ relay/.test(candidate?.candidate || ""));
      pc.createDataChannel("check");
      pc.setLocalDescription().catch(() => resolve(false));
    });
    return open ? { result: "open", ms: Math.round(performance.now() - begun) } : { result: "closed" };
  } finally {
    pc.close();
  }
}

/** All three at once. @param {RTCIceServer[]} servers */
export async function reachAll(servers) {
  const found = await Promise.all(TRANSPORTS.map((t) => reach(servers, t)));
  return /** @type {Record<Transport, Awaited<ReturnType<typeof reach>>>} */ (Object.fromEntries(TRANSPORTS.map((t, n) => [t, found[n]])));
}
