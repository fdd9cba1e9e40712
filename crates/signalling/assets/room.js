// The consult room's page: stages, tiles, the lobby's ring, the verdict, hanging up and finishing.
import { api } from "/static/api.js";
import { connect } from "/static/sanbao-signal.js";
import { Devices } from "/static/room-devices.js";
import { Ring } from "/static/room-ring.js";
import { verdict } from "/static/room-verdict.js";

/** @type {(id: string) => any} */
const $ = (id) => document.getElementById(id);
/** @type {Record<string, string>} */
const words = JSON.parse($("words").textContent);
/** @param {string} key @param {Record<string, string|number>} [values] */
const say = (key, values = {}) => (words[key] || key).replace(/%(\w+)%/g, (_, name) => String(values[name] ?? ""));
/** @param {{name: string, role: string}} person */
const role = (person) => say(`role-${person.role}`);
/** A guest's name often says already who they are: 李小明(儿子). @param {{name: string, role: string}} person */
const named = (person) => (person.role === "guest" && /[((]/.test(person.name) ? person.name : `${person.name}(${role(person)})`);

const query = new URLSearchParams(location.search);
const hash = new URLSearchParams(location.hash.slice(1));
const consult = query.get("consult");
const relayOnly = (query.get("relay") || hash.get("relay")) === "1";
const STAGES = ["opening", "prejoin", "lobby", "call", "over"];
const VERDICT_EVERY_MS = 2000;
const TICKET_SPARE_S = 30;

const devices = new Devices();
/** @type {import("./sanbao-signal.js").Call|null} */ let call = null;
/** @type {Ring|null} */ let ring = null;
/** @type {Map<string, {name: string, role: string, since: string}>} */ const waiting = new Map();
let me = "";
let phone = "";
let waitingSince = 0;
let aloneSince = 0;
let noTicket = "";
let stopLevel = () => {};

/** @param {string} stage the section to show @param {string} state for `body[data-state]` */
function show(stage, state) {
  for (const name of STAGES) $(name).hidden = name !== stage;
  document.body.dataset.state = state;
  document.body.classList.toggle("in-call", stage === "call");
}

/** The end of the page's work. @param {string} key @param {string} state @param {Record<string, string|number>} [values] */
function over(key, state, values) {
  ring?.set(false);
  clearInterval(verdictTimer);
  $("finish-dialog").close();
  $("link").hidden = true;
  $("over-title").textContent = say(`over-${key}`);
  $("over-text").textContent = say(`over-${key}-text`, values);
  $("again").hidden = !["left", "replaced", "failed", "early"].includes(key);
  show("over", state);
  $("over-title").focus();
  devices.close();
}

// ---- the ticket

/** When a signed ticket runs out, in seconds since 1970. @param {string} ticket */
const expiry = (ticket) => {
  try {
    return JSON.parse(atob(ticket.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))).exp;
  } catch {
    return 0;
  }
};

/** A guest's secret stays in this tab: a reload or a change of language must not lose it. */
function guestToken() {
  const given = hash.get("guest");
  try {
    if (given) sessionStorage.setItem("sanbao-guest", given);
    return given || (consult ? null : sessionStorage.getItem("sanbao-guest"));
  } catch {
    return given;
  }
}

let kept = hash.get("ticket") || "";

/** Not by `api`: a guest has no log-in to be sent to. @param {string} token */
async function guestTicket(token) {
  const answer = await fetch("/v1/guest-tickets", {
    method: "POST",
    credentials: "omit",
    headers: { accept: "application/json", "content-type": "application/json" },
    body: JSON.stringify({ token }),
  });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(body.detail || body.title || ""), { status: answer.status });
  return body;
}

/** @returns {Promise<string>} */
async function ticket() {
  if (kept && (hash.has("ticket") || expiry(kept) - TICKET_SPARE_S > Date.now() / 1000)) return kept;
  const token = guestToken();
  const answer = token
    ? await guestTicket(token)
    : await api("POST", `/v1/consults/${encodeURIComponent(consult || "")}/ticket`);
  kept = answer.ticket;
  if (answer.summary_url) showCase(answer.summary_url);
  if (answer.back_url) goBackTo(answer.back_url);
  return kept;
}

/** Where the last button leads: a page of this site, as the link or the ticket's answer says. @param {string|null} url */
function goBackTo(url) {
  if (url && /^\/(?![/\\])/.test(url)) $("home").href = url;
}

/** The case beside the picture; a fragment of a page that this one knows nothing about. @param {string} url */
async function showCase(url) {
  if ($("case").dataset.url === url || !/^\/(?![/\\])/.test(url)) return;
  $("case").dataset.url = url;
  const answer = await fetch(url, { headers: { accept: "text/html" }, credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const content = page.querySelector("main") || page.body;
  $("case-text").replaceChildren(...content.childNodes);
  if (!$("case-text").textContent.trim()) $("case-text").textContent = say("case-none");
  $("case").hidden = false;
}

// ---- before entering

function showToggles() {
  for (const [id, kind] of [["pre-audio", "audio"], ["pre-video", "video"], ["audio", "audio"], ["video", "video"]]) {
    const on = devices.on[/** @type {"audio"|"video"} */ (kind)];
    $(id).setAttribute("aria-pressed", String(on));
    $(id).querySelector("span").textContent = say(`${kind === "audio" ? "microphone" : "camera"}-${on ? "on" : "off"}`);
  }
  document.body.classList.toggle("camera-off", !devices.on.video);
}

/** @param {"audio"|"video"} kind */
async function toggle(kind) {
  try {
    await devices.set(kind, !devices.on[kind]);
  } catch {
    devices.on[kind] = false;
    notify(say("device-busy"));
  }
  showToggles();
  call?.setState({ ...devices.on });
}

/** @param {string} text */
function notify(text) {
  const line = document.createElement("p");
  line.className = "notice warn";
  line.textContent = text;
  $("notice").replaceChildren(line);
  setTimeout(() => line.remove(), 8000);
}

async function preJoin() {
  const problem = await devices.open();
  for (const video of document.querySelectorAll("video[data-own], #preview")) {
    /** @type {HTMLVideoElement} */ (video).srcObject = devices.stream;
  }
  $("device-problem").hidden = !problem;
  if (problem) $("device-problem").textContent = say(problem);
  for (const place of document.querySelectorAll("[data-devices]")) devices.offer(place, say);
  stopLevel = devices.showLevel($("level"));
  showToggles();
}

// ---- inside

/** @param {string} id @returns {HTMLElement} */
function tile(id) {
  let found = document.querySelector(`[data-peer="${CSS.escape(id)}"]`);
  if (!found) {
    found = document.createElement("figure");
    found.setAttribute("role", "listitem");
    /** @type {HTMLElement} */ (found).dataset.peer = id;
    const video = document.createElement("video");
    video.autoplay = true;
    video.playsInline = true;
    const off = document.createElement("p");
    off.className = "off";
    off.textContent = say("off");
    found.append(video, off, document.createElement("figcaption"));
    $("tiles").append(found);
  }
  return /** @type {HTMLElement} */ (found);
}

function showPeople() {
  if (!call) return;
  const others = [...call.people.values()].filter((p) => p.peer !== me);
  for (const old of $("tiles").querySelectorAll("[data-peer]")) {
    if (!others.some((p) => p.peer === old.dataset.peer)) old.remove();
  }
  for (const person of others) {
    const element = tile(person.peer);
    element.classList.toggle("no-picture", !person.video);
    const muted = person.publish && !person.audio ? ` · ${say("muted")}` : "";
    element.querySelector("figcaption").textContent = `${named(person)}${muted}`;
  }
  $("tiles").dataset.count = String(others.length);
  $("alone").hidden = others.length > 0;
  $("verdict").hidden = others.length === 0;
  if (others.length === 0 && document.body.dataset.state === "connected") document.body.dataset.state = "joined";
  aloneSince = others.length === 0 ? 0 : aloneSince || performance.now();
}

function showRings() {
  const place = $("rings");
  place.replaceChildren();
  for (const [peer, person] of waiting) {
    const line = document.createElement("div");
    line.className = "ring";
    line.append(Object.assign(document.createElement("p"), { textContent: say("rings", { name: named(person) }) }));
    for (const [action, kind] of /** @type {["admit"|"refuse", string][]} */ ([["admit", "primary"], ["refuse", ""]])) {
      const button = Object.assign(document.createElement("button"), { type: "button", className: `button ${kind}`, textContent: say(action) });
      button.dataset.action = action;
      button.onclick = () => call?.[action](peer).catch(refused);
      line.append(button);
    }
    place.append(line);
  }
  ring?.set(waiting.size > 0, say("ring-title"));
}

/** @param {any} error */
function refused(error) {
  notify(say(error.code === "room-full" ? "error-room-full" : "error-other"));
}

/** @type {any[]} */ let lastStats = [];
let lastStatsAt = 0;
/** @type {any} */ let verdictTimer;

async function judge() {
  if (!call || !call.inside) return;
  const now = await call.stats();
  const at = performance.now();
  const connected = [...call.peers.values()].some((p) => p.pc.connectionState === "connected");
  const picture = (/** @type {string} */ id) => Boolean(call?.people.get(id)?.video);
  const waitedS = aloneSince ? (at - aloneSince) / 1000 : 0;
  const { key, tone } = verdict({ before: lastStats, now, seconds: (at - lastStatsAt) / 1000, picture, connected, waitedS });
  lastStats = now;
  lastStatsAt = at;
  const line = $("verdict");
  line.className = `badge ${tone}`;
  const text = say(key === "verdict-phone" && !phone ? "verdict-waiting" : key, { phone });
  if (line.textContent !== text) line.textContent = text;
}

/** What the tests read: decoded frames and the kind of path, over all peers. */
Object.assign(window, {
  sanbaoStats: async () => {
    const all = call ? await call.stats() : [];
    return {
      framesDecoded: all.reduce((sum, s) => sum + s.framesDecoded, 0),
      localCandidateType: all[0]?.localCandidateType || "",
      remoteCandidateType: all[0]?.remoteCandidateType || "",
    };
  },
});

// ---- the call

function start() {
  show("opening", "opening");
  call = connect({ ticket, stream: devices.stream, iceTransportPolicy: relayOnly ? "relay" : "all" });
  const mine = call;
  devices.changed = (kind, track) => void mine.setTrack(kind, track);
  call
    .on("welcome", (w) => {
      me = w.peer;
      phone = w.phone || "";
      $("as").textContent = say("as", { name: named(w.you) });
      $("finish").hidden = !w.you.control;
      for (const line of document.querySelectorAll("p.phone")) {
        const link = /** @type {HTMLAnchorElement} */ (line.querySelector("a"));
        /** @type {HTMLElement} */ (line).hidden = !phone;
        link.textContent = phone;
        link.href = `tel:${phone.replace(/[^+\d]/g, "")}`;
      }
      if (!mine.wanted) show("prejoin", "prejoin");
    })
    .on("lobby", () => {
      waitingSince = Date.now();
      showWaited();
      show("lobby", "lobby");
    })
    .on("joined", (m) => {
      waiting.clear();
      for (const w of m.room.waiting) waiting.set(w.peer, w);
      show("call", "joined");
      showPeople();
      showRings();
      lastStats = [];
      clearInterval(verdictTimer);
      verdictTimer = setInterval(judge, VERDICT_EVERY_MS);
    })
    .on("ring", (m) => {
      waiting.set(m.peer, m);
      showRings();
    })
    .on("ring_over", (m) => {
      waiting.delete(m.peer);
      showRings();
    })
    .on("peer_joined", showPeople)
    .on("peer_left", showPeople)
    .on("state", showPeople)
    .on("track", ({ peer, stream }) => {
      const video = tile(peer).querySelector("video");
      if (video && video.srcObject !== stream) video.srcObject = stream;
    })
    .on("media", ({ state }) => {
      if (state === "connected" && mine.inside) document.body.dataset.state = "connected";
    })
    .on("finished", (m) => {
      over("finished", "finished", { by: m.by, minutes: Math.max(1, Math.round(m.together_seconds / 60)) });
    })
    .on("error", (m) => {
      if (m.code === "no-ticket") noTicket = m.cause?.message || "";
      if (m.code !== "room-full" && m.code !== "lobby-full") return;
      mine.wanted = null;
      $("enter-problem").textContent = say(m.code === "room-full" ? "error-room-full" : "error-lobby-full");
      $("enter-problem").hidden = false;
      show("prejoin", "prejoin");
    })
    .on("link", linkChanged);
}

/** @param {{state: string, attempt: number, again: boolean, code: number, reason: string}} link */
function linkChanged({ state, attempt, again, code, reason }) {
  $("link").hidden = state !== "waiting" && !(state === "connecting" && again);
  if (!$("link").hidden) $("link").textContent = say("link-lost", { n: attempt });
  if (state !== "closed" || document.body.dataset.state === "finished") return;
  /** @type {Record<number, string>} */
  const endings = { 1000: "left", 4100: "finished", 4101: "refused", 4103: "expired", 4104: "early", 4105: "replaced" };
  if (code === 4100) return over("finished", "finished", { by: "", minutes: "" });
  if (reason !== "no-ticket") return over(endings[code] || "failed", endings[code] || "failed");
  over("failed", "failed");
  // Whoever schedules says why: too early, consent missing, link used up.
  if (noTicket) $("over-text").textContent = noTicket;
}

function showWaited() {
  const minutes = Math.floor((Date.now() - waitingSince) / 60000);
  $("waited").textContent = minutes > 0 ? say("waited", { minutes }) : say("waited-short");
}

$("enter").onclick = () => {
  stopLevel();
  ring = ring || new Ring();
  $("enter-problem").hidden = true;
  call?.join({ ...devices.on });
};
$("pre-audio").onclick = $("audio").onclick = () => toggle("audio");
$("pre-video").onclick = $("video").onclick = () => toggle("video");
$("hang-up").onclick = $("lobby-leave").onclick = () => call?.leave();
$("again").onclick = () => location.reload();
$("finish").onclick = () => $("finish-dialog").showModal();
$("finish-no").onclick = () => $("finish-dialog").close();
$("finish-yes").onclick = () => {
  $("finish-dialog").close();
  call?.finish().catch((error) => document.body.dataset.state !== "finished" && refused(error));
};
addEventListener("keydown", (event) => {
  const typing = /** @type {HTMLElement} */ (event.target).closest("input, select, textarea, dialog");
  if (typing || event.ctrlKey || event.altKey || event.metaKey || $("call").hidden) return;
  if (event.key === "m") toggle("audio");
  if (event.key === "v") toggle("video");
});
setInterval(() => document.body.dataset.state === "lobby" && showWaited(), 5000);
goBackTo(query.get("back"));
addEventListener("hashchange", () => location.reload());

if (!consult && !kept && !guestToken()) {
  over("no-link", "failed");
} else {
  preJoin().then(start);
}
