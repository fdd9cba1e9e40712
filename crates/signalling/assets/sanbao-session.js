// One session of `sanbao.signal.v1`, pure: numbers, acknowledgements, what must be sent again, and whether a
// resume worked. It knows no socket, timer, clock or storage; `sanbao-signal.js` gives it those.

/**
 * @typedef {{consult: string, session: string, secret: string, epoch: string|number, drafts?: object[]}} Kept what survives a reload of the page
 * @typedef {{messages_max: number, bytes_max: number}} Bounds of what waits to be acknowledged
 * @typedef {{seq: number, message: any, bytes: number}} Entry
 * @typedef {{resumed: "exact"|"snapshot"|"new", again: any[], lost: any[], taken: any[]}} Welcomed
 *   `again`: send these now, in order; `lost`: these belonged to a session that is no more;
 *   `taken`: the relay has these, but what it answered is not coming any more
 */

/** Below what the relay lets through in one burst, so that sending everything again is never over its limits. */
export const BOUNDS = { messages_max: 150, bytes_max: 384 * 1024 };
/** An acknowledgement goes out alone after this many messages, or bytes, or `ACK_DELAY_MS`. */
export const ACK_MESSAGES_MAX = 32;
export const ACK_BYTES_MAX = 64 * 1024;
export const ACK_DELAY_MS = 40;

/** What carries no number, either way. */
const PLAIN = new Set(["hello", "ping", "pong", "ack", "quality", "precheck", "welcome", "move", "quality_line"]);

/** Whether a message of this type is numbered.
 * @param {string} type */
export const isNumbered = (type) => !PLAIN.has(type);

/** Too much waits for an acknowledgement. */
export class Backlog extends Error {
  constructor() {
    super("too many messages wait for the connection to come back");
    this.code = "backlog";
  }
}

/** One session: it outlives sockets, and a reload when `kept` was kept. */
export class Session {
  /** @param {{device: string, kept?: Kept|null, bounds?: Bounds}} options */
  constructor({ device, kept = null, bounds = BOUNDS }) {
    this.device = device;
    this.bounds = bounds;
    /** @type {Kept|null} */ this.kept = kept ? { consult: kept.consult, session: kept.session, secret: kept.secret, epoch: kept.epoch } : null;
    /** Nothing but the secret is known: a page that was loaded again. */
    this.bare = Boolean(kept);
    /** What a person wrote before the reload and nobody acknowledged.
     * @type {any[]} */
    this.drafts = kept?.drafts || [];
    /** The last number taken from the relay. */
    this.received = 0;
    /** The last number given to one of our messages. */
    this.sent = 0;
    /** @type {Entry[]} not acknowledged, oldest first */ this.waiting = [];
    this.waitingBytes = 0;
    this.owedMessages = 0;
    this.owedBytes = 0;
  }

  /** The first message on a new socket.
   * @param {string} [ticket] */
  hello(ticket) {
    /** @type {any} */ const hello = { type: "hello", v: 1, device: this.device };
    if (ticket) hello.ticket = ticket;
    if (this.kept) {
      hello.resume = { ...this.kept, seq: this.received };
      if (this.bare) hello.resume.snapshot = true;
    }
    return hello;
  }

  /** The relay's answer to `hello`.
   * @param {any} welcome @returns {Welcomed} */
  welcomed(welcome) {
    const resumed = welcome.resumed;
    this.owedMessages = this.owedBytes = 0;
    if (resumed === "new") return this.begun(welcome);
    const taken = this.acknowledged(welcome.ack);
    if (resumed === "snapshot") this.received = welcome.seq;
    if (this.bare) {
      // The numbers of the page before this one: go on where the relay stands.
      this.sent = welcome.ack;
      this.bare = false;
      const drafts = this.drafts.filter((d) => d.seq > welcome.ack);
      this.drafts = [];
      return { resumed, again: drafts.map((d) => this.number(unnumbered(d))), lost: [], taken: [] };
    }
    return { resumed, again: this.waiting.map((w) => this.stamped(w)), lost: [], taken: resumed === "snapshot" ? taken : [] };
  }

  /** A new session: the numbers begin again.
   * @param {any} welcome @returns {Welcomed} */
  begun(welcome) {
    const lost = [...this.drafts, ...this.waiting.map((w) => w.message)].map(unnumbered);
    this.kept = { consult: welcome.consult, session: welcome.peer, secret: welcome.secret, epoch: welcome.epoch };
    this.bare = false;
    this.drafts = [];
    this.received = welcome.seq || 0;
    this.sent = welcome.ack || 0;
    this.waiting = [];
    this.waitingBytes = 0;
    return { resumed: "new", again: [], lost, taken: [] };
  }

  /**
   * Gives a message its number and keeps it until it is acknowledged. Throws `Backlog` when too much waits.
   * @param {any} message @returns {any} what to send, now or after the next `welcome`
   */
  number(message) {
    const bytes = size(message);
    if (this.waiting.length >= this.bounds.messages_max || this.waitingBytes + bytes > this.bounds.bytes_max) throw new Backlog();
    this.sent += 1;
    const entry = { seq: this.sent, message, bytes };
    this.waiting.push(entry);
    this.waitingBytes += bytes;
    return this.stamped(entry);
  }

  /** A message on its way, with the newest acknowledgement on it.
   * @param {Entry} entry */
  stamped({ seq, message }) {
    this.owedMessages = this.owedBytes = 0;
    return { ...message, seq, ack: this.received };
  }

  /**
   * Takes the envelope of a message of the relay.
   * @param {any} message @param {number} bytes its length
   * @returns {"take"|"repeat"|"gap"} a repeat is dropped; after a gap the socket is of no use: resume
   */
  heard(message, bytes) {
    if (Number.isInteger(message.ack) && message.type !== "welcome") this.acknowledged(message.ack);
    if (!Number.isInteger(message.seq) || message.type === "welcome") return "take";
    if (message.seq > this.received + 1) return "gap";
    // A repeat is acknowledged too: the relay did not hear it the first time.
    this.owedMessages += 1;
    this.owedBytes += bytes;
    if (message.seq <= this.received) return "repeat";
    this.received = message.seq;
    return "take";
  }

  /** @param {number} ack @returns {any[]} the messages that it covers */
  acknowledged(ack) {
    const taken = [];
    while (this.waiting.length && this.waiting[0].seq <= ack) {
      const entry = /** @type {Entry} */ (this.waiting.shift());
      this.waitingBytes -= entry.bytes;
      taken.push(entry.message);
    }
    return taken;
  }

  /** Whether an acknowledgement is owed: no, soon, or at once.
   * @returns {"no"|"soon"|"now"} */
  owes() {
    if (this.owedMessages === 0) return "no";
    return this.owedMessages >= ACK_MESSAGES_MAX || this.owedBytes >= ACK_BYTES_MAX ? "now" : "soon";
  }

  /** An acknowledgement that goes alone. */
  ack() {
    this.owedMessages = this.owedBytes = 0;
    return { type: "ack", ack: this.received };
  }

  /** The session is gone for the relay: the next `hello` needs a ticket. `welcomed` judges what waits. */
  forget() {
    this.kept = null;
    this.bare = false;
  }

  /** What to keep for a reload: the secret, and of the unacknowledged messages those a person wrote.
   * @returns {Kept|null} */
  keep() {
    if (!this.kept) return null;
    const written = this.waiting.filter((w) => w.message.type === "chat").map(({ seq, message }) => ({ ...message, seq }));
    return { ...this.kept, drafts: [...this.drafts, ...written] };
  }
}

/** @param {any} message */
function unnumbered(message) {
  const { seq: _, ack: __, ...rest } = message;
  return rest;
}

/** The bytes of a message as text, near enough for a bound.
 * @param {any} message */
const size = (message) => JSON.stringify(message).length * 1.2 + 40;

const BACK_OFF_MS = 500;
const BACK_OFF_MS_MAX = 15000;

/**
 * How long to wait before the attempt `n` (1 is the first).
 * @param {number} n @param {() => number} [random] @param {number} [firstMs] before the first, on average
 */
export const backOffMs = (n, random = Math.random, firstMs = BACK_OFF_MS) =>
  Math.min(firstMs * 2 ** (n - 1), BACK_OFF_MS_MAX) * (0.5 + random());

/** Whether a close code says "do not try again".
 * @param {number} code */
export const isFinal = (code) => code === 1000 || (code >= 4100 && code < 4200);

const TICKET_EXPIRED = 4103;
const RESUME_IMPOSSIBLE = 4008;

/**
 * The next step after a socket closed: try again and resume, get a fresh ticket first, or stop.
 * @param {number} code @param {{renewable: boolean}} known whether another ticket can be had
 * @returns {"resume"|"ticket"|"over"}
 */
export function afterClose(code, { renewable }) {
  if (code === RESUME_IMPOSSIBLE) return "ticket";
  if (code === TICKET_EXPIRED && renewable) return "ticket";
  return isFinal(code) ? "over" : "resume";
}
