// The one way in which a page calls the API. A form or a button says all of it in its attributes:
//   data-send="POST /v1/…"   what is called; a form sends its fields, a button nothing
//   data-version="3"         the version that the page shows: a change made since is not overwritten (If-Match)
//   data-confirm="…?"        asks once before
//   data-done="…"            what is said when it is done
//   data-then="/…"           where to go then: an address ({id} is the answer's), "stay", "close" (the dialog); else the page is read anew
//   data-later               the page's own script sends it, when there is a network
// A page's script joins in by events on the element: sanbao:sending (detail.body may be replaced, detail.key may be given, detail.button was pressed,
// detail.wait(promise) comes first), sanbao:sent (detail.answer; preventDefault: nothing more), sanbao:refused (detail.problem; likewise).
import { api, ApiProblem, newKey } from "/static/api.js";
import { clearErrors, showErrors, values } from "/static/form.js";
import { notice } from "/static/page.js";
import { word } from "/static/words.js";

/** One key for each filled-in form, so that a second press, or a retry after a broken line, does the thing once.
 * @type {WeakMap<HTMLElement, {text: string, key: string}>} */
const keys = new WeakMap();

/** @param {HTMLElement} element @param {string} text */
function keyOf(element, text) {
  const known = keys.get(element);
  if (known && known.text === text) return known.key;
  const key = newKey();
  keys.set(element, { text, key });
  return key;
}

/** @param {HTMLElement} element @param {string} name @param {any} detail @returns {boolean} whether nobody dealt with it */
const fire = (element, name, detail) => element.dispatchEvent(new CustomEvent(name, { bubbles: true, cancelable: true, detail }));

/**
 * Sends what a form or a button says.
 * @param {HTMLElement} element @param {HTMLElement} button what waits meanwhile
 */
export async function send(element, button) {
  if (button.getAttribute("aria-busy") === "true") return;
  const form = element instanceof HTMLFormElement ? element : null;
  if (form) clearErrors(form);
  button.setAttribute("aria-busy", "true");
  /** @type {Promise<unknown>[]} */ const first = [];
  /** @type {any} */ const detail = { button, body: form ? values(form) : {}, wait: (/** @type {Promise<unknown>} */ p) => first.push(p) };
  try {
    fire(element, "sanbao:sending", detail);
    await Promise.all(first);
    if (element.dataset.confirm && !confirm(element.dataset.confirm)) return;
    const [method, path] = (element.dataset.send || "").split(" ");
    const { version } = element.dataset;
    /** @type {Record<string, string>} */ const headers = version ? { "if-match": `"${version}"` } : {};
    if (method === "POST" || method === "PATCH") headers["idempotency-key"] = detail.key || keyOf(element, `${path} ${version} ${JSON.stringify(detail.body)}`);
    const answer = await api(method, path, method === "DELETE" ? undefined : detail.body, headers);
    keys.delete(element);
    if (fire(element, "sanbao:sent", { answer })) done(element, form, answer);
  } catch (problem) {
    if (problem instanceof ApiProblem && problem.status < 500) keys.delete(element);
    if (fire(element, "sanbao:refused", { problem })) refused(form, problem);
  } finally {
    button.removeAttribute("aria-busy");
  }
}

/** @param {HTMLElement} element @param {HTMLFormElement | null} form @param {any} answer */
function done(element, form, answer) {
  const { then, done: said } = element.dataset;
  if (said) notice(said);
  if (then === "close") element.closest("dialog")?.close();
  else if (then === "stay") form?.reset();
  else if (then) location.assign(then.replace("{id}", answer?.id || ""));
  else location.reload();
}

/** @param {HTMLFormElement | null} form @param {any} problem */
function refused(form, problem) {
  if (form) return showErrors(form, problem);
  const meanwhile = problem instanceof ApiProblem && problem.status === 412;
  const text = problem instanceof ApiProblem ? problem.message : word("not-sent");
  const said = [word("meanwhile"), problem.body?.detail, word("meanwhile-press")];
  notice(meanwhile ? said.filter(Boolean).join(" ") : text, "bad");
}

document.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (!form.dataset.send || "later" in form.dataset) return;
  event.preventDefault();
  send(form, /** @type {HTMLElement | null} */ (event.submitter) || form);
});

document.addEventListener("click", (event) => {
  const button = /** @type {HTMLElement} */ (event.target).closest("button[data-send]");
  if (button instanceof HTMLButtonElement && !("later" in button.dataset)) send(button, button);
});

// Typed text is kept over a reading anew that the page itself asked for.
const KEPT = `sanbao-typed:${location.pathname}`;
/** @returns {any[]} */
const fields = () => [...document.querySelectorAll("form[data-send] :is(input, select, textarea)[id]")];

document.addEventListener("click", (event) => {
  if (!(/** @type {HTMLElement} */ (event.target).closest("[data-action='reload']"))) return;
  /** @type {Record<string, string | boolean>} */ const typed = {};
  for (const field of fields()) {
    if (["checkbox", "radio"].includes(field.type)) {
      if (field.checked !== field.defaultChecked) typed[field.id] = field.checked;
    } else if (!["file", "password", "hidden"].includes(field.type) && field.value !== field.defaultValue) typed[field.id] = field.value;
  }
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(typed));
  } catch {
    return notice(word("not-kept"), "bad");
  }
  // A kept form needs no question whether to leave.
  addEventListener("beforeunload", (leaving) => leaving.stopImmediatePropagation(), { capture: true });
  location.reload();
});

try {
  const typed = JSON.parse(sessionStorage.getItem(KEPT) || "{}");
  sessionStorage.removeItem(KEPT);
  for (const field of fields()) {
    if (!(field.id in typed)) continue;
    if (typeof typed[field.id] === "boolean") field.checked = typed[field.id];
    else field.value = typed[field.id];
    delete typed[field.id];
    field.closest("details")?.setAttribute("open", "");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  // A form may be gone with the step it was for; what was typed into it can still be copied.
  const rest = Object.values(typed).filter((text) => typeof text === "string" && text.trim());
  if (rest.length) notice(word("typed", { text: rest.join(" · ") }), "info");
} catch {
  // A browser that keeps nothing has nothing to give back.
}
