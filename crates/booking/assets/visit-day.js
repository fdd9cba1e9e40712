// A caregiver's day: what is pressed is kept on the phone first and sent when there is a network, once and in order.
import { api, ApiProblem } from "/static/api.js";
import { notice } from "/static/page.js";

/** @typedef {{key: string, visit: string, step: string, body: any, refused?: string}} Saved */

const words = /** @type {HTMLElement} */ (document.getElementById("words")).dataset;
const PLACE = `sanbao.visits.${words.account}`;
const RETRY_MS = 15000;
const LOCATE_MS = 10000;
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
    show(card, "[data-step='check-in']", state === "scheduled");
    show(card, "[data-step='check-out']", state === "in_service");
    show(card, "[data-missed]", state === "scheduled");
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
  line.textContent = (line.dataset.text || "").replace("{n}", String(count));
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
        const final = problem instanceof ApiProblem && problem.status >= 400 && problem.status < 500 && ![401, 408, 429].includes(problem.status);
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
  const key = Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
  keep([...saved(), { key, visit, step, body }]);
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

/** @param {HTMLElement} button */
async function come(button) {
  const visit = /** @type {HTMLElement} */ (button.closest("[data-visit]")).dataset.visit || "";
  const step = button.dataset.step || "";
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
  const target = /** @type {HTMLElement} */ (event.target);
  const button = /** @type {HTMLElement | null} */ (target.closest("[data-step]"));
  if (button && button.getAttribute("aria-busy") !== "true") come(button);
  const missed = /** @type {HTMLElement | null} */ (target.closest("[data-missed]"));
  if (missed) {
    const visit = /** @type {HTMLElement} */ (missed.closest("[data-visit]")).dataset.visit || "";
    const told = await ask("missed");
    if (told) save(visit, "no-show", { reason: told.get("reason") });
  }
  const fill = /** @type {HTMLElement | null} */ (target.closest("[data-fill]"));
  if (fill) {
    const field = /** @type {HTMLTextAreaElement} */ (document.getElementById(fill.dataset.fill || ""));
    field.value = fill.textContent || "";
    field.focus();
  }
});

document.addEventListener("sanbao:changed", draw);
window.addEventListener("online", send);
window.addEventListener("storage", draw);
setInterval(() => first() && send(), RETRY_MS);
draw();
send();
