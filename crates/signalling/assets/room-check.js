// The check before the call on the page: camera, microphone, ways through the network, and the line to the server;
// in plain words with what to do. Its result goes to the others too.
import { $, fill, make, say } from "/static/room-words.js";
import { TRANSPORTS, reachAll } from "/static/sanbao-check.js";

/** @typedef {"ok"|"warn"|"bad"|"info"} Tone */

/** A share of loss and a time beyond which a line is not good for talking. */
const LOSS = 0.03;
const RTT_MS = 400;

/** One line of the result. @param {Tone} tone @param {string} key @param {Record<string, string|number>} [values] */
const finding = (tone, key, values) => ({ tone, text: say(`check-${key}`, values) });

/** What somebody else's check found, in a few words. @param {any} check */
export function summary(check) {
  const bad = [
    check.camera && check.camera !== "ok" && say("camera"),
    check.microphone && check.microphone !== "ok" && say("microphone"),
    check.network && check.network !== "ok" && say("check-network"),
  ].filter(Boolean);
  return bad.length ? say("check-troubles", { what: bad.join(say("comma")) }) : say("check-fine");
}

/** The check of a page. */
export class Check {
  /** @param {import("./sanbao-signal.js").Call} call @param {import("./room-devices.js").Devices} devices */
  constructor(call, devices) {
    this.call = call;
    this.devices = devices;
    this.running = false;
    $("check-again").onclick = () => this.run();
  }

  /** Runs once, and again when asked. */
  async run() {
    if (this.running || this.call.ended) return;
    this.running = true;
    $("check-again").disabled = true;
    const camera = this.devices.track("video") ? "ok" : "missing";
    const microphone = this.devices.track("audio") ? "ok" : "missing";
    const lines = [
      camera === "ok" ? finding("ok", "camera-ok") : finding("warn", "camera-missing"),
      microphone === "ok" ? finding("ok", "microphone-ok") : finding("bad", "microphone-missing"),
    ];
    this.show([...lines, finding("info", "running")]);
    const ways = await reachAll(this.call.servers);
    lines.push(this.network(ways));
    this.show(lines);
    this.running = false;
    $("check-again").disabled = false;
    document.body.dataset.check = lines.some((l) => l.tone === "bad") ? "bad" : lines.some((l) => l.tone === "warn") ? "warn" : "ok";
    Object.assign(window, { sanbaoCheck: { camera, microphone, ...ways } });
  }

  /** @param {Awaited<ReturnType<typeof reachAll>>} ways */
  network(ways) {
    const tried = TRANSPORTS.filter((t) => ways[t].result !== "absent");
    const open = tried.filter((t) => ways[t].result === "open");
    if (tried.length === 0) return finding("info", "no-turn");
    if (open.length === 0) return finding("bad", "closed");
    if (open.includes("udp")) return finding("ok", "open");
    return finding("warn", "detour", { ways: open.map((t) => t.toUpperCase()).join(say("comma")) });
  }

  /** @param {{tone: Tone, text: string}[]} lines */
  show(lines) {
    $("check-opened").hidden = false;
    fill($("check"), lines, (l) => l.text, (l) => l, (l) => make("li", { className: `badge ${l.tone}`, textContent: l.text }));
  }
}

export { LOSS, RTT_MS };
