// Asks the person on the page for another proof that it is they: password, PIN or code, in one dialog for all that wait.
import { api, ApiProblem } from "/static/api.js";
import { word } from "/static/words.js";

/** @type {Promise<boolean> | null} */ let asking = null;

/** @returns {Promise<boolean>} whether it was given; false when the person closed the dialog */
export function prove() {
  asking = asking || ask().finally(() => (asking = null));
  return asking;
}

/** @returns {Promise<boolean>} */
function ask() {
  const template = /** @type {HTMLTemplateElement | null} */ (document.getElementById("step-up-template"));
  const made = template?.content.firstElementChild?.cloneNode(true);
  if (!made) return Promise.resolve(false);
  const dialog = /** @type {HTMLDialogElement} */ (made);
  const field = /** @type {HTMLInputElement} */ (dialog.querySelector("input"));
  const told = /** @type {HTMLElement} */ (dialog.querySelector("[data-step-up-error]"));
  let proved = false;
  document.body.append(dialog);
  dialog.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    const button = /** @type {HTMLElement} */ (dialog.querySelector("[type='submit']"));
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    told.hidden = true;
    try {
      await api("POST", "/v1/session/step-up", { secret: field.value });
      proved = true;
      dialog.close();
    } catch (problem) {
      told.textContent = problem instanceof ApiProblem ? problem.message : word("not-sent");
      told.hidden = false;
      field.value = "";
      field.focus();
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(proved);
    });
    dialog.showModal();
    field.focus();
  });
}
