// Kept longer than a page: this browser's name for itself, a session in this tab; and reading tickets and ICE servers.

/** TURN over some transports only, without STUN.
 * @param {RTCIceServer[]} servers @param {string[]} [transports] */
export function only(servers, transports) {
  if (!transports) return servers;
  const wanted = (/** @type {string} */ url) =>
    transports.includes(url.startsWith("turns:") ? "tls" : url.startsWith("turn:") ? (/transport=tcp/.test(url) ? "tcp" : "udp") : "");
  return servers
    .map((s) => ({ ...s, urls: [s.urls].flat().filter(wanted) }))
    .filter((s) => s.urls.length > 0);
}

/** When a signed ticket runs out, in seconds since 1970; 0 when that cannot be read.
 * @param {string} ticket */
export function expiry(ticket) {
  try {
    return JSON.parse(atob(ticket.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))).exp;
  } catch {
    return 0;
  }
}

const DEVICE_KEY = "sanbao-device";

/** This browser's name for itself: made once, kept; tickets are bound to it. */
export function device() {
  let made = "";
  try {
    made = localStorage.getItem(DEVICE_KEY) || "";
    if (/^[\w-]{16,64}$/.test(made)) return made;
  } catch {
    // Storage may be forbidden: then every page is a device of its own.
  }
  made = Array.from(crypto.getRandomValues(new Uint8Array(18)), (b) => b.toString(16).padStart(2, "0")).join("");
  try {
    localStorage.setItem(DEVICE_KEY, made);
  } catch {
    // As above.
  }
  return made;
}

/** @param {string} [name] */
export function stored(name) {
  try {
    return name ? JSON.parse(sessionStorage.getItem(name) || "null") : null;
  } catch {
    return null;
  }
}

/** @param {string} name @param {string} value */
export function put(name, value) {
  try {
    sessionStorage.setItem(name, value);
  } catch {
    // Then a reload waits in the lobby again; nothing else is lost.
  }
}

/** @param {string} name */
export function remove(name) {
  try {
    sessionStorage.removeItem(name);
  } catch {
    // Nothing was kept.
  }
}
