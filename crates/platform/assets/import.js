// An import form: tries a file or imports it (data-import), and shows what came of it (data-facts). Every value is set as text.
import { api } from "/static/api.js";
import { clearErrors, showErrors } from "/static/form.js";
import { PARTS_FROM_BYTES, sendInParts } from "/static/upload.js";

const form = /** @type {HTMLFormElement} */ (document.getElementById("import"));
const result = /** @type {HTMLElement} */ (document.getElementById("result"));
const words = result.dataset;

/** @param {string} name @param {string} text @param {string} [kind] */
function element(name, text, kind) {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

// A table of rows, one text for each head.
/** @param {string} caption @param {string[]} heads @param {string[][]} rows */
function table(caption, heads, rows) {
  const made = element("table", "", "table");
  const head = document.createElement("tr");
  for (const name of heads) head.append(Object.assign(element("th", words[name] || name), { scope: "col" }));
  made.append(element("caption", caption), document.createElement("thead"), document.createElement("tbody"));
  made.children[1].append(head);
  for (const row of rows) {
    const line = document.createElement("tr");
    line.append(...row.map((text, at) => element("td", text, at === 0 ? "number" : "")));
    made.children[2].append(line);
  }
  const scroll = element("div", "", "scroll");
  scroll.append(made);
  return scroll;
}

// A file that the browser keeps: nothing goes to the server for it.
/** @param {string} label @param {string} name @param {string} text */
function download(label, name, text) {
  const link = /** @type {HTMLAnchorElement} */ (element("a", label, "button"));
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  link.download = name;
  const line = document.createElement("p");
  line.append(link);
  return line;
}

// A row's number in a spreadsheet, and its line in a text file where that is another.
/** @param {any} error */
const place = (error) => (error.line ? `${error.row} · ${words.line} ${error.line}` : String(error.row));

/** @param {any} error */
const cells = (error) => [place(error), error.column, error.reason, error.value || ""];

// The faults or the doubts of rows, and whether there are more.
/** @param {string} caption @param {any[]} list @param {number} count */
function faults(caption, list, count) {
  if (!list || !list.length) return [];
  const parts = [table(caption, ["row", "column", "reason", "value"], list.map(cells))];
  if (count > list.length) parts.push(element("p", words.more || "", "faint"));
  return parts;
}

// What is to be said of the file itself.
/** @param {any} notes */
function notesOf(notes) {
  if (!notes) return [];
  const said = [];
  if (notes.sheet) said.push(`${words.sheet} ${notes.sheet}`);
  if (notes.sheets_left) said.push(`${words.sheetsLeft} ${notes.sheets_left}`);
  if (notes.hidden_rows) said.push(`${words.hiddenRows} ${notes.hidden_rows}`);
  if (notes.above) said.push(`${words.above} ${notes.above}`);
  if (notes.unused.length) said.push(`${words.unused} ${notes.unused.join(" · ")}`);
  const list = element("ul", "", "faint");
  list.append(...said.map((text) => element("li", text)));
  return said.length ? [list] : [];
}

// A field of a CSV file.
/** @param {string} text */
const quoted = (text) => `"${text.replaceAll('"', '""')}"`;

// The links of new accounts: told once, to be printed or kept.
/** @param {any[]} links */
function linksOf(links) {
  if (!links || !links.length) return [];
  const rows = links.map((one) => [String(one.row), one.display_name, one.login, new URL(one.link.path, location.href).href]);
  const heads = ["row", "name", "login", "link"];
  const file = [heads.map((head) => quoted(words[head] || head)), ...rows.map((row) => row.map(quoted))];
  return [
    element("p", words.linksOnce || "", "notice warn"),
    download(words.linksFile || "", "links.csv", `\ufeff${file.map((row) => row.join(",")).join("\r\n")}\r\n`),
    table(words.links || "", heads, rows),
  ];
}

/** @param {any} report */
function show(report) {
  const parts = [element("h2", (report.dry_run ? words.dry : words.real) || "")];
  if (report.summary) parts.push(element("p", report.summary));
  if (report.same_file) parts.push(element("p", `${words.sameFile} ${report.same_file.source}`, "notice warn"));
  const facts = element("dl", "", "facts");
  for (const name of (words.facts || "").split(" ")) {
    facts.append(element("dt", words[name] || name), element("dd", String(report[name]), "number"));
  }
  parts.push(facts, ...notesOf(report.notes), ...linksOf(report.links));
  parts.push(...faults(words.errors || "", report.errors, report.error_count));
  if (report.mend) parts.push(download(words.mend || "", "mend.csv", report.mend));
  parts.push(...faults(words.warnings || "", report.warnings, report.warning_count));
  result.replaceChildren(...parts);
  result.hidden = false;
  result.focus();
  form.dispatchEvent(new CustomEvent("sanbao:imported", { detail: report }));
}

/** How often it is asked how far an import is that takes longer than one answer. */
const ASK_MS = 1000;

// How far something is.
/** @param {string} told @param {number} done @param {number} of */
function showProgress(told, done, of) {
  const bar = document.createElement("progress");
  [bar.max, bar.value] = [of || 1, done];
  bar.setAttribute("aria-label", told);
  result.replaceChildren(element("p", `${told} ${done} / ${of}`, "notice info"), bar);
}

const pause = () => new Promise((go) => setTimeout(go, ASK_MS));

/** How often it is asked for a rehearsal at most: it ends with the program that makes it. */
const ASKED_MAX = 1800;

// A rehearsal that goes on after its answer.
/** @param {any} report @param {string} upload */
async function tried(report, upload) {
  for (let asked = 0; asked < ASKED_MAX; asked += 1) {
    result.replaceChildren(element("p", words.busy || "", "notice info"));
    await pause();
    const { tried: done } = await api("GET", `${form.dataset.uploads}/${upload}`);
    if (done) return done;
  }
  return report;
}

// An import that goes on after its answer: how far it is, until it has ended.
/** @param {any} report @param {string} upload */
async function ended(report, upload) {
  if (report.dry_run && report.state === "running") return tried(report, upload);
  let now = report;
  while (now.state === "running") {
    showProgress(words.busy || "", now.done, now.total);
    await pause();
    now = await api("GET", `${form.dataset.import}/${report.id}`);
  }
  return now;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = /** @type {HTMLButtonElement} */ (/** @type {SubmitEvent} */ (event).submitter);
  const buttons = form.querySelectorAll("button");
  const source = /** @type {HTMLInputElement | null} */ (form.elements.namedItem("source"))?.value.trim();
  const file = /** @type {HTMLInputElement} */ (form.elements.namedItem("file")).files?.[0];
  const uploads = file && file.size >= PARTS_FROM_BYTES ? form.dataset.uploads : undefined;
  /** @type {FormData | undefined} */ const body = uploads ? undefined : new FormData();
  if (file) body?.append("file", file);
  delete form.dataset.upload;
  clearErrors(form);
  for (const b of buttons) b.disabled = true;
  result.hidden = false;
  result.replaceChildren(element("p", words.busy || "", "notice info"));
  try {
    const query = new URLSearchParams({ dry_run: button?.value === "real" ? "false" : "true" });
    if (source) query.set("source", source);
    if (file && uploads) {
      form.dataset.upload = await sendInParts(uploads, file, (done, of) => showProgress(words.sending || "", done, of));
      query.set("upload", form.dataset.upload);
      result.replaceChildren(element("p", words.busy || "", "notice info"));
    }
    const report = await api("POST", `${form.dataset.import}?${query}`, body);
    show(await ended(report, form.dataset.upload || ""));
  } catch (problem) {
    result.hidden = true;
    showErrors(form, problem);
    form.dispatchEvent(new CustomEvent("sanbao:import-refused", { detail: problem }));
  } finally {
    for (const b of buttons) b.disabled = false;
  }
});
