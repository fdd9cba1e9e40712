// Notices that the network is another one. Part of `sanbao-signal.js`.

/** Networks come in pieces: an address, a name server, a route. */
const SETTLE_MS = 500;

/**
 * Tells of a change once it has settled: the browser is back online, or its connection is of another type.
 * @param {() => void} changed @returns {() => void} how to stop
 */
export function watchNetwork(changed) {
  /** @type {ReturnType<typeof setTimeout>|undefined} */ let settling;
  const soon = () => {
    clearTimeout(settling);
    settling = setTimeout(changed, SETTLE_MS);
  };
  const connection = /** @type {any} */ (navigator).connection;
  let type = connection?.type;
  const maybe = () => {
    // It also tells of each new estimate of its speed.
    if (connection.type === type) return;
    type = connection.type;
    soon();
  };
  addEventListener("online", soon);
  connection?.addEventListener?.("change", maybe);
  return () => {
    clearTimeout(settling);
    removeEventListener("online", soon);
    connection?.removeEventListener?.("change", maybe);
  };
}
