// The acts of a person in a call, as messages: each that waits for an answer gets one, over as many
// sockets as it takes, or is refused. `Call` in `sanbao-signal.js` is built on it.
import { Picture } from "./sanbao-picture.js";
import { Room } from "./sanbao-room.js";
import { Session, isNumbered } from "./sanbao-session.js";

/**
 * @typedef {import("./sanbao-peer.js").Kind} Kind
 * @typedef {import("./sanbao-signal.js").Media} Media
 * @typedef {import("./sanbao-signal.js").Join} Join
 * @typedef {import("./sanbao-room.js").PeerView} PeerView
 */

/** An `error` of the relay, or why something was not done. */
export class Refused extends Error {
  /** @param {{code: string, message?: string, detail?: any}} error */
  constructor({ code, message, detail }) {
    super(message || code);
    this.code = code;
    this.detail = detail;
  }
}

/** The half of a `Call` that speaks. */
export class Acts {
  /** @param {{device: string, kept: import("./sanbao-session.js").Kept|null}} who @param {MediaStream} [stream] what to send */
  constructor(who, stream) {
    /** @type {Map<string, Set<(detail: any) => void>>} */ this.listeners = new Map();
    /** @type {Map<string, import("./sanbao-peer.js").Peer>} */ this.peers = new Map();
    this.room = new Room();
    this.picture = new Picture();
    this.session = new Session(who);
    /** @type {Record<Kind, MediaStreamTrack|null>} */
    this.tracks = { audio: stream?.getAudioTracks()[0] || null, video: stream?.getVideoTracks()[0] || null, screen: null };
    /** @type {Join|null} */ this.wanted = null;
    /** @type {Promise<any>|undefined} a `join` that is not answered yet */ this.entering = undefined;
    /** @type {any} the newest `welcome`, while its socket is open */ this.welcome = null;
    /** @type {WebSocket|null} the socket that was welcomed */ this.socket = null;
    this.ended = false;
    this.nextId = 1;
    /** @type {Map<string, {resolve: (value?: any) => void, reject: (error: Error) => void}>} */ this.pending = new Map();
    /** What the others know of the own picture. */ this.saidPaused = false;
  }

  /** Whether one is in the room. */
  get inside() {
    return this.room.place === "inside";
  }

  /** Everybody inside. */
  get people() {
    return this.room.people;
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

  /** The end of the call.
   * @param {number} _code @param {string} _reason */
  over(_code, _reason) {}

  /** Keeps what outlives the page. */
  store() {}

  // ---- what a person does; each promise is kept (`ok`) or broken (`Refused`), never forgotten

  /** Enters the room, or the lobby; again by itself when the session had to begin anew.
   * @param {Join} media */
  join(media) {
    this.wanted = { ...media };
    return this.welcome ? this.enter() : Promise.resolve();
  }

  /** Once at a time: a caller that asks again meanwhile gets the same answer.
   * @returns {Promise<any>} */
  enter() {
    this.entering ||= this.askIn();
    return this.entering;
  }

  askIn() {
    const wanted = this.wanted;
    return this.ask({ type: "join", ...wanted }).then(() => {
      this.entering = undefined;
    }, (error) => {
      this.entering = undefined;
      if (error.code === "already-joined") return;
      if (this.wanted === wanted) this.wanted = null;
      this.emit("error", { code: error.code, message: error.message, detail: error.detail, re: "join" });
    });
  }

  /** Own sound, picture or screen went on or off.
   * @param {Media} media */
  setState(media) {
    if (this.wanted) Object.assign(this.wanted, media);
    if (!this.inside) return;
    Object.assign(this.room.self || {}, media);
    this.tell({ type: "state", audio: media.audio, video: media.video, screen: Boolean(media.screen) });
  }

  /** The relay tells the others of a change; oneself knows by its `ok`.
   * @param {object} message @param {Partial<PeerView>} change @param {string} event */
  async change(message, change, event) {
    await this.ask(message);
    Object.assign(this.room.self || {}, change);
    this.emit(event, { peer: this.room.me, ...change });
  }

  /** @param {string} peer */
  admit(peer) {
    return this.ask({ type: "admit", peer });
  }

  /** @param {string} peer */
  refuse(peer) {
    return this.ask({ type: "refuse", peer });
  }

  /** Back to the lobby.
   * @param {string} peer */
  putBack(peer) {
    return this.ask({ type: "put_back", peer });
  }

  /** Rings again, out of the lobby. */
  ring() {
    return this.ask({ type: "ring" });
  }

  /** @param {boolean} up */
  hand(up) {
    return this.change({ type: "hand", up }, { hand: up }, "state");
  }

  /** Turns somebody's sound off; only they can turn it on again.
   * @param {string} peer */
  mute(peer) {
    return this.ask({ type: "mute", peer });
  }

  /** @param {string} text */
  chat(text) {
    return this.ask({ type: "chat", text });
  }

  /** Own consent, as it is from now on.
   * @param {{recording: boolean, transcription: boolean}} consent */
  consent(consent) {
    if (this.wanted) this.wanted.consent = { ...consent };
    return this.change({ type: "consent", ...consent }, { consent: { ...consent } }, "consent");
  }

  /** @param {boolean} on */
  record(on) {
    return this.ask({ type: "record", on });
  }

  /** @param {boolean} on */
  transcribe(on) {
    return this.ask({ type: "transcribe", on });
  }

  /** @param {string} peer @param {string[]} permissions */
  permit(peer, permissions) {
    return this.ask({ type: "permit", peer, permissions });
  }

  /** Sends somebody out; they stay out until `lift`.
   * @param {string} peer */
  kick(peer) {
    return this.ask({ type: "kick", peer });
  }

  /** Lets somebody back in.
   * @param {number} removal its number in `room.removed` */
  lift(removal) {
    return this.ask({ type: "lift", removal });
  }

  /** Anything of one's own, to one or to all.
   * @param {any} data @param {string} [to] */
  message(data, to) {
    return this.ask({ type: "message", ...(to ? { to } : {}), data });
  }

  /** Ends the visit for everybody. */
  finish() {
    return this.ask({ type: "finish" });
  }

  /** Hangs up; the visit goes on for the others. */
  leave() {
    if (this.ended) return;
    if (this.welcome) this.tell({ type: "leave" });
    const socket = this.socket;
    this.over(1000, "bye");
    setTimeout(() => socket?.close(), 1000);
  }

  /** Sends another track, or none. A screen gets a line of its own.
   * @param {Kind} kind @param {MediaStreamTrack|null} track */
  async setTrack(kind, track) {
    this.tracks[kind] = track;
    await Promise.all([...this.peers.values()].map((p) => p.sendTrack(kind)));
  }

  /** What was said before the mute was heard may have turned it on again for the others. */
  muted() {
    if (this.wanted) this.wanted.audio = false;
    const { video = false, screen = false } = this.room.self || {};
    this.setState({ audio: false, video, screen });
  }

  // ---- the own picture

  /** @param {Kind} kind @param {RTCRtpSender} sender */
  tune(kind, sender) {
    return this.picture.tune(kind, sender, this.room.others.length);
  }

  /** After a change of the room or of the line: lets each picture take what it may now. */
  retune() {
    for (const peer of this.peers.values()) {
      for (const line of peer.pc.getTransceivers()) this.tune(peer.kindOf(line.mid || "", line.receiver.track.kind), line.sender);
    }
    if (this.picture.paused !== this.saidPaused) {
      this.saidPaused = this.picture.paused;
      this.tell({ type: "message", data: { sanbao: "picture-paused", on: this.saidPaused } });
    }
  }

  /** To somebody who may not know.
   * @param {string} peer */
  sayPaused(peer) {
    if (this.saidPaused && this.people.has(peer)) this.tell({ type: "message", to: peer, data: { sanbao: "picture-paused", on: true } });
  }

  // ---- saying

  /** Says something that needs no answer.
   * @param {any} message */
  tell(message) {
    if (this.ended || (!this.session.kept && isNumbered(message.type))) return;
    try {
      this.send(isNumbered(message.type) ? this.session.number(message) : message);
    } catch (error) {
      this.emit("lost", { message, error });
    }
    if (message.type === "chat") this.store();
  }

  /** Says something and waits for `ok` or `error`, over as many sockets as it takes.
   * @param {any} message @returns {Promise<any>} */
  ask(message) {
    const id = `${this.nextId++}`;
    return new Promise((resolve, reject) => {
      if (this.ended || !this.session.kept) return reject(new Refused({ code: "not-connected" }));
      this.pending.set(id, { resolve, reject });
      try {
        this.send(this.session.number({ ...message, id }));
      } catch (error) {
        this.pending.delete(id);
        reject(error);
      }
      if (message.type === "chat") this.store();
    });
  }

  /** @param {object} message */
  send(message) {
    if (this.welcome && this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** What was lost is never lost in silence.
   * @param {any[]} messages @param {string} code */
  drop(messages, code) {
    for (const message of messages) {
      this.pending.get(message.id)?.reject(new Refused({ code }));
      this.pending.delete(message.id);
      if (code !== "outcome-unknown") this.emit("lost", { message, error: new Refused({ code }) });
    }
  }
}
