// Sanbao signalling in a browser: the protocol `sanbao.signal.v1`, reconnecting, and one peer connection
// per other person with perfect negotiation. No dependencies. See the protocol document.
import { Peer } from "/static/sanbao-peer.js";

/**
 * @typedef {{audio: boolean, video: boolean}} Media
 * @typedef {{peer: string, name: string, role: "host"|"clinician"|"guest"|"observer", publish: boolean, control: boolean, audio: boolean, video: boolean}} PeerView
 * @typedef {{peer: string, name: string, role: string, since: string}} Waiting
 * @typedef {{consult: string, people: number, people_max: number, staff_present: boolean, started_at: string|null, peers: PeerView[], waiting: Waiting[]}} RoomView
 * @typedef {object} Options
 * @property {string | (() => Promise<string>)} ticket the ticket, or how to get one; asked again when it has expired
 * @property {string} [url] the relay; by default `/v1/signal` of this site
 * @property {MediaStream} [stream] what to send; may be changed later with `setTrack`
 * @property {RTCIceTransportPolicy} [iceTransportPolicy] `"relay"` sends everything through TURN
 *
 * Events, each with one argument:
 * `link` {state: "connecting"|"open"|"waiting"|"closed", attempt, again, waitMs, code, reason} – the WebSocket;
 * `welcome`, `lobby`, `ring`, `ring_over`, `joined`, `refused`, `peer_joined`, `peer_left`, `state`, `finished`, `error`
 * – the relay's messages as they are; `track` {peer, stream} – somebody's sound or picture;
 * `media` {peer, state} – a peer connection's `connectionState`.
 */

const SUBPROTOCOL = "sanbao.signal.v1";
const BACK_OFF_MS = 500;
const BACK_OFF_MS_MAX = 15000;
const TICKET_EXPIRED = 4103;

/** Whether a close code says "do not try again". @param {number} code */
export const isFinal = (code) => code === 1000 || (code >= 4100 && code < 4200);

/** How long to wait before the attempt `n` (1 is the first). @param {number} n @param {() => number} [random] */
export const backOffMs = (n, random = Math.random) =>
  Math.min(BACK_OFF_MS * 2 ** (n - 1), BACK_OFF_MS_MAX) * (0.5 + random());

/** Opens a call. @param {Options} options */
export function connect(options) {
  return new Call(options);
}

/** One person's place in one consult. */
export class Call {
  /** @param {Options} options */
  constructor(options) {
    this.options = options;
    /** @type {Map<string, Set<(detail: any) => void>>} */ this.listeners = new Map();
    /** @type {Map<string, Peer>} */ this.peers = new Map();
    /** @type {Map<string, PeerView>} */ this.people = new Map();
    /** @type {{audio: MediaStreamTrack|null, video: MediaStreamTrack|null}} */
    this.tracks = {
      audio: options.stream?.getAudioTracks()[0] || null,
      video: options.stream?.getVideoTracks()[0] || null,
    };
    /** @type {Media|null} */ this.wanted = null;
    /** @type {WebSocket|null} */ this.socket = null;
    /** @type {any} */ this.welcome = null;
    this.inside = false;
    this.ended = false;
    this.attempt = 0;
    this.renewed = false;
    this.again = false;
    this.nextId = 1;
    /** @type {Map<string, {resolve: () => void, reject: (error: Error) => void}>} */ this.pending = new Map();
    this.onOnline = () => this.online();
    addEventListener("online", this.onOnline);
    this.open();
  }

  /** @param {string} type @param {(detail: any) => void} listener @returns {this} */
  on(type, listener) {
    if (!this.listeners.has(type)) this.listeners.set(type, new Set());
    this.listeners.get(type)?.add(listener);
    return this;
  }

  /** @param {string} type @param {any} [detail] */
  emit(type, detail) {
    for (const listener of this.listeners.get(type) || []) listener(detail);
  }

  // ---- what a person does

  /** Enters the room, or the lobby; again by itself after a broken connection. @param {Media} media */
  join(media) {
    this.wanted = { ...media };
    if (this.welcome) this.send({ type: "join", ...media });
  }

  /** Own sound and picture went on or off. @param {Media} media */
  setState(media) {
    if (this.wanted) this.wanted = { ...media };
    if (this.inside) this.send({ type: "state", ...media });
  }

  /** @param {string} peer */
  admit(peer) {
    return this.ask({ type: "admit", peer });
  }

  /** @param {string} peer */
  refuse(peer) {
    return this.ask({ type: "refuse", peer });
  }

  /** Ends the visit for everybody. */
  finish() {
    return this.ask({ type: "finish" });
  }

  /** Hangs up; the visit goes on for the others. */
  leave() {
    this.ended = true;
    this.send({ type: "leave" });
    this.over(1000, "bye");
    setTimeout(() => this.socket?.close(), 1000);
  }

  /** Sends another track, or none, without a new negotiation. @param {"audio"|"video"} kind @param {MediaStreamTrack|null} track */
  async setTrack(kind, track) {
    this.tracks[kind] = track;
    await Promise.all([...this.peers.values()].map((p) => p.sendTrack(kind)));
  }

  // ---- the WebSocket

  async open() {
    const attempt = (this.attempt += 1);
    this.emit("link", { state: "connecting", attempt, again: this.again });
    let ticket;
    try {
      ticket = typeof this.options.ticket === "function" ? await this.options.ticket() : this.options.ticket;
    } catch (error) {
      this.emit("error", { code: "no-ticket", message: String(error), cause: error });
      return this.over(4102, "no-ticket");
    }
    if (this.ended) return;
    const url = new URL(this.options.url || "/v1/signal", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url, SUBPROTOCOL);
    this.socket = socket;
    this.heard = performance.now();
    socket.onopen = () => this.send({ type: "hello", v: 1, ticket });
    socket.onmessage = (event) => {
      this.heard = performance.now();
      this.message(JSON.parse(event.data));
    };
    socket.onclose = (event) => {
      if (this.socket === socket) this.closed(event.code, event.reason);
    };
  }

  /** @param {object} message */
  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** Sends and waits for `ok` or `error`. @param {object} message @returns {Promise<void>} */
  ask(message) {
    const id = String(this.nextId++);
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve, reject });
      this.send({ ...message, id });
    });
  }

  /** @param {number} code @param {string} reason */
  closed(code, reason) {
    clearInterval(this.beat);
    this.welcome = null;
    this.inside = false;
    for (const { reject } of this.pending.values()) reject(new Error(`closed: ${code} ${reason}`));
    this.pending.clear();
    if (this.ended) return;
    const renewable = code === TICKET_EXPIRED && typeof this.options.ticket === "function" && !this.renewed;
    if (isFinal(code) && !renewable) return this.over(code, reason);
    if (renewable) this.renewed = true;
    this.again = true;
    const attempt = this.attempt + 1;
    const waitMs = backOffMs(attempt);
    this.emit("link", { state: "waiting", attempt, waitMs, code, reason, again: true });
    this.timer = setTimeout(() => this.open(), waitMs);
  }

  /** The network is back: do not wait any longer. */
  online() {
    if (this.timer && !this.welcome && !this.ended) {
      clearTimeout(this.timer);
      this.timer = undefined;
      this.open();
    } else {
      for (const peer of this.peers.values()) peer.restart();
    }
  }

  /** @param {number} code @param {string} reason */
  over(code, reason) {
    this.ended = true;
    clearTimeout(this.timer);
    clearInterval(this.beat);
    removeEventListener("online", this.onOnline);
    for (const peer of this.peers.values()) peer.close();
    this.peers.clear();
    this.emit("link", { state: "closed", code, reason });
  }

  /** @param {any} message */
  message(message) {
    switch (message.type) {
      case "welcome":
        return this.welcomed(message);
      case "joined":
        return this.joined(message);
      case "peer_joined":
        this.people.set(message.peer, message);
        break;
      case "peer_left":
        this.people.delete(message.peer);
        this.peers.get(message.peer)?.close();
        this.peers.delete(message.peer);
        break;
      case "state":
        Object.assign(this.people.get(message.peer) || {}, { audio: message.audio, video: message.video });
        break;
      case "offer":
      case "answer":
      case "candidate":
        return this.peer(message.from).signal(message);
      case "ok":
        this.pending.get(message.re)?.resolve();
        this.pending.delete(message.re);
        return;
      case "error":
        if (this.pending.has(message.re)) {
          this.pending.get(message.re)?.reject(Object.assign(new Error(message.message), { code: message.code }));
          this.pending.delete(message.re);
          return;
        }
        break;
      case "ping":
        return this.send({ type: "pong" });
      case "pong":
        return;
    }
    this.emit(message.type, message);
  }

  /** @param {any} message */
  welcomed(message) {
    this.welcome = message;
    this.attempt = 0;
    this.renewed = false;
    const { interval_ms, timeout_ms } = message.heartbeat;
    clearInterval(this.beat);
    this.beat = setInterval(() => {
      if (performance.now() - (this.heard || 0) > timeout_ms) return this.give_up();
      this.send({ type: "ping" });
    }, interval_ms);
    this.emit("link", { state: "open" });
    this.emit("welcome", message);
    if (this.wanted) this.send({ type: "join", ...this.wanted });
  }

  /** The relay is silent: a dead network does not even close a socket. */
  give_up() {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    this.closed(4002, "heartbeat-lost");
  }

  /** @param {{room: RoomView}} message */
  joined(message) {
    // After a broken connection everybody has new ids: start anew.
    for (const peer of this.peers.values()) peer.close();
    this.peers.clear();
    this.people = new Map(message.room.peers.map((p) => [p.peer, p]));
    this.inside = true;
    this.emit("joined", message);
    for (const id of this.people.keys()) {
      if (id !== this.welcome.peer) this.peer(id).offer();
    }
  }

  /** @param {string} id @returns {Peer} */
  peer(id) {
    let peer = this.peers.get(id);
    if (!peer) {
      peer = new Peer(this, id);
      this.peers.set(id, peer);
    }
    return peer;
  }

  /** What the peer connections' statistics add up to. */
  async stats() {
    const all = await Promise.all([...this.peers.values()].map((p) => p.stats()));
    return all;
  }
}
