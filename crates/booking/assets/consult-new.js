// The invitation: five parts, sent at once or kept as a draft; a field of the page may stand for several of the API. The time
// that is asked for is held while one writes.
import { api } from "/static/api.js";
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
  const [doctor_id, starts_at, ends_at] = String(asked || "").split("|");
  detail.body = {
    resident_id: NOBODY, reason: "", purpose: "", case_summary: "", ...rest, hospital_id: hospital || NOBODY,
    wanted_specialty: specialty || "-", wanted_from: from, wanted_until: until, submit: detail.button.name !== "draft",
  };
  if (!starts_at) return;
  // A time that is asked for is wanted, whatever the range says.
  detail.body.asked = { doctor_id, starts_at };
  if (Date.parse(starts_at) < Date.parse(from)) detail.body.wanted_from = starts_at;
  if (Date.parse(ends_at) > Date.parse(until)) detail.body.wanted_until = ends_at;
});

form?.addEventListener("sanbao:refused", (event) => {
  const { problem } = /** @type {CustomEvent} */ (event).detail;
  for (const error of problem.errors || []) {
    const name = error.pointer.split("/")[1];
    if (PLACES[name]) error.pointer = `/${PLACES[name]}`;
  }
  if (problem.status === 409) look();
});

/** @param {string} name @returns {string} */
const chosen = (name) => String((form && new FormData(form).get(name)) || "");
let asked = 0;

/** Reads the free times of those who are chosen now. */
async function look() {
  const [resident, wish, title] = [chosen("resident_id"), chosen("wish"), chosen("wanted_title")];
  const turn = ++asked;
  const query = new URLSearchParams({ resident, wish, title });
  const answer = resident && wish ? await fetch(`/consults/times?${query}`, { credentials: "same-origin" }).catch(() => null) : null;
  const page = new DOMParser().parseFromString(answer?.ok ? await answer.text() : "", "text/html");
  if (times && turn === asked) times.replaceChildren(...page.body.childNodes);
}

/** Holds the time that is chosen.
 * @param {HTMLInputElement} choice */
async function hold(choice) {
  const [doctor_id, starts_at] = choice.value.split("|");
  const hospital_id = chosen("wish").split("|")[0];
  try {
    const held = await api("POST", "/v1/consult-holds", { resident_id: chosen("resident_id"), hospital_id, doctor_id, starts_at });
    const time = new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "short" }).format(new Date(held.expires_at));
    notice(filled(times?.dataset.held || "", { time }));
  } catch (problem) {
    if (/** @type {any} */ (problem).status !== 409) return;
    choice.checked = false;
    choice.disabled = true;
    notice(times?.dataset.taken || "", "warn");
  }
}

form?.addEventListener("change", (event) => {
  const field = /** @type {HTMLInputElement} */ (event.target);
  if (["resident_id", "wish", "wanted_title"].includes(field.name)) look();
  else if (field.name === "asked" && field.value) hold(field);
});
if (times && !times.children.length) look();
