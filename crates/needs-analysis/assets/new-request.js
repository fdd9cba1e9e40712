// A request for somebody whose record is known: what it says stands in the form, as the reader may read it.
import { ApiProblem, api } from "/static/api.js";

/** @param {string} name @param {string | null | undefined} value @returns {void} */
function fill(name, value) {
  const field = document.querySelector(`[name="${name}"]`);
  if (!value || !(field instanceof HTMLInputElement || field instanceof HTMLSelectElement) || field.value) return;
  field.value = value;
  field.closest("details")?.setAttribute("open", "");
}

/** @param {HTMLElement} told @returns {Promise<void>} */
async function read(told) {
  try {
    const person = await api("GET", `/v1/persons/${told.dataset.person}`);
    fill("elder_name", person.name);
    fill("area_code", person.area_code);
    fill("address", person.address);
    told.append(" ", told.dataset.filled || "");
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    document.querySelector('[name="person_id"]')?.remove();
    told.textContent = told.dataset.unread || "";
  }
}

const told = document.querySelector("[data-person]");
if (told instanceof HTMLElement) read(told);
