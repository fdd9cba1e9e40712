// Forms of accounts and residents: national ids and telephones checked as one types, roles as a list, rows' buttons.
import { api } from "/static/api.js";
import { sendByApi, values } from "/static/form.js";
import { notice } from "/static/page.js";

/** @param {string} typed @returns {string} digits and letters as ASCII, without spaces and hyphens */
const plain = (typed) => typed.normalize("NFKC").replace(/[\s\-‐-―]/g, "").toUpperCase();

/** GB 11643-1999: the check character of a national id.
 * @param {string} typed @returns {boolean} */
export function isNationalId(typed) {
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

/** Shows or takes away what is wrong with a field.
 * @param {HTMLInputElement} input @param {string} text */
function tell(input, text) {
  const id = `${input.id}-error`;
  let told = document.getElementById(id);
  if (!text) {
    told?.remove();
    input.removeAttribute("aria-invalid");
    return;
  }
  if (!told) {
    told = Object.assign(document.createElement("p"), { className: "error", id });
    told.setAttribute("role", "status");
    input.closest(".field")?.append(told);
  }
  if (told.textContent !== text) told.textContent = text;
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-errormessage", id);
}

/** A field is judged when it is long enough, or when it is left.
 * @param {HTMLInputElement} input @param {boolean} left */
function judge(input, left) {
  const check = checks[input.dataset.check || ""];
  if (!check) return;
  const typed = plain(input.value);
  const early = !left && typed.length < check.length;
  tell(input, !typed || early || check.fits(input.value) ? "" : input.form?.dataset[check.text] || "");
}

/** Checked boxes of one name as a list.
 * @param {HTMLFormElement} form @returns {Record<string, string[]>} */
function lists(form) {
  /** @type {Record<string, string[]>} */ const all = {};
  for (const box of /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll("input[data-list]"))) {
    all[box.name] = all[box.name] || [];
    if (box.checked) all[box.name].push(box.value);
  }
  return all;
}

for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form[data-api]"))) {
  const [method, path] = (form.dataset.api || "").split(" ");
  const done = () => location.assign(form.dataset.then || location.pathname);
  sendByApi(form, { method, path, body: (filled) => ({ ...values(filled), ...lists(filled) }), done });
  form.addEventListener("input", (event) => judge(/** @type {HTMLInputElement} */ (event.target), false));
  form.addEventListener("focusout", (event) => {
    // A line that appears while a button is being pressed would move the button away from under the finger.
    if (event.relatedTarget instanceof HTMLButtonElement) return;
    setTimeout(() => judge(/** @type {HTMLInputElement} */ (event.target), true), 300);
  });
}

document.addEventListener("click", async (event) => {
  const button = /** @type {HTMLElement} */ (event.target).closest("[data-call]");
  if (!(button instanceof HTMLButtonElement)) return;
  if (button.dataset.ask && !confirm(button.dataset.ask)) return;
  const [method, path] = (button.dataset.call || "").split(" ");
  button.disabled = true;
  try {
    await api(method, path);
    location.reload();
  } catch (problem) {
    notice(problem instanceof Error ? problem.message : String(problem), "bad");
    button.disabled = false;
  }
});
