// One event stream for all tabs of a browser. HTTP/1.1 gives a browser six connections to a site, and a stream keeps one
// for as long as it is open. The tab that holds the lock of an address keeps its stream; the others hear of it by a
// channel, and when that tab goes, the next in the queue takes over. Where a browser has no locks or no channels, each
// tab keeps a stream of its own.
import { renew } from "/static/api.js";

/** @typedef {{state: "opening" | "live" | "lost", attempt: number}} Line how a stream stands; `attempt` counts from 1 while it is lost */
/** @typedef {{change: () => void, line: (line: Line) => void}} Listener `change` also comes when a stream was opened, for what was missed */
/** @typedef {{url: string, kind: "ask" | "here" | "hello" | "change" | "lost", line: Line}} Said */

/** A leader that has not answered for so long sleeps, and another tab takes its place. */
const ANSWER_MS = 5000;
/** So often a follower that is looked at makes sure that somebody leads. */
const ASK_EVERY_MS = 20000;
const RETRY_MS_MAX = 30000;

const channel = typeof BroadcastChannel === "function" && navigator.locks ? new BroadcastChannel("sanbao-streams") : null;
/** @type {Map<string, Stream>} */ const streams = new Map();

/** How long to wait before the next attempt: longer each time, and not at one moment for all.
 * @param {number} attempt */
export const pause = (attempt) => Math.min(RETRY_MS_MAX, 1000 * 2 ** Math.min(attempt, 5)) * (0.75 + Math.random() / 2);

class Stream {
  /** @param {string} url */
  constructor(url) {
    this.url = url;
    /** @type {Set<Listener>} */ this.listeners = new Set();
    /** @type {Line} */ this.line = { state: "opening", attempt: 0 };
    /** @type {EventSource | null} */ this.source = null;
    /** @type {AbortController | null} a place in the queue for the lock */ this.queue = null;
    /** @type {(() => void) | null} gives the lock back */ this.release = null;
    this.retry = 0;
    this.unanswered = 0;
  }

  /** Leads as soon as nobody else does. */
  start() {
    if (!channel) return this.open();
    this.queue = new AbortController();
    this.hold({ signal: this.queue.signal });
    this.ask();
  }

  /** @param {LockOptions} how */
  hold(how) {
    const lead = () => new Promise((resolve) => {
      clearTimeout(this.unanswered);
      this.release = () => resolve(null);
      this.open();
    });
    navigator.locks.request(`sanbao-stream ${this.url}`, how, lead).catch(() => {
      // Another tab thought that this one sleeps, and leads now; or the queue was left on purpose.
      if (!this.release) return;
      this.stop();
      this.start();
    });
  }

  stop() {
    clearTimeout(this.unanswered);
    clearTimeout(this.retry);
    this.source?.close();
    this.source = null;
    this.queue?.abort();
    this.queue = null;
    this.release?.();
    this.release = null;
  }

  /** Asks who leads; with no answer the place is taken. */
  ask() {
    if (!channel || this.release) return;
    this.say("ask");
    clearTimeout(this.unanswered);
    this.unanswered = window.setTimeout(() => {
      if (this.release || document.hidden) return;
      this.queue?.abort();
      this.hold({ steal: true });
    }, ANSWER_MS);
  }

  open() {
    clearTimeout(this.retry);
    this.source?.close();
    const source = (this.source = new EventSource(this.url));
    source.addEventListener("hello", () => this.now("hello", { state: "live", attempt: 0 }));
    source.addEventListener("change", () => this.now("change", this.line));
    source.addEventListener("error", () => {
      if (source !== this.source) return;
      this.now("lost", { state: "lost", attempt: this.line.attempt + 1 });
      // The browser tries again by itself unless the server refused: then the log-in may have to be renewed.
      if (source.readyState !== EventSource.CLOSED) return;
      this.retry = window.setTimeout(() => renew().catch(() => false).then(() => source === this.source && this.open()), pause(this.line.attempt));
    });
  }

  /** @param {Said["kind"]} kind */
  say(kind) {
    channel?.postMessage({ url: this.url, kind, line: this.line });
  }

  /** @param {Said["kind"]} kind @param {Line} line */
  now(kind, line) {
    this.take(kind, line);
    this.say(kind);
  }

  /** @param {Said["kind"]} kind @param {Line} line */
  take(kind, line) {
    const opened = line.state === "live" && this.line.state !== "live";
    this.line = line;
    for (const listener of this.listeners) {
      listener.line(line);
      if (kind === "change" || kind === "hello" || opened) listener.change();
    }
  }

  /** @param {Said} said by another tab */
  hear({ kind, line }) {
    if (kind === "ask") {
      if (this.release) this.say("here");
      return;
    }
    clearTimeout(this.unanswered);
    if (!this.release) this.take(kind, line);
  }
}

channel?.addEventListener("message", (event) => streams.get(event.data.url)?.hear(event.data));

/**
 * Hears the changes that a server tells at `url`.
 * @param {string} url @param {Listener} listener
 */
export function listen(url, listener) {
  let stream = streams.get(url);
  if (!stream) {
    stream = new Stream(url);
    streams.set(url, stream);
    stream.listeners.add(listener);
    stream.start();
  } else {
    stream.listeners.add(listener);
    listener.line(stream.line);
  }
}

const all = (/** @type {(stream: Stream) => void} */ what) => streams.forEach(what);
setInterval(() => document.hidden || all((s) => s.ask()), ASK_EVERY_MS);
document.addEventListener("visibilitychange", () => document.hidden || all((s) => s.ask()));
// The line is back, or the log-in: no need to wait for the next attempt.
for (const back of ["online", "sanbao:unlocked"]) addEventListener(back, () => all((s) => s.line.state === "lost" && s.source && s.open()));
// A page that is kept for the back button must not keep the others from leading.
addEventListener("pagehide", () => all((s) => s.stop()));
addEventListener("pageshow", (event) => event.persisted && all((s) => s.start()));
