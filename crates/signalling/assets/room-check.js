// The check before the call on the page: camera, microphone and the ways through the network, in plain words with
// what to do. Its result goes to the others too.
import { $, fill, make, say } from "./room-words.js";
import { TRANSPORTS, paths, server } from "./sanbao-check.js";

/** @typedef {"ok"|"warn"|"bad"|"info"} Tone */

/** A share of loss and a round trip beyond which a line is not good for talking. */
const LOSS = 0.03;
const RTT_MS = 400;

/** @param {Tone} tone @param {string} key @param {Record<string, string|number>} [values] */
const finding = (tone, key, values) => ({ tone, text: say(key, values) });

/** What somebody else's check found, in a few words.
 * @param {{findings?: string[]}} check */
export const summary = ({ findings = [] }) =>
  findings.length ? findings.map((f) => say(`precheck-${f.replaceAll("_", "-")}`)).join(" · ") : say("check-fine");

/** A device's state for the relay.
 * @param {string|null} problem @param {boolean} there @param {boolean} on */
function device(problem, there, on) {
  if (there) return "ok";
  if (!on && !problem) return "off";
  return { "device-denied": "denied", "device-busy": "busy", "device-insecure": "insecure" }[problem || ""] || "missing";
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
    delete document.body.dataset.check;
    const { devices } = this;
    const [camera, microphone] = /** @type {("video"|"audio")[]} */ (["video", "audio"]).map((k) => device(devices.problem, Boolean(devices.track(k)), devices.on[k]));
    const dark = camera === "off" ? finding("info", "check-camera-off") : finding("warn", "precheck-no-camera");
    const lines = [
      camera === "ok" ? finding("ok", "check-camera-ok") : dark,
      microphone === "ok" ? finding("ok", "check-microphone-ok") : finding("bad", "precheck-no-microphone"),
    ];
    this.show([...lines, finding("info", "check-running")]);
    const found = await this.call.goodTicket().then((ticket) => paths(this.call.servers, server(ticket))).catch(() => null);
    lines.push(...(found ? this.network(found) : [finding("warn", "check-failed")]));
    this.show(lines);
    this.running = false;
    $("check-again").disabled = false;
    document.body.dataset.check = ["bad", "warn"].find((tone) => lines.some((l) => l.tone === tone)) || "ok";
    Object.assign(window, { sanbaoCheck: { camera, microphone, paths: found } });
    this.call.tell({ type: "precheck", camera, microphone, paths: found || {} });
  }

  /** @param {Awaited<ReturnType<typeof paths>>} found what was tried @returns {{tone: Tone, text: string}[]} */
  network(found) {
    const tried = TRANSPORTS.filter((t) => found[t]);
    const open = tried.filter((t) => found[t]?.ok);
    if (tried.length === 0) return [finding("info", "check-no-turn")];
    if (open.length === 0) return [finding("bad", "precheck-no-path")];
    const { rtt_ms = 0, loss = 0 } = found[open[0]] || {};
    const ms = Math.round(rtt_ms);
    const ways = open.map((t) => t.toUpperCase()).join(say("comma"));
    const way = open.includes("udp") || !tried.includes("udp") ? finding("ok", "check-open", { ways }) : finding("warn", "precheck-udp-blocked");
    if (loss > LOSS) return [way, finding("warn", "precheck-lossy")];
    if (rtt_ms > RTT_MS) return [way, finding("warn", "precheck-slow")];
    return [way, finding("ok", "check-line-good", { ms })];
  }

  /** @param {{tone: Tone, text: string}[]} lines */
  show(lines) {
    $("check-opened").hidden = false;
    fill($("check"), lines, (l) => l.text, (l) => l, (l) => make("li", { className: `badge ${l.tone}`, textContent: l.text }));
  }
}
