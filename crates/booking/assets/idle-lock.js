// Locks a browser that nobody has touched for some minutes: the log-in ends on the server, and every page of somebody is
// covered in its place, so that nothing of it can be read and nothing that was typed is lost. The same person unlocks it
// there; another one starts afresh. A running call counts as being there, in whichever tab it runs.
import { api, ApiProblem, cookie, cookieName, isLocked } from "/static/api.js";
import { word } from "/static/words.js";

const TOUCHED = "sanbao-last-touch";
const MINUTES = Number(cookie("sanbao_idle_minutes")) || 10;
const CHECK_MS = Math.min(5000, MINUTES * 15000);
/** What a tab with a running call holds for as long as it runs. */
const CALL = "sanbao-call";
const LOCKED_SECONDS_MAX = 30 * 24 * 3600;

const screen = /** @type {HTMLTemplateElement | null} */ (document.getElementById("lock-template"));
const account = screen?.dataset.account || "";
const organisation = screen?.dataset.organisation || "";
const channel = typeof BroadcastChannel === "function" ? new BroadcastChannel("sanbao-idle") : null;

/** The server ends the log-in of a shared device that nobody presses anything on, whatever renews itself there. */
const TELL_EVERY_MS = 60000;
const TOLD = "sanbao-press-told";
let toldHere = 0;
async function tell() {
  let last = toldHere;
  try {
    last = Number(localStorage.getItem(TOLD)) || last;
    if (Date.now() - last >= TELL_EVERY_MS) localStorage.setItem(TOLD, String(Date.now()));
  } catch {
    // This page alone remembers it then.
  }
  if (Date.now() - last < TELL_EVERY_MS || covered || !cookie("sanbao_csrf")) return;
  toldHere = Date.now();
  // The press may be on a link: what leads away from the page must not take this along.
  const headers = { "x-csrf-token": cookie("sanbao_csrf") };
  const answer = await fetch("/session/press", { method: "POST", credentials: "same-origin", headers, keepalive: true }).catch(() => null);
  if (answer?.status === 401) api("POST", "/session/press").catch(() => null);
}

/** Notes that somebody is there; all tabs of the browser share the note. */
function touch() {
  tell();
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

/** Somebody has logged in: the same person goes on in the same organisation, another one starts afresh. */
async function whoIsIt() {
  const answer = await fetch("/session", { credentials: "same-origin", headers: { accept: "application/json" } }).catch(() => null);
  if (!answer || !answer.ok) return;
  const found = await answer.json();
  if (found.account === account && found.organisation === organisation) return uncover();
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
    // The password was right, and the account has a second factor: its code is asked for in the same place.
    const next = answer.status === 202 ? /** @type {HTMLElement | null} */ (covered?.querySelector("[data-lock-factor]")) : null;
    if (next) {
      next.hidden = false;
      return /** @type {HTMLElement | null} */ (next.querySelector("input:not([type='hidden'])"))?.focus();
    }
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

/** @type {(() => void) | null} */ let hangUp = null;
/** Holds a lock of the browser while a call runs here: unlike an answer, it is seen at once however busy this tab is.
 * @param {boolean} running */
function hold(running) {
  if (running === Boolean(hangUp) || !navigator.locks) return;
  if (!running) return hangUp && (hangUp(), (hangUp = null));
  const over = new Promise((resolve) => (hangUp = () => resolve(null)));
  navigator.locks.request(CALL, { mode: "shared" }, () => over);
}

/** Whether any tab is in a call. Where pages are not secure there are no locks, and no cameras either.
 * @returns {Promise<boolean>} */
async function anyCall() {
  const known = await navigator.locks?.query();
  return Boolean(known?.held?.some(({ name }) => name === CALL));
}

let asking = false;
async function check() {
  const running = inConversation();
  hold(running);
  if (running) touch();
  if (isLocked()) {
    cover("idle");
    return end();
  }
  if (covered) return cookie("sanbao_csrf") && cookie("sanbao_csrf") !== csrf ? whoIsIt() : undefined;
  if (!screen || asking || idleMs() < MINUTES * 60000) return document.documentElement.classList.remove("locking");
  asking = true;
  const somebody = await anyCall();
  asking = false;
  if (somebody) touch();
  document.documentElement.classList.remove("locking");
  if (somebody || idleMs() < MINUTES * 60000) return;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${cookieName("sanbao_locked")}=1; path=/; max-age=${LOCKED_SECONDS_MAX}; samesite=lax${secure}`;
  channel?.postMessage("locked");
  cover("idle");
  end();
}

channel?.addEventListener("message", ({ data }) => {
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
