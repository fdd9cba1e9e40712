// Locks a browser that nobody has touched for some minutes: the log-in ends on the server, and every page of somebody is
// covered in its place, so that nothing of it can be read and nothing that was typed is lost. The same person unlocks it
// there; another one starts afresh. A running call counts as being there, in whichever tab it runs.
import { api, ApiProblem, cookie, isLocked } from "/static/api.js";
import { word } from "/static/words.js";

const TOUCHED = "sanbao-last-touch";
const MINUTES = Number(cookie("sanbao_idle_minutes")) || 10;
const CHECK_MS = Math.min(5000, MINUTES * 15000);
const ANSWER_MS = 300;
const LOCKED_SECONDS_MAX = 30 * 24 * 3600;

const screen = /** @type {HTMLTemplateElement | null} */ (document.getElementById("lock-template"));
const account = screen?.dataset.account || "";
const channel = typeof BroadcastChannel === "function" ? new BroadcastChannel("sanbao-idle") : null;

/** Notes that somebody is there; all tabs of the browser share the note. */
function touch() {
  try {
    localStorage.setItem(TOUCHED, String(Date.now()));
  } catch {
    lastHere = Date.now();
  }
}
let lastHere = Date.now();

function idleMs() {
  try {
    return Date.now() - Number(localStorage.getItem(TOUCHED) || lastHere);
  } catch {
    return Date.now() - lastHere;
  }
}

/** A call that runs in this tab, or that one waits to be let into.
 * @returns {boolean} */
const inConversation = () =>
  document.body.classList.contains("in-call") ||
  document.body.dataset.state === "lobby" ||
  [...document.querySelectorAll("video:not([data-own], #preview)")].some((v) => {
    const { srcObject, paused, ended } = /** @type {HTMLVideoElement} */ (v);
    return Boolean(srcObject) && !paused && !ended;
  });

let noted = 0;
for (const kind of ["pointerdown", "keydown", "touchstart", "wheel"]) {
  addEventListener(
    kind,
    () => {
      if (covered) return;
      if (Date.now() - noted > Math.min(5000, CHECK_MS)) touch();
      noted = Date.now();
    },
    { passive: true, capture: true },
  );
}

// ---- the cover

/** @type {HTMLDialogElement | null} */ let covered = null;
/** The log-in that the covered page was of. */ let csrf = "";
let title = "";
/** @type {((back: boolean) => void)[]} callers that wait for the log-in */ let waiting = [];
/** @type {Element | null} */ let focused = null;

/** @param {"idle" | "lost"} why */
function cover(why) {
  document.documentElement.classList.remove("locking");
  if (covered || !screen) return;
  [csrf, title, focused] = [cookie("sanbao_csrf"), document.title, document.activeElement];
  covered = /** @type {HTMLDialogElement} */ (/** @type {Element} */ (screen.content.firstElementChild).cloneNode(true));
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("body > *"))) part.inert = true;
  document.documentElement.classList.add("locked");
  document.body.append(covered);
  document.title = /** @type {HTMLElement} */ (covered.querySelector("h1")).textContent || "";
  covered.addEventListener("cancel", (event) => event.preventDefault());
  covered.addEventListener("close", () => covered && covered.showModal());
  covered.addEventListener("submit", unlock);
  covered.addEventListener("click", (event) => /** @type {HTMLElement} */ (event.target).closest("a") && leave());
  // A dialog of the page that is open would keep all others from being used.
  if (covered.showModal) covered.showModal();
  else covered.setAttribute("open", "");
  /** @type {HTMLElement | null} */ (covered.querySelector("input:not([type='hidden'])"))?.focus();
  state(why === "lost" ? word("lock-lost") : "");
}

/** @param {string} text */
function state(text) {
  const line = covered?.querySelector("[data-lock-state]");
  if (line && line.textContent !== text) line.textContent = text;
}

function uncover() {
  const cover = covered;
  if (!cover) return;
  covered = null;
  cover.remove();
  document.documentElement.classList.remove("locked");
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("body > *"))) part.inert = false;
  document.title = title;
  if (focused instanceof HTMLElement) focused.focus();
  touch();
  for (const back of waiting.splice(0)) back(true);
  dispatchEvent(new Event("sanbao:unlocked"));
}

/** What was typed is another's now, or is given up: no question whether to leave. */
function leave() {
  addEventListener("beforeunload", (event) => event.stopImmediatePropagation(), { capture: true });
}

/** Somebody has logged in: the same person goes on, another one starts afresh. */
async function whoIsIt() {
  const answer = await fetch("/session", { credentials: "same-origin", headers: { accept: "application/json" } }).catch(() => null);
  if (!answer || !answer.ok) return;
  const found = await answer.json();
  if (found.account === account) return uncover();
  leave();
  location.replace("/");
}

/** @param {Event} event a form on the cover was filled in */
async function unlock(event) {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (event.target);
  const button = /** @type {HTMLElement} */ (form.querySelector("[type='submit']"));
  const told = /** @type {HTMLElement} */ (covered?.querySelector("[data-lock-error]"));
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  told.hidden = true;
  try {
    const headers = { accept: "application/json", "content-type": "application/json" };
    const body = JSON.stringify(Object.fromEntries(new FormData(form)));
    const answer = await fetch(form.action, { method: "POST", credentials: "same-origin", headers, body });
    if (!answer.ok) throw new ApiProblem(await answer.json().catch(() => ({ status: answer.status })));
    channel?.postMessage("unlocked");
    await whoIsIt();
  } catch (problem) {
    told.textContent = problem instanceof ApiProblem ? problem.message : word("lock-offline");
    told.hidden = false;
    for (const field of /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll("[type='password']"))) field.value = "";
    /** @type {HTMLElement | null} */ (form.querySelector("[type='password']"))?.focus();
  } finally {
    button.removeAttribute("aria-busy");
  }
}

document.addEventListener("sanbao:session-lost", (event) => {
  if (!screen) return;
  /** @type {CustomEvent} */ (event).detail.back = new Promise((resolve) => waiting.push(resolve));
  cover("lost");
});

// ---- locking

let ending = false;
/** Ends the log-in on the server; without a network as soon as there is one. */
async function end() {
  if (ending || !cookie("sanbao_csrf")) return;
  ending = true;
  const headers = { "x-csrf-token": cookie("sanbao_csrf") };
  const answer = await fetch("/session/lock", { method: "POST", credentials: "same-origin", headers, keepalive: true }).catch(() => null);
  ending = false;
  state(answer && answer.status < 500 ? "" : word("lock-waits"));
}

/** Whether another tab is in a call, or was touched; one that sleeps does not answer, and has no call either.
 * @returns {Promise<boolean>} */
function elsewhere() {
  return new Promise((resolve) => {
    const hear = (/** @type {MessageEvent} */ { data }) => data === "here" && resolve(true);
    channel?.addEventListener("message", hear);
    channel?.postMessage("anybody?");
    setTimeout(() => (channel?.removeEventListener("message", hear), resolve(false)), channel ? ANSWER_MS : 0);
  });
}

let asking = false;
async function check() {
  if (inConversation()) touch();
  if (isLocked()) {
    cover("idle");
    return end();
  }
  if (covered) return cookie("sanbao_csrf") && cookie("sanbao_csrf") !== csrf ? whoIsIt() : undefined;
  if (!screen || asking || idleMs() < MINUTES * 60000) return document.documentElement.classList.remove("locking");
  asking = true;
  const somebody = await elsewhere();
  asking = false;
  if (somebody) touch();
  document.documentElement.classList.remove("locking");
  if (somebody || idleMs() < MINUTES * 60000) return;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `sanbao_locked=1; path=/; max-age=${LOCKED_SECONDS_MAX}; samesite=lax${secure}`;
  channel?.postMessage("locked");
  cover("idle");
  end();
}

channel?.addEventListener("message", ({ data }) => {
  if (data === "anybody?" && !covered && inConversation()) channel.postMessage("here");
  if (data === "locked" || data === "unlocked") check();
});

/** A tablet that slept shows the page again before its timers run. */
function woken() {
  if (screen && !covered && !isLocked() && idleMs() >= MINUTES * 60000) document.documentElement.classList.add("locking");
  check();
}

if (!isLocked()) touch();
setInterval(check, CHECK_MS);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && woken());
addEventListener("pageshow", (event) => event.persisted && woken());
addEventListener("online", check);
check();
