// The opinion: saved while one writes, each time over the version that was read; signed at the end. It is often begun
// while the visit runs: signing is offered as soon as the visit is over, in the form that is being written in.
// Where it was saved elsewhere meanwhile, what only one side has changed is taken as it is; where both have, both texts
// are shown, and nothing is saved or signed until somebody has chosen.
import { api, ApiProblem } from "/static/api.js";
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

  const areas = () => [...form.querySelectorAll("textarea")];
  const parts = () => Object.fromEntries(areas().map((t) => [t.name, t.value]));
  /** @type {Record<string, string>} What was saved last, here or elsewhere. */ let base = parts();

  /** Shows what was saved elsewhere below what is typed here, to choose one or keep both.
   * @param {HTMLTextAreaElement} area @param {string} theirs */
  const offer = (area, theirs) => {
    document.getElementById(`theirs-${area.name}`)?.remove();
    const shown = /** @type {HTMLElement} */ (/** @type {HTMLTemplateElement} */ (document.getElementById("opinion-theirs")).content.firstElementChild?.cloneNode(true));
    shown.id = `theirs-${area.name}`;
    /** @type {HTMLElement} */ (shown.querySelector("[data-text]")).textContent = theirs;
    /** @param {string} choice @param {() => string} text */
    const choose = (choice, text) =>
      shown.querySelector(`[data-choose="${choice}"]`)?.addEventListener("click", () => {
        area.value = text();
        shown.remove();
        area.focus();
        area.dispatchEvent(new Event("input", { bubbles: true }));
      });
    choose("theirs", () => theirs);
    choose("mine", () => area.value);
    choose("both", () => `${area.value}\n${theirs}`);
    area.after(shown);
  };

  /** Brings together what was saved elsewhere with what is typed here; not what was signed there.
   * @param {string} path */
  const together = async (path) => {
    const theirs = await api("GET", path);
    if (theirs.signature) return false;
    for (const area of areas()) {
      const other = theirs[area.name];
      if (other !== area.value && other !== base[area.name]) {
        if (area.value === base[area.name]) area.value = other;
        else offer(area, other);
      }
      base[area.name] = other;
    }
    form.dataset.version = String(theirs.version);
    return true;
  };

  /** Saves over the version that was read, and again where it was saved elsewhere meanwhile. */
  const put = async () => {
    const [method, path] = (form.dataset.save || "").split(" ");
    for (;;) {
      if (form.querySelector("[data-theirs]")) throw new ApiProblem({ status: 409, title: form.dataset.undecided });
      const { version } = form.dataset;
      const sent = parts();
      try {
        const saved = await api(method, path, sent, version ? { "if-match": `"${version}"` } : {});
        form.dataset.version = String(saved.version);
        base = sent;
        return;
      } catch (problem) {
        const elsewhere = problem instanceof ApiProblem && problem.status === 412;
        if (!elsewhere || !(await together(path))) throw problem;
      }
    }
  };
  const save = () =>
    (last = last.catch(() => null).then(async () => {
      clearTimeout(timer);
      if (!changed) return;
      changed = false;
      try {
        await put();
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
