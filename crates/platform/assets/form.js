// A form's typed values and its errors: at each field, and in a summary that leads to it.
import { ApiProblem } from "/static/api.js";
import { word } from "/static/words.js";

/**
 * Puts a value at a name: "door.key" is a field of a part, "contacts.0.name" one of a list.
 * @param {any} body @param {string} name @param {any} value
 */
function put(body, name, value) {
  const path = name.split(".");
  const last = path.pop() || name;
  let at = body;
  path.forEach((step, n) => {
    at[step] = at[step] || (/^\d+$/.test(path[n + 1] ?? last) ? [] : {});
    at = at[step];
  });
  at[last] = value;
}

/** A line of a list in which something was typed; a box alone is nothing.
 * @param {any} line */
const isFilled = (line) => Object.values(line || {}).some((value) => typeof value !== "boolean");

/**
 * The filled-in fields by name; an empty one is left out, boxes with data-list become a list, names with dots parts.
 * @param {HTMLFormElement} form @returns {Record<string, any>}
 */
export function values(form) {
  /** @type {Record<string, any>} */ const body = {};
  for (const field of /** @type {any} */ (form.elements)) {
    if (!field.name || field.disabled || (field.type === "radio" && !field.checked)) continue;
    if ("list" in field.dataset) {
      body[field.name] = body[field.name] || [];
      if (field.checked) body[field.name].push(field.value);
    } else if (field.type === "checkbox") put(body, field.name, field.checked);
    else if (field.value.trim() !== "") put(body, field.name, field.type === "number" ? Number(field.value) : field.value.trim());
  }
  for (const [name, list] of Object.entries(body)) {
    if (Array.isArray(list) && list.every((line) => typeof line !== "string")) body[name] = list.filter(isFilled);
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

/** @param {string} name @param {string} text @param {string} [kind] */
function element(name, text, kind = "") {
  return Object.assign(document.createElement(name), { textContent: text, className: kind });
}

/**
 * Shows a problem: each field error at the field whose name is the pointer, or its first part, all of them in a summary.
 * @param {HTMLFormElement} form @param {any} problem an ApiProblem, or whatever was thrown
 */
export function showErrors(form, problem) {
  clearErrors(form);
  const summary = element("div", "", "error-summary");
  summary.tabIndex = -1;
  summary.setAttribute("role", "alert");
  const body = problem instanceof ApiProblem ? problem.body : {};
  const meanwhile = body.status === 412;
  summary.append(element("h2", meanwhile ? word("meanwhile") : body.title || word("not-sent")));
  if (body.detail) summary.append(element("p", body.detail));
  if (meanwhile) summary.append(element("p", word("meanwhile-help")));
  const list = element("ul", "");
  for (const error of body.errors || []) list.append(item(form, error));
  if (list.children.length) summary.append(list);
  if (meanwhile) {
    const again = element("button", word("reload"), "button");
    again.setAttribute("type", "button");
    again.dataset.action = "reload";
    summary.append(again);
  }
  form.prepend(summary);
  summary.focus();
}

/** One error in the summary; at its field too, where the form has it.
 * @param {HTMLFormElement} form @param {{pointer: string, detail: string}} error */
function item(form, error) {
  const path = error.pointer.split("/").slice(1);
  const name = form.elements.namedItem(path.join(".")) ? path.join(".") : path[0] || "";
  const field = form.elements.namedItem(name);
  if (!(field instanceof HTMLElement)) return element("li", error.detail);
  field.id = field.id || `field-${name}`;
  tell(field, error.detail, "alert");
  const label = form.querySelector(`label[for="${CSS.escape(field.id)}"]`)?.firstChild?.textContent?.trim() || "";
  const link = Object.assign(element("a", label ? word("field-error", { label, error: error.detail }) : error.detail), { href: `#${field.id}` });
  const line = element("li", "");
  line.append(link);
  return line;
}

/**
 * Shows or takes away what is wrong with a field.
 * @param {HTMLElement} field @param {string} text empty when nothing is wrong @param {"status" | "alert"} [role]
 */
export function tell(field, text, role = "status") {
  const id = `${field.id}-error`;
  let told = document.getElementById(id);
  if (!text) {
    told?.remove();
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-errormessage");
    return;
  }
  if (!told) {
    told = Object.assign(element("p", "", "error"), { id });
    if (role === "status") told.setAttribute("role", role);
    (field.closest(".field") || field.parentElement)?.append(told);
  }
  if (told.textContent !== text) told.textContent = text;
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-errormessage", id);
}
