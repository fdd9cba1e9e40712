// The desk: a telephone number or a name fills who and where; beside it stands what the network knows of the person and which
// open requests it may be about; one press files it, sends it to an agency, or joins it to an open one. No page is loaded in
// between: the next caller is waiting.
import { ApiProblem, api } from "/static/api.js";
import { clearErrors } from "/static/form.js";
import { filled } from "/static/words.js";

const form = /** @type {HTMLFormElement} */ (document.getElementById("intake"));
const words = /** @type {DOMStringMap} */ (document.getElementById("intake-words")?.dataset || {});
const people = /** @type {HTMLElement} */ (document.getElementById("people"));
const told = /** @type {HTMLElement} */ (document.getElementById("person-told"));
const sheet = /** @type {HTMLElement} */ (document.getElementById("person-sheet"));
const area = /** @type {HTMLSelectElement} */ (form.elements.namedItem("area_code"));
const [phone, name] = ["phone", "elder_name"].map((field) => /** @type {HTMLInputElement} */ (form.elements.namedItem(field)));

/** Digits of a number that is worth looking for, and characters of a name. */
const [DIGITS_MIN, NAME_CHARS_MIN] = [7, 2];
const WAIT_MS = 250;
const RECENT_MAX = 6;
const RECENT = `sanbao-areas:${words.me}`;

/** @type {{id: string, name: string, byItself: boolean} | null} the person whom it is for, as the network knows them */
let person = null;
/** @type {Record<string, string>} what stands in fields because of the person */
let because = {};

/** Reads a page or a part of one; nothing where it cannot be had.
 * @param {string} address @param {Record<string, string> | undefined} [fields] @returns {Promise<Document | null>} */
async function part(address, fields) {
  const how = fields ? { method: "POST", body: new URLSearchParams(fields) } : {};
  /** @type {RequestInit} */ const request = { ...how, headers: { accept: "text/html" }, credentials: "same-origin" };
  const answer = await fetch(address, request).catch(() => null);
  if (!answer?.ok || answer.redirected) return null;
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

/** @param {() => void} work @returns {() => void} the same, a moment after the last call */
function soon(work) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = window.setTimeout(work, WAIT_MS);
  };
}

/** @param {string} field @returns {string} */
const typed = (field) => String(new FormData(form).get(field) || "").trim();

/** Fills a field that is empty, or that was filled for another person.
 * @param {string} field @param {string | null | undefined} value */
function fill(field, value) {
  const input = /** @type {HTMLInputElement} */ (form.elements.namedItem(field));
  if (input.value.trim() && input.value !== because[field]) return;
  input.value = value || "";
  because[field] = input.value;
}

// Areas: by typing, and those that this account chose last in this browser.

/** @param {HTMLOptionElement[]} options @param {string} label @param {boolean} [first] */
function offer(options, label, first = false) {
  area.querySelector(`optgroup[label="${CSS.escape(label)}"]`)?.remove();
  if (!options.length) return;
  const group = Object.assign(document.createElement("optgroup"), { label });
  group.append(...options);
  if (first) area.options[0]?.after(group);
  else area.append(group);
}

/** @param {string} q @returns {Promise<HTMLOptionElement[]>} */
async function areasFor(q) {
  const found = (await part("/requests/areas", { q }))?.querySelectorAll("option") || [];
  return [...found].map((one) => new Option(one.textContent || "", one.value));
}

/** @param {string | null | undefined} code */
async function chooseArea(code) {
  if (!code || (area.value && area.value !== because.area_code)) return;
  if (![...area.options].some((one) => one.value === code)) {
    offer((await areasFor(code)).filter((one) => one.value === code), words.found || "", true);
  }
  area.value = code;
  because.area_code = area.value;
}

/** @returns {[string, string][]} */
function recent() {
  try {
    return JSON.parse(localStorage.getItem(RECENT) || "[]");
  } catch {
    return [];
  }
}

function keepArea() {
  const chosen = area.selectedOptions[0];
  if (!chosen?.value) return;
  const others = recent().filter(([code]) => code !== chosen.value);
  try {
    localStorage.setItem(RECENT, JSON.stringify([[chosen.value, chosen.text.trim()], ...others].slice(0, RECENT_MAX)));
  } catch {
    // A browser that keeps nothing offers the communities alone.
  }
}

const offerRecent = () => offer(recent().map(([code, text]) => new Option(text, code)), words.recent || "", true);

const areaFind = /** @type {HTMLInputElement} */ (document.getElementById("area-find"));
let areaQuestion = 0;
const findArea = soon(async () => {
  const q = areaFind.value.trim();
  const mine = ++areaQuestion;
  const found = q ? await areasFor(q) : [];
  if (mine !== areaQuestion) return;
  offer(found, words.found || "", true);
  const line = document.getElementById("area-told");
  if (line) line.textContent = q && !found.length ? words.noArea || "" : "";
  if (!found.length) return;
  area.value = found[0].value;
  desk();
});
areaFind.addEventListener("input", (event) => {
  event.stopPropagation();
  if (!(/** @type {InputEvent} */ (event).isComposing)) findArea();
});
areaFind.addEventListener("compositionend", findArea);

// Open requests that it may be about, and the agencies, the nearest first.

let deskQuestion = 0;
let agencyChosen = false;
async function readDesk() {
  const mine = ++deskQuestion;
  const fields = Object.fromEntries(["phone", "elder_name", "area_code"].map((field) => [field, typed(field)]));
  const page = await part("/requests/new", { ...fields, person_id: person?.id || "" });
  if (!page || mine !== deskQuestion) return;
  const doubles = document.getElementById("doubles");
  doubles?.replaceChildren(...(page.getElementById("doubles")?.childNodes || []));
  const count = doubles?.querySelectorAll("li").length || 0;
  const hint = document.getElementById("doubles-hint");
  if (hint) hint.textContent = count ? filled(words.hint || "", { count }) : "";
  const agencies = document.getElementById("agencies");
  if (!agencies || agencyChosen) return;
  agencies.replaceChildren(...(page.getElementById("agencies")?.childNodes || []));
}
const desk = soon(readDesk);

// The person.

function forget(why = "") {
  person = null;
  told.textContent = why;
  sheet.replaceChildren();
}

/** @param {string} id @param {boolean} byItself */
async function pick(id, byItself) {
  people.replaceChildren();
  const [known, page] = await Promise.all([
    api("GET", `/v1/persons/${id}`).catch((error) => {
      if (error instanceof ApiProblem) return null;
      throw error;
    }),
    part(`/persons/${id}`),
  ]);
  if (!known) return forget(words.unread);
  // A part of a name was typed to find them.
  if (!byItself) name.value = "";
  person = { id, name: known.name, byItself };
  fill("elder_name", known.name);
  fill("address", known.address);
  const link = Object.assign(document.createElement("a"), { href: `/persons/${id}`, target: "_blank", textContent: known.name });
  told.replaceChildren(link, ` ${words.filled || ""}`);
  // Those about the person stand in the head of their page.
  const warnings = page?.querySelectorAll("main > .notice") || [];
  const coming = page?.querySelector("section[aria-labelledby='open-title']");
  sheet.replaceChildren(...warnings, ...(coming ? [coming] : []));
  await chooseArea(known.area_code);
  desk();
}

/** @param {Document} page */
function listPeople(page) {
  const lines = [...page.querySelectorAll("#found li")].map((line) => {
    const link = /** @type {HTMLAnchorElement | null} */ (line.querySelector("a[href^='/persons/']"));
    const button = Object.assign(document.createElement("button"), { type: "button", className: "button wide" });
    button.dataset.pick = link?.pathname.split("/").pop() || "";
    button.textContent = [link?.textContent, line.querySelector("p")?.textContent].filter(Boolean).join(" ");
    return button;
  });
  people.replaceChildren(...lines);
  return lines;
}

let question = 0;
/** @param {string} q @param {boolean} sure whether one alone is the one */
async function lookUp(q, sure) {
  const mine = ++question;
  const page = q ? await part("/persons", { q }) : null;
  if (mine !== question) return;
  if (!page) return people.replaceChildren();
  const lines = listPeople(page);
  const only = lines.length === 1 ? lines[0].dataset.pick || "" : "";
  if (only && only === person?.id) return people.replaceChildren();
  if (only && sure && (!person || person.byItself) && (!name.value.trim() || name.value === because.elder_name)) await pick(only, true);
}

const digits = () => phone.value.replace(/\D/g, "");
const byPhone = () => lookUp(digits().length >= DIGITS_MIN ? phone.value.trim() : "", true);
const byName = () => {
  if (person && name.value.trim() !== person.name) forget(words.other);
  if (!person) lookUp(name.value.trim().length >= NAME_CHARS_MIN ? name.value.trim() : "", false);
};
for (const [field, look] of /** @type {[HTMLInputElement, () => void][]} */ ([[phone, byPhone], [name, byName]])) {
  const later = soon(() => (look(), readDesk()));
  for (const kind of ["input", "compositionend"]) {
    field.addEventListener(kind, (event) => {
      if (!(/** @type {InputEvent} */ (event).isComposing)) later();
    });
  }
  // Enter takes the first who fits: nothing is sent from here.
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    const first = /** @type {HTMLElement | null} */ (people.querySelector("[data-pick]"));
    if (first) first.click();
    else look();
  });
}
people.addEventListener("click", (event) => {
  const button = /** @type {HTMLElement} */ (event.target).closest("[data-pick]");
  if (button instanceof HTMLElement && button.dataset.pick) pick(button.dataset.pick, false);
});
form.addEventListener("change", (event) => {
  const field = /** @type {HTMLInputElement} */ (event.target).name;
  if (field === "area_code") desk();
  if (field === "agency_id") agencyChosen = true;
});

// Sending.

/** The word for having gone back to the form: no error. */
const STAY = Symbol("stay");
let askedReach = false;

/** Urgent, and nobody can call or go there: asked once.
 * @returns {Promise<void>} */
function askReach() {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("reach"));
  dialog.returnValue = "";
  dialog.showModal();
  dialog.onclick = (event) => {
    const { reach } = /** @type {HTMLElement} */ (event.target).dataset;
    if (reach) dialog.close(reach);
  };
  return new Promise((resolve, reject) => {
    dialog.addEventListener("close", () => {
      askedReach = true;
      if (dialog.returnValue === "file") return resolve();
      phone.focus();
      reject(STAY);
    }, { once: true });
  });
}

form.addEventListener("sanbao:sending", (event) => {
  const { detail } = /** @type {CustomEvent} */ (event);
  const { agency_id, ...body } = detail.body;
  if (person) body.person_id = person.id;
  const { into, elder, place, need } = detail.button.dataset;
  if (into) {
    body.merge = { into };
    body.elder_name ||= elder;
    body.area_code ||= place;
    body.category ||= need;
  } else if (detail.button.name === "dispatch") body.dispatch = agency_id ? { agency_id } : {};
  detail.body = body;
  if (body.urgency === "emergency" && !body.phone && !body.address && !into && !askedReach) detail.wait(askReach());
});

form.addEventListener("sanbao:refused", (event) => {
  const { problem } = /** @type {CustomEvent} */ (event).detail;
  if (problem === STAY) return event.preventDefault();
  for (const error of problem instanceof ApiProblem ? problem.errors : []) {
    if (error.pointer === "/dispatch/agency_id") error.pointer = "/agency_id";
    // The record is of another area: the call is taken down for nobody who is known.
    if (error.pointer === "/person_id") forget(words.elsewhere);
  }
});

/** Says what became of it, with the way there and, of a merge, the way back.
 * @param {any} answer */
function tell(answer) {
  const line = /** @type {HTMLElement} */ (document.getElementById("filed"));
  const text = answer.state === "merged" ? words.merged : answer.state === "dispatched" ? words.sent : words.filed;
  const said = Object.assign(document.createElement("p"), { className: "notice ok" });
  const href = `/requests/${answer.merged_into || answer.id}`;
  const see = Object.assign(document.createElement("a"), { href, textContent: words.see });
  said.append(filled(text || "", { name: answer.elder_name, agency: answer.agency_name || "", number: answer.number || "" }), " ", see);
  if (answer.state === "merged") {
    const undo = Object.assign(document.createElement("button"), { type: "button", id: "undo-merge", className: "button", textContent: words.undo });
    Object.assign(undo.dataset, { send: `POST /v1/requests/${answer.id}/separate`, version: String(answer.version), done: words.undone, then: "stay" });
    undo.addEventListener("sanbao:sent", () => said.replaceChildren(words.undone || "", " ", Object.assign(document.createElement("a"), { href: `/requests/${answer.id}`, textContent: words.see })));
    said.append(" ", undo);
  }
  line.replaceChildren(said);
  line.scrollIntoView({ block: "nearest" });
}

form.addEventListener("sanbao:sent", (event) => {
  event.preventDefault();
  const { answer } = /** @type {CustomEvent} */ (event).detail;
  keepArea();
  clearErrors(form);
  form.reset();
  [because, askedReach, agencyChosen] = [{}, false, false];
  forget();
  people.replaceChildren();
  areaFind.value = "";
  offer([], words.found || "");
  offerRecent();
  tell(answer);
  phone.focus();
  readDesk();
});

// A call that rings, told by the telephone system: one press opens the form for it.
document.addEventListener("click", (event) => {
  const button = /** @type {HTMLElement} */ (event.target).closest("[data-ringing]");
  if (!(button instanceof HTMLElement) || !button.dataset.ringing) return;
  phone.value = button.dataset.ringing;
  phone.focus();
  byPhone();
  desk();
});

offerRecent();
const asked = document.querySelector("[data-person]");
if (asked instanceof HTMLElement && asked.dataset.person) pick(asked.dataset.person, false);
