// The media connection to one other person of a call: perfect negotiation (W3C webrtc-pc §10.7), early
// candidates, ICE restart, and the numbers that a verdict needs. Part of `sanbao-signal.js`.

const DISCONNECTED_WAIT_MS = 3000;

/** The connection to one other person. */
export class Peer {
  /** @param {import("./sanbao-signal.js").Call} call @param {string} id */
  constructor(call, id) {
    this.call = call;
    this.id = id;
    this.polite = call.welcome.peer > id;
    this.makingOffer = false;
    this.ignoring = false;
    /** @type {RTCIceCandidateInit[]} */ this.early = [];
    /** @type {Promise<unknown>} */ this.chain = Promise.resolve();
    this.remote = new MediaStream();
    this.pc = new RTCPeerConnection({
      iceServers: call.welcome.ice_servers,
      iceTransportPolicy: call.options.iceTransportPolicy || "all",
    });
    this.pc.onicecandidate = ({ candidate }) => this.say({ type: "candidate", candidate: candidate && candidate.toJSON() });
    this.pc.onnegotiationneeded = () => this.negotiate();
    this.pc.ontrack = ({ track }) => {
      this.remote.addTrack(track);
      call.emit("track", { peer: id, stream: this.remote, track });
    };
    this.pc.onconnectionstatechange = () => {
      call.emit("media", { peer: id, state: this.pc.connectionState });
    };
    this.pc.oniceconnectionstatechange = () => this.watch();
  }

  /** @param {object} message */
  say(message) {
    this.call.send({ to: this.id, ...message });
  }

  /** The newcomer makes the lines for sound and picture, whether or not there is anything to send yet. */
  offer() {
    for (const kind of /** @type {("audio"|"video")[]} */ (["audio", "video"])) {
      this.pc.addTransceiver(this.call.tracks[kind] || kind, { direction: "sendrecv" });
    }
  }

  /** @param {"audio"|"video"} kind */
  async sendTrack(kind) {
    const line = this.pc.getTransceivers().find((t) => t.receiver.track.kind === kind);
    if (!line || line.stopped) return;
    if (line.direction === "recvonly") line.direction = "sendrecv";
    await line.sender.replaceTrack(this.call.tracks[kind]);
  }

  async negotiate() {
    try {
      this.makingOffer = true;
      await this.pc.setLocalDescription();
      this.say({ type: this.pc.localDescription?.type, sdp: this.pc.localDescription?.sdp });
    } catch (error) {
      if (this.pc.signalingState !== "closed") console.warn("negotiation", error);
    } finally {
      this.makingOffer = false;
    }
  }

  /** Messages of one peer are worked on one after the other. @param {any} message */
  signal(message) {
    this.chain = this.chain.then(() => this.take(message)).catch((error) => {
      if (this.pc.signalingState !== "closed") console.warn("signal", error);
    });
  }

  /** @param {any} message */
  async take(message) {
    if (message.type === "candidate") return this.candidate(message.candidate);
    const collision = message.type === "offer" && (this.makingOffer || this.pc.signalingState !== "stable");
    this.ignoring = !this.polite && collision;
    if (this.ignoring) return;
    await this.pc.setRemoteDescription({ type: message.type, sdp: message.sdp });
    for (const candidate of this.early.splice(0)) await this.pc.addIceCandidate(candidate);
    if (message.type === "offer") {
      await this.sendTrack("audio");
      await this.sendTrack("video");
      await this.pc.setLocalDescription();
      this.say({ type: "answer", sdp: this.pc.localDescription?.sdp });
    }
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
      if (!this.ignoring) throw error;
    }
  }

  /** ICE restart when a path is lost; the impolite side goes first, so that the two rarely collide. */
  watch() {
    clearTimeout(this.timer);
    const state = this.pc.iceConnectionState;
    const patience = this.polite ? 2 : 1;
    if (state === "failed") this.timer = setTimeout(() => this.restart(), this.polite ? 1000 : 0);
    if (state === "disconnected") this.timer = setTimeout(() => this.restart(), DISCONNECTED_WAIT_MS * patience);
  }

  restart() {
    if (this.pc.signalingState !== "closed" && this.pc.remoteDescription) this.pc.restartIce();
  }

  close() {
    clearTimeout(this.timer);
    this.pc.onicecandidate = this.pc.onnegotiationneeded = this.pc.ontrack = null;
    this.pc.onconnectionstatechange = this.pc.oniceconnectionstatechange = null;
    this.pc.close();
  }

  /** The numbers that a verdict needs. */
  async stats() {
    const report = await this.pc.getStats();
    const found = { peer: this.id, framesDecoded: 0, packetsReceived: 0, packetsLost: 0, audioPackets: 0, audioLost: 0, freezeCount: 0, rttMs: 0, localCandidateType: "", remoteCandidateType: "" };
    report.forEach((s) => {
      if (s.type === "inbound-rtp" && s.kind === "video") {
        found.framesDecoded += s.framesDecoded || 0;
        found.packetsReceived += s.packetsReceived || 0;
        found.packetsLost += s.packetsLost || 0;
        found.freezeCount += s.freezeCount || 0;
      } else if (s.type === "inbound-rtp" && s.kind === "audio") {
        found.audioPackets += s.packetsReceived || 0;
        found.audioLost += s.packetsLost || 0;
      } else if (s.type === "transport" && s.selectedCandidatePairId) {
        const pair = report.get(s.selectedCandidatePairId);
        if (!pair) return;
        found.rttMs = (pair.currentRoundTripTime || 0) * 1000;
        found.localCandidateType = report.get(pair.localCandidateId)?.candidateType || "";
        found.remoteCandidateType = report.get(pair.remoteCandidateId)?.candidateType || "";
      }
    });
    return found;
  }
}
