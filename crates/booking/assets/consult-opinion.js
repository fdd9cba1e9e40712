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
  /** What was saved last, here or elsewhere. @type {Record<string, string>} */
  let base = Object.fromEntries(areas().map((t) => [t.name, t.defaultValue]));
  /** @param {string} text as it is stored */
  const stored = (text) => text.replace(/\r\n?/g, "\n").trim();
  /** What this page has sent: it is nobody else's, also where the answer was lost. @type {Set<string>} */
  const sent = new Set();
  /** @param {string} name @param {string} text */
  const own = (name, text) => `${name}\n${stored(text)}`;

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

  /** Brings together what was saved elsewhere with what is typed here; the names of the parts that were taken over, or
   * nothing where it was signed there.
   * @param {string} path */
  const together = async (path) => {
    const theirs = await api("GET", path);
    if (theirs.signature) return null;
    const taken = [];
    for (const area of areas()) {
      const other = theirs[area.name];
      const changed = ![base[area.name], area.value].map(stored).includes(other) && !sent.has(own(area.name, other));
      if (changed && stored(area.value) !== stored(base[area.name])) offer(area, other);
      else if (changed) {
        area.value = other;
        taken.push(area.labels[0]?.innerText || area.name);
      }
      base[area.name] = other;
    }
    form.dataset.version = String(theirs.version);
    return taken;
  };

  /** Saves over the version that was read, and again where it was saved elsewhere meanwhile; what was taken over from there
   * is to be read before it is signed.
   * @param {boolean} signing */
  const put = async (signing) => {
    const [method, path] = (form.dataset.save || "").split(" ");
    /** @type {string[]} */ let taken = [];
    for (;;) {
      if (form.querySelector("[data-theirs]")) throw new ApiProblem({ status: 409, title: form.dataset.undecided });
      const { version } = form.dataset;
      const texts = parts();
      try {
        for (const [name, text] of Object.entries(texts)) sent.add(own(name, text));
        const saved = await api(method, path, texts, version ? { "if-match": `"${version}"` } : {});
        form.dataset.version = String(saved.version);
        base = Object.fromEntries(Object.keys(texts).map((name) => [name, saved[name]]));
        break;
      } catch (problem) {
        const elsewhere = problem instanceof ApiProblem && problem.status === 412;
        const found = elsewhere ? await together(path) : null;
        if (!found) throw problem;
        taken = [...taken, ...found];
      }
    }
    const said = taken.length ? `${form.dataset.taken} ${taken.join(" · ")}` : "";
    if (signing && said) throw new ApiProblem({ status: 409, title: said });
    return said;
  };
  const save = (signing = false) =>
    (last = last.catch(() => null).then(async () => {
      clearTimeout(timer);
      if (!changed) return;
      changed = false;
      try {
        const taken = await put(signing);
        told.textContent = taken || form.dataset.saved || "";
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
    // A page that has read no draft saves first, so that what was saved elsewhere is seen.
    changed ||= !form.dataset.version;
    detail.wait(save(true));
  });
  // Text that was given back to a page that was read anew stands beside what is saved now.
  for (const area of areas()) {
    if (stored(area.value) === stored(area.defaultValue)) continue;
    changed = true;
    told.textContent = form.dataset.unsaved || "";
    if (stored(area.defaultValue)) offer(area, area.defaultValue);
  }
  window.addEventListener("beforeunload", (event) => {
    if (changed) event.preventDefault();
  });
}
