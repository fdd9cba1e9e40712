// Sanbao signalling in a browser: one person's place in one consult over the protocol `sanbao.signal.v1`. It resumes
// after a drop and after a reload, and keeps one peer connection to each other person. No dependencies.
// `sanbao-session.js` (numbers), `sanbao-room.js` (what is known), `sanbao-peer.js` (media), `sanbao-picture.js` (what a
// picture may take), `sanbao-acts.js` (what a person does) and `sanbao-kept.js` (what outlives a page) are its parts.
import { ACK_DELAY_MS, afterClose, backOffMs, isFinal } from "./sanbao-session.js";
import { Acts, Refused } from "./sanbao-acts.js";
import { device, expiry, only, put, remove, stored } from "./sanbao-kept.js";
import { watchNetwork } from "./sanbao-network.js";
import { Peer } from "./sanbao-peer.js";

export { Refused, device, only };

/**
 * @typedef {import("./sanbao-room.js").PeerView} PeerView
 * @typedef {import("./sanbao-peer.js").Kind} Kind
 * @typedef {{audio: boolean, video: boolean, screen?: boolean}} Media
 * @typedef {Media & {consent?: {recording: boolean, transcription: boolean}, elsewhere?: "take_over"|"both"}} Join
 * @typedef {object} Options
 * @property {string | (() => Promise<string>)} ticket the ticket, or how to get one; asked again when it has expired
 * @property {string|string[]} [url] the relay, or several; by default `/v1/signal` of this site
 * @property {MediaStream} [stream] what to send; may be changed later with `setTrack`
 * @property {RTCIceTransportPolicy} [iceTransportPolicy] `"relay"` sends everything through TURN
 * @property {("udp"|"tcp"|"tls")[]} [transports] TURN over these only
 * @property {string} [keep] under this name the session is kept in this tab, so that a reload resumes it
 *
 * Events, each with one argument: the relay's messages by their type (`welcome`, `lobby`, `joined`, `ring`, `chat`,
 * `recording`, …) after `call.room` has taken them in, and
 * `link` {state: "connecting"|"open"|"waiting"|"closed", attempt, again, waitMs, code, reason} – the WebSocket;
 * `lost` {message} – something that was said will never arrive; its promise is rejected too;
 * `track` {peer, stream, track, kind} – somebody's sound, picture or screen;
 * `media` {peer, state} – a peer connection's `connectionState`; `error` {code, message, detail}.
 */

const SUBPROTOCOL = "sanbao.signal.v1";
/** How long the relay may take to answer when the network seems to have changed. */
const PROBE_MS_MAX = 4000;
/** How long a socket may take to open and be welcomed. */
const OPEN_MS_MAX = 10000;
const SILENT = 4002;
const TICKET_SPARE_S = 30;
/** How soon another place is tried at first when one moves and is not taken in: the node that goes does not wait for long. */
const MOVE_AGAIN_MS = 150;

/** Whether the ticket's issuer has refused, and not only failed to answer.
 * @param {any} error */
const isRefusal = ({ status }) => status >= 400 && status < 500 && status !== 408 && status !== 429;

/** Opens a call.
 * @param {Options} options */
export function connect(options) {
  return new Call(options);
}

/** One person's place in one consult. */
export class Call extends Acts {
  /** @param {Options} options */
  constructor(options) {
    super({ device: device(), kept: stored(options.keep) }, options.stream);
    this.options = options;
    this.urls = [options.url || "/v1/signal"].flat();
    this.urlAt = 0;
    /** @type {WebSocket|null} the one that is to take its place */ this.next = null;
    /** @type {RTCIceServer[]} as the newest `welcome` said */ this.servers = [];
    this.ticket = typeof options.ticket === "string" ? options.ticket : "";
    this.attempt = 0;
    this.again = false;
    /** Whether the ticket was asked for anew since the last `welcome`. */ this.renewed = false;
    /** Whether what a person wrote waits in storage. */ this.drafted = false;
    /** When the relay was last heard. */ this.heardAt = 0;
    /** @type {ReturnType<typeof setTimeout>|undefined} of the next attempt */ this.timer = undefined;
    /** @type {ReturnType<typeof setTimeout>|undefined} */ this.ackTimer = undefined;
    /** @type {ReturnType<typeof setTimeout>|undefined} */ this.probing = undefined;
    /** @type {ReturnType<typeof setInterval>|undefined} */ this.beat = undefined;
    /** @type {any[]} said in a session that is gone, to be said again once inside */ this.later = [];
    this.unwatch = watchNetwork(() => this.networkChanged());
    this.onVisible = () => document.visibilityState === "visible" && this.probe();
    document.addEventListener("visibilitychange", this.onVisible);
    this.open();
  }

  // ---- the WebSocket

  /** A ticket that is good now, for what else asks for one.
   * @returns {Promise<string>} */
  async goodTicket() {
    if (typeof this.options.ticket === "string" || (this.ticket && expiry(this.ticket) - TICKET_SPARE_S > Date.now() / 1000)) return this.ticket;
    this.ticket = await this.options.ticket();
    return this.ticket;
  }

  /** A ticket, when the session cannot do without: what is kept resumes by itself. */
  async findTicket() {
    if (!this.session.kept) return this.goodTicket();
    const end = expiry(this.ticket);
    return end && end - TICKET_SPARE_S <= Date.now() / 1000 ? "" : this.ticket;
  }

  async open() {
    clearTimeout(this.timer);
    this.timer = undefined;
    const attempt = (this.attempt += 1);
    if (!this.welcome) this.emit("link", { state: "connecting", attempt, again: this.again });
    let ticket = "";
    try {
      ticket = await this.findTicket();
    } catch (error) {
      if (this.ended) return;
      if (!isRefusal(error)) return this.wait(0, "no-ticket");
      this.emit("error", { code: "no-ticket", message: String(error), cause: error });
      return this.over(4102, "no-ticket");
    }
    if (this.ended) return;
    const url = new URL(this.urls[this.urlAt % this.urls.length], location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url, SUBPROTOCOL);
    this.next?.close();
    this.next = socket;
    const slow = setTimeout(() => this.abandon(socket), OPEN_MS_MAX);
    socket.onopen = () => socket.send(JSON.stringify(this.session.hello(ticket)));
    socket.onmessage = (event) => {
      clearTimeout(slow);
      this.heardAt = performance.now();
      this.heard(socket, JSON.parse(event.data), event.data.length);
    };
    socket.onclose = (event) => {
      clearTimeout(slow);
      this.closed(socket, event.code, event.reason);
    };
  }

  /** A dead network does not even close a socket.
   * @param {WebSocket} socket */
  abandon(socket) {
    socket.onclose = socket.onmessage = null;
    socket.close();
    this.closed(socket, SILENT, "silent");
  }

  /** @param {WebSocket} socket @param {number} code @param {string} reason */
  closed(socket, code, reason) {
    if (socket !== this.socket && socket !== this.next) return;
    if (socket === this.next) this.next = null;
    if (socket === this.socket) {
      // A socket that another is about to replace may go: `replaced` is what was asked for.
      this.socket = null;
      clearInterval(this.beat);
      clearTimeout(this.probing);
    }
    // While one moves the old socket still serves: the proxy may not know yet which of the nodes goes.
    if (this.socket && !this.next && !isFinal(code)) {
      const { attempt } = this;
      setTimeout(() => this.elsewhere(attempt), backOffMs(attempt, Math.random, MOVE_AGAIN_MS));
    }
    if (this.socket || (this.next && code !== 4100)) return;
    this.welcome = null;
    if (this.ended) return;
    const next = afterClose(code, { renewable: typeof this.options.ticket === "function" && !this.renewed });
    if (next === "over") return this.over(code, reason);
    if (next === "ticket") {
      this.renewed = code !== 4008;
      this.session.forget();
      this.store();
      if (typeof this.options.ticket !== "string") this.ticket = "";
    }
    this.wait(code, reason);
  }

  /** Tries again in a while.
   * @param {number} code @param {string} reason */
  wait(code, reason) {
    this.again = true;
    this.urlAt += 1;
    const attempt = this.attempt + 1;
    const waitMs = backOffMs(attempt);
    this.emit("link", { state: "waiting", attempt, waitMs, code, reason, again: true });
    this.timer = setTimeout(() => this.open(), waitMs);
  }

  /** This node goes: be elsewhere before it does, not all at once.
   * @param {number} withinMs */
  move(withinMs) {
    setTimeout(() => this.elsewhere(), Math.random() * withinMs * 0.5);
  }

  /** Opens another socket beside the one that still serves.
   * @param {number} attempt how often that was tried before */
  elsewhere(attempt = 0) {
    if (this.ended || this.next || !this.socket) return;
    this.urlAt += 1;
    this.attempt = attempt;
    this.open();
  }

  /** The network is another: ask whether the socket still lives, and look for new paths. */
  networkChanged() {
    if (this.ended) return;
    if (this.timer) return void this.open();
    this.probe();
    for (const peer of this.peers.values()) peer.restart();
  }

  /** Is anybody there? */
  probe() {
    const socket = this.socket;
    if (!socket || this.ended) return;
    const asked = performance.now();
    this.send({ type: "ping" });
    clearTimeout(this.probing);
    this.probing = setTimeout(() => {
      if (this.socket === socket && (this.heardAt || 0) < asked) this.abandon(socket);
    }, PROBE_MS_MAX);
  }

  /** @param {number} code @param {string} reason */
  over(code, reason) {
    if (this.ended) return;
    this.ended = true;
    for (const timer of [this.timer, this.ackTimer, this.probing]) clearTimeout(timer);
    clearInterval(this.beat);
    this.unwatch();
    document.removeEventListener("visibilitychange", this.onVisible);
    for (const peer of this.peers.values()) peer.close();
    this.peers.clear();
    this.next?.close();
    for (const { reject } of this.pending.values()) reject(new Refused({ code: "closed", message: `closed: ${code} ${reason}` }));
    this.pending.clear();
    this.drop(this.later.splice(0), "closed");
    if (this.options.keep) remove(this.options.keep);
    this.emit("link", { state: "closed", code, reason });
  }

  // ---- hearing

  /** @param {WebSocket} socket @param {any} message @param {number} bytes */
  heard(socket, message, bytes) {
    if (socket === this.next) {
      if (message.type === "welcome") return this.welcomed(socket, message);
      if (message.type === "error") this.emit("error", message); // a close follows
      return;
    }
    if (socket !== this.socket) return;
    const kind = this.session.heard(message, bytes);
    if (kind === "gap") return this.abandon(socket);
    if (this.drafted && Number.isInteger(message.ack)) this.store();
    this.oweAck();
    if (kind === "take") this.take(message);
  }

  /** Acknowledgements ride on what is said, or wait a little and go alone. */
  oweAck() {
    const owed = this.session.owes();
    if (owed === "now") this.send(this.session.ack());
    if (owed !== "soon" || this.ackTimer) return;
    this.ackTimer = setTimeout(() => {
      this.ackTimer = undefined;
      if (this.session.owes() !== "no") this.send(this.session.ack());
    }, ACK_DELAY_MS);
  }

  /** @param {WebSocket} socket @param {any} message */
  welcomed(socket, message) {
    const older = this.socket;
    this.next = null;
    this.socket = socket;
    older?.close();
    this.welcome = message;
    this.servers = message.ice_servers || [];
    this.attempt = 0;
    this.renewed = false;
    this.beatEvery(message.heartbeat);
    const { resumed, again, lost, taken } = this.session.welcomed(message);
    const mine = new Set(lost.concat(again).map((m) => m.id));
    this.room.take(message);
    for (const text of again) this.send(text);
    this.drop(taken.filter((m) => m.id && !mine.has(m.id)), "outcome-unknown");
    this.drop(lost.filter((m) => m.type !== "chat"), "session-lost");
    this.later.push(...lost.filter((m) => m.type === "chat"));
    if (resumed === "exact") for (const peer of this.peers.values()) peer.back();
    else this.closePeers();
    this.store();
    this.emit("link", { state: "open", resumed });
    this.emit("welcome", message);
    if (resumed === "snapshot" && this.inside) this.meet();
    const { audio, video } = this.room.self || { audio: false, video: false };
    if (this.room.place !== "hall") this.wanted ||= { audio, video };
    // A `join` that was not acknowledged has just been said again.
    if (this.wanted && this.room.place === "hall" && !again.some((m) => m.type === "join")) this.enter();
  }

  /** @param {{interval_ms: number, timeout_ms: number}} heartbeat */
  beatEvery({ interval_ms, timeout_ms }) {
    clearInterval(this.beat);
    this.heardAt = performance.now();
    this.beat = setInterval(() => {
      if (this.socket && performance.now() - (this.heardAt || 0) > timeout_ms) return this.abandon(this.socket);
      this.send({ type: "ping" });
    }, interval_ms);
  }

  /** @param {any} message */
  take(message) {
    this.room.take(message);
    switch (message.type) {
      case "joined":
        this.servers = message.ice_servers || this.servers;
        this.closePeers();
        this.meet();
        break;
      case "peer_joined":
      case "peer_back":
        this.retune();
        this.sayPaused(message.peer);
        break;
      case "muted":
        this.muted();
        break;
      case "lobby":
        this.closePeers();
        break;
      case "peer_left":
      case "peer_reset":
        this.closePeer(message.peer);
        this.retune();
        if (message.type === "peer_reset") this.sayPaused(message.peer);
        break;
      case "permissions":
        // Media goes only to those who may see and hear.
        for (const kind of /** @type {Kind[]} */ (["audio", "video", "screen"])) this.peers.get(message.peer)?.sendTrack(kind);
        break;
      case "offer":
      case "answer":
      case "candidate":
        return this.peer(message.from).signal(message);
      case "message":
        if (message.data?.sanbao) return this.own(message);
        break;
      case "move":
        return this.move(message.within_ms);
      case "ok":
        this.pending.get(message.re)?.resolve(message);
        this.pending.delete(message.re);
        return;
      case "error":
        if (!this.pending.has(message.re)) break;
        this.pending.get(message.re)?.reject(new Refused(message));
        this.pending.delete(message.re);
        return;
      case "ack":
      case "pong":
        return;
      case "ping":
        return this.send({ type: "pong" });
    }
    this.emit(message.type, message);
  }

  /** What this module says to itself at the other end.
   * @param {any} message */
  own({ from, data }) {
    if (data.sanbao === "peer-anew") this.closePeer(from);
    else if (data.sanbao === "peer-anew-please" && this.people.has(from) && from > this.room.me) this.peers.get(from)?.renew();
    else if (data.sanbao === "picture-paused") {
      const person = this.people.get(from);
      if (!person) return;
      person.paused = Boolean(data.on);
      this.emit("state", { peer: from, paused: person.paused });
    } else this.emit("own", { from, data });
  }

  /** Offers to everybody inside, and says what waited for it. */
  meet() {
    for (const { peer } of this.room.others) {
      this.peer(peer).offer();
      this.sayPaused(peer);
    }
    for (const message of this.later.splice(0)) this.tell(message);
  }

  // ---- peers

  /** @param {string} id @returns {Peer} */
  peer(id) {
    let peer = this.peers.get(id);
    if (!peer) {
      peer = new Peer(this, id);
      this.peers.set(id, peer);
    }
    return peer;
  }

  /** @param {string} id */
  closePeer(id) {
    this.peers.get(id)?.close();
    this.peers.delete(id);
  }

  closePeers() {
    for (const id of [...this.peers.keys()]) this.closePeer(id);
  }

  /** Another connection to the same person, by one's own offer.
   * @param {string} id */
  anew(id) {
    this.closePeer(id);
    if (this.people.has(id)) this.peer(id).offer();
  }

  /** For a peer connection.
   * @returns {RTCConfiguration} */
  configuration() {
    return {
      iceServers: only(this.servers, this.options.transports),
      iceTransportPolicy: this.options.iceTransportPolicy || "all",
      bundlePolicy: "max-bundle",
    };
  }

  // ---- what outlives the page

  store() {
    if (!this.options.keep || this.ended) return;
    const kept = this.session.keep();
    this.drafted = Boolean(kept?.drafts?.length);
    if (kept) put(this.options.keep, JSON.stringify(kept));
    else remove(this.options.keep);
  }
}
