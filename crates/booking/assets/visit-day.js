// A caregiver's day: what is pressed is kept on the phone first and sent when there is a network, once and in order.
import { api, ApiProblem, newKey } from "/static/api.js";
import { notice } from "/static/page.js";
import { filled } from "/static/words.js";

/** @typedef {{key: string, visit: string, step: string, body: any, refused?: string}} Saved */

const words = /** @type {HTMLElement} */ (document.getElementById("words")).dataset;
const BEFORE = `sanbao.visits.${words.account}`;
const PLACE = `${BEFORE}.${words.organisation}`;
// An account acted in one organisation only: its steps are of the first day that is opened.
if (localStorage.getItem(BEFORE) && !localStorage.getItem(PLACE)) localStorage.setItem(PLACE, localStorage.getItem(BEFORE) || "[]");
localStorage.removeItem(BEFORE);
const RETRY_MS = 15000;
const LOCATE_MS = 10000;
/** What a saved step makes of a visit's state. */
const NEXT = { scheduled: { "check-in": "in_service", "no-show": "no_show" }, in_service: { "check-out": "completed" } };

/** @returns {Saved[]} */
const saved = () => JSON.parse(localStorage.getItem(PLACE) || "[]");
/** @param {Saved[]} list */
const keep = (list) => localStorage.setItem(PLACE, JSON.stringify(list));

/** Shows each visit as it will be once what is saved has been sent. */
function draw() {
  const list = saved();
  for (const card of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-visit]"))) {
    const own = list.filter((s) => s.visit === card.dataset.visit);
    const refused = own.find((s) => s.refused);
    const state = own.filter((s) => !s.refused).reduce((at, s) => /** @type {any} */ (NEXT)[at]?.[s.step] || at, card.dataset.state || "");
    show(card, "[data-later='check-in']", state === "scheduled");
    show(card, "[data-later='check-out']", state === "in_service");
    show(card, "[data-later='no-show']", state === "scheduled");
    const told = /** @type {HTMLElement} */ (card.querySelector("[data-pending]"));
    told.hidden = own.length === 0;
    told.className = `notice ${refused ? "bad" : "warn"}`;
    told.textContent = refused ? `${words.refused} ${refused.refused} ` : words.pending || "";
    if (refused) {
      const clear = Object.assign(document.createElement("button"), { type: "button", className: "plain", textContent: words.clear });
      clear.addEventListener("click", () => {
        keep(saved().filter((s) => s.key !== refused.key));
        draw();
      });
      told.append(clear);
    }
  }
  const count = list.filter((s) => !s.refused).length;
  const line = /** @type {HTMLElement} */ (document.getElementById("waiting"));
  line.hidden = count === 0;
  line.textContent = filled(line.dataset.text || "", { count });
}

/** @param {HTMLElement} card @param {string} what @param {boolean} shown */
function show(card, what, shown) {
  const element = /** @type {HTMLElement | null} */ (card.querySelector(what));
  if (element) element.hidden = !shown;
}

let sending = false;
/** Sends what is saved, the oldest first; what the server refuses for good is shown, the rest is tried again. */
async function send() {
  if (sending) return;
  sending = true;
  try {
    for (let next = first(); next; next = first()) {
      const { key, visit, step, body } = next;
      try {
        const answer = await api("POST", `/v1/visits/${visit}/${step}`, body, { "idempotency-key": key });
        keep(saved().filter((s) => s.key !== key));
        const card = document.querySelector(`[data-visit="${visit}"]`);
        if (card && answer) /** @type {HTMLElement} */ (card).dataset.state = answer.state;
        notice(/** @type {any} */ (words)[{ "check-in": "checkIn", "check-out": "checkOut" }[step] || "noShow"]);
      } catch (problem) {
        const elsewhere = problem instanceof ApiProblem && /organisation-switched$/.test(problem.body.type || "");
        const final = problem instanceof ApiProblem && !elsewhere && problem.status >= 400 && problem.status < 500 && ![401, 408, 429].includes(problem.status);
        if (!final) return;
        const why = [problem.message, ...problem.errors.map((e) => e.detail)].join(" ");
        keep(saved().map((s) => (s.key === key ? { ...s, refused: why } : s)));
      }
      draw();
    }
  } finally {
    sending = false;
    draw();
  }
}

/** The oldest that can be sent: nothing of a visit goes past a refused step of it.
 * @returns {Saved | undefined} */
function first() {
  const list = saved();
  const stuck = new Set(list.filter((s) => s.refused).map((s) => s.visit));
  return list.find((s) => !stuck.has(s.visit));
}

/** @param {string} visit @param {string} step @param {any} body */
function save(visit, step, body) {
  keep([...saved(), { key: newKey(), visit, step, body }]);
  draw();
  send();
}

/** The phone's position, or null: plain http beyond loopback has none, and people may refuse. */
function locate() {
  if (!navigator.geolocation || !window.isSecureContext) return Promise.resolve(null);
  return new Promise((resolve) => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => resolve({ latitude: coords.latitude, longitude: coords.longitude, accuracy_m: Math.min(coords.accuracy, 100000) }),
      () => resolve(null),
      { enableHighAccuracy: true, timeout: LOCATE_MS, maximumAge: 30000 },
    );
  });
}

/** Opens a dialog; what was filled in, or null when it was closed.
 * @param {string} id @returns {Promise<FormData | null>} */
function ask(id) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById(id));
  const form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
  form.reset();
  dialog.showModal();
  return new Promise((resolve) => {
    const submitted = () => resolve(new FormData(form));
    form.addEventListener("submit", submitted, { once: true });
    dialog.addEventListener("close", () => {
      form.removeEventListener("submit", submitted);
      resolve(null);
    }, { once: true });
  });
}

/** @param {HTMLElement} button @param {string} visit */
async function come(button, visit) {
  const step = button.dataset.later || "";
  // The moment counts at which it was pressed, not that at which a position was found.
  const at = new Date().toISOString();
  const said = button.textContent;
  button.setAttribute("aria-busy", "true");
  button.textContent = words.locating || "";
  const place = await locate();
  button.removeAttribute("aria-busy");
  button.textContent = said;
  if (place) return save(visit, step, { at, method: "gps", ...place });
  const told = await ask("manual");
  if (told) save(visit, step, { at, method: told.get("method"), note: told.get("note") });
}

document.addEventListener("click", async (event) => {
  const button = /** @type {HTMLElement | null} */ (/** @type {HTMLElement} */ (event.target).closest("button[data-later]"));
  if (!button || button.getAttribute("aria-busy") === "true") return;
  const visit = /** @type {HTMLElement} */ (button.closest("[data-visit]")).dataset.visit || "";
  if (button.dataset.later !== "no-show") return come(button, visit);
  const told = await ask("missed");
  if (told) save(visit, "no-show", { reason: told.get("reason") });
});

document.addEventListener("sanbao:changed", draw);
window.addEventListener("online", send);
window.addEventListener("storage", draw);
setInterval(() => first() && send(), RETRY_MS);
draw();
send();
