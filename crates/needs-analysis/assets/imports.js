// What the words of a file mean: headings that nothing is read under, categories and areas that are unknown. It is said once and
// remembered for the source, and the file is tried again. Every value is set as text.
import { api } from "/static/api.js";

const form = /** @type {HTMLFormElement} */ (document.getElementById("import"));
const place = /** @type {HTMLElement} */ (document.getElementById("meanings"));
const words = place.dataset;

/** @param {string} name @param {string} text @param {string} [kind] */
function element(name, text, kind) {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

const source = () => /** @type {HTMLInputElement} */ (form.elements.namedItem("source")).value.trim();

/** @param {string} kind @param {string} said @param {string | null} meant @param {HTMLElement} told */
async function remember(kind, said, meant, told) {
  try {
    await api("PUT", "/v1/imports/mappings", { source: source(), kind, said, meant });
    told.textContent = words.kept || "";
  } catch (problem) {
    told.textContent = problem instanceof Error ? problem.message : "";
  }
}

// The choice for a heading or a category.
/** @param {string} kind @param {string} said @param {string} chosen @param {HTMLElement} told */
function choice(kind, said, chosen, told) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(`meaning-${kind}`));
  const select = /** @type {HTMLSelectElement} */ (/** @type {Element} */ (template.content.firstElementChild).cloneNode(true));
  select.value = chosen;
  select.setAttribute("aria-label", said);
  select.addEventListener("change", () => remember(kind, said, select.value || null, told));
  return select;
}

/** The areas that may be chosen, by what stands in the list. @type {Map<string, string>} */
const areas = new Map();
for (const option of /** @type {NodeListOf<HTMLOptionElement>} */ (document.querySelectorAll("#meaning-areas option"))) {
  areas.set(option.value, option.dataset.code || "");
}

// The choice of an area, found by typing.
/** @param {string} said @param {number} _ @param {HTMLElement} told */
function areaChoice(said, _, told) {
  const input = document.createElement("input");
  input.autocomplete = "off";
  input.setAttribute("aria-label", said);
  input.setAttribute("list", "meaning-areas");
  input.addEventListener("change", () => {
    const code = areas.get(input.value);
    if (code) remember("area", said, code, told);
    else told.textContent = words.nowhere || "";
  });
  return input;
}

/** @param {string} caption @param {[string, (told: HTMLElement) => HTMLElement][]} rows */
function table(caption, rows) {
  if (!rows.length) return [];
  const made = element("table", "", "table");
  const body = document.createElement("tbody");
  for (const [said, control] of rows) {
    const line = document.createElement("tr");
    const told = element("td", "", "faint");
    told.setAttribute("role", "status");
    const cell = document.createElement("td");
    cell.append(control(told));
    line.append(element("td", said), cell, told);
    body.append(line);
  }
  const head = document.createElement("tr");
  for (const text of [words.said, words.meant, ""]) head.append(Object.assign(element("th", text || ""), { scope: "col" }));
  const top = document.createElement("thead");
  top.append(head);
  made.append(element("caption", caption), top, body);
  const scroll = element("div", "", "scroll");
  scroll.append(made);
  return [scroll];
}

/** @param {HTMLElement[]} parts */
function show(parts) {
  place.hidden = !parts.length;
  place.replaceChildren(element("h2", words.title || ""), element("p", words.help || ""), ...parts);
}

form.addEventListener("sanbao:imported", (event) => {
  const report = /** @type {CustomEvent} */ (event).detail;
  const { unused } = report.notes;
  /** @param {any[]} list @param {(said: string, at: number, told: HTMLElement) => HTMLElement} control */
  const rows = (list, control) => list.map((one, at) => /** @type {[string, (told: HTMLElement) => HTMLElement]} */ (
    [one.rows ? `${one.said} × ${one.rows}` : one.said, (told) => control(one.said, at, told)]));
  show([
    ...table(words.columns || "", rows(unused.map((/** @type {string} */ said) => ({ said })), (said, _, told) => choice("column", said, "", told))),
    ...table(words.categories || "", rows(report.unknown.categories, (said, _, told) => choice("category", said, "", told))),
    ...table(words.areas || "", rows(report.unknown.areas, areaChoice)),
  ]);
  if (report.id) {
    const link = /** @type {HTMLAnchorElement} */ (element("a", words.run || ""));
    link.href = `/requests/imports/${report.id}`;
    document.getElementById("result")?.append(link);
  }
});

// A file whose header lacks something is shown with its headings, so that each can be told what it means.
form.addEventListener("sanbao:import-refused", async () => {
  const file = /** @type {HTMLInputElement} */ (form.elements.namedItem("file")).files?.[0];
  if (!file) return;
  const query = new URLSearchParams({ source: source() });
  const { upload } = form.dataset;
  /** @type {FormData | undefined} */ const body = upload ? undefined : new FormData();
  if (upload) query.set("upload", upload);
  body?.append("file", file);
  try {
    const told = await api("POST", `/v1/imports/headings?${query}`, body);
    const rows = told.headings.map((/** @type {any} */ one) => [one.heading, (/** @type {HTMLElement} */ status) => choice("column", one.heading, one.field || "", status)]);
    show(table(words.columns || "", rows));
  } catch {
    place.hidden = true;
  }
});
