// An import form: tries a file or imports it (data-import), and shows what came of it (data-facts). Every value is set as text.
import { api } from "/static/api.js";
import { clearErrors, showErrors } from "/static/form.js";

const form = /** @type {HTMLFormElement} */ (document.getElementById("import"));
const result = /** @type {HTMLElement} */ (document.getElementById("result"));

/** @param {string} name @param {string} text @param {string} [kind] */
function element(name, text, kind) {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

/** @param {any} report */
function show(report) {
  const words = result.dataset;
  const parts = [element("h2", (report.dry_run ? words.dry : words.real) || "")];
  const facts = element("dl", "", "facts");
  for (const name of (words.facts || "").split(" ")) {
    facts.append(element("dt", words[name] || name), element("dd", String(report[name]), "number"));
  }
  parts.push(facts);
  if (report.errors.length) {
    const table = element("table", "", "table");
    const head = document.createElement("tr");
    for (const name of ["row", "column", "reason", "value"]) head.append(Object.assign(element("th", words[name] || name), { scope: "col" }));
    table.append(element("caption", words.errors || ""), document.createElement("thead"), document.createElement("tbody"));
    table.children[1].append(head);
    for (const error of report.errors) {
      const line = document.createElement("tr");
      line.append(element("td", String(error.row), "number"), element("td", error.column), element("td", error.reason), element("td", error.value || ""));
      table.children[2].append(line);
    }
    const scroll = element("div", "", "scroll");
    scroll.append(table);
    parts.push(scroll);
    if (report.error_count > report.errors.length) parts.push(element("p", words.more || "", "faint"));
  }
  result.replaceChildren(...parts);
  result.hidden = false;
  result.focus();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = /** @type {HTMLButtonElement} */ (/** @type {SubmitEvent} */ (event).submitter);
  const buttons = form.querySelectorAll("button");
  const source = /** @type {HTMLInputElement | null} */ (form.elements.namedItem("source"))?.value.trim();
  const body = new FormData();
  const file = /** @type {HTMLInputElement} */ (form.elements.namedItem("file")).files?.[0];
  if (file) body.append("file", file);
  clearErrors(form);
  for (const b of buttons) b.disabled = true;
  result.hidden = false;
  result.replaceChildren(element("p", result.dataset.busy || "", "notice info"));
  try {
    const query = new URLSearchParams({ dry_run: button?.value === "real" ? "false" : "true" });
    if (source) query.set("source", source);
    show(await api("POST", `${form.dataset.import}?${query}`, body));
  } catch (problem) {
    result.hidden = true;
    showErrors(form, problem);
  } finally {
    for (const b of buttons) b.disabled = false;
  }
});
