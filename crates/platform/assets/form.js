// Forms that call the JSON API: what was typed stays, errors stand at their field and in a summary.
import { api, ApiProblem } from "/static/api.js";
import { notice } from "/static/page.js";

/** @param {HTMLFormElement} form @returns {Record<string, unknown>} the filled-in fields by name; an empty one is left out */
export function values(form) {
  /** @type {Record<string, unknown>} */ const body = {};
  for (const field of /** @type {any} */ (form.elements)) {
    if (!field.name || field.disabled || (field.type === "radio" && !field.checked)) continue;
    if (field.type === "checkbox") body[field.name] = field.checked;
    else if (field.value.trim() !== "") body[field.name] = field.type === "number" ? Number(field.value) : field.value.trim();
  }
  return body;
}

/** @param {HTMLFormElement} form */
export function clearErrors(form) {
  form.querySelector(".error-summary")?.remove();
  for (const told of form.querySelectorAll(".field > .error")) told.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-errormessage");
  }
}

/**
 * Shows a problem: each field error at the field whose name is the pointer's first part, all of them in a summary.
 * @param {HTMLFormElement} form @param {any} problem an ApiProblem, or whatever was thrown
 */
export function showErrors(form, problem) {
  clearErrors(form);
  const summary = document.createElement("div");
  summary.className = "error-summary";
  summary.tabIndex = -1;
  summary.setAttribute("role", "alert");
  const title = document.createElement("h2");
  const body = problem instanceof ApiProblem ? problem.body : {};
  title.textContent = body.title || (document.documentElement.lang === "en" ? "Not sent: no connection" : "没有发出:网络不通");
  summary.append(title);
  if (body.detail) summary.append(Object.assign(document.createElement("p"), { textContent: body.detail }));
  const list = document.createElement("ul");
  for (const error of body.errors || []) {
    const field = form.elements.namedItem(error.pointer.split("/")[1] || "");
    const item = document.createElement("li");
    if (field instanceof HTMLElement) {
      field.id = field.id || `field-${error.pointer.split("/")[1]}`;
      const told = Object.assign(document.createElement("p"), { className: "error", id: `${field.id}-error`, textContent: error.detail });
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-errormessage", told.id);
      (field.closest(".field") || field.parentElement)?.append(told);
      const label = form.querySelector(`label[for="${field.id}"]`)?.textContent || "";
      item.append(Object.assign(document.createElement("a"), { href: `#${field.id}`, textContent: label ? `${label}: ${error.detail}` : error.detail }));
    } else {
      item.textContent = error.detail;
    }
    list.append(item);
  }
  if (list.children.length) summary.append(list);
  form.prepend(summary);
  summary.focus();
}

/**
 * Sends the form by the API when it is submitted; the button waits meanwhile. One key per filled-in form, so that a
 * second press, or a retry after a broken line, does the thing once.
 * @param {HTMLFormElement} form
 * @param {{method?: string, path: string | (() => string), body?: (form: HTMLFormElement) => unknown,
 *   done: (answer: any) => void, failed?: (problem: any) => boolean | void}} how `failed` may return true: it is dealt with
 */
export function sendByApi(form, how) {
  let key = "";
  let sent = "";
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("[type='submit']");
    if (button?.getAttribute("aria-busy") === "true") return;
    button?.setAttribute("aria-busy", "true");
    clearErrors(form);
    const body = how.body ? how.body(form) : values(form);
    const text = JSON.stringify(body);
    if (text !== sent) {
      sent = text;
      key = Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
    }
    try {
      const path = typeof how.path === "function" ? how.path() : how.path;
      how.done(await api(how.method || "POST", path, body, { "idempotency-key": key }));
      sent = "";
    } catch (problem) {
      if (!how.failed?.(problem)) showErrors(form, problem);
      if (problem instanceof ApiProblem && problem.status < 500) sent = "";
    } finally {
      button?.removeAttribute("aria-busy");
    }
  });
}

// A form with data-send="POST /v1/things" needs no script of its own: afterwards it goes to data-then, or the page is read anew.
for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form[data-send]"))) {
  const [method, path] = (form.dataset.send || "").split(" ");
  sendByApi(form, {
    method,
    path,
    done: () => (form.dataset.then ? location.assign(form.dataset.then) : form.dataset.done ? (notice(form.dataset.done), form.reset()) : location.reload()),
  });
}
