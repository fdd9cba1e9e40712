// The opinion: saved while one writes, each time over the version that was read; signed at the end. It is often begun
// while the visit runs: signing is offered as soon as the visit is over, in the form that is being written in.
import { api } from "/static/api.js";
import { clearErrors, showErrors } from "/static/form.js";

const SAVE_AFTER_MS = 2500;
const form = /** @type {HTMLFormElement | null} */ (document.getElementById("opinion-form"));

if (form) {
  const told = /** @type {HTMLElement} */ (document.getElementById("opinion-state"));
  let timer = 0;
  let changed = false;
  /** @type {Promise<unknown>} Saves follow one another. */ let last = Promise.resolve();

  const signs = /** @type {HTMLElement | null} */ (form.querySelector("[data-sign-now]"));
  document.getElementById("status")?.addEventListener("sanbao:changed", () => {
    if (signs) signs.hidden = !document.querySelector("#status [data-can-sign]");
  });

  const parts = () => Object.fromEntries([...form.querySelectorAll("textarea")].map((t) => [t.name, t.value]));
  const save = () =>
    (last = last.catch(() => null).then(async () => {
      clearTimeout(timer);
      if (!changed) return;
      changed = false;
      try {
        const [method, path] = (form.dataset.save || "").split(" ");
        const { version } = form.dataset;
        const saved = await api(method, path, parts(), version ? { "if-match": `"${version}"` } : {});
        form.dataset.version = String(saved.version);
        told.textContent = form.dataset.saved || "";
      } catch (problem) {
        changed = true;
        throw problem;
      }
    }));

  form.addEventListener("input", () => {
    changed = true;
    told.textContent = form.dataset.unsaved || "";
    clearTimeout(timer);
    timer = window.setTimeout(() => save().catch((problem) => (told.textContent = problem.message)), SAVE_AFTER_MS);
  });
  form.querySelector("[data-save-now]")?.addEventListener("click", () => {
    clearErrors(form);
    save().catch((problem) => showErrors(form, problem));
  });
  // The saved text is what is signed; the signature itself has no fields.
  form.addEventListener("sanbao:sending", (event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    detail.body = {};
    detail.wait(save());
  });
  window.addEventListener("beforeunload", (event) => {
    if (changed) event.preventDefault();
  });
}
