// The dispatcher's list: keys for what is done all day, and one step for many requests.
import { ApiProblem, api, newKey } from "/static/api.js";
import { filled } from "/static/words.js";

document.addEventListener("keydown", (event) => {
  const typing = /** @type {HTMLElement} */ (event.target).closest("input, select, textarea");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "n") /** @type {HTMLElement | null} */ (document.getElementById("new-request"))?.click();
  if (event.key === "/") {
    event.preventDefault();
    document.getElementById("q")?.focus();
  }
});

const bar = /** @type {HTMLFormElement | null} */ (document.getElementById("bulk"));
const list = /** @type {HTMLElement | null} */ (document.getElementById("requests"));
/** The picked requests: they stay picked when the list is read anew. @type {Map<string, string>} id to label */
const picked = new Map();

/** @returns {HTMLInputElement[]} */
const boxes = () => [...document.querySelectorAll("#requests input[name='picked']")].map((box) => /** @type {HTMLInputElement} */ (box));

/** @param {string} text */
function say(text) {
  const line = document.getElementById("bulk-count");
  if (line) line.textContent = text;
}

/** What came of the last step: it stays until something else is picked. */
let outcome = "";

function tell() {
  if (!bar) return;
  bar.hidden = picked.size === 0 && !outcome;
  say(outcome || filled(bar.dataset.said || "", { count: picked.size }));
}

/** @param {HTMLFormElement} form @param {string} step @returns {Record<string, string> | null} what the step needs; none when a choice is missing */
function needed(form, step) {
  const fields = /** @type {Record<string, string>} */ ({ dispatch: "agency_id", assign: "assignee" });
  if (!(step in fields)) return {};
  const input = /** @type {HTMLSelectElement} */ (form.elements.namedItem(fields[step]));
  if (input.value) return { [fields[step]]: input.value };
  input.focus();
  return null;
}

/** One after the other: each by its own version, so that a colleague's step is not written over.
 * @param {HTMLFormElement} form @param {string} step */
async function all(form, step) {
  const body = needed(form, step);
  const failed = document.getElementById("bulk-failed");
  if (!body || !failed || form.getAttribute("aria-busy") === "true") return;
  failed.replaceChildren();
  form.setAttribute("aria-busy", "true");
  const chosen = boxes().filter((box) => box.checked).map((box) => ({ id: box.value, version: box.dataset.version, label: box.getAttribute("aria-label") || "" }));
  let done = 0;
  for (const { id, version, label } of chosen) {
    say(filled(form.dataset.going || "", { done, count: chosen.length }));
    try {
      await api("POST", `/v1/requests/${id}/${step}`, body, { "if-match": `"${version}"`, "idempotency-key": newKey() });
      done += 1;
      picked.delete(id);
    } catch (problem) {
      const line = document.createElement("li");
      line.textContent = `${label}: ${problem instanceof ApiProblem ? problem.message : String(problem)}`;
      failed.append(line);
    }
  }
  form.removeAttribute("aria-busy");
  outcome = filled(form.dataset.done || "", { count: done }) + (failed.children.length ? ` ${form.dataset.failed || ""}` : "");
  tell();
}

list?.addEventListener("change", (event) => {
  const box = /** @type {HTMLInputElement} */ (event.target);
  if (box.name !== "picked") return;
  if (box.checked) picked.set(box.value, box.getAttribute("aria-label") || "");
  else picked.delete(box.value);
  outcome = "";
  tell();
});
list?.addEventListener("sanbao:changed", () => {
  for (const box of boxes()) box.checked = picked.has(box.value);
  for (const id of [...picked.keys()]) if (!boxes().some((box) => box.value === id)) picked.delete(id);
  tell();
});
bar?.addEventListener("submit", (event) => {
  event.preventDefault();
  const step = /** @type {HTMLButtonElement | null} */ (event.submitter)?.value;
  if (step) void all(bar, step);
});
document.getElementById("bulk-clear")?.addEventListener("click", () => {
  picked.clear();
  outcome = "";
  for (const box of boxes()) box.checked = false;
  document.getElementById("bulk-failed")?.replaceChildren();
  tell();
});
