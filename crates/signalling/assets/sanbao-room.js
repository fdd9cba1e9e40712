// The state of the room, pure: the relay's messages go in; people, waiting ones, chat and recording come out. Part of `sanbao-signal.js`.

/**
 * @typedef {"audio"|"video"|"screen"|"chat"|"control"|"observe"} Permission
 * @typedef {{recording: boolean, transcription: boolean}} Consent
 * @typedef {object} PeerView
 * @property {string} peer
 * @property {string} name
 * @property {"host"|"clinician"|"guest"|"interpreter"|"observer"} role
 * @property {Permission[]} permissions
 * @property {boolean} audio
 * @property {boolean} video
 * @property {boolean} screen
 * @property {boolean} hand
 * @property {boolean} away their connection is lost; their place is kept for a while
 * @property {Consent} consent
 * @property {boolean} [paused] their picture gave way to their sound, as they said
 *
 * @typedef {{peer: string, name: string, role: string, since: string, times?: number, escalated?: boolean}} Waiting
 * @typedef {{n: number, from?: string, name: string, at: string, text: string}} ChatLine
 * @typedef {{removal: number, name: string, at: string}} Removal
 * @typedef {object} RoomView
 * @property {string} consult
 * @property {number} people
 * @property {number} people_max
 * @property {boolean} staff_present
 * @property {string|null} started_at
 * @property {PeerView[]} peers
 * @property {Waiting[]} waiting
 * @property {{on: boolean, by?: string, since?: string}} [recording]
 * @property {{on: boolean, by?: string, since?: string}} [transcription]
 * @property {ChatLine[]} [chat]
 * @property {Removal[]} [removed]
 */

const CHAT_LINES_MAX = 200;

/** The room as this client knows it. */
export class Room {
  constructor() {
    /** @type {"hall"|"lobby"|"inside"} */ this.place = "hall";
    /** Own id. */ this.me = "";
    /** @type {PeerView|null} Own view, also before one is inside. */ this.you = null;
    /** @type {Map<string, PeerView>} everybody inside, oneself too */ this.people = new Map();
    /** @type {Map<string, Waiting>} */ this.waiting = new Map();
    /** @type {ChatLine[]} */ this.chat = [];
    /** @type {Removal[]} */ this.removed = [];
    this.recording = false;
    this.transcription = false;
    this.staffPresent = false;
    /** Host and clinician have been inside together. */ this.met = false;
    /** @type {{since: string, lobby_wait_ms_max: number, ring_again_ms_min?: number, because?: string}|null} */ this.lobby = null;
    /** @type {Map<string, any>} What the relay says of each person's line. */ this.lines = new Map();
    /** @type {Map<string, any>} What each person's check before the call found. */ this.checks = new Map();
  }

  /** Own place in the room.
   * @returns {PeerView|null} */
  get self() {
    return this.people.get(this.me) || this.you;
  }

  /** The others inside.
   * @returns {PeerView[]} */
  get others() {
    return [...this.people.values()].filter((p) => p.peer !== this.me);
  }

  /** @param {Permission} permission */
  may(permission) {
    return Boolean(this.self?.permissions?.includes(permission));
  }

  /** Those whose consent is still missing.
   * @param {"recording"|"transcription"} what */
  withoutConsent(what) {
    return [...this.people.values()].filter((p) => !p.consent?.[what]);
  }

  /** Whether host and clinician are both inside now. */
  bothSides() {
    const roles = new Set([...this.people.values()].map((p) => p.role));
    return roles.has("host") && roles.has("clinician");
  }

  /** @param {RoomView} view */
  load(view) {
    this.people = new Map((view.peers || []).map((p) => [p.peer, p]));
    this.waiting = new Map((view.waiting || []).map((w) => [w.peer, w]));
    this.chat = [...(view.chat || [])];
    this.removed = [...(view.removed || [])];
    this.recording = Boolean(view.recording?.on);
    this.transcription = Boolean(view.transcription?.on);
    this.met = Boolean(view.started_at) || this.bothSides();
    this.staffPresent = Boolean(view.staff_present);
  }

  /** @param {any} m a message of the relay */
  take(m) {
    const person = m.peer ? this.people.get(m.peer) : undefined;
    switch (m.type) {
      case "welcome":
        this.me = m.peer;
        this.you = m.you;
        this.place = m.place || "hall";
        if (m.resumed === "new") Object.assign(this, { people: new Map(), waiting: new Map(), recording: false, transcription: false });
        if (m.room) this.load(m.room);
        return;
      case "joined":
        this.place = "inside";
        return this.load(m.room);
      case "lobby":
        this.place = "lobby";
        this.lobby = m;
        this.people = new Map();
        this.waiting = new Map();
        return;
      case "ring":
        return void this.waiting.set(m.peer, { ...this.waiting.get(m.peer), ...m });
      case "ring_over":
        return void this.waiting.delete(m.peer);
      case "peer_joined":
        this.people.set(m.peer, view(m));
        this.met ||= this.bothSides();
        return;
      case "peer_left":
        for (const about of [this.people, this.lines]) about.delete(m.peer);
        return;
      case "peer_away":
        return void (person && Object.assign(person, { away: true }));
      case "peer_back":
        return void (person && Object.assign(person, { away: false }));
      case "peer_reset":
        return void (person && Object.assign(person, { paused: false }));
      case "state":
        return void (person && Object.assign(person, pick(m, ["audio", "video", "screen", "hand"])));
      case "muted":
        return void (this.self && Object.assign(this.self, { audio: false }));
      case "permissions":
        if (m.peer === this.me && this.you) this.you.permissions = m.permissions;
        return void (person && Object.assign(person, { permissions: m.permissions }));
      case "consent":
        return void (person && Object.assign(person, { consent: { recording: m.recording, transcription: m.transcription } }));
      case "recording":
        this.recording = m.on;
        return;
      case "transcription":
        this.transcription = m.on;
        return;
      case "chat":
        if (this.chat.some((line) => line.n === m.n)) return;
        this.chat.push(m);
        this.chat.splice(0, Math.max(0, this.chat.length - CHAT_LINES_MAX));
        return;
      case "removed_list":
        this.removed = [...m.removed];
        return;
      case "quality":
        return void this.lines.set(m.peer, m);
      case "precheck":
        return void this.checks.set(m.peer, m);
    }
  }
}

/** @param {any} from @param {string[]} names */
const pick = (from, names) => Object.fromEntries(names.filter((n) => from[n] !== undefined).map((n) => [n, from[n]]));

/** A peer view out of the message that carries it.
 * @param {any} message @returns {PeerView} */
function view(message) {
  const { type: _, seq: __, ack: ___, ...rest } = message;
  return rest;
}
