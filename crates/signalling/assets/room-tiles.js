// The pictures of the others: a grid that fits up to five, a shared screen large above them.
import { $, make, named, say } from "./room-words.js";

/** @typedef {import("./sanbao-room.js").PeerView} PeerView */

/** Why there is no picture, in words. */
const REASONS = { away: "away", connecting: "verdict-waiting", off: "off", paused: "picture-paused" };

/** The tiles of a call. */
export class Tiles {
  /** @param {import("./sanbao-signal.js").Call} call */
  constructor(call) {
    this.call = call;
    this.place = $("tiles");
    call.on("track", ({ peer, stream, kind }) => this.track(peer, stream, kind));
    $("sound").onclick = () => this.play();
  }

  /** @param {string} id @param {"video"|"screen"} kind @returns {HTMLElement|null} */
  find(id, kind) {
    return this.place.querySelector(`[data-${kind === "screen" ? "screen" : "peer"}="${CSS.escape(id)}"]`);
  }

  /** @param {string} id @param {"video"|"screen"} kind @returns {HTMLElement} */
  tile(id, kind) {
    const found = this.find(id, kind);
    if (found) return found;
    const video = make("video", { autoplay: true, playsInline: true });
    const figure = make("figure", { role: "listitem", data: kind === "screen" ? { screen: id } : { peer: id } }, video, make("p", { className: "off" }), make("figcaption"));
    if (kind === "screen") this.place.prepend(figure);
    else this.place.append(figure);
    const peer = this.call.peers.get(id);
    if (peer) this.attach(video, kind === "screen" ? peer.screen : peer.camera);
    return figure;
  }

  /** @param {string} id @param {MediaStream} stream @param {string} kind */
  track(id, stream, kind) {
    if (kind === "screen" && !this.call.people.get(id)?.screen) return; // it comes with the next `state`
    const video = this.tile(id, kind === "screen" ? "screen" : "video").querySelector("video");
    if (video) this.attach(video, stream);
  }

  /** @param {HTMLVideoElement} video @param {MediaStream} stream */
  attach(video, stream) {
    if (video.srcObject !== stream) video.srcObject = stream;
    video.play().catch((error) => {
      if (error.name === "NotAllowedError") $("sound").hidden = false;
    });
  }

  /** Browsers want a touch before they give sound. */
  play() {
    $("sound").hidden = true;
    for (const video of this.place.querySelectorAll("video")) this.attach(video, /** @type {MediaStream} */ (video.srcObject));
  }

  /** Brings the tiles up to what is known. */
  show() {
    const others = this.call.room.others;
    const sharing = others.filter((p) => p.screen);
    for (const old of this.place.querySelectorAll("[data-peer]")) if (!others.some((p) => p.peer === old.dataset.peer)) old.remove();
    for (const old of this.place.querySelectorAll("[data-screen]")) if (!sharing.some((p) => p.peer === old.dataset.screen)) old.remove();
    for (const person of others) this.label(this.tile(person.peer, "video"), person);
    for (const person of sharing) {
      const figure = this.tile(person.peer, "screen");
      const caption = figure.querySelector("figcaption");
      const words = [say("screen-of", { name: person.name }), person.paused ? say("picture-paused") : ""];
      if (caption) caption.textContent = words.filter(Boolean).join(" · ");
    }
    this.place.dataset.count = String(others.length);
    this.place.classList.toggle("sharing", sharing.length > 0);
    $("alone").hidden = others.length > 0;
  }

  /** @param {HTMLElement} figure @param {PeerView} person */
  label(figure, person) {
    const peer = this.call.peers.get(person.peer);
    const unconnected = ["new", "connecting", "failed"].includes(peer?.pc.connectionState || "");
    const why = [person.away && "away", unconnected && "connecting", !person.video && "off", person.paused && "paused"].find(Boolean);
    figure.classList.toggle("no-picture", Boolean(why));
    figure.classList.toggle("hand", person.hand);
    const [off, caption, video] = ["p.off", "figcaption", "video"].map((s) => /** @type {any} */ (figure.querySelector(s)));
    off.textContent = why ? say(/** @type {Record<string, string>} */ (REASONS)[why]) : "";
    // Off for the room is off here, even if it is sent.
    video.muted = !person.audio;
    if (peer && video.srcObject !== peer.camera) this.attach(video, peer.camera);
    const silent = person.permissions.includes("audio") && !person.audio ? say("muted") : "";
    caption.textContent = [named(person), silent, person.hand ? say("hand-up") : ""].filter(Boolean).join(" · ");
  }
}
