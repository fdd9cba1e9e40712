// The invitation: five parts, sent at once or kept as a draft; a field of the page may stand for several of the API. The time
// that is asked for is held while one writes.
import { api, ApiProblem } from "/static/api.js";
import { filled } from "/static/words.js";
import { notice } from "/static/page.js";

const form = /** @type {HTMLFormElement | null} */ (document.getElementById("invitation"));
const times = document.getElementById("times");
/** @type {Record<string, string>} Fields of the API that one field of the page stands for. */
const PLACES = { hospital_id: "wish", wanted_specialty: "wish", wanted_from: "wanted", wanted_until: "wanted" };
/** What is not chosen is sent as something the service refuses at its field, in the page's language. */
const NOBODY = "00000000-0000-0000-0000-000000000000";

form?.addEventListener("sanbao:sending", (event) => {
  const { detail } = /** @type {CustomEvent} */ (event);
  const { wish, wanted, asked, draft: _, ...rest } = detail.body;
  const [hospital, specialty] = String(wish || "|").split("|");
  const [from, until] = String(wanted || "|").split("|");
  const [doctor_id, starts_at, ends_at, room_id] = String(asked || "").split("|");
  detail.body = {
    resident_id: NOBODY, reason: "", purpose: "", case_summary: "", ...rest, hospital_id: hospital || NOBODY,
    wanted_specialty: specialty || "-", wanted_from: from, wanted_until: until, submit: detail.button.name !== "draft",
  };
  // What was chosen is taken: that none is wanted has to be said.
  if (times?.querySelector("[name=asked]") && !times.querySelector("[name=asked]:checked")) detail.wait(Promise.reject(new ApiProblem({ status: 422, title: times.dataset.taken })));
  if (!starts_at) return;
  // A time that is asked for is wanted, whatever the range says.
  detail.body.asked = { doctor_id, starts_at, ...(room_id && { room_id }) };
  if (Date.parse(starts_at) < Date.parse(from)) detail.body.wanted_from = starts_at;
  if (Date.parse(ends_at) > Date.parse(until)) detail.body.wanted_until = ends_at;
});

form?.addEventListener("sanbao:refused", (event) => {
  const { problem } = /** @type {CustomEvent} */ (event).detail;
  for (const error of problem.errors || []) {
    const name = error.pointer.split("/")[1];
    if (PLACES[name]) error.pointer = `/${PLACES[name]}`;
  }
  if (problem.status === 409 && chosen("asked")) look().then(choose);
});

/** @param {string} name @returns {string} */
const chosen = (name) => String((form && new FormData(form).get(name)) || "");
let asked = 0;

/** Reads the free times of those who are chosen now. */
async function look() {
  const [resident, wish, title] = [chosen("resident_id"), chosen("wish"), chosen("wanted_title")];
  const mine = ++asked;
  const query = new URLSearchParams({ resident, wish, title });
  const answer = resident && wish ? await fetch(`/consults/times?${query}`, { credentials: "same-origin" }).catch(() => null) : null;
  const page = new DOMParser().parseFromString(answer?.ok ? await answer.text() : "", "text/html");
  if (times && mine === asked) times.replaceChildren(...page.body.childNodes);
}

/** Leaves the choice of a time open. */
function choose() {
  for (const choice of times?.querySelectorAll("[name=asked]") || []) /** @type {HTMLInputElement} */ (choice).checked = false;
}

const HOLD_AFTER_MS = 400;
let timer = 0;
let turn = 0;
/** @type {string} The hold that stands. */ let standing = "";

/** Holds the time that is chosen, once nobody goes on choosing; none gives back what was held.
 * @param {HTMLInputElement} choice */
function hold(choice) {
  const own = ++turn;
  clearTimeout(timer);
  timer = window.setTimeout(async () => {
    if (!choice.value) {
      if (standing) await api("DELETE", `/v1/consult-holds/${standing}`).catch(() => null);
      standing = "";
      return;
    }
    const [doctor_id, starts_at] = choice.value.split("|");
    const hospital_id = chosen("wish").split("|")[0];
    try {
      const held = await api("POST", "/v1/consult-holds", { resident_id: chosen("resident_id"), hospital_id, doctor_id, starts_at });
      standing = held.id;
      const time = new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "short" }).format(new Date(held.expires_at));
      if (own === turn) notice(filled(times?.dataset.held || "", { time }));
    } catch (problem) {
      if (own !== turn) return;
      const taken = problem instanceof ApiProblem && String(problem.body.type).endsWith("/slot-taken");
      if (taken) {
        choice.checked = false;
        choice.disabled = true;
      }
      notice(taken ? times?.dataset.taken || "" : `${times?.dataset.notHeld} ${/** @type {Error} */ (problem).message}`, "warn");
    }
  }, HOLD_AFTER_MS);
}

form?.addEventListener("change", (event) => {
  const field = /** @type {HTMLInputElement} */ (event.target);
  if (["resident_id", "wish", "wanted_title"].includes(field.name)) look();
  else if (field.name === "asked") hold(field);
});
// Also where what was typed was given back to a page that was read anew.
const given = [...(form?.querySelectorAll("select") || [])].some((select) => select.selectedOptions[0] && !select.selectedOptions[0].defaultSelected);
if (times && (!times.children.length || given)) look();
