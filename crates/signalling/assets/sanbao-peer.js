// The media connection to one other person of a call: perfect negotiation (W3C webrtc-pc §10.7), early candidates,
// ICE restart, and a ladder when that is not enough. Part of `sanbao-signal.js`.
//
// The first sound line and the first picture line are microphone and camera; every further picture line is a screen.

/** @typedef {"audio"|"video"|"screen"} Kind */

const DISCONNECTED_WAIT_MS = 2500;
/** How long a restart may take before the next rung. */
const RUNG_WAIT_MS = 8000;
/** Candidates of one connection that wait for the relay. */
const HELD_MAX = 40;
/** Restarts of ICE before the connection is made anew. */
const RESTARTS_MAX = 2;

/** The connection to one other person. */
export class Peer {
  /** @param {import("./sanbao-signal.js").Call} call @param {string} id */
  constructor(call, id) {
    this.call = call;
    this.id = id;
    this.polite = call.room.me > id;
    this.makingOffer = false;
    this.ignoring = false;
    this.closed = false;
    this.restarts = 0;
    /** How many times ICE was restarted, for those who watch. */
    this.restarted = 0;
    /** @type {RTCIceCandidateInit[]} */ this.early = [];
    /** @type {object[]} What waits for the relay to be there again: own candidates, and whether to negotiate. */ this.held = [];
    this.owesOffer = false;
    /** @type {Promise<unknown>} */ this.chain = Promise.resolve();
    /** @type {RTCRtpTransceiver|undefined} The line of one's own screen, while it is shared. */ this.sharing = undefined;
    this.camera = new MediaStream();
    this.screen = new MediaStream();
    this.pc = this.open();
  }

  /** A connection without lines.
   * @returns {RTCPeerConnection} */
  open() {
    const pc = new RTCPeerConnection(this.call.configuration());
    pc.onicecandidate = ({ candidate }) => this.found({ type: "candidate", candidate: candidate && candidate.toJSON() });
    pc.onnegotiationneeded = () => this.negotiate();
    pc.ontrack = ({ track, transceiver }) => this.arrived(track, transceiver);
    pc.onconnectionstatechange = () => {
      if (pc.connectionState === "connected") {
        this.restarts = 0;
        this.call.retune(); // the side that answered had nothing to set before
      }
      this.call.emit("media", { peer: this.id, state: pc.connectionState });
    };
    pc.oniceconnectionstatechange = () => this.watch();
    return pc;
  }

  /** Lets go of the connection. */
  shut() {
    this.pc.onicecandidate = this.pc.onnegotiationneeded = this.pc.ontrack = null;
    this.pc.onconnectionstatechange = this.pc.oniceconnectionstatechange = null;
    this.pc.close();
  }

  /** @param {object} message */
  say(message) {
    this.call.tell({ ...message, to: this.id });
  }

  /** A candidate; without a relay it waits, so that it takes no room from what people say.
   * @param {object} message */
  found(message) {
    if (this.call.welcome) return this.say(message);
    if (this.held.length < HELD_MAX) this.held.push(message);
  }

  /** The relay is there again, and what was said to it has arrived. */
  back() {
    this.refresh();
    for (const message of this.held.splice(0)) this.say(message);
    if (this.owesOffer) this.negotiate();
    if (["failed", "disconnected"].includes(this.pc.iceConnectionState)) this.rung();
  }

  // ---- lines

  /** The lines of a kind, in their order.
   * @param {Kind} kind */
  lines(kind) {
    const media = kind === "audio" ? "audio" : "video";
    const all = this.pc.getTransceivers().filter((t) => t.receiver.track.kind === media && t.direction !== "stopped");
    // A description counts before a mere wish.
    const found = all.some((t) => t.mid !== null) ? all.filter((t) => t.mid !== null) : all;
    return kind === "screen" ? found.slice(1) : found.slice(0, 1);
  }

  /** What a line is for.
   * @param {string} mid @param {string} media @returns {Kind} */
  kindOf(mid, media) {
    if (media === "audio") return "audio";
    const [camera] = this.lines("video");
    return !camera || camera.mid === mid ? "video" : "screen";
  }

  /** What is sent to this person: nothing to one who may not see and hear.
   * @param {Kind} kind */
  track(kind) {
    const observes = this.call.people.get(this.id)?.permissions?.includes("observe") ?? true;
    return observes ? this.call.tracks[kind] : null;
  }

  /** The newcomer makes the lines for sound and picture, whether or not there is anything to send yet. */
  offer() {
    for (const kind of /** @type {("audio"|"video")[]} */ (["audio", "video"])) {
      const line = this.pc.addTransceiver(this.track(kind) || kind, { direction: "sendrecv" });
      this.call.tune?.(kind, line.sender);
    }
    if (this.track("screen")) this.sendTrack("screen");
  }

  /** Sends the call's own track of a kind, or none.
   * @param {Kind} kind */
  async sendTrack(kind) {
    const track = this.track(kind);
    if (kind === "screen") return this.sendScreen(track);
    const [line] = this.lines(kind);
    if (!line) return;
    if (line.direction === "recvonly") line.direction = "sendrecv";
    await line.sender.replaceTrack(track);
    this.call.tune?.(kind, line.sender);
  }

  /** A screen gets a line of its own, which stays for the next time.
   * @param {MediaStreamTrack|null} track */
  async sendScreen(track) {
    const line = this.sharing || this.lines("screen").find((l) => !l.sender.track && l.mid !== null);
    if (!track) {
      const old = this.sharing;
      this.sharing = undefined;
      await old?.sender.replaceTrack(null);
      if (old) old.direction = "recvonly";
    } else if (line) {
      this.sharing = line;
      await line.sender.replaceTrack(track);
      line.direction = "sendrecv";
    } else if (this.lines("video").length) {
      // Sound and picture have their lines first: before the first offer is answered there is none to come after.
      this.sharing = this.pc.addTransceiver(track, { direction: "sendrecv" });
    }
  }

  /** @param {MediaStreamTrack} track @param {RTCRtpTransceiver} line */
  arrived(track, line) {
    const screen = track.kind === "video" && this.lines("video")[0] !== line;
    const stream = screen ? this.screen : this.camera;
    for (const old of stream.getTracks()) if (old.kind === track.kind && old !== track) stream.removeTrack(old);
    stream.addTrack(track);
    this.call.emit("track", { peer: this.id, stream, track, kind: screen ? "screen" : track.kind });
  }

  // ---- negotiation

  async negotiate() {
    const { pc } = this;
    // Unheard, it would be stale when it is heard.
    this.owesOffer = !this.call.welcome;
    if (this.owesOffer) return;
    try {
      this.makingOffer = true;
      await pc.setLocalDescription();
      if (pc === this.pc) this.say({ type: pc.localDescription?.type, sdp: pc.localDescription?.sdp });
    } catch (error) {
      if (!this.closed && pc === this.pc) console.warn("negotiation", error);
    } finally {
      this.makingOffer = false;
    }
  }

  /** Messages of one peer are worked on one after the other.
   * @param {any} message */
  signal(message) {
    this.chain = this.chain.then(() => this.take(message)).catch((error) => {
      if (this.closed) return;
      console.warn("signal", error);
      if (message.type !== "candidate") this.renew();
    });
  }

  /** @param {any} message */
  async take(message) {
    if (this.closed) return;
    if (message.type === "candidate") return this.candidate(message.candidate);
    // An answer to an offer that was rolled back or belongs to a connection that is no more.
    if (message.type === "answer" && this.pc.signalingState !== "have-local-offer") return;
    const collision = message.type === "offer" && (this.makingOffer || this.pc.signalingState !== "stable");
    this.ignoring = !this.polite && collision;
    if (this.ignoring) return;
    if (collision && !this.pc.currentRemoteDescription) {
      // Lines of a first offer that is rolled back would stay, and be offered beside the other's: begin without them.
      this.shut();
      this.sharing = undefined;
      this.held = [];
      this.pc = this.open();
    }
    await this.pc.setRemoteDescription({ type: message.type, sdp: message.sdp });
    for (const candidate of this.early.splice(0)) await this.candidate(candidate);
    if (message.type === "offer") await this.answer();
  }

  async answer() {
    await this.sendTrack("audio");
    await this.sendTrack("video");
    await this.pc.setLocalDescription();
    this.say({ type: "answer", sdp: this.pc.localDescription?.sdp });
    if (this.track("screen") && !this.sharing) await this.sendTrack("screen");
  }

  /** @param {RTCIceCandidateInit|null} candidate */
  async candidate(candidate) {
    if (!candidate) return;
    if (!this.pc.remoteDescription) {
      this.early.push(candidate);
      return;
    }
    try {
      await this.pc.addIceCandidate(candidate);
    } catch (error) {
      // A candidate of an offer that was ignored, or of a generation that a restart has ended.
      if (!this.ignoring && !String(candidate.usernameFragment || "")) throw error;
    }
  }

  // ---- when the path is lost

  /** The impolite side goes first, so that the two rarely collide. */
  watch() {
    clearTimeout(this.timer);
    const state = this.pc.iceConnectionState;
    const patience = this.polite ? 2 : 1;
    if (state === "failed") this.timer = setTimeout(() => this.rung(), this.polite ? 1000 : 0);
    if (state === "disconnected") this.timer = setTimeout(() => this.rung(), DISCONNECTED_WAIT_MS * patience);
  }

  /** The next rung of the ladder: restart ICE, twice; then make the connection anew. */
  rung() {
    if (this.closed || !this.call.welcome) return; // `back` goes on
    this.restarts += 1;
    if (this.restarts > RESTARTS_MAX) return this.renew();
    this.restart();
    this.later(() => this.pc.connectionState !== "connected" && this.rung());
  }

  /** A new path, with the newest TURN credentials; media goes on meanwhile if it can. */
  restart() {
    if (this.closed || !this.call.welcome || !this.pc.remoteDescription) return;
    this.restarted += 1;
    this.pc.restartIce();
  }

  /** Makes the connection anew, together: one side leads, so that the two new ones belong to each other.
   * @returns {void} */
  renew() {
    if (this.closed) return;
    if (!this.call.welcome) return this.later(() => this.renew());
    const lead = !this.polite;
    this.call.tell({ type: "message", to: this.id, data: { sanbao: lead ? "peer-anew" : "peer-anew-please" } });
    if (lead) this.call.anew(this.id);
    else this.later(() => this.renew());
  }

  /** @param {() => void} rung */
  later(rung) {
    clearTimeout(this.timer);
    this.timer = setTimeout(rung, RUNG_WAIT_MS);
  }

  /** Fresh TURN credentials, for the next restart. */
  refresh() {
    try {
      this.pc.setConfiguration(this.call.configuration());
    } catch (error) {
      console.warn("configuration", error);
    }
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    this.shut();
  }
}
