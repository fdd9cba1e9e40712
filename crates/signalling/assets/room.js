// The consult room's page: its stages, the controls, and what ties the parts together.
import { connect } from "./sanbao-signal.js";
import { Check } from "./room-check.js";
import { Devices, problemOf } from "./room-devices.js";
import { panels } from "./room-panels.js";
import { Ring } from "./room-ring.js";
import { hasWay, isStaff, place, setting, showAgain, ticket } from "./room-ticket.js";
import { Tiles } from "./room-tiles.js";
import { $, ask, clock, failed, known, named, notify, say, stopAsking } from "./room-words.js";

/** @typedef {import("./sanbao-signal.js").Call} Call */

const STAGES = ["opening", "prejoin", "lobby", "call", "over"];
const devices = new Devices();
const ring = new Ring();
/** @type {Call|null} */ let call = null;
/** @type {MediaStreamTrack|null} */ let screen = null;
let picking = false;
let phone = "";
let waitingSince = 0;
let ringAgainAt = 0;
let noTicket = "";
let stopLevel = () => {};

/** @param {string} stage the section to show @param {string} state for `body[data-state]` */
function show(stage, state) {
  for (const name of STAGES) $(name).hidden = name !== stage;
  document.body.dataset.state = state;
  document.body.classList.toggle("in-call", stage === "call");
}

/** The end of the page's work.
 * @param {string} key @param {string} state @param {Record<string, string|number>} [values] */
function over(key, state, values) {
  ring.set(false);
  stopAsking();
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  $("link").hidden = true;
  const words = (/** @type {string} */ name) => say(isStaff() && known(`${name}-staff`) ? `${name}-staff` : name, values);
  $("over-title").textContent = words(key.startsWith("finished") ? "over-finished" : `over-${key}`);
  $("over-text").textContent = words(`over-${key}-text`);
  $("again").hidden = !["left", "replaced", "failed", "early", "finished-apart", ...(isStaff() ? ["expired", "revoked"] : [])].includes(key);
  show("over", state);
  $("over-title").focus();
  screen?.stop();
  devices.close();
}

// ---- own devices

const media = () => ({ ...devices.on, screen: Boolean(screen) });

function showToggles() {
  for (const [id, kind] of [["pre-audio", "audio"], ["pre-video", "video"], ["audio", "audio"], ["video", "video"]]) {
    const on = devices.on[/** @type {"audio"|"video"} */ (kind)];
    $(id).setAttribute("aria-pressed", String(on));
    $(id).querySelector("span").textContent = say(`${kind === "audio" ? "microphone" : "camera"}-${on ? "on" : "off"}`);
  }
  const up = Boolean(call?.room.self?.hand);
  $("hand").setAttribute("aria-pressed", String(up));
  $("hand").querySelector("span").textContent = say(up ? "hand-down" : "hand");
  $("screen").setAttribute("aria-pressed", String(Boolean(screen)));
  $("screen").querySelector("span").textContent = say(screen ? "screen-stop" : "screen");
  document.body.classList.toggle("camera-off", !devices.on.video);
}

/** @param {"audio"|"video"} kind @param {boolean} [on] */
async function toggle(kind, on = !devices.on[kind]) {
  try {
    await devices.set(kind, on);
  } catch (error) {
    devices.on[kind] = false;
    notify(say(kind === "audio" && problemOf(error) === "device-busy" ? "microphone-busy" : problemOf(error)));
  }
  showToggles();
  call?.setState(media());
}

async function toggleScreen() {
  if (screen) return stopScreen();
  if (picking) return; // one choice of a screen at a time
  picking = true;
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { max: 15 } }, audio: false });
    [screen] = stream.getVideoTracks();
    screen.contentHint = "detail";
    screen.onended = stopScreen;
    await call?.setTrack("screen", screen);
    call?.setState(media());
  } catch (error) {
    if (/** @type {any} */ (error).name !== "NotAllowedError") notify(say("screen-failed"));
  }
  picking = false;
  showToggles();
}

async function stopScreen() {
  screen?.stop();
  screen = null;
  await call?.setTrack("screen", null);
  call?.setState(media());
  showToggles();
}

async function openDevices() {
  const problem = await devices.open();
  for (const video of document.querySelectorAll("video[data-own], #preview")) {
    /** @type {HTMLVideoElement} */ (video).srcObject = devices.stream;
  }
  $("device-problem").hidden = !problem;
  if (problem) $("device-problem").textContent = say(problem);
  for (const spot of document.querySelectorAll("[data-devices]")) devices.offer(spot, say);
  if (!devices.on.video && devices.track("video")) await devices.set("video", false);
  call?.setState(media());
  showToggles();
}

// ---- the call

/** @param {any} welcome @param {Check} check @param {() => void} inside */
function welcomed(welcome, check, inside) {
  const mine = /** @type {Call} */ (call);
  phone = welcome.phone || "";
  $("as").textContent = say("as", { name: named(welcome.you) });
  for (const line of document.querySelectorAll("p.phone")) {
    const link = /** @type {HTMLAnchorElement} */ (line.querySelector("a"));
    /** @type {HTMLElement} */ (line).hidden = !phone;
    link.textContent = phone;
    link.href = `tel:${phone.replace(/[^+\d]/g, "")}`;
  }
  if (welcome.resumed === "snapshot" && mine.inside) {
    devices.follow({ audio: Boolean(mine.room.self?.audio), video: Boolean(mine.room.self?.video) });
    return inside();
  }
  if (welcome.place === "lobby") return showLobby({});
  if (mine.wanted || document.body.dataset.state === "prejoin") return;
  show("prejoin", "prejoin");
  opened.then(() => {
    stopLevel();
    stopLevel = devices.showLevel($("level"));
    check.run();
  });
}

/** @param {{since?: string, because?: string, ring_again_ms_min?: number}} lobby */
function showLobby({ since, because, ring_again_ms_min = 10000 }) {
  waitingSince = since ? Date.parse(since) : Date.now();
  ringAgainAt = Date.now() + ring_again_ms_min;
  const waits = call?.room.staffPresent ? "lobby-text" : "lobby-text-nobody";
  $("lobby-text").textContent = say(because === "put_back" ? "lobby-put-back" : waits);
  showWaited();
  show("lobby", "lobby");
}

function start() {
  show("opening", "opening");
  const transport = setting("transport");
  call = connect({
    ticket,
    keep: place(),
    stream: devices.stream,
    iceTransportPolicy: setting("relay") === "1" ? "relay" : "all",
    ...(transport ? { transports: [/** @type {any} */ (transport)] } : {}),
  });
  const mine = /** @type {Call} */ (call);
  const [tiles, check] = [new Tiles(mine), new Check(mine, devices)];
  /** @type {Promise<any>|undefined} What shows the inside: what enters the room need not wait for it. */ let later;
  /** @type {import("./room-people.js").People|undefined} */ let people;
  /** @type {import("./room-chat.js").Chat|undefined} */ let chat;
  /** @type {import("./room-record.js").Recording|undefined} */ let recording;
  /** @type {any[]} What came before the part was there that it is for. */ const early = [];
  mine.on("own", (/** @type {any} */ message) => recording || early.push(message));
  const furnish = async () => {
    const parts = [import("./room-people.js"), import("./room-chat.js"), import("./room-line.js"), import("./room-record.js")];
    const [{ People }, { Chat }, { Line }, { Recording }] = /** @type {any[]} */ (await Promise.all(parts));
    [people, chat, recording] = [new People(mine, ring), new Chat(mine), new Recording(mine)];
    for (const message of early.splice(0)) recording?.own(message);
    if (mine.inside) refresh();
    return new Line(mine, () => phone, setting("picture") === "always");
  };
  const choose = panels((/** @type {string} */ panel) => panel === "chat" && chat?.show());
  devices.changed = (kind, track) => void mine.setTrack(kind, track);
  const refresh = () => {
    for (const part of [tiles, people, chat, recording]) part?.show();
    devices.fit(mine.room.others.length);
    $("finish").hidden = !mine.room.may("control");
    $("screen").hidden = !mine.room.may("screen") || !navigator.mediaDevices?.getDisplayMedia;
    if (mine.room.others.length === 0 && document.body.dataset.state === "connected") document.body.dataset.state = "joined";
    showToggles();
  };
  const inside = () => {
    stopLevel();
    show("call", "joined");
    choose($("tab-case").hidden ? "people" : "case");
    refresh();
    later ||= furnish().catch((error) => {
      later = undefined; // it is fetched again with the next snapshot
      throw error;
    });
    later.then((line) => line.look()).catch((error) => console.warn("inside", error));
  };
  for (const type of ["peer_joined", "peer_left", "peer_away", "peer_back", "peer_reset", "state", "permissions", "consent", "removed_list", "quality", "precheck"]) {
    mine.on(type, () => mine.inside && refresh());
  }
  for (const type of ["ring", "ring_over"]) mine.on(type, () => people?.showRings());
  mine
    .on("welcome", (w) => welcomed(w, check, inside))
    .on("lobby", showLobby)
    .on("joined", inside)
    .on("muted", ({ by }) => mutedBy(by))
    .on("permissions", (m) => m.peer === mine.room.me && permitted())
    .on("media", ({ state }) => {
      if (mine.inside) tiles.show();
      if (state === "connected" && mine.inside) document.body.dataset.state = "connected";
    })
    .on("finished", finished)
    .on("lost", ({ message }) => message.type === "state" && mine.setState(media()))
    .on("error", (m) => refusedEntry(m))
    .on("link", linkChanged);
}

/** @param {{by: string, together_seconds: number}} visit */
function finished({ by, together_seconds }) {
  const minutes = Math.round(together_seconds / 60);
  const met = together_seconds > 0 || call?.room.met;
  const key = met ? (minutes > 0 ? "finished" : "finished-soon") : "finished-apart";
  over(key, "finished", { by, minutes });
}

/** @param {string} by who turned the sound off */
async function mutedBy(by) {
  await devices.set("audio", false);
  showToggles();
  notify(say("muted-by", { name: call?.people.get(by)?.name || by || "" }), "info");
}

/** What may no longer be sent is no longer sent. */
function permitted() {
  const room = call?.room;
  if (!room) return;
  for (const kind of /** @type {("audio"|"video")[]} */ (["audio", "video"])) if (!room.may(kind) && devices.on[kind]) toggle(kind, false);
  if (screen && !room.may("screen")) stopScreen();
  notify(say("permissions-changed"), "info");
}

/** @param {{code: string, re?: string, detail?: any, cause?: any}} error */
function refusedEntry({ code, re, detail, cause }) {
  if (code === "no-ticket") noTicket = cause?.message || "";
  if (code === "elsewhere") return void elsewhere(detail || {});
  if (re !== "join" || code === "closed" || code === "session-lost") return;
  $("enter-problem").textContent = say(known(`error-${code}`) ? `error-${code}` : "error-other");
  $("enter-problem").hidden = false;
  show("prejoin", "prejoin");
}

/** The same person is here by another device: theirs to choose.
 * @param {{since?: string, device_name?: string}} detail */
async function elsewhere({ since }) {
  const answers = [
    { key: "take_over", words: say("elsewhere-take-over"), kind: "primary" },
    { key: "both", words: say("elsewhere-both") },
    { key: "neither", words: say("elsewhere-neither") },
  ];
  const answer = await ask({ title: say("elsewhere-title"), text: say("elsewhere-text", { time: since ? clock(since) : "" }), answers });
  if (answer === "neither") return show("prejoin", "prejoin");
  call?.join({ ...media(), elsewhere: /** @type {any} */ (answer) });
}

/** Whether sound and picture go on without the relay. */
const talking = () => [...(call?.peers.values() || [])].some((p) => p.pc.connectionState === "connected");

/** @param {{state: string, attempt: number, again: boolean, code: number, reason: string}} link */
function linkChanged({ state, attempt, again, code, reason }) {
  $("link").hidden = state !== "waiting" && !(state === "connecting" && again);
  if (!$("link").hidden) $("link").textContent = say(talking() ? "link-lost" : "link-lost-outside", { n: attempt });
  if (state !== "closed" || document.body.dataset.state === "finished") return;
  /** @type {Record<number, string>} */
  const endings = {
    1000: "left", 4100: "finished", 4101: "refused", 4103: "expired", 4104: "early", 4105: "replaced", 4110: "removed", 4111: "revoked", 4112: "bound",
  };
  if (code === 4100) return over("finished-before", "finished");
  if (reason !== "no-ticket") return over(endings[code] || "failed", endings[code] || "failed");
  over("failed", "failed");
  // The booking service says why: too early, consent missing, link used up.
  if (noTicket) $("over-text").textContent = noTicket;
}

function showWaited() {
  const minutes = Math.floor((Date.now() - waitingSince) / 60000);
  $("waited").textContent = minutes > 0 ? say("waited", { minutes }) : say("waited-short");
  $("ring-again").disabled = Date.now() < ringAgainAt;
}

$("enter").onclick = () => {
  $("enter-problem").hidden = true;
  $("enter").disabled = true;
  call?.join(media()).finally(() => ($("enter").disabled = false));
};
$("pre-audio").onclick = $("audio").onclick = () => toggle("audio");
$("pre-video").onclick = $("video").onclick = () => toggle("video");
$("screen").onclick = toggleScreen;
$("hand").onclick = () => call?.hand(!call.room.self?.hand).catch(failed);
$("ring-again").onclick = () => {
  ringAgainAt = Date.now() + 10000;
  showWaited();
  call?.ring().then(() => notify(say("rang-again"), "ok"), failed);
};
$("hang-up").onclick = $("lobby-leave").onclick = () => call?.leave();
$("again").onclick = () => location.reload();
$("finish").onclick = () => {
  // Before both sides have met a visit stays open for late ones.
  const met = Boolean(call?.room.met);
  $("finish-text").hidden = !met;
  $("finish-text-apart").hidden = met;
  $("finish-dialog").showModal();
};
$("finish-no").onclick = () => $("finish-dialog").close();
$("finish-yes").onclick = () => {
  $("finish-dialog").close();
  call?.finish().catch((error) => document.body.dataset.state !== "finished" && failed(error));
};
addEventListener("keydown", (event) => {
  const typing = /** @type {HTMLElement} */ (event.target).closest("input, select, textarea, dialog");
  if (typing || event.ctrlKey || event.altKey || event.metaKey || $("call").hidden) return;
  if (event.key === "m") toggle("audio");
  if (event.key === "v") toggle("video");
  if (event.key === "h") $("hand").click();
});
setInterval(() => document.body.dataset.state === "lobby" && showWaited(), 2000);
addEventListener("hashchange", () => location.reload());

/** What the tests read: decoded frames and the kind of path, over all peers. */
Object.assign(window, {
  sanbaoCall: () => call,
  sanbaoStats: async () => {
    const found = { framesDecoded: 0, screenFrames: 0, frames: /** @type {number[]} */ ([]), localCandidateType: "", remoteCandidateType: "", relayProtocol: "" };
    for (const peer of call?.peers.values() || []) {
      const report = await peer.pc.getStats();
      let frames = 0;
      report.forEach((s) => {
        if (s.type === "inbound-rtp" && s.kind === "video" && peer.kindOf(s.mid, "video") === "video") frames += s.framesDecoded || 0;
        else if (s.type === "inbound-rtp" && s.kind === "video") found.screenFrames += s.framesDecoded || 0;
        const pair = s.type === "transport" && s.selectedCandidatePairId ? report.get(s.selectedCandidatePairId) : null;
        if (!pair) return;
        const local = report.get(pair.localCandidateId) || {};
        Object.assign(found, { localCandidateType: local.candidateType, remoteCandidateType: report.get(pair.remoteCandidateId)?.candidateType, relayProtocol: local.relayProtocol });
      });
      found.frames.push(frames);
      found.framesDecoded += frames;
    }
    return found;
  },
});

showAgain();
/** @type {Promise<void>} */ let opened = Promise.resolve();
if (!hasWay()) over("no-link", "failed");
else {
  opened = openDevices();
  start();
}
