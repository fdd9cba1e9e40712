// As much of a browser as the module needs where there is none: sockets to a relay that the test plays, peer connections
// that only note what is done to them, and a network that changes when the test says so.

/** Listeners of the window and of `navigator.connection`. */
const window_ = new EventTarget();
export const connection = Object.assign(new EventTarget(), { type: "wifi" });
export const online = () => window_.dispatchEvent(new Event("online"));

/** @type {FakeSocket[]} every socket that was opened, oldest first */
export const sockets = [];

class FakeSocket {
  static OPEN = 1;
  readyState = 1;
  said = [];
  constructor(url) {
    this.url = String(url);
    sockets.push(this);
    setTimeout(() => this.onopen?.());
  }
  send(text) {
    this.said.push(JSON.parse(text));
  }
  /** The relay says something. */
  hears(message) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  /** The line is cut, or the relay closes. */
  cut(code = 1006, reason = "") {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }
  close() {
    this.readyState = 3;
  }
}

class FakeConnection {
  connectionState = "new";
  iceConnectionState = "new";
  signalingState = "stable";
  remoteDescription = null;
  restarts = 0;
  lines = [];
  constructor(configuration) {
    this.configuration = configuration;
  }
  addTransceiver(kind) {
    const sender = { track: null, getParameters: () => ({ encodings: [] }), replaceTrack: async () => {} };
    const line = { sender, receiver: { track: { kind } }, mid: null, direction: "sendrecv" };
    this.lines.push(line);
    this.needs();
    return line;
  }
  /** Once for all that was changed together. */
  needs() {
    this.needed ??= setTimeout(() => {
      this.needed = undefined;
      this.onnegotiationneeded?.();
    });
  }
  getTransceivers() {
    return this.lines;
  }
  async setLocalDescription() {
    this.localDescription = { type: "offer", sdp: "v=0" };
  }
  async setRemoteDescription(description) {
    this.remoteDescription = description;
  }
  setConfiguration() {}
  restartIce() {
    this.restarts += 1;
    this.needs();
  }
  /** A path is found, or lost. */
  becomes(state) {
    this.connectionState = this.iceConnectionState = state;
    this.onconnectionstatechange?.();
    this.oniceconnectionstatechange?.();
  }
  trickles(n) {
    for (let at = 0; at < n; at += 1) this.onicecandidate?.({ candidate: { toJSON: () => ({ candidate: `candidate:${at}` }) } });
  }
  close() {}
}

const storage = () => ({ kept: new Map(), getItem(k) { return this.kept.get(k) ?? null; }, setItem(k, v) { this.kept.set(k, v); }, removeItem(k) { this.kept.delete(k); } });
const globals = {
  addEventListener: window_.addEventListener.bind(window_),
  removeEventListener: window_.removeEventListener.bind(window_),
  navigator: { connection },
  location: { href: "https://care.example/room" },
  document: Object.assign(new EventTarget(), { visibilityState: "visible" }),
  localStorage: storage(),
  sessionStorage: storage(),
  WebSocket: FakeSocket,
  RTCPeerConnection: FakeConnection,
  MediaStream: class {
    getTracks() {
      return [];
    }
  },
};
for (const [name, value] of Object.entries(globals)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });

/** Waits until something is so, with more patience than it can need. @param {() => any} what */
export async function until(what) {
  for (const begun = Date.now(); !what(); await new Promise((resolve) => setTimeout(resolve, 5))) {
    if (Date.now() - begun > 20_000) throw new Error(`waited in vain for ${what}`);
  }
}
