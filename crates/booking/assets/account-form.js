// Forms that call the JSON API: errors at their fields and in a summary that leads to them, checks as one types.
import { api } from "/static/api.js";

/** @param {string} typed @returns {string} digits and letters as ASCII, without spaces and hyphens */
const plain = (typed) => typed.normalize("NFKC").replace(/[\s\-‐-―]/g, "").toUpperCase();

/** GB 11643-1999: the check character of a national id. @param {string} typed @returns {boolean} */
function isNationalId(typed) {
  const text = plain(typed);
  if (!/^\d{17}[\dX]$/.test(text)) return false;
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
  const sum = weights.reduce((all, weight, i) => all + weight * Number(text[i]), 0);
  return "10X98765432"[sum % 11] === text[17];
}

/** @type {Record<string, {length: number, fits: (typed: string) => boolean, text: string}>} */
const checks = {
  "national-id": { length: 18, fits: isNationalId, text: "badNationalId" },
  phone: { length: 11, fits: (typed) => /^(\+86|0086)?1[3-9]\d{9}$/.test(plain(typed)), text: "badPhone" },
};

/** @param {HTMLFormElement} form @param {string} name @param {string} text */
function tell(form, name, text) {
  const error = form.querySelector(`#${CSS.escape(name)}-error`);
  const input = form.elements.namedItem(name);
  if (error instanceof HTMLElement) {
    error.textContent = text;
    error.hidden = !text;
  }
  if (input instanceof HTMLElement) {
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }
}

/** What a field's own check says. @param {HTMLFormElement} form @param {HTMLInputElement} input @param {boolean} done */
function verdict(form, input, done) {
  if (!input.value.trim()) return done && input.required ? form.dataset.required || "" : "";
  const check = checks[input.dataset.check || ""];
  if (!check || check.fits(input.value)) return "";
  return done || plain(input.value).length >= check.length ? form.dataset[check.text] || "" : "";
}

/** @param {HTMLElement} box @param {string} title @param {{name: string, text: string}[]} errors */
function summarise(box, title, errors) {
  const heading = document.createElement("h2");
  heading.textContent = `⚠ ${title}`;
  const list = document.createElement("ul");
  for (const { name, text } of errors) {
    const link = document.createElement("a");
    link.href = `#${name}`;
    link.textContent = text;
    list.append(document.createElement("li"));
    list.lastElementChild?.append(link);
  }
  box.replaceChildren(heading, ...(errors.length ? [list] : []));
  box.hidden = false;
  box.focus();
}

/** @param {HTMLFormElement} form @returns {Record<string, unknown>} */
function values(form) {
  /** @type {Record<string, unknown>} */
  const body = {};
  for (const input of form.querySelectorAll("input[name], select[name], textarea[name]")) {
    const field = /** @type {HTMLInputElement} */ (input);
    if (field.dataset.list !== undefined) {
      const list = /** @type {string[]} */ (body[field.name] || (body[field.name] = []));
      if (field.checked) list.push(field.value);
    } else if (field.value.trim()) body[field.name] = field.value;
  }
  return body;
}

/** @param {HTMLFormElement} form */
async function submit(form) {
  const box = /** @type {HTMLElement} */ (form.querySelector(".error-summary"));
  const inputs = /** @type {HTMLInputElement[]} */ (Array.from(form.querySelectorAll("input[name]")));
  const wrong = inputs.map((i) => ({ name: i.name, text: verdict(form, i, true) })).filter((e) => e.text);
  for (const input of inputs) tell(form, input.name, verdict(form, input, true));
  if (wrong.length) return summarise(box, wrong[0].text, wrong);
  const button = form.querySelector("button[type=submit]");
  button?.setAttribute("disabled", "");
  try {
    const [method, path] = (form.dataset.api || "").split(" ");
    await api(method, path, values(form));
    location.assign(form.dataset.done || location.pathname);
  } catch (problem) {
    const told = /** @type {{pointer: string, detail: string}[]} */ (problem.errors || []);
    const errors = told.map((e) => ({ name: e.pointer.split("/")[1] || "", text: e.detail }));
    for (const { name, text } of errors) tell(form, name, text);
    summarise(box, problem.body ? problem.message : form.dataset.offline || String(problem), errors);
  } finally {
    button?.removeAttribute("disabled");
  }
}

for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form[data-api]"))) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(form);
  });
  form.addEventListener("input", (event) => {
    const input = /** @type {HTMLInputElement} */ (event.target);
    if (input.dataset.check) tell(form, input.name, verdict(form, input, false));
  });
}

document.addEventListener("click", async (event) => {
  const button = /** @type {HTMLElement} */ (event.target).closest("[data-call]");
  if (!(button instanceof HTMLElement)) return;
  if (button.dataset.ask && !confirm(button.dataset.ask)) return;
  const [method, path] = (button.dataset.call || "").split(" ");
  try {
    await api(method, path);
    location.reload();
  } catch (problem) {
    const box = document.getElementById("problem");
    if (box) summarise(box, problem.message, []);
  }
});
