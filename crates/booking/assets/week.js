// A doctor's week that one paints: a grid of half hours over the rows of the form, by mouse, finger or keyboard (arrows move, space paints, shift
// with an arrow paints on). The rows are what is sent; without this script they are there all the same.
import { api } from "/static/api.js";
import { tell } from "/static/form.js";

const DAY = 1440;
const STEP = 30;
const form = /** @type {HTMLFormElement | null} */ (document.getElementById("week-form"));
const grid = /** @type {HTMLElement | null} */ (document.getElementById("grid"));

/** @typedef {{start: number, end: number}} Stretch */

/** @param {string} text */
const minutes = (text) => (/^\d\d:\d\d/.test(text) ? Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5)) : -1);
/** @param {number} minute */
const clock = (minute) => `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
/** @param {number} minute as a field of time says it: midnight at the end is 00:00 */
const field = (minute) => clock(minute % DAY);

/** @returns {HTMLElement[]} */
const days = () => /** @type {HTMLElement[]} */ ([...(form ? form.querySelectorAll(".week-day") : [])]);

/** @param {Element} row @returns {HTMLInputElement[]} from, to */
const ends = (row) => ["from", "to"].map((end) => /** @type {HTMLInputElement} */ (row.querySelector(`[data-end="${end}"]`)));

/** The fields of a weekday's rows; those that say nothing are left out.
 * @param {HTMLElement} day */
const filled = (day) => [...day.querySelectorAll(".week-row")].map(ends).filter(([from, to]) => from.value || to.value);

/** A weekday as it is typed.
 * @param {HTMLElement} day @returns {{start: string, end: string}[]} */
const typed = (day) => filled(day).map(([from, to]) => ({ start: from.value, end: to.value === "00:00" ? "24:00" : to.value }));

/** @param {HTMLElement} day @returns {boolean[]} each minute of the day */
function painted(day) {
  const taken = new Array(DAY).fill(false);
  for (const { start, end } of typed(day)) {
    const [from, to] = [minutes(start), minutes(end)];
    if (from >= 0 && to > from) taken.fill(true, from, to);
  }
  return taken;
}

/** @param {boolean[]} taken @returns {Stretch[]} */
function stretches(taken) {
  /** @type {Stretch[]} */ const found = [];
  for (let minute = 0; minute < DAY; minute += 1) {
    if (taken[minute] && !taken[minute - 1]) found.push({ start: minute, end: DAY });
    const last = found[found.length - 1];
    if (!taken[minute] && last && taken[minute - 1]) last.end = minute;
  }
  return found;
}

/**
 * Writes a weekday's stretches into its rows, with an empty one after them.
 * @param {HTMLElement} day @param {boolean[]} taken each minute of it
 */
function write(day, taken) {
  const rows = [...day.querySelectorAll(".week-row")];
  const wanted = stretches(taken);
  while (rows.length < wanted.length + 1) {
    const copy = /** @type {Element} */ (rows[rows.length - 1].cloneNode(true));
    for (const input of ends(copy)) input.setAttribute("aria-label", (input.getAttribute("aria-label") || "").replace(/ \d+ /, ` ${rows.length + 1} `));
    rows[rows.length - 1].after(copy);
    rows.push(copy);
  }
  rows.forEach((row, n) => {
    const [from, to] = ends(row);
    from.value = wanted[n] ? field(wanted[n].start) : "";
    to.value = wanted[n] ? field(wanted[n].end) : "";
  });
}

/**
 * Lays the grid over the form's rows.
 * @param {HTMLElement} place
 */
function draw(place) {
  const words = place.dataset;
  const known = days().flatMap((day) => stretches(painted(day)));
  let first = Math.min(7 * 60, ...known.map((stretch) => Math.floor(stretch.start / STEP) * STEP));
  let last = Math.max(19 * 60, ...known.map((stretch) => Math.ceil(stretch.end / STEP) * STEP));
  const table = document.createElement("table");
  table.className = "week-grid";
  table.setAttribute("role", "grid");
  table.setAttribute("aria-multiselectable", "true");
  table.setAttribute("aria-label", words.label || "");
  /** @type {boolean | null} */ let brush = null;

  /** @param {number} weekday @param {number} minute */
  const cell = (weekday, minute) => /** @type {HTMLElement | null} */ (table.querySelector(`[data-day="${weekday}"][data-minute="${minute}"]`));

  const show = () => {
    days().forEach((day, weekday) => {
      const taken = painted(day);
      for (let minute = first; minute < last; minute += STEP) {
        const part = taken.slice(minute, minute + STEP);
        const at = cell(weekday, minute);
        at?.setAttribute("aria-selected", String(part.every(Boolean)));
        if (at) at.dataset.part = String(part.some(Boolean) && !part.every(Boolean));
      }
    });
  };

  /** @param {HTMLElement} at @param {boolean} on */
  const paint = (at, on) => {
    const day = days()[Number(at.dataset.day)];
    const minute = Number(at.dataset.minute);
    const taken = painted(day).fill(on, minute, minute + STEP);
    write(day, taken);
    show();
  };

  const build = () => {
    const head = document.createElement("tr");
    const corner = Object.assign(document.createElement("th"), { textContent: words.time || "", scope: "col" });
    head.append(corner, ...days().map((day) => Object.assign(document.createElement("th"), { textContent: day.dataset.name || "", scope: "col" })));
    const rows = [head];
    for (let minute = first; minute < last; minute += STEP) {
      const row = document.createElement("tr");
      row.append(Object.assign(document.createElement("th"), { textContent: minute % 60 ? "" : clock(minute), scope: "row" }));
      days().forEach((day, weekday) => {
        const at = document.createElement("td");
        at.setAttribute("role", "gridcell");
        at.setAttribute("aria-label", `${day.dataset.name} ${clock(minute)}–${clock(minute + STEP)}`);
        at.tabIndex = weekday === 0 && minute === first ? 0 : -1;
        Object.assign(at.dataset, { day: String(weekday), minute: String(minute) });
        row.append(at);
      });
      rows.push(row);
    }
    for (const row of rows) row.setAttribute("role", "row");
    table.replaceChildren(...rows);
    show();
  };

  /** @param {EventTarget | null} target */
  const cellOf = (target) => (target instanceof Element ? /** @type {HTMLElement | null} */ (target.closest("td[data-day]")) : null);

  /** @param {HTMLElement} at */
  const focus = (at) => {
    for (const other of table.querySelectorAll("td[tabindex='0']")) other.setAttribute("tabindex", "-1");
    at.tabIndex = 0;
    at.focus();
  };

  table.addEventListener("pointerdown", (event) => {
    const at = cellOf(event.target);
    if (!at || event.button > 0) return;
    event.preventDefault();
    brush = at.getAttribute("aria-selected") !== "true";
    focus(at);
    paint(at, brush);
  });
  // A finger keeps its first target, so what lies below it is asked for.
  addEventListener("pointermove", (event) => {
    if (brush === null) return;
    const at = cellOf(document.elementFromPoint(event.clientX, event.clientY));
    if (at && table.contains(at) && (at.getAttribute("aria-selected") === "true") !== brush) paint(at, brush);
  });
  for (const end of ["pointerup", "pointercancel", "blur"]) addEventListener(end, () => { brush = null; });

  const moves = /** @type {Record<string, [number, number]>} */ ({ ArrowUp: [0, -STEP], ArrowDown: [0, STEP], ArrowLeft: [-1, 0], ArrowRight: [1, 0] });
  table.addEventListener("keydown", (event) => {
    const at = cellOf(event.target);
    if (!at) return;
    const on = at.getAttribute("aria-selected") === "true";
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      paint(at, !on);
    } else if (moves[event.key]) {
      event.preventDefault();
      const [across, down] = moves[event.key];
      const next = cell(Number(at.dataset.day) + across, Number(at.dataset.minute) + down);
      if (!next) return;
      focus(next);
      if (event.shiftKey) paint(next, on);
    }
  });

  /** @param {string | undefined} text @param {() => void} act */
  const more = (text, act) => {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: text || "" });
    button.addEventListener("click", () => {
      act();
      build();
      button.hidden = button === earlier ? first <= 0 : last >= DAY;
    });
    return button;
  };
  const earlier = more(words.earlier, () => { first = Math.max(0, first - 180); });
  const later = more(words.later, () => { last = Math.min(DAY, last + 180); });
  earlier.hidden = first <= 0;
  later.hidden = last >= DAY;
  build();
  const help = Object.assign(document.createElement("p"), { className: "help", textContent: words.help || "" });
  place.replaceChildren(help, earlier, table, later);
  const rows = document.getElementById("rows");
  if (rows instanceof HTMLDetailsElement) rows.open = false;
  form?.addEventListener("input", show);
}

if (form && grid) {
  draw(grid);
  form.addEventListener("sanbao:sending", (event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    const week = days().flatMap((day) => typed(day).map((stretch) => ({ weekday: Number(day.dataset.weekday), ...stretch })));
    const { valid_from, valid_to, slot_minutes } = detail.body;
    detail.body = { valid_from, valid_to, slot_minutes, week };
    const [method, path] = (form.dataset.send || "").split(" ");
    delete form.dataset.confirm;
    // What is booked outside the new hours is told before they are saved.
    detail.wait(api(method, `${path}?dry_run=true`, detail.body, { "if-match": `"${form.dataset.version}"` }).then((answer) => {
      const ask = document.getElementById("week")?.dataset.question || "";
      if (answer.outside.length) form.dataset.confirm = ask.replace("{count}", String(answer.outside.length));
    }));
  });
}

// A fault of a stretch stands at its own field; the rows are opened for it.
form?.addEventListener("sanbao:refused", (event) => {
  const { problem } = /** @type {CustomEvent} */ (event).detail;
  const fields = days().flatMap(filled);
  setTimeout(() => {
    for (const error of problem.body?.errors || []) {
      const [, n, end] = /^\/week\/(\d+)\/(start|end)$/.exec(error.pointer) || [];
      const field = fields[Number(n)]?.[end === "end" ? 1 : 0];
      if (!field || !n) continue;
      field.id = `week-${n}-${end}`;
      tell(field, error.detail, "alert");
      document.getElementById("rows")?.setAttribute("open", "");
    }
  });
});

const closed = document.getElementById("closed");
const closing = /** @type {HTMLFormElement | null} */ (document.getElementById("closed-form"));
closing?.addEventListener("sanbao:sending", (event) => {
  const { body } = /** @type {CustomEvent} */ (event).detail;
  const count = JSON.parse(closed?.dataset.booked || "{}")[body.date];
  if (count) closing.dataset.confirm = (closed?.dataset.question || "").replace("{count}", String(count));
  else delete closing.dataset.confirm;
});
