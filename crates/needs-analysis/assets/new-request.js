// A request for somebody whose record is known: what it says stands in the form, as the reader may read it.
import { ApiProblem, api } from "/static/api.js";

/** @param {string} name @param {string | null | undefined} value @returns {void} */
function fill(name, value) {
  const field = document.querySelector(`[name="${name}"]`);
  if (!value || !(field instanceof HTMLInputElement || field instanceof HTMLSelectElement) || field.value) return;
  field.value = value;
  field.closest("details")?.setAttribute("open", "");
}

// From now on the form is for nobody who is known.
/** @param {HTMLElement} told @param {string | undefined} why @returns {void} */
function forget(told, why) {
  document.querySelector('[name="person_id"]')?.remove();
  told.textContent = why || "";
}

/** @param {HTMLElement} told @returns {Promise<void>} */
async function read(told) {
  try {
    const person = await api("GET", `/v1/persons/${told.dataset.person}`);
    fill("elder_name", person.name);
    fill("area_code", person.area_code);
    fill("address", person.address);
    told.append(" ", told.dataset.filled || "");
    // Another name is another person: nobody's request may stand with a neighbour's record.
    const name = document.querySelector('[name="elder_name"]');
    name?.addEventListener("change", () => {
      if (name instanceof HTMLInputElement && name.value.trim() !== person.name) forget(told, told.dataset.other);
    });
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    forget(told, told.dataset.unread);
  }
}

const told = document.querySelector("[data-person]");
if (told instanceof HTMLElement) {
  read(told);
  document.querySelector("main form")?.addEventListener("sanbao:refused", (event) => {
    const problem = /** @type {CustomEvent} */ (event).detail.problem;
    const about = problem instanceof ApiProblem && problem.errors.some((error) => error.pointer === "/person_id");
    if (about) forget(told, told.dataset.elsewhere);
  });
}
